//! The composition.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::pace::Pace;
use crate::error::{Error, ErrorKind};
use crate::media::Finding;
use crate::plan::Unit;
use crate::run::{Executor, Outcome, RunContext, UnitReport, Verdict};

/// Executors that share the units of a plan among themselves.
///
/// A unit goes to one that takes it: the earlier one, unless a later one is expected to have it done clearly sooner. What
/// is expected comes of what executors say ([`Executor::cost`]), of what they took before, and of what they have
/// in work. A unit never changes executors between its frames; after a failure that may pass, it begins anew on the next
/// one that takes it. That an executor was passed over, because it does not take the unit or failed, is always
/// told: in `ran_on` and as a finding.
///
/// Executors whose classes of results differ ([`Executor::results`]) make equal pictures within tolerances, and not equal bytes: where the
/// bytes of outputs must not depend on how busy the machine is, say [`Executors::by_preference`].
///
/// ```
/// # use std::sync::Arc;
/// # use rushes_core::run::{Executor, Executors};
/// # fn f(gpu: Arc<dyn Executor>, local: Arc<dyn Executor>, filmlight: Arc<dyn Executor>) -> Executors {
/// Executors::new().prefer(gpu).then(local).then(filmlight).at_once(2)
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Executors {
    members: Vec<Member>,
    /// The one that was added last.
    newest: usize,
    by_preference: bool,
    name: String,
}

#[derive(Debug, Clone)]
struct Member {
    executor: Arc<dyn Executor>,
    seats: Option<Seats>,
    pace: Arc<Pace>,
}

/// Units that an executor runs at a time.
#[derive(Debug, Clone)]
struct Seats {
    free: Arc<Semaphore>,
    all: usize,
}

/// Which executors take a unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Able {
    /// Their numbers, in order of preference.
    pub takers: Vec<usize>,
    /// Those that could not say ([`Verdict::NotNow`]): where there is no taker, the first of them is run, and fails in a way
    /// that may pass.
    pub absent: Vec<usize>,
    /// Those that do not take it or could not say, and why.
    pub refusals: Vec<(usize, String)>,
    /// How many were asked.
    asked: usize,
}

/// Which executor a unit goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// This one.
    Now(usize),
    /// One that has no seat free, and will have the unit done sooner than those that have.
    Later,
}

/// How much sooner a later executor has to be done to be taken in an earlier one's place.
const CLEARLY: f64 = 0.75;

impl Executors {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more, before those there are.
    pub fn prefer(self, executor: Arc<dyn Executor>) -> Self {
        self.with(0, executor)
    }

    /// With one more, after those there are.
    pub fn then(self, executor: Arc<dyn Executor>) -> Self {
        let last = self.members.len();
        self.with(last, executor)
    }

    /// The one that was added last runs at most so many units at a time, at least one: seats of a licence, sessions of a
    /// device.
    pub fn at_once(mut self, units: usize) -> Self {
        let all = units.max(1);
        if let Some(newest) = self.members.get_mut(self.newest) {
            newest.seats = Some(Seats { free: Arc::new(Semaphore::new(all)), all });
        }
        self
    }

    /// Each unit goes to the first that takes it, whatever it costs.
    pub fn by_preference(mut self) -> Self {
        self.by_preference = true;
        self
    }

    /// Each executor inside another: a cache, a trace. Seats are kept.
    pub fn each(mut self, around: impl Fn(Arc<dyn Executor>) -> Arc<dyn Executor>) -> Self {
        for member in &mut self.members {
            member.executor = around(Arc::clone(&member.executor));
        }
        self.named()
    }

    /// In order of preference.
    pub fn members(&self) -> impl Iterator<Item = &Arc<dyn Executor>> {
        self.members.iter().map(|m| &m.executor)
    }

    /// The most units that one of them runs at a time, where it was said.
    pub(crate) fn seats(&self, member: usize) -> Option<usize> {
        self.members[member].seats.as_ref().map(|s| s.all)
    }

