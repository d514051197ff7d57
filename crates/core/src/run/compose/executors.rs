//! The composition.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::able::Able;
use super::measured::Measured;
use super::pace::{Given, Pace, kind};
use crate::error::{Error, ErrorKind};
use crate::plan::Unit;
use crate::run::{Executor, Outcome, RunContext, UnitReport, Verdict};

/// Executors that share the units of a plan among themselves: for [`Runner::over`](crate::run::Runner::over).
///
/// A unit goes to one that takes it: the earlier one, unless a later one is expected to have it done clearly sooner. What
/// is expected comes of what executors say ([`Executor::cost`]), of what they took before, and of what they have
/// in work. After a failure that may pass, a unit begins anew on the next one that takes it, and the one that failed is
/// left alone for a while. That an executor was passed over, because it does not take the unit or failed, is always
/// told: in `ran_on`, and once a clip as a finding.
///
/// A unit never changes executors between its frames. The units of a clip may go to several, as long as their pictures are
/// equal within stated tolerances ([`Executor::pictures`]): a clip is never made by two kinds of pipelines. Where the very bytes
/// must not depend on how busy the machine is, say [`Executors::by_preference`].
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
    /// The classes of the pictures of clips.
    clips: Arc<Mutex<HashMap<String, String>>>,
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

/// Which executor a unit goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// This one.
    Now(usize),
    /// One that has no seat free, and will have the unit done sooner than those that have.
    Later,
}

/// How much sooner a later executor has to be done to be taken in an earlier one's place.
const CLEARLY: f64 = 0.75;

