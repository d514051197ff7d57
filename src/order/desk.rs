//! Works on orders: what a worker does.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rushes_core::graph::Registry;
use rushes_core::media::Finding;
use rushes_core::plan::Unit;
use rushes_core::run::{
    CancellationToken, ClipHead, Executor, Executors, FOUND, OrderHead, Orders, Outcome, RunContext, Trace, UnitRef,
    UnitReport,
};
use rushes_core::storage;
use rushes_core::{Error, ErrorKind, Result};
use rushes_ledger::{Cache, Ledger};

use super::folder::{self, Recent};
use super::known::Known;
use super::receipt::{Made, Progress, Receipt, inputs, inputs_still};
use super::{ClipFile, Order, clip_name, damaged};
use crate::job::blocking;

/// Runs the units of orders on executors, with the stages of a registry, and settles orders.
///
/// ```
/// # use std::sync::Arc;
/// use rushes::core::run::Executors;
/// use rushes::backends::local::LocalExecutor;
/// let registry = rushes::registry();
/// let executors = Executors::new().prefer(Arc::new(LocalExecutor::new(registry.clone())));
/// let desk = rushes::order::Desk::new(registry, executors);
/// ```
#[derive(Debug, Clone)]
pub struct Desk {
    pub(super) registry: Registry,
    executors: Executors,
    note_every: Duration,
    /// Clips of late: the units of a clip come one after another.
    clips: Recent<ClipFile>,
    known: Recent<Known>,
}

impl Desk {
    /// With the stages that orders are made of, and what runs their units.
    pub fn new(registry: Registry, executors: Executors) -> Self {
        Self {
            registry,
            executors,
            note_every: Duration::from_secs(5),
            clips: Recent::default(),
            known: Recent::default(),
        }
    }

    /// How often it is written down what stands of a unit in work, so that another attempt goes on from there; every five
    /// seconds if not said.
    pub fn note_every(mut self, every: Duration) -> Self {
        self.note_every = every;
        self
    }

    pub(super) async fn open(&self, order: &str) -> Result<Order> {
        let folder = order.to_owned();
        blocking(move || Order::open(Path::new(&folder))).await
    }

    pub(super) async fn clip_file(&self, order: &Order, clip: u64, generation: u32) -> Result<Arc<ClipFile>> {
        let (order, clips) = (order.clone(), self.clips.clone());
        blocking(move || {
            order.has_clip(clip)?;
            clips.read(&order.folder.join(clip_name(clip, generation)))
        })
        .await
    }

    /// What was known of a clip's outputs from before the order was planned.
    pub(super) async fn known(&self, order: &Order, clip: u64) -> Result<Arc<Known>> {
        let (path, known) = (order.known_path(clip), self.known.clone());
        blocking(move || Ok(known.read_if_there(&path)?.unwrap_or_default())).await
    }

    pub(super) async fn unit(&self, order: &Order, unit: UnitRef) -> Result<Unit> {
        let clip = self.clip_file(order, unit.clip, unit.generation).await?;
        let planned = clip.plan.units.get(unit.unit as usize).cloned();
        let planned = planned.ok_or_else(|| damaged("the clip has no such unit").clip(&clip.clip.name))?;
        planned.check().map_err(|e| e.path(&order.folder))?;
        if planned.out != order.terms.out {
            return Err(damaged("the unit's outputs go elsewhere than the order's").path(&order.folder));
        }
        Ok(Unit { shared: true, ..planned })
    }