    /// Asks them whether they take `unit`: all, or (by preference) up to the first that does; asking may start a server.
    pub async fn able(&self, unit: &Unit) -> Able {
        let mut able = Able::default();
        while able.asked < self.members.len() && (able.takers.is_empty() || !self.by_preference) {
            self.ask_next(unit, &mut able).await;
        }
        able
    }

    async fn ask_next(&self, unit: &Unit, able: &mut Able) {
        let next = able.asked;
        able.asked += 1;
        match self.members[next].executor.accepts(unit).await {
            Verdict::Yes => able.takers.push(next),
            Verdict::No(why) => able.refusals.push((next, why)),
            Verdict::NotNow(why) => {
                able.absent.push(next);
                able.refusals.push((next, why));
            }
        }
    }

    /// Which of those that take the unit runs it, if `room` tells how many units each of them could begin now.
    pub fn choose(&self, unit: &Unit, able: &Able, room: impl Fn(usize) -> usize) -> Option<Choice> {
        let first = *able.takers.first().or(able.absent.first())?;
        let now = |i: usize| if room(i) > 0 { Choice::Now(i) } else { Choice::Later };
        if self.by_preference || able.takers.len() < 2 {
            return Some(now(first));
        }
        let costs: Vec<(usize, Option<f64>)> = able.takers.iter().map(|&i| (i, self.expected(i, unit))).collect();
        // Of one that nobody knows anything of it is supposed that it is as good as the others: it is tried.
        let least = costs.iter().filter_map(|(_, c)| *c).reduce(f64::min).unwrap_or(1.0);
        let done = |(i, cost): (usize, Option<f64>)| {
            let wait = match room(i) {
                0 => self.members[i].pace.given() / self.seats(i).unwrap_or(1) as f64,
                _ => 0.0,
            };
            (i, wait + cost.unwrap_or(least))
        };
        let soonest = costs.into_iter().map(done).reduce(|a, b| if b.1 < a.1 * CLEARLY { b } else { a });
        soonest.map(|(i, _)| now(i))
    }

    /// Runs `unit` on the executor `chosen`, and after a failure that may pass on the next one that takes it.
    pub async fn run_on(&self, chosen: usize, able: &Able, unit: &Unit, cx: &RunContext) -> UnitReport {
        let mut told: Vec<String> = able
            .refusals
            .iter()
            .filter(|(i, _)| *i < chosen)
            .map(|(i, why)| format!("{}: {why}", self.members[*i].executor.name()))
            .collect();
        let sooner = able.takers.iter().any(|i| *i < chosen);
        let (mut able, mut unit, mut at) = (able.clone(), unit.clone(), chosen);
        able.takers.retain(|i| *i != chosen);
        loop {
            let member = &self.members[at];
            let mut report = self.run_member(member, &unit, cx).await;
            let failed = match &report.outcome {
                Outcome::Failed(f) if f.retryable && !cx.cancel.is_cancelled() => Some(f.message.clone()),
                _ => None,
            };
            if let Some(why) = failed {
                while able.takers.is_empty() && able.asked < self.members.len() {
                    self.ask_next(&unit, &mut able).await;
                }
                if !able.takers.is_empty() {
                    at = able.takers.remove(0);
                    tracing::warn!(unit = %unit.id, executor = member.executor.name(), why, "another one takes over");
                    told.push(format!("{}: it failed: {why}", member.executor.name()));
                    // What the attempt finished is the unit's own.
                    unit.overwrite |= !report.outputs.is_empty();
                    continue;
                }
            }
            if !told.is_empty() {
                let why = told.join("; ");
                report.findings.push(
                    Finding::info("executor-fallback", format!("ran on {} because {why}", member.executor.name()))
                        .clip(&unit.clip.name),
                );
                report.ran_on = format!("{} after {why}", report.ran_on);
            } else if sooner {
                report.ran_on = format!("{}, which was expected to be done sooner", report.ran_on);
            }
            return report;
        }
    }

