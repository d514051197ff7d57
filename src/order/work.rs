//! Works on orders without an engine: some frames of a clip at a time, and then what is left.
//!
//! This is what a render farm's tasks do (`rushes run-unit --order`, `rushes finish`); a farm knows frames, and no units,
//! generations or attempts.

use std::sync::Arc;
use std::time::Duration;

use rushes_core::graph::Registry;
use rushes_core::media::{Finding, FrameRange};
use rushes_core::plan::{Tree, Unit};
use rushes_core::run::{Executor, Orders as _, Outcome, Retry, RunContext, UnitRef, UnitReport};
use rushes_core::stage::Batch;
use rushes_core::{Error, ErrorKind, Result};

use super::parts::with_parts;
use super::receipt::{Receipt, inputs};
use super::{Desk, Order, folder};
use crate::Job;
use crate::job::blocking;

impl Job {
    /// A desk with the stages and executors of the job, which try again what may pass as often as the job would.
    pub fn desk(&self) -> Desk {
        let again =
            |executor| -> Arc<dyn Executor> { Arc::new(Retry::new(executor, self.attempts, Duration::from_secs(1))) };
        Desk::new(self.registry.clone(), self.runs_on().each(again))
    }
}

impl Order {
    /// The job that it was made of, with the stock stages and on this machine's CPUs.
    pub fn job(&self) -> Job {
        Job::new(self.terms.workflow.clone(), &self.terms.input, &self.terms.out)
            .overwrite(self.terms.overwrite)
            .attempts(self.terms.attempts)
            .frames_per_unit(self.terms.frames_per_unit)
            .page(self.terms.page)
    }

    /// What was found out about its clips before any of them is made, and why some are not.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn findings(&self) -> Result<Vec<Finding>> {
        let batch: Batch = folder::read(&self.folder.join("batch.json"))?;
        Ok([batch.findings, self.plan()?.findings].concat())
    }
}

impl Desk {
    /// Runs frames of a clip, or all of it. Of units of which only some frames are asked for, those are made; whatever the
    /// frames are cut into, the same comes of all of them together. Gives the reports on the units and parts of units.
    ///
    /// # Errors
    /// When the clip cannot be read or has none of the frames, or an output needs all frames of the clip and some are asked
    /// for, or a report cannot be kept. How the work itself ended is in the reports.
    pub async fn run_frames(
        &self,
        order: &str,
        clip: u64,
        frames: Option<FrameRange>,
        cx: &RunContext,
    ) -> Result<Vec<UnitReport>> {
        let opened = self.open(order).await?;
        let (generation, file) = blocking({
            let opened = opened.clone();
            move || opened.last_clip_file(clip)
        })
        .await?;
        let mut reports = Vec::new();
        for (unit, planned) in (0..).zip(&file.plan.units) {
            let unit = UnitRef { clip, generation, unit };
            let Some(part) = frames.map_or(Some(planned.clone()), |f| planned.part(f)) else { continue };
            if part.range == planned.range {
                reports.push(self.run(order, unit, cx).await?);
            } else if is_whole(planned, &self.registry)? {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    format!("an output needs all of its frames {}, and {} are asked for", planned.range, part.range),
                )
                .doing("running frames of a clip")
                .clip(&file.clip.name)
                .advice("ask for the whole clip in one task"));
            } else {
                let (path, range, of) = (opened.part_path(clip, generation, part.range), part.range, opened.clone());
                let part = Unit { shared: true, ..part };
                reports.push(self.keep(&opened, clip, part, path, move || of.made(unit, range), cx).await?);
            }
            if cx.cancel.is_cancelled() {
                return Ok(reports);
            }
        }
        match (reports.is_empty(), frames) {
            (true, Some(frames)) => Err(Error::new(ErrorKind::NotFound, format!("the clip has no frames {frames}"))
                .doing("running frames of a clip")
                .clip(&file.clip.name)),
            _ => Ok(reports),
        }
    }

    /// Finishes an order: puts parts of units together, makes what is left (what nobody made, what ended in a way that may
    /// pass, and what misses frames that turned out to be damaged), and writes the manifest and what else tells of the
    /// run. With `make` false nothing is made, and what is left is told as cancelled. Gives whether all was made.
    ///
    /// # Errors
    /// As [`finish`](rushes_core::run::Orders::finish), and when it is cancelled.
    pub async fn complete(&self, order: &str, make: bool, cx: &RunContext) -> Result<bool> {
        let opened = self.open(order).await?;
        for clip in 0..opened.head().clips {
            let mut generation = 0;
            loop {
                let units = self.clip_file(&opened, clip, generation).await?.plan.units.len() as u64;
                for unit in 0..units {
                    self.complete_unit(order, &opened, UnitRef { clip, generation, unit }, make, cx).await?;
                }
                if !make {
                    break;
                }
                match self.settle(order, clip, generation).await? {
                    Some(next) => generation = next.generation,
                    None => break,
                }
            }
        }
        self.finish_order(&opened, &cx.cancel).await
    }

    async fn complete_unit(&self, name: &str, order: &Order, unit: UnitRef, make: bool, cx: &RunContext) -> Result<()> {
        if cx.cancel.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "cancelled").doing("finishing an order"));
        }
        let planned = self.unit(order, unit).await?;
        let path = order.receipt_path(unit);
        let (settled, parts) = blocking({
            let (order, path) = (order.clone(), path.clone());
            move || {
                let before: Option<Receipt> = folder::read_if_there(&path)?;
                let now = inputs(&planned)?;
                match before.as_ref().map_or(Ok(false), |r| r.stands(&planned, &now)) {
                    Ok(false) => {}
                    Ok(true) => return Ok((true, Vec::new())),
                    // One output that cannot be looked at, where the others can, is told of at the end.
                    Err(e) => return order.reach().map_err(|_| e).map(|()| (true, Vec::new())),
                }
                let parts = order.parts(unit.clip, unit.generation, planned.range)?;
                if let Some(joined) = Order::joined(&planned, &parts)? {
                    folder::write(&path, &joined)?;
                    return Ok((true, Vec::new()));
                }
                let for_good = |o: &Outcome| matches!(o, Outcome::Failed(f) if !f.retryable);
                // Of other files it says nothing.
                let for_good = before.is_some_and(|r| r.inputs == now && for_good(&r.report.outcome));
                Ok((for_good, parts))
            }
        })
        .await?;
        if settled || !make {
            return Ok(());
        }
        let report = self.run(name, unit, cx).await?;
        if report.outcome == Outcome::Cancelled {
            return Err(Error::new(ErrorKind::Cancelled, "cancelled").doing("finishing an order"));
        }
        if !report.is_done() && !parts.is_empty() {
            blocking(move || {
                let receipt: Receipt = folder::read(&path)?;
                folder::write(&path, &Receipt { report: with_parts(receipt.report.clone(), &parts), ..receipt })
            })
            .await?;
        }
        Ok(())
    }
}

/// Whether an output of the unit's clip needs all of the clip's frames.
pub(super) fn is_whole(unit: &Unit, registry: &Registry) -> Result<bool> {
    let tree = Tree::make(&unit.tree, registry).map_err(|e| e.clip(&unit.clip.name))?;
    Ok(tree.sinks().any(|(_, sink)| sink.whole_clip()))
}
