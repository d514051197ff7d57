//! Orders that are held in memory, so that engines can be tried without files.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rushes_core::plan::{Plan, Unit};
use rushes_core::run::{ClipHead, Executor, Fanout, OrderHead, Orders, RunContext, RunReport, UnitRef, UnitReport};
use rushes_core::{Error, ErrorKind, Result};

/// One order.
#[derive(Debug)]
pub struct Held {
    plan: Plan,
    executor: Arc<dyn Executor>,
    pub fanout: Fanout,
    reports: Mutex<BTreeMap<UnitRef, UnitReport>>,
    pub finished: Mutex<u32>,
}

impl Held {
    pub fn new(plan: Plan, executor: Arc<dyn Executor>) -> Self {
        let fanout = Fanout::of(plan.clips.iter().map(|c| c.units.len()), rushes_core::run::PENDING);
        Self { plan, executor, fanout, reports: Mutex::default(), finished: Mutex::default() }
    }

    fn unit(&self, unit: UnitRef) -> &Unit {
        &self.plan.clips[unit.clip as usize].units[unit.unit as usize]
    }

    /// What became of it.
    pub fn report(&self) -> RunReport {
        let reports = self.reports.lock().unwrap();
        let mut report = RunReport::default();
        for (c, clip) in self.plan.clips.iter().enumerate() {
            for (u, unit) in clip.units.iter().enumerate() {
                let known = reports.get(&UnitRef { clip: c as u64, generation: 0, unit: u as u64 });
                let cancelled =
                    || UnitReport::begin(unit, "nowhere").failed(&Error::new(ErrorKind::Cancelled, "cancelled"));
                report.units.push(known.cloned().unwrap_or_else(cancelled));
            }
        }
        report
    }
}

#[async_trait]
impl Orders for Held {
    async fn head(&self, _: &str) -> Result<OrderHead> {
        Ok(OrderHead { clips: self.plan.clips.len() as u64, fanout: self.fanout, attempts: 3 })
    }

    async fn clip(&self, _: &str, clip: u64) -> Result<ClipHead> {
        let planned = &self.plan.clips[clip as usize];
        Ok(ClipHead {
            name: planned.clip.clone(),
            generation: 0,
            units: planned.units.len() as u64,
            classes: vec!["cpu".into()],
            priority: planned.units.first().map_or(0, |u| u.priority),
        })
    }

    async fn run(&self, _: &str, unit: UnitRef, cx: &RunContext) -> Result<UnitReport> {
        let mut report = self.executor.run(self.unit(unit), cx).await;
        let mut reports = self.reports.lock().unwrap();
        report.attempts = reports.get(&unit).map_or(0, |r| r.attempts) + 1;
        reports.insert(unit, report.clone());
        Ok(report)
    }

    async fn reach(&self, _: &str) -> Result<()> {
        Ok(())
    }

    async fn lost(&self, _: &str, unit: UnitRef, why: Error) -> Result<()> {
        let report = UnitReport::begin(self.unit(unit), "nowhere").failed(&why);
        self.reports.lock().unwrap().entry(unit).or_insert(report);
        Ok(())
    }

    async fn settle(&self, _: &str, _: u64, _: u32) -> Result<Option<ClipHead>> {
        Ok(None)
    }

    async fn finish(&self, _: &str) -> Result<bool> {
        *self.finished.lock().unwrap() += 1;
        Ok(self.report().is_complete())
    }
}