    /// Runs what does not stand of `unit`; `known` and `made` is what is known of it, the newer last. What other attempts
    /// at it should know before it ends is left in `beside`.
    async fn make(
        &self,
        unit: &Unit,
        (known, made): (Known, Vec<Made>),
        (progress, beside): (PathBuf, PathBuf),
        cx: &RunContext,
    ) -> Result<(UnitReport, Made)> {
        let (out, before) = (unit.out.clone(), known.clone());
        let ledger = blocking(move || {
            let ledger = Ledger::passing(&out)?.beside(beside);
            before.give(&ledger)?;
            made.into_iter().try_for_each(|m| m.standing(&out)?.give(&ledger))?;
            Ok(Arc::new(ledger))
        })
        .await?;
        let classes: Vec<String> = self.executors.members().map(|e| e.results().to_owned()).collect();
        let executors = self.executors.clone().each(|executor| {
            let traced: Arc<dyn Executor> = Arc::new(Trace::new(executor));
            let cache = Cache::new(traced, Arc::clone(&ledger), self.registry.clone());
            Arc::new(cache.beside(classes.iter().cloned()))
        });
        let notes =
            Progress { path: progress, ledger: Arc::clone(&ledger), known: known.clone() }.keep(self.note_every);
        let report = tokio::select! {
            report = executors.run(unit, cx) => report,
            () = notes => return Err(Error::new(ErrorKind::Panicked, "the unit's notes ended")),
        };
        let outputs = report.outputs.clone();
        let made = blocking(move || Made::of(&ledger, &known, &outputs)).await?;
        Ok((report, made))
    }

    /// Runs a unit of `clip` or a part of one, or finds that it was run, and keeps its report in `path`; `made` is what was
    /// made of its frames in this order, by whomever.
    pub(super) async fn keep(
        &self,
        order: &Order,
        clip: u64,
        planned: Unit,
        path: PathBuf,
        made: impl FnOnce() -> Result<Vec<Made>> + Send + 'static,
        cx: &RunContext,
    ) -> Result<UnitReport> {
        let progress = Progress::path(&path);
        let known = self.known(order, clip).await?;
        let (began, known, before, made, stands) = blocking({
            let (path, progress, planned) = (path.clone(), progress.clone(), planned.clone());
            move || {
                let before: Option<Receipt> = folder::read_if_there(&path)?;
                let mut made = made()?;
                made.extend(folder::read_if_there::<Made>(&progress)?);
                let began = inputs(&planned)?;
                let stands = before.as_ref().map_or(Ok(false), |r: &Receipt| r.stands(&planned, &began))?;
                Ok((began, known.of(planned.range), before, made, stands))
            }
        })
        .await?;
        if let Some(receipt) = before.as_ref().filter(|_| stands) {
            let ran_on = format!("{FOUND}{}", receipt.report.ran_on);
            return Ok(UnitReport { ran_on, ..receipt.report.clone() });
        }
        let (mut report, mut made) = self.make(&planned, (known, made), (progress.clone(), order.beside()), cx).await?;
        let ended = blocking({
            let (planned, done) = (planned.clone(), report.is_done());
            move || if done { inputs_still(&planned).map(Some) } else { Ok(None) }
        })
        .await?;
        if ended.is_some_and(|ended| ended != began) {
            // Nobody knows which of them its pictures are of.
            let e = Error::new(ErrorKind::BadMedia, "camera files of it changed while it was made")
                .clip(&planned.clip.name)
                .advice("wait until whatever writes them is done")
                .retryable();
            let (order, unit) = (order.clone(), planned.id.clone());
            let named: Vec<String> = report.outputs.iter().map(|o| o.path.clone()).collect();
            // Its own all the same, so that another attempt may replace them.
            blocking(move || {
                let named: Vec<&str> = named.iter().map(String::as_str).collect();
                Ledger::passing(order.out())?.beside(order.beside()).mark(&unit, &named)
            })
            .await?;
            (report, made) = (report.failed(&e), Made::default());
        }
        // What this worker cannot reach another may; and what it cannot reach is not damaged.
        if let Outcome::Failed(f) = &mut report.outcome {
            f.retryable |= matches!(f.kind, ErrorKind::Io | ErrorKind::NotFound | ErrorKind::InUse);
        }
        // Attempts that failed in a way that may pass, of this worker and of others.
        let failed = |r: &&Receipt| r.inputs == began && matches!(&r.report.outcome, Outcome::Failed(f) if f.retryable);
        report.attempts = before.as_ref().filter(failed).map_or(0, |r| r.report.attempts) + 1;
        let mut receipt = Receipt { inputs: began, report: report.clone(), made };
        // Whether an earlier attempt did some of the work is nothing that anybody wants to know of the outputs.
        receipt.report.ran_on = report.ran_on.trim_start_matches(FOUND).to_owned();
        blocking(move || {
            if !receipt.report.is_done() {
                // Somebody else may have done it meanwhile: what comes late takes nothing away.
                let now: Option<Receipt> = folder::read_if_there(&path)?;
                if now.as_ref().map_or(Ok(false), |now| now.stands(&planned, &receipt.inputs))? {
                    return Ok(());
                }
                // Nor does what was interrupted, of a verdict: only what it made counts.
                let said =
                    |now: &Receipt| now.inputs == receipt.inputs && matches!(now.report.outcome, Outcome::Failed(_));
                if let Some(now) = now.filter(said).filter(|_| receipt.report.outcome == Outcome::Cancelled) {
                    let made = Made::joined([&receipt.made, &now.made].into_iter());
                    receipt = Receipt { made, ..now };
                }
            }
            folder::write(&path, &receipt)?;
            let _ = storage::remove(&progress);
            Ok(())
        })
        .await?;
        Ok(report)
    }
}

