//! Clips and orders whose units have ended.

use std::collections::BTreeSet;
use std::sync::Arc;

use rushes_core::deliver::clear_leftovers;
use rushes_core::graph::Graph;
use rushes_core::plan::Plan;
use rushes_core::run::{CancellationToken, RunReport, UnitRef, UnitReport};
use rushes_core::stage::Batch;
use rushes_core::{Error, ErrorKind, Result};
use rushes_ledger::Ledger;

use super::receipt::{Made, Receipt, inputs};
use super::{ClipFile, Desk, Order, folder};
use crate::ending::Ending;
use crate::job::blocking;

impl Desk {
    /// Writes what tells of the run: ledger, lineage, manifest, page, and the report beside the order.
    pub(super) async fn finish_order(&self, order: &Order, cancel: &CancellationToken) -> Result<bool> {
        let graph = self.graph(order)?;
        let gathered = order.clone();
        let (plan, batch, report, ledger) = blocking(move || gather(&gathered)).await?;
        let ending = Ending {
            graph,
            input: order.terms.input.clone(),
            out: order.terms.out.clone(),
            batch,
            plan,
            report,
            ledger,
            registry: self.registry.clone(),
            cancel: cancel.clone(),
            page: order.terms.page,
        };
        let done = ending.write().await?;
        let (complete, order) = (done.report.is_complete(), order.clone());
        blocking(move || order.write("report.json", &done.report)).await?;
        Ok(complete)
    }

    pub(super) fn graph(&self, order: &Order) -> Result<Graph> {
        order.terms.workflow.graph(&self.registry)
    }
}

/// What is known of the units of a clip.
pub(super) fn receipts(order: &Order, clip: u64, generation: u32, file: &ClipFile) -> Result<Vec<Option<Receipt>>> {
    let units = 0..file.plan.units.len() as u64;
    units.map(|unit| folder::read_if_there(&order.receipt_path(UnitRef { clip, generation, unit }))).collect()
}

fn gather(order: &Order) -> Result<(Plan, Batch, RunReport, Arc<Ledger>)> {
    let mut plan = order.plan()?;
    let mut batch: Batch = folder::read(&order.folder.join("batch.json"))?;
    // Whoever has it is finishing the same order, or will be done with another run.
    let ledger = Ledger::open(order.out()).map_err(|e| if e.kind() == ErrorKind::InUse { e.retryable() } else { e })?;
    let mut report = RunReport::default();
    let mut folders = BTreeSet::new();
    for (clip, &at) in order.terms.clips.iter().enumerate() {
        let clip = clip as u64;
        let (generation, file) = order.last_clip_file(clip)?;
        let mut made = Made::default();
        for (receipt, unit) in receipts(order, clip, generation, &file)?.into_iter().zip(&file.plan.units) {
            // Where others made it otherwise since, what it made is gone.
            let there = receipt.as_ref().filter(|r| r.report.is_done()).map_or(Ok(true), |r| r.is_there(order.out()));
            let not_run =
                || Error::new(ErrorKind::Cancelled, "it was not run: the order was cancelled, or its clip given up");
            let receipt = match (receipt, there) {
                (Some(receipt), Ok(true)) => receipt,
                (_, there) => {
                    let e = there.err().unwrap_or_else(not_run);
                    if e.kind() != ErrorKind::Cancelled {
                        // Where all of it is out of sight, so that nothing can be said, it is tried again later.
                        order.reach().map_err(Error::retryable)?;
                    }
                    report.units.push(UnitReport::begin(unit, "nowhere").failed(&e));
                    continue;
                }
            };
            // What was read for it need not be read again, as long as it is what it was.
            let is_done = receipt.report.is_done();
            if is_done && inputs(unit).is_ok_and(|now| now == receipt.inputs) {
                ledger.trust_inputs(&receipt.made.records)?;
            }
            // What cannot be looked at of a unit that failed is not believed.
            let standing = |made: Made| made.standing(order.out()).unwrap_or_default();
            let of_unit = if is_done { receipt.made } else { standing(receipt.made) };
            made.records.extend(of_unit.records);
            made.recipes.extend(of_unit.recipes);
            report.units.push(receipt.report);
        }
        folders.extend(made.records.iter().filter_map(|r| Some(order.out().join(&r.output.path).parent()?.to_owned())));
        made.give(&ledger)?;
        batch.findings.extend(file.told);
        if let Some(first) = batch.clips.iter_mut().find(|c| c.name == file.clip.name) {
            *first = file.clip;
        }
        match plan.clips.get_mut(at) {
            Some(planned) => *planned = file.plan,
            None => return Err(super::damaged("the plan has fewer clips than the order")),
        }
    }
    // What units tell one another is in the ledger now.
    #[cfg(feature = "filmlight")]
    if !rushes_core::storage::is_uri(order.out()) {
        rushes_filmlight::forget(order.out());
    }
    report.gather(&plan.findings);
    for folder in folders {
        clear_leftovers(&folder)?;
    }
    Ok((plan, batch, report, Arc::new(ledger)))
}
