//! Runs the units of a plan on executors.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::task::JoinSet;
use tracing::Instrument as _;

use super::{
    Able, Budget, CancellationToken, Choice, Event, Events, Executor, Executors, Outcome, RunContext, RunReport,
    UnitReport,
};
use crate::error::{Error, ErrorKind};
use crate::plan::{Plan, Unit};

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

/// Units that are looked at beyond one that waits for a busy executor: others have time for them.
const AHEAD: usize = 64;

/// A unit that has not begun.
struct Waiting {
    /// Its place in the plan.
    unit: usize,
    /// Who takes it, once they were asked.
    able: Option<Able>,
}

impl Runner {
    /// Two units at a time (one encodes while the other starts), no ceiling, no listener.
    pub fn new(executor: Arc<dyn Executor>) -> Self {
        Self::over(Executors::new().prefer(executor))
    }

    /// The same on several executors, two units at a time on each of which nothing else was said.
    pub fn over(executors: Executors) -> Self {
        Self {
            executors,
            concurrency: 2,
            budget: Budget::unlimited(),
            events: Events::none(),
            cancel: CancellationToken::new(),
        }
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
        let mut report = RunReport { units: self.run_all(&units).await, findings: plan.findings.clone() };
        for unit in &report.units {
            report.findings.extend(unit.findings.iter().cloned());
        }
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
        let runner = self.clone().cancel(cancel);

        let mut order: Vec<usize> = (0..units.len()).collect();
        order.sort_by_key(|&i| (std::cmp::Reverse(units[i].priority), i));
        let mut waiting: VecDeque<Waiting> = order.into_iter().map(|unit| Waiting { unit, able: None }).collect();
        let mut reports: Vec<Option<UnitReport>> = vec![None; units.len()];
        let mut busy = vec![0; self.executors.members().count()];
        let mut running = JoinSet::new();
        let mut places = HashMap::new();
        loop {
            let mut at = 0;
            while at < waiting.len().min(AHEAD) && !runner.cancel.is_cancelled() {
                let room = |i: usize| self.executors.seats(i).unwrap_or(self.concurrency).saturating_sub(busy[i]);
                if !busy.is_empty() && (0..busy.len()).all(|i| room(i) == 0) {
                    break;
                }
                let (i, unit) = (waiting[at].unit, units[waiting[at].unit]);
                let able = match waiting[at].able.take() {
                    Some(able) => able,
                    None => self.executors.able(unit).await,
                };
                match self.executors.choose(unit, &able, room) {
                    Some(Choice::Later) => {
                        waiting[at].able = Some(able);
                        at += 1;
                    }
                    Some(Choice::Now(executor)) => {
                        waiting.remove(at);
                        busy[executor] += 1;
                        let (runner, unit) = (runner.clone(), unit.clone());
                        let span = tracing::info_span!("unit", unit = %unit.id, clip = %unit.clip.name);
                        let run = async move { runner.run_unit(executor, &able, &unit).await }.instrument(span);
                        places.insert(running.spawn(run).id(), (i, executor));
                    }
                    None => {
                        waiting.remove(at);
                        let e = Error::new(ErrorKind::Unsupported, self.executors.refusal(&able));
                        reports[i] = Some(self.ended(unit, e));
                    }
                }
            }
            let (id, ended) = match running.join_next_with_id().await {
                None => break,
                Some(Ok((id, report))) => (id, Some(report)),
                // The executor panicked; the unit is found below by its missing report.
                Some(Err(e)) => {
                    tracing::error!("an executor ended without a report: {e}");
                    (e.id(), None)
                }
            };
            if let Some((i, executor)) = places.remove(&id) {
                busy[executor] -= 1;
                reports[i] = ended;
            }
        }
        for waits in waiting {
            let begun = UnitReport::begin(units[waits.unit], self.executors.name());
            reports[waits.unit] = Some(begun.failed(&Error::new(ErrorKind::Cancelled, "the run was cancelled")));
        }
        let panicked = |unit| {
            let e = Error::new(ErrorKind::Panicked, format!("the executor `{}` panicked", self.executors.name()));
            self.ended(unit, e)
        };
        reports.into_iter().zip(units).map(|(report, unit)| report.unwrap_or_else(|| panicked(unit))).collect()
    }