#[async_trait]
impl Orders for Desk {
    async fn head(&self, order: &str) -> Result<OrderHead> {
        Ok(self.open(order).await?.head())
    }

    async fn clip(&self, order: &str, clip: u64) -> Result<ClipHead> {
        let order = self.open(order).await?;
        Ok(self.clip_file(&order, clip, 0).await?.head(0))
    }

    async fn run(&self, order: &str, unit: UnitRef, cx: &RunContext) -> Result<UnitReport> {
        let order = self.open(order).await?;
        let planned = self.unit(&order, unit).await?;
        let (path, range) = (order.receipt_path(unit), planned.range);
        let of = order.clone();
        self.keep(&order, unit.clip, planned, path, move || of.made(unit, range), cx).await
    }

    async fn reach(&self, order: &str) -> Result<()> {
        let order = self.open(order).await?;
        blocking(move || order.reach()).await
    }

    async fn lost(&self, order: &str, unit: UnitRef, why: Error) -> Result<()> {
        let order = self.open(order).await?;
        let planned = self.unit(&order, unit).await?;
        blocking(move || {
            let path = order.receipt_path(unit);
            let before: Option<Receipt> = folder::read_if_there(&path)?;
            let inputs = inputs(&planned)?;
            let said = |r: &Receipt| r.inputs == inputs && matches!(r.report.outcome, Outcome::Failed(_));
            // Where it cannot be looked at, what was written of it stays: whoever finishes tells of that.
            if before.as_ref().is_some_and(|r| said(r) || r.stands(&planned, &inputs).unwrap_or(true)) {
                return Ok(());
            }
            let mut report = UnitReport::begin(&planned, "nowhere");
            let text = format!("{}: {why}", planned.id);
            report.findings.push(Finding::error("unit-lost", text).clip(&planned.clip.name));
            let report = report.failed(&why.clip(&planned.clip.name));
            let made: Made = folder::read_if_there(&Progress::path(&path))?.unwrap_or_default();
            folder::write(&path, &Receipt { inputs, report, made })
        })
        .await
    }

    async fn settle(&self, order: &str, clip: u64, generation: u32) -> Result<Option<ClipHead>> {
        let order = self.open(order).await?;
        let desk = self.clone();
        blocking(move || desk.plan_again(&order, clip, generation)).await
    }

    async fn finish(&self, order: &str) -> Result<bool> {
        let order = self.open(order).await?;
        self.finish_order(&order, &CancellationToken::new()).await
    }
}