/// How long an executor is left alone after a failure that may pass.
const REST: Duration = Duration::from_secs(60);

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
    /// device. Before the first, it says nothing.
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

    /// Each executor inside another: a cache, a trace. Seats and what was measured are kept; what was decided for clips is not.
    pub fn each(mut self, around: impl Fn(Arc<dyn Executor>) -> Arc<dyn Executor>) -> Self {
        for member in &mut self.members {
            member.executor = around(Arc::clone(&member.executor));
        }
        self.clips = Arc::default();
        self.named()
    }

    /// Their names.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// In order of preference.
    pub fn members(&self) -> impl Iterator<Item = &Arc<dyn Executor>> {
        self.members.iter().map(|m| &m.executor)
    }

    /// Asks them whether they take `unit`: all, or (by preference) up to the first that does. Asking may start a server;
    /// drop the future to stop asking.
    pub async fn able(&self, unit: &Unit) -> Able {
        let mut able = Able { kind: if self.counts_costs() { kind(unit) } else { 0 }, ..Able::default() };
        self.ask(unit, &mut able).await;
        able
    }

    /// The same executors for another run: what was decided for clips is forgotten.
    pub(crate) fn anew(&self) -> Self {
        Self { clips: Arc::default(), ..self.clone() }
    }

    /// Which of those that take the unit would run it if all had room.
    pub fn choice(&self, unit: &Unit, able: &Able) -> Option<usize> {
        match self.choose(unit, able, |_| (1, 1)) {
            Some(Choice::Now(i)) => Some(i),
            _ => None,
        }
    }

    /// Why none of them takes a unit.
    pub fn refusal(&self, able: &Able) -> String {
        match able.refusals.as_slice() {
            [] => "there is no executor".to_owned(),
            [(i, why)] => format!("`{}` does not take the unit: {why}", self.name_of(*i)),
            all => {
                let reasons: Vec<String> = all.iter().map(|(i, why)| format!("{}: {why}", self.name_of(*i))).collect();
                format!("no executor takes the unit: {}", reasons.join("; "))
            }
        }
    }

    /// Runs one unit to its end, waiting for a seat where all are taken.
    pub async fn run(&self, unit: &Unit, cx: &RunContext) -> UnitReport {
        let ended = |unit: &Unit, e: Error| UnitReport::begin(unit, &self.name).failed(&e.clip(&unit.clip.name));
        let cancelled = || Error::new(ErrorKind::Cancelled, "cancelled while executors were asked");
        let asked = async |unit: &Unit| {
            tokio::select! {
                able = self.able(unit) => Some(able),
                () = cx.cancel.cancelled() => None,
            }
        };
        let mut unit = unit.clone();
        let Some(mut able) = asked(&unit).await else { return ended(&unit, cancelled()) };
        loop {
            let room =
                |i: usize| self.members[i].seats.as_ref().map_or((1, 1), |s| (s.free.available_permits(), s.all));
            let chosen = match self.choose(&unit, &able, room) {
                Some(Choice::Now(i)) => Some(i),
                Some(Choice::Later) => self.choice(&unit, &able),
                None => None,
            };
            let Some((chosen, _given)) = chosen.and_then(|i| Some((i, self.give(i, &unit, &able)?))) else {
                // Its clip was begun by another kind of pipeline since it was asked.
                let Some(again) = asked(&unit).await else { return ended(&unit, cancelled()) };
                if again.nobody() || again.candidates() == able.candidates() {
                    return ended(&unit, Error::new(ErrorKind::Unsupported, self.refusal(&again)));
                }
                able = again;
                continue;
            };
            let mut report = self.attempt(chosen, &unit, cx).await;
            if !self.goes_on(chosen, &unit, &report, &mut able, cx).await {
                self.tell(chosen, &unit, &able, &mut report);
                return report;
            }
            unit.overwrite |= able.overwrite;
        }
    }

    /// As [`Executors::choice`], if `room` tells how many units each of them could begin now, and how many it runs at a
    /// time.
    pub(crate) fn choose(&self, unit: &Unit, able: &Able, room: impl Fn(usize) -> (usize, usize)) -> Option<Choice> {
        let mut candidates = self.usable(unit, able);
        if candidates.iter().any(|i| self.members[*i].pace.rests().is_none()) {
            candidates.retain(|i| self.members[*i].pace.rests().is_none());
        }
        let first = *candidates.first()?;
        let now = |i: usize| if room(i).0 > 0 { Choice::Now(i) } else { Choice::Later };
        if self.by_preference || candidates.len() < 2 {
            return Some(now(first));
        }
        let costs: Vec<(usize, Option<f64>)> = candidates.iter().map(|&i| (i, self.expected(i, unit, able))).collect();
        // Of one that nobody knows anything of it is supposed that it is as good as the others: it is tried.
        let least = costs.iter().filter_map(|(_, c)| *c).reduce(f64::min).unwrap_or(1.0);
        let done = |(i, cost): (usize, Option<f64>)| {
            let wait = match room(i) {
                (0, all) => self.members[i].pace.given() / all.max(1) as f64,
                _ => 0.0,
            };
            (i, wait + cost.unwrap_or(least))
        };
        let soonest = costs.into_iter().map(done).reduce(|a, b| if b.1 < a.1 * CLEARLY { b } else { a });
        soonest.map(|(i, _)| now(i))
    }

    /// Whether `chosen` failed a moment ago, and others were not asked yet.
    pub(crate) fn asks_others(&self, chosen: usize, able: &Able) -> bool {
        able.asked < self.members.len() && self.members[chosen].pace.rests().is_some()
    }

    /// Whether it is left alone after a failure.
    pub(crate) fn rests(&self, member: usize) -> bool {
        self.members.len() > 1 && self.members[member].pace.rests().is_some()
    }

    /// The most units that one of them runs at a time, where it was said.
    pub(crate) fn seats(&self, member: usize) -> Option<usize> {
        self.members[member].seats.as_ref().map(|s| s.all)
    }

    /// `unit` goes to `chosen`: it counts as work of it until what comes back is dropped, and its clip is bound to the
    /// class of its pictures. `None` where it is bound to another by now.
    pub(crate) fn give(&self, chosen: usize, unit: &Unit, able: &Able) -> Option<Given> {
        if self.members.len() < 2 {
            return Some(Given::uncounted());
        }
        let member = &self.members[chosen];
        let mut clips = self.clips.lock().unwrap_or_else(PoisonError::into_inner);
        let class = clips.entry(clip_key(unit)).or_insert_with(|| member.executor.pictures().to_owned());
        if class != member.executor.pictures() {
            return None;
        }
        drop(clips);
        if !self.counts_costs() {
            return Some(Given::uncounted());
        }
        let known = able.candidates().iter().filter_map(|&i| self.expected(i, unit, able)).reduce(f64::min);
        Some(member.pace.give(unit, able.kind, said(member, unit), known.unwrap_or(1.0)))
    }

    /// One attempt at `unit`, on `chosen`.
    pub(crate) async fn attempt(&self, chosen: usize, unit: &Unit, cx: &RunContext) -> UnitReport {
        let member = &self.members[chosen];
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
        member.executor.run(unit, cx).await
    }

    /// Whether another executor is to try, after the attempt of `chosen` that `report` tells of.
    pub(crate) async fn goes_on(
        &self,
        chosen: usize,
        unit: &Unit,
        report: &UnitReport,
        able: &mut Able,
        cx: &RunContext,
    ) -> bool {
        let why = match &report.outcome {
            Outcome::Failed(f) if f.retryable && !cx.cancel.is_cancelled() => &f.message,
            _ => return false,
        };
        let mut next = able.clone();
        next.takers.retain(|i| *i != chosen);
        next.absent.retain(|i| *i != chosen);
        next.refusals.retain(|(i, _)| *i != chosen);
        next.refusals.push((chosen, format!("it failed: {why}")));
        next.failed += 1;
        // What the attempt finished is the unit's own.
        next.overwrite |= !report.outputs.is_empty();
        tokio::select! {
            () = self.ask(unit, &mut next) => {}
            () = cx.cancel.cancelled() => return false,
        }
        if self.usable(unit, &next).is_empty() {
            return false;
        }
        let executor = self.members[chosen].executor.name();
        tracing::warn!(unit = %unit.id, executor, why, "another executor takes over");
        self.members[chosen].pace.rest(why, Instant::now() + REST);
        *able = next;
        true
    }

    /// Says in `report` who was passed over.
    pub(crate) fn tell(&self, chosen: usize, unit: &Unit, able: &Able, report: &mut UnitReport) {
        let mut able = able.clone();
        for i in self.usable(unit, &able).into_iter().filter(|i| *i < chosen) {
            if let Some(why) = self.members[i].pace.rests() {
                able.refusals.push((i, format!("it failed a moment ago: {why}")));
            }
        }
        let sooner = self.usable(unit, &able).iter().any(|i| *i < chosen);
        if !able.tell(chosen, unit, report, |i| self.name_of(i).to_owned()) && sooner {
            report.ran_on = format!("{}, which was expected to be done sooner", report.ran_on);
        }
    }

    /// Asks those that were not asked, as far as it is needed.
    async fn ask(&self, unit: &Unit, able: &mut Able) {
        let enough =
            |able: &Able| self.by_preference && able.takers.iter().any(|i| self.members[*i].pace.rests().is_none());
        while able.asked < self.members.len() && !enough(able) {
            let next = able.asked;
            able.asked += 1;
            let member = &self.members[next];
            if let Some(class) = self.class_of(unit).filter(|class| class != member.executor.pictures()) {
                able.refusals.push((next, format!("other units of the clip are made with the pictures of `{class}`")));
                continue;
            }
            match member.executor.accepts(unit).await {
                Verdict::Yes => able.takers.push(next),
                Verdict::No(why) => able.refusals.push((next, why)),
                Verdict::NotNow(why) => {
                    able.absent.push(next);
                    able.refusals.push((next, why));
                }
            }
        }
    }

    /// Those that may run the unit now, in order of preference, whose pictures are of the class that the clip's other units
    /// have.
    fn usable(&self, unit: &Unit, able: &Able) -> Vec<usize> {
        let class = self.class_of(unit);
        let fits = |i: &usize| class.as_deref().is_none_or(|class| self.members[*i].executor.pictures() == class);
        let takers: Vec<usize> = able.takers.iter().copied().filter(fits).collect();
        if takers.is_empty() { able.absent.iter().copied().filter(fits).collect() } else { takers }
    }

    fn class_of(&self, unit: &Unit) -> Option<String> {
        if self.members.len() < 2 {
            return None;
        }
        self.clips.lock().unwrap_or_else(PoisonError::into_inner).get(&clip_key(unit)).cloned()
    }

    /// Whether it matters what units cost.
    fn counts_costs(&self) -> bool {
        self.members.len() > 1 && !self.by_preference
    }

    fn expected(&self, member: usize, unit: &Unit, able: &Able) -> Option<f64> {
        let member = &self.members[member];
        member.pace.expected(unit, able.kind, said(member, unit))
    }

    fn with(mut self, at: usize, executor: Arc<dyn Executor>) -> Self {
        let pace = Arc::<Pace>::default();
        let executor = Arc::new(Measured { inner: executor, pace: Arc::clone(&pace) });
        self.members.insert(at, Member { executor, seats: None, pace });
        self.newest = at;
        self.named()
    }

    fn named(mut self) -> Self {
        self.name = self.members().map(|e| e.name()).collect::<Vec<_>>().join(" or ");
        self
    }

    fn name_of(&self, member: usize) -> &str {
        self.members.get(member).map_or("?", |m| m.executor.name())
    }
}

fn said(member: &Member, unit: &Unit) -> Option<f64> {
    member.executor.cost(unit).as_ref().map(Duration::as_secs_f64)
}

/// Clips of one name that are made into different folders are different clips.
fn clip_key(unit: &Unit) -> String {
    format!("{}\n{}", unit.clip.name, unit.out.display())
}
