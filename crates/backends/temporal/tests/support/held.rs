//! Orders that are held in memory, so that engines can be tried without files.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rushes_core::plan::{Plan, Unit};
use rushes_core::run::{
    ClipHead, Executor, Fanout, OrderHead, Orders, Outcome, RunContext, RunReport, UnitRef, UnitReport,
};
use rushes_core::{Error, ErrorKind, Result};

/// One order.
#[derive(Debug)]
pub struct Held {
    plan: Plan,
    executor: Arc<dyn Executor>,
    pub fanout: Fanout,
    /// The clip of which nothing is to be read, ever.
    pub bad_clip: Option<u64>,
    /// Whether clips are planned again once.
    pub again: bool,
    /// Whether the folder of the order is away.
    pub away: AtomicBool,
    /// Whether nothing can be written down at the end.
    pub full: AtomicBool,
    reports: Mutex<BTreeMap<UnitRef, UnitReport>>,
    pub finished: Mutex<u32>,
}

impl Held {
    pub fn new(plan: Plan, executor: Arc<dyn Executor>) -> Self {
        let fanout = Fanout::of(plan.clips.iter().map(|c| c.units.len()), rushes_core::run::PENDING);
        Self {
            plan,
            executor,
            fanout,
            bad_clip: None,
            again: false,
            away: AtomicBool::default(),
            full: AtomicBool::default(),
            reports: Mutex::default(),
            finished: Mutex::default(),
        }
    }

    fn there(&self) -> Result<()> {
        match self.away.load(Ordering::Relaxed) {
            true => Err(Error::new(ErrorKind::NotFound, "the order's folder is away on purpose").retryable()),
            false => Ok(()),
        }
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
        self.there()?;
        Ok(OrderHead { clips: self.plan.clips.len() as u64, fanout: self.fanout, attempts: 3 })
    }

    async fn clip(&self, _: &str, clip: u64) -> Result<ClipHead> {
        if self.bad_clip == Some(clip) {
            return Err(Error::new(ErrorKind::Invalid, "the clip is bad on purpose"));
        }
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
        self.there()
    }

    async fn lost(&self, _: &str, unit: UnitRef, why: Error) -> Result<()> {
        let report = UnitReport::begin(self.unit(unit), "nowhere").failed(&why);
        let mut reports = self.reports.lock().unwrap();
        let before = reports.entry(unit).or_insert_with(|| report.clone());
        if before.outcome == Outcome::Cancelled {
            *before = report;
        }
        Ok(())
    }

    async fn settle(&self, order: &str, clip: u64, generation: u32) -> Result<Option<ClipHead>> {
        match self.again && generation == 0 {
            true => Ok(Some(ClipHead { generation: 1, ..self.clip(order, clip).await? })),
            false => Ok(None),
        }
    }

    async fn finish(&self, _: &str) -> Result<bool> {
        self.there()?;
        if self.full.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Io, "the disk is full on purpose").retryable());
        }
        *self.finished.lock().unwrap() += 1;
        Ok(self.report().is_complete())
    }
}

/// Several orders, by their names.
#[derive(Debug)]
pub struct Several(pub BTreeMap<&'static str, Held>);

impl Several {
    fn of(&self, order: &str) -> &Held {
        &self.0[order]
    }
}

#[async_trait]
impl Orders for Several {
    async fn head(&self, order: &str) -> Result<OrderHead> {
        self.of(order).head(order).await
    }
    async fn clip(&self, order: &str, clip: u64) -> Result<ClipHead> {
        self.of(order).clip(order, clip).await
    }
    async fn run(&self, order: &str, unit: UnitRef, cx: &RunContext) -> Result<UnitReport> {
        self.of(order).run(order, unit, cx).await
    }
    async fn reach(&self, order: &str) -> Result<()> {
        self.of(order).reach(order).await
    }
    async fn lost(&self, order: &str, unit: UnitRef, why: Error) -> Result<()> {
        self.of(order).lost(order, unit, why).await
    }
    async fn settle(&self, order: &str, clip: u64, generation: u32) -> Result<Option<ClipHead>> {
        self.of(order).settle(order, clip, generation).await
    }
    async fn finish(&self, order: &str) -> Result<bool> {
        self.of(order).finish(order).await
    }
}