    /// The report on a unit that did not run.
    fn ended(&self, unit: &Unit, e: Error) -> UnitReport {
        let report = UnitReport::begin(unit, self.executors.name()).failed(&e.clip(&unit.clip.name));
        self.events.send(Event::UnitFinished { report: report.clone() });
        report
    }

    async fn run_unit(&self, executor: usize, able: &Able, unit: &Unit) -> UnitReport {
        self.events.send(Event::UnitStarted {
            unit: unit.id.clone(),
            clip: unit.clip.name.clone(),
            frames: unit.range.len(),
        });
        let cx =
            RunContext { cancel: self.cancel.child_token(), events: self.events.clone(), budget: self.budget.clone() };
        let report = self.executors.run_on(executor, able, unit, &cx).await;
        for finding in &report.findings {
            self.events.send(Event::Found { finding: finding.clone() });
        }
        self.events.send(Event::UnitFinished { report: report.clone() });
        report
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::media::{ClipFormat, ClipMedia, FrameRange};
    use crate::plan::ClipPlan;
    use crate::run::{Limit, Retry, Verdict};
    use crate::stage::{ClipRef, OutputFile};

    /// Takes notes: which unit began, and how many ran at once. Fails as often as it is told.
    #[derive(Debug, Default)]
    struct Notes {
        began: Mutex<Vec<String>>,
        running: AtomicUsize,
        most: AtomicUsize,
        failures: AtomicUsize,
        for_good: bool,
        /// Whether failed attempts leave a finished file behind.
        leaves: bool,
        /// Whether each attempt might replace files.
        overwrote: Mutex<Vec<bool>>,
        /// How often it cannot say whether it takes a unit.
        absent: AtomicUsize,
    }

    #[async_trait::async_trait]
    impl Executor for Notes {
        fn name(&self) -> &str {
            "notes"
        }

        async fn accepts(&self, _: &Unit) -> Verdict {
            match self.absent.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)) {
                Ok(_) => Verdict::NotNow("nobody is there".into()),
                Err(_) => Verdict::Yes,
            }
        }