    async fn run_member(&self, member: &Member, unit: &Unit, cx: &RunContext) -> UnitReport {
        let said = self.said(member, unit);
        // Given back also when the caller drops the run.
        let _given = Given::to(&member.pace, member.pace.expected(unit, said).unwrap_or(0.0));
        let _seat = match &member.seats {
            None => None,
            Some(seats) => tokio::select! {
                biased;
                () = cx.cancel.cancelled() => {
                    let e = Error::new(ErrorKind::Cancelled, "cancelled while waiting for a seat");
                    return UnitReport::begin(unit, member.executor.name()).failed(&e);
                }
                seat = seats.free.acquire() => seat.ok(),
            },
        };
        let report = member.executor.run(unit, cx).await;
        // What a cache gave took no time, and tells nothing.
        if self.members.len() > 1 && report.is_done() && report.wall_ms > 0.0 {
            member.pace.measured(unit, said, report.wall_ms / 1e3);
        }
        report
    }

    fn expected(&self, member: usize, unit: &Unit) -> Option<f64> {
        let member = &self.members[member];
        member.pace.expected(unit, self.said(member, unit))
    }

    fn said(&self, member: &Member, unit: &Unit) -> Option<f64> {
        let alone = self.members.len() == 1;
        member.executor.cost(unit).filter(|_| !alone).as_ref().map(Duration::as_secs_f64)
    }

    fn with(mut self, at: usize, executor: Arc<dyn Executor>) -> Self {
        self.members.insert(at, Member { executor, seats: None, pace: Arc::default() });
        self.newest = at;
        self.named()
    }

    fn named(mut self) -> Self {
        self.name = self.members().map(|e| e.name()).collect::<Vec<_>>().join(" or ");
        self
    }

    fn nobody(&self, unit: &Unit, able: &Able) -> UnitReport {
        let e = match able.absent.is_empty() {
            true => Error::new(ErrorKind::Unsupported, self.refusal(able)),
            false => Error::new(ErrorKind::Io, self.refusal(able)).retryable(),
        };
        UnitReport::begin(unit, &self.name).failed(&e.clip(&unit.clip.name))
    }

    /// Why none of them takes a unit.
    pub fn refusal(&self, able: &Able) -> String {
        let name = |i: &usize| self.members.get(*i).map_or("?", |m| m.executor.name());
        match able.refusals.as_slice() {
            [] => "there is no executor".to_owned(),
            [(i, why)] => format!("`{}` does not take the unit: {why}", name(i)),
            all => {
                let reasons: Vec<String> = all.iter().map(|(i, why)| format!("{}: {why}", name(i))).collect();
                format!("no executor takes the unit: {}", reasons.join("; "))
            }
        }
    }
}

/// Work that an executor was given and has not ended.
struct Given<'a>(&'a Pace, f64);

impl<'a> Given<'a> {
    fn to(pace: &'a Pace, seconds: f64) -> Self {
        pace.give(seconds);
        Self(pace, seconds)
    }
}

impl Drop for Given<'_> {
    fn drop(&mut self) {
        self.0.give(-self.1);
    }
}

#[async_trait::async_trait]
impl Executor for Executors {
    fn name(&self) -> &str {
        &self.name
    }

    async fn accepts(&self, unit: &Unit) -> Verdict {
        let able = self.able(unit).await;
        match (able.takers.is_empty(), able.absent.is_empty()) {
            (false, _) => Verdict::Yes,
            (true, true) => Verdict::No(self.refusal(&able)),
            (true, false) => Verdict::NotNow(self.refusal(&able)),
        }
    }

    async fn run(&self, unit: &Unit, cx: &RunContext) -> UnitReport {
        let able = self.able(unit).await;
        if able.takers.is_empty() {
            return self.nobody(unit, &able);
        }
        let room = |i: usize| self.members[i].seats.as_ref().map_or(1, |s| s.free.available_permits());
        match self.choose(unit, &able, room) {
            None => self.nobody(unit, &able),
            Some(Choice::Now(i)) => self.run_on(i, &able, unit, cx).await,
            // Whoever has no seat is waited for.
            Some(Choice::Later) => {
                let Some(Choice::Now(i)) = self.choose(unit, &able, |_| 1) else { return self.nobody(unit, &able) };
                self.run_on(i, &able, unit, cx).await
            }
        }
    }
}
