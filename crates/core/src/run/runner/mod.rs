//! Runs the units of a plan on executors.

mod schedule;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::{
    Able, Budget, CancellationToken, Event, Events, Executor, Executors, Outcome, RunContext, RunReport, UnitReport,
};
use crate::error::{Error, ErrorKind, Result, guarded};
use crate::plan::{Plan, Unit};
use schedule::{Begin, Schedule};

/// Runs units side by side, the urgent ones first, within a memory budget.
///
/// The library starts no runtime: call [`Runner::run`] inside yours (tokio, any flavour).
#[derive(Debug, Clone)]
pub struct Runner {
    executors: Executors,
    concurrency: usize,
    budget: Budget,
    events: Events,
    cancel: CancellationToken,
}

impl Runner {
    /// Two units at a time (one encodes while the other starts), no ceiling, no listener.
    pub fn new(executor: Arc<dyn Executor>) -> Self {
        Self::over(Executors::new().prefer(executor))
    }

    /// The same on several executors, two units at a time on each of which nothing else was said.
    pub fn over(executors: Executors) -> Self {
        Self {
            executors: executors.anew(),
            concurrency: 2,
            budget: Budget::unlimited(),
            events: Events::none(),
            cancel: CancellationToken::new(),
        }
    }

    /// The executors, and what was decided for clips.
    pub fn executors(&self) -> &Executors {
        &self.executors
    }

    /// Units at a time, at least one, on each executor of which nothing else was said ([`Executors::at_once`]).
    pub fn concurrency(mut self, units: usize) -> Self {
        self.concurrency = units.max(1);
        self
    }

    /// The memory that frames in flight may take.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// Who hears what happens.
    pub fn events(mut self, events: Events) -> Self {
        self.events = events;
        self
    }

    /// Cancels the run when it fires.
    pub fn cancel(mut self, cancel: CancellationToken) -> Self {
        self.cancel = cancel;
        self
    }

    /// Runs every unit of `plan`, higher priorities first and plan order within one; a unit whose executor is busy lets
    /// pass those that others have time for. A unit that fails does not stop the others.
    pub async fn run(&self, plan: &Plan) -> RunReport {
        let units: Vec<&Unit> = plan.units().collect();
        self.events.send(Event::RunStarted { units: units.len(), frames: plan.frames() });
        for finding in &plan.findings {
            self.events.send(Event::Found { finding: finding.clone() });
        }
        let mut report = RunReport { units: self.run_all(&units).await, findings: Vec::new() };
        report.gather(&plan.findings);
        let count = |f: fn(&Outcome) -> bool| report.units.iter().filter(|u| f(&u.outcome)).count();
        self.events.send(Event::RunFinished {
            done: count(|o| matches!(o, Outcome::Done)),
            failed: count(|o| matches!(o, Outcome::Failed(_))),
            cancelled: count(|o| matches!(o, Outcome::Cancelled)),
        });
        report
    }

    async fn run_all(&self, units: &[&Unit]) -> Vec<UnitReport> {
        // A caller that drops the run has no use for what is under way.
        let cancel = self.cancel.child_token();
        let _dropped = cancel.clone().drop_guard();
        let mut reports: Vec<Option<UnitReport>> = vec![None; units.len()];
        let mut schedule = Schedule::new(&self.executors, units, self.concurrency);
        let mut tasks = Tasks { runner: self.clone().cancel(cancel), running: JoinSet::new(), places: HashMap::new() };
        // What is asked for, by rank, and since when.
        let (mut asking, mut asked): (BTreeMap<usize, Instant>, usize) = Default::default();
        loop {
            let patient = asking.values().max().is_some_and(|since| since.elapsed() < PATIENCE);
            if !self.cancel.is_cancelled() {
                // Nobody overtakes a more urgent unit, but for one whose executors take long to answer.
                let first = asking.iter().find(|(_, since)| since.elapsed() < PATIENCE).map(|(rank, _)| *rank);
                while let Some(begin) = schedule.begin(first) {
                    tasks.begin(begin, units);
                }
                if !patient
                    && asking.len() < ASKED
                    && let Some((rank, i)) = schedule.next_to_ask()
                {
                    match tasks.ask(rank, i, units[i]) {
                        Ok(Some(able)) if able.nobody() => reports[i] = Some(self.refused(units[i], &able)),
                        Ok(Some(able)) => schedule.put(rank, i, able),
                        Ok(None) => drop(asking.insert(rank, Instant::now())),
                        Err(e) => reports[i] = Some(self.ended(units[i], e)),
                    }
                    asked += 1;
                    if asked % 32 == 0 {
                        tokio::task::yield_now().await;
                    }
                    continue;
                }
            }
            let more = (patient || schedule.holds_back()) && !self.cancel.is_cancelled();
            let ended = tokio::select! {
                ended = tasks.running.join_next_with_id() => ended,
                () = tokio::time::sleep(PATIENCE), if more => continue,
            };
            let (id, step) = match ended {
                None => break,
                Some(Ok((id, step))) => (id, Some(step)),
                // An executor panicked; the unit is found below by its missing report.
                Some(Err(e)) => {
                    tracing::error!("an executor ended without a report: {e}");
                    (e.id(), None)
                }
            };
            let Some(place) = tasks.places.remove(&id) else { continue };
            match place.executor {
                Some(executor) => schedule.ended(executor),
                None => drop(asking.remove(&place.rank)),
            }
            match step {
                None => {}
                Some(Step::Ended(report)) => reports[place.unit] = Some(*report),
                Some(Step::Able(able)) if able.nobody() => {
                    reports[place.unit] = Some(self.refused(units[place.unit], &able));
                }
                Some(Step::Able(able)) => schedule.put(place.rank, place.unit, able),
                Some(Step::Stopped) => reports[place.unit] = Some(self.not_begun(units[place.unit])),
            }
        }
        for unit in schedule.left() {
            reports[unit] = Some(self.not_begun(units[unit]));
        }
        let panicked = |unit| {
            let e = Error::new(ErrorKind::Panicked, format!("an executor panicked: `{}`", self.executors.name()));
            self.ended(unit, e)
        };
        reports.into_iter().zip(units).map(|(report, unit)| report.unwrap_or_else(|| panicked(unit))).collect()
    }

