//! Runs the units of a plan on an executor.

use std::sync::Arc;

use tokio::task::JoinSet;
use tracing::Instrument as _;

use super::{Budget, CancellationToken, Event, Events, Executor, Outcome, RunContext, RunReport, UnitReport, Verdict};
use crate::error::{Error, ErrorKind};
use crate::plan::{Plan, Unit};

/// Runs units side by side, the urgent ones first, within a memory budget.
///
/// The library starts no runtime: call [`Runner::run`] inside yours (tokio, any flavour).
#[derive(Debug, Clone)]
pub struct Runner {
    executor: Arc<dyn Executor>,
    concurrency: usize,
    budget: Budget,
    events: Events,
    cancel: CancellationToken,
}

impl Runner {
    /// Two units at a time (one encodes while the other starts), no ceiling, no listener.
    pub fn new(executor: Arc<dyn Executor>) -> Self {
        Self {
            executor,
            concurrency: 2,
            budget: Budget::unlimited(),
            events: Events::none(),
            cancel: CancellationToken::new(),
        }
    }

    /// Units at a time, at least one.
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

    /// Runs every unit of `plan`, higher priorities first and plan order within one. A unit
    /// that fails does not stop the others.
    pub async fn run(&self, plan: &Plan) -> RunReport {
        let units: Vec<&Unit> = plan.units().collect();
        let mut order: Vec<usize> = (0..units.len()).collect();
        order.sort_by_key(|&i| (std::cmp::Reverse(units[i].priority), i));
        self.events.send(Event::RunStarted { units: units.len(), frames: plan.frames() });

        let mut reports: Vec<Option<UnitReport>> = vec![None; units.len()];
        let mut running = JoinSet::new();
        let mut waiting = order.into_iter();
        loop {
            while running.len() < self.concurrency {
                let Some(i) = waiting.next() else { break };
                let (runner, unit) = (self.clone(), units[i].clone());
                let span = tracing::info_span!("unit", unit = %unit.id, clip = %unit.clip.name);
                running.spawn(async move { (i, runner.run_unit(&unit).await) }.instrument(span));
            }
            match running.join_next().await {
                None => break,
                Some(Ok((i, report))) => reports[i] = Some(report),
                // The executor panicked; the unit is found below by its missing report.
                Some(Err(e)) => tracing::error!("an executor ended without a report: {e}"),
            }
        }

        let mut report = RunReport { units: Vec::with_capacity(units.len()), findings: plan.findings.clone() };
        for (i, unit) in units.iter().enumerate() {
            let done = reports[i].take().unwrap_or_else(|| {
                let e = Error::new(ErrorKind::Panicked, format!("the executor `{}` panicked", self.executor.name()));
                UnitReport::begin(unit, self.executor.name()).failed(&e)
            });
            report.findings.extend(done.findings.iter().cloned());
            report.units.push(done);
        }
        let count = |f: fn(&Outcome) -> bool| report.units.iter().filter(|u| f(&u.outcome)).count();
        self.events.send(Event::RunFinished {
            done: count(|o| matches!(o, Outcome::Done)),
            failed: count(|o| matches!(o, Outcome::Failed(_))),
            cancelled: count(|o| matches!(o, Outcome::Cancelled)),
        });
        report
    }

    async fn run_unit(&self, unit: &Unit) -> UnitReport {
        let begun = UnitReport::begin(unit, self.executor.name());
        if self.cancel.is_cancelled() {
            return begun.failed(&Error::new(ErrorKind::Cancelled, "the run was cancelled"));
        }
        if let Verdict::No(why) = self.executor.accepts(unit).await {
            let e =
                Error::new(ErrorKind::Unsupported, format!("`{}` does not take the unit: {why}", self.executor.name()));
            let report = begun.failed(&e.clip(&unit.clip.name));
            self.events.send(Event::UnitFinished { report: report.clone() });
            return report;
        }
        self.events.send(Event::UnitStarted {
            unit: unit.id.clone(),
            clip: unit.clip.name.clone(),
            frames: unit.range.len(),
        });
        let cx =
            RunContext { cancel: self.cancel.child_token(), events: self.events.clone(), budget: self.budget.clone() };
        let report = self.executor.run(unit, &cx).await;
        for finding in &report.findings {
            self.events.send(Event::Found { finding: finding.clone() });
        }
        self.events.send(Event::UnitFinished { report: report.clone() });
        report
    }
}
