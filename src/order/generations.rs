//! Clips that are planned again because frames of them turned out to be damaged.
//!
//! A *generation* of a clip, `clips/<n>.<generation>.json`, has stand-ins for the frames that the one before could not decode. It
//! counts as long as the files of those frames are what they were when that was found out: once a card is copied again, the frames
//! may be whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use rushes_core::media::{Clip, ClipMedia};
use rushes_core::plan::{Plan, PlanOptions};
use rushes_core::run::ClipHead;
use rushes_core::stage::Batch;
use rushes_core::{ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::finish::receipts;
use super::receipt::{camera_file, inputs};
use super::{ClipFile, Desk, Order, clip_name, folder};
use crate::bad_frames::with_stand_ins;

/// A camera file whose frame, or one of whose frames, was found to be damaged, as it was then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Damaged {
    path: PathBuf,
    bytes: u64,
    version: String,
}

impl Damaged {
    /// Whether it is what it was. One that is out of sight was not copied again.
    fn is_so_still(&self) -> Result<bool> {
        match camera_file(&self.path) {
            Ok(now) => Ok(now == (self.bytes, self.version.clone())),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(true),
            Err(e) => Err(e.doing("looking at a camera file").retryable()),
        }
    }

    /// The files of `frames`.
    fn of(clip: &Clip, frames: impl Iterator<Item = i64>) -> Vec<Self> {
        let paths: BTreeSet<PathBuf> = match &clip.media {
            ClipMedia::Sequence(s) => frames.map(|f| s.path(f)).collect(),
            ClipMedia::Files(files) => files.iter().cloned().collect(),
        };
        let seen = paths.into_iter().filter_map(|path| {
            let (bytes, version) = camera_file(&path).ok()?;
            Some(Self { path, bytes, version })
        });
        seen.collect()
    }
}

impl Order {
    /// The last generation of a clip that counts, and which that is.
    pub(super) fn last_clip_file(&self, clip: u64) -> Result<(u32, ClipFile)> {
        let mut last = (0, self.clip_file(clip, 0)?);
        while let Some(next) = self.next_clip_file(clip, last.0, &last.1)? {
            last = (last.0 + 1, next);
        }
        Ok(last)
    }

    /// The generation after `file`, where there is one that counts.
    fn next_clip_file(&self, clip: u64, generation: u32, file: &ClipFile) -> Result<Option<ClipFile>> {
        let Some(next): Option<ClipFile> = folder::read_if_there(&self.folder.join(clip_name(clip, generation + 1)))?
        else {
            return Ok(None);
        };
        // One that followed another generation of the same number is left over.
        if !next.damaged.starts_with(&file.damaged) {
            return Ok(None);
        }
        for file in &next.damaged {
            if !file.is_so_still()? {
                return Ok(None);
            }
        }
        Ok(Some(next))
    }
}

impl Desk {
    /// Plans a clip again where frames of it turned out to be damaged and are to be replaced.
    pub(super) fn plan_again(&self, order: &Order, clip: u64, generation: u32) -> Result<Option<ClipHead>> {
        let file = order.clip_file(clip, generation)?;
        // Somebody did it already.
        if let Some(known) = order.next_clip_file(clip, generation, &file)? {
            return Ok(Some(known.head(generation + 1)));
        }
        let receipts = receipts(order, clip, generation, &file)?;
        let mut damaged = file.damaged.clone();
        let mut reports = Vec::new();
        for (receipt, unit) in receipts.iter().zip(&file.plan.units) {
            let Some(receipt) = receipt.as_ref().filter(|r| !r.report.bad_frames.is_empty()) else { continue };
            let files = Damaged::of(&file.clip, receipt.report.bad_frames.iter().map(|b| b.frame));
            // After the files were looked at: of other files than it was made of it says nothing.
            if inputs(unit)? == receipt.inputs {
                reports.push(&receipt.report);
                let new = files.into_iter().filter(|f| !damaged.contains(f)).collect::<Vec<_>>();
                damaged.extend(new);
            }
        }
        let Some((replaced, told)) = with_stand_ins(&file.clip, reports.into_iter()) else {
            return Ok(None);
        };
        let graph = self.graph(order)?;
        let batch = Batch { root: order.terms.input.clone(), clips: vec![replaced.clone()], ..Batch::default() };
        let batches: BTreeMap<_, _> = graph.nodes().map(|n| (n, batch.clone())).collect();
        let options = PlanOptions {
            overwrite: order.terms.overwrite,
            frames_per_unit: order.terms.frames_per_unit,
            elsewhere: true,
            ..PlanOptions::to(&order.terms.out)
        };
        let again = Plan::of(&graph, &self.registry, &batches, &options)?;
        // Where nothing can be planned, what is known of the frames stays what is told.
        let Some(plan) = again.clips.into_iter().find(|c| !c.units.is_empty()) else { return Ok(None) };
        // What was found out when the clip was planned first is told there.
        let before = order.plan()?.findings;
        let new = again.findings.into_iter().filter(|f| !before.contains(f) && !file.told.contains(f));
        let told = file.told.iter().cloned().chain(told).chain(new).collect();
        let file = ClipFile { clip: replaced, plan, classes: file.classes, told, damaged };
        order.write(&clip_name(clip, generation + 1), &file)?;
        Ok(Some(file.head(generation + 1)))
    }
}