    fn refused(&self, unit: &Unit, able: &Able) -> UnitReport {
        self.ended(unit, Error::new(ErrorKind::Unsupported, self.executors.refusal(able)))
    }

    fn not_begun(&self, unit: &Unit) -> UnitReport {
        let e = Error::new(ErrorKind::Cancelled, "the run was cancelled");
        UnitReport::begin(unit, self.executors.name()).failed(&e)
    }

    /// The report on a unit that did not run.
    fn ended(&self, unit: &Unit, e: Error) -> UnitReport {
        let report = UnitReport::begin(unit, self.executors.name()).failed(&e.clip(&unit.clip.name));
        self.events.send(Event::UnitFinished { report: report.clone() });
        report
    }

    /// One attempt; where it failed and another executor is to try, who.
    async fn attempt(&self, executor: usize, mut able: Able, unit: &Unit) -> Step {
        if able.is_first() {
            self.events.send(Event::UnitStarted {
                unit: unit.id.clone(),
                clip: unit.clip.name.clone(),
                frames: unit.range.len(),
            });
        }
        let cx =
            RunContext { cancel: self.cancel.child_token(), events: self.events.clone(), budget: self.budget.clone() };
        let mut report = self.executors.attempt(executor, &able.of(unit), &cx).await;
        if self.executors.goes_on(executor, unit, &report, &mut able, &cx).await {
            return Step::Able(able);
        }
        self.executors.tell(executor, unit, &able, &mut report);
        for finding in &report.findings {
            self.events.send(Event::Found { finding: finding.clone() });
        }
        self.events.send(Event::UnitFinished { report: report.clone() });
        Step::Ended(Box::new(report))
    }
}

/// How long it is waited for executors to say whether they take a unit, before less urgent units are asked for.
const PATIENCE: Duration = Duration::from_millis(200);

/// Units that executors are asked for at the same time.
const ASKED: usize = 8;

/// What a task came to.
enum Step {
    /// It is known who takes the unit, or who takes it over.
    Able(Able),
    /// The unit ended.
    Ended(Box<UnitReport>),
    /// The run was cancelled before it was known.
    Stopped,
}

/// The tasks of a run, and the units they are for.
struct Tasks {
    runner: Runner,
    running: JoinSet<Step>,
    places: HashMap<tokio::task::Id, Place>,
}

struct Place {
    rank: usize,
    unit: usize,
    /// Who runs it; nobody yet, where executors are asked.
    executor: Option<usize>,
}

impl Tasks {
    /// Who takes the unit, if that is known at once; else a task will tell.
    fn ask(&mut self, rank: usize, i: usize, unit: &Unit) -> Result<Option<Able>> {
        let (runner, unit) = (self.runner.clone(), unit.clone());
        let mut ask = Box::pin(async move {
            tokio::select! {
                biased;
                able = runner.executors.able(&unit) => Step::Able(able),
                () = runner.cancel.cancelled() => Step::Stopped,
            }
        });
        // A task of its own is for those that wait for something: most look at the unit and know.
        let poll = || Ok(ask.as_mut().poll(&mut Context::from_waker(Waker::noop())));
        match guarded("an executor that was asked", poll)? {
            Poll::Ready(Step::Able(able)) => Ok(Some(able)),
            Poll::Ready(_) => Err(Error::new(ErrorKind::Cancelled, "the run was cancelled")),
            Poll::Pending => {
                self.places.insert(self.running.spawn(ask).id(), Place { rank, unit: i, executor: None });
                Ok(None)
            }
        }
    }

    fn begin(&mut self, begin: Begin, units: &[&Unit]) {
        let Begin { rank, unit: i, executor, able, given } = begin;
        let (runner, unit) = (self.runner.clone(), units[i].clone());
        let span = tracing::info_span!("unit", unit = %unit.id, clip = %unit.clip.name);
        let run = async move {
            let _given = given;
            runner.attempt(executor, able, &unit).await
        };
        let id = self.running.spawn(run.instrument(span)).id();
        self.places.insert(id, Place { rank, unit: i, executor: Some(executor) });
    }
}

#[cfg(test)]
mod tests;