        async fn run(&self, unit: &Unit, _: &RunContext) -> UnitReport {
            self.overwrote.lock().unwrap().push(unit.overwrite);
            self.began.lock().unwrap().push(unit.id.clone());
            let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(5)).await;
            self.running.fetch_sub(1, Ordering::SeqCst);
            let mut report = UnitReport::begin(unit, "notes");
            if self.leaves {
                let (digest, frames) = (crate::media::Digest::xxh64(b""), unit.range);
                report.outputs = vec![OutputFile { role: "plate".into(), path: "a".into(), bytes: 0, digest, frames }];
            }
            let fail = self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
            match (fail, self.for_good) {
                (false, _) => report,
                (true, true) => report.failed(&Error::new(ErrorKind::BadMedia, "damaged")),
                (true, false) => report.failed(&Error::new(ErrorKind::Io, "busy").retryable()),
            }
        }
    }

    fn plan(priorities: &[i32]) -> Plan {
        let unit = |(i, &priority): (usize, &i32)| Unit {
            format: Unit::FORMAT,
            id: format!("u{i}"),
            clip: ClipRef {
                name: "clip".into(),
                format: ClipFormat::Dng,
                media: ClipMedia::Files(Vec::new()),
                range: None,
                metadata: std::sync::Arc::default(),
                substitutes: Vec::new(),
            },
            range: FrameRange { first: 0, last: 0 },
            tree: Arc::default(),
            out: "out".into(),
            overwrite: false,
            priority,
            bytes_per_frame: 1,
            standing: Vec::new(),
        };
        let clip = ClipPlan {
            clip: "clip".into(),
            range: None,
            skipped: None,
            nodes: Vec::new(),
            notes: Vec::new(),
            units: priorities.iter().enumerate().map(unit).collect(),
        };
        Plan { workflow: "test".into(), clips: vec![clip], findings: Vec::new() }
    }

    #[tokio::test]
    async fn urgent_units_run_first_and_reports_keep_the_order_of_the_plan() {
        let notes = Arc::new(Notes::default());
        let report = Runner::new(notes.clone()).concurrency(1).run(&plan(&[0, 5, 0, 9])).await;
        assert_eq!(*notes.began.lock().unwrap(), ["u3", "u1", "u0", "u2"]);
        assert_eq!(report.units.iter().map(|u| u.unit.as_str()).collect::<Vec<_>>(), ["u0", "u1", "u2", "u3"]);
    }

    #[tokio::test]
    async fn concurrency_and_seats_are_bounds() {
        let notes = Arc::new(Notes::default());
        Runner::new(notes.clone()).concurrency(3).run(&plan(&[0; 12])).await;
        assert_eq!(notes.most.load(Ordering::SeqCst), 3);
        let notes = Arc::new(Notes::default());
        Runner::new(Arc::new(Limit::new(notes.clone(), 2))).concurrency(6).run(&plan(&[0; 12])).await;
        assert_eq!(notes.most.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn what_may_pass_is_tried_again_and_what_will_not_is_not() {
        for (failures, for_good, attempts, done) in [(2, false, 3, true), (9, false, 3, false), (9, true, 1, false)] {
            let notes = Arc::new(Notes { failures: failures.into(), for_good, ..Notes::default() });
            let told = Arc::new(AtomicUsize::new(0));
            let events = {
                let told = Arc::clone(&told);
                Events::to(move |e| {
                    told.fetch_add(usize::from(matches!(e, Event::UnitRetrying { .. })), Ordering::SeqCst);
                })
            };
            let retry = Retry::new(notes, 3, Duration::from_millis(1));
            let report = Runner::new(Arc::new(retry)).events(events).run(&plan(&[0])).await;
            assert_eq!((report.units[0].attempts, report.units[0].is_done()), (attempts, done));
            assert_eq!(told.load(Ordering::SeqCst), attempts as usize - 1);
        }
    }

    #[tokio::test]
    async fn who_cannot_say_now_is_passed_over_and_asked_again() {
        let absent = |times: usize| Arc::new(Notes { absent: times.into(), ..Notes::default() });
        // The runner asks, then the first attempt, then the second.
        for (times, attempts) in [(0, 1), (2, 2), (3, 3)] {
            let retry = Retry::new(Arc::new(Executors::new().prefer(absent(times))), 3, Duration::from_millis(1));
            let report = Runner::new(Arc::new(retry)).run(&plan(&[0])).await;
            assert_eq!((report.units[0].attempts, report.units[0].is_done()), (attempts, true), "{:?}", report.units);
        }
        let (first, second) = (absent(9), absent(0));
        let report = Runner::over(Executors::new().prefer(first.clone()).then(second)).run(&plan(&[0])).await;
        assert!(report.units[0].is_done() && report.units[0].ran_on.contains("nobody is there"));
        assert!(first.began.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn only_what_an_attempt_left_is_replaced_by_the_next() {
        for (leaves, overwrote) in [(false, [false, false]), (true, [false, true])] {
            let notes = Arc::new(Notes { failures: 1.into(), leaves, ..Notes::default() });
            let retry = Retry::new(notes.clone(), 3, Duration::from_millis(1));
            Runner::new(Arc::new(retry)).run(&plan(&[0])).await;
            assert_eq!(*notes.overwrote.lock().unwrap(), overwrote);
        }
    }

    #[tokio::test]
    async fn after_a_cancellation_nothing_begins() {
        let notes = Arc::new(Notes::default());
        let cancel = CancellationToken::new();
        cancel.cancel();
        let report = Runner::new(notes.clone()).cancel(cancel).run(&plan(&[0; 4])).await;
        assert!(notes.began.lock().unwrap().is_empty());
        assert!(report.units.iter().all(|u| u.outcome == Outcome::Cancelled));
    }
}
