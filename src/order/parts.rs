//! Parts of units: what was made by somebody who asked for frames and not for units.
//!
//! Render farms cut a clip's frames as they like, and not where the plan cuts them. What becomes of a part is kept by its
//! frames, in `receipts/<clip>.<generation>/<first>..<last>.json`; parts that have all frames of a unit between them
//! are put together to what the unit itself would have left.

use std::path::PathBuf;

use rushes_core::media::{Finding, FrameRange};
use rushes_core::plan::Unit;
use rushes_core::run::{UnitRef, UnitReport};
use rushes_core::storage;
use rushes_core::{Error, ErrorKind, Result};

use super::receipt::{Made, Progress, Receipt, inputs};
use super::{Order, clip_name, folder};

/// What became of a part of a unit.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) frames: FrameRange,
    pub(super) receipt: Receipt,
}

/// Parts of a clip that are looked at: one a frame of the longest clips.
const PARTS: usize = 1_000_000;

impl Order {
    /// Where it is kept what became of `frames`, which are a part of a unit.
    pub(super) fn part_path(&self, clip: u64, generation: u32, frames: FrameRange) -> PathBuf {
        self.parts_folder(clip, generation).join(format!("{}..{}.json", frames.first, frames.last))
    }

    fn parts_folder(&self, clip: u64, generation: u32) -> PathBuf {
        self.folder.join(format!("receipts/{clip}.{generation}"))
    }

    /// The parts that have frames of `range`, in order.
    pub(super) fn parts(&self, clip: u64, generation: u32, range: FrameRange) -> Result<Vec<Part>> {
        let at = self.parts_folder(clip, generation);
        let entries = match storage::list(&at, PARTS) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(Error::retryable)?,
        };
        let named = entries.iter().filter_map(|e| frames_of(&e.name));
        let mut ranges: Vec<FrameRange> = named.filter(|r| r.intersect(range).is_some()).collect();
        // Of those that begin together, the longest first.
        ranges.sort_unstable_by_key(|r| (r.first, std::cmp::Reverse(r.last)));
        let read = ranges.into_iter().map(|frames| {
            let receipt = folder::read(&self.part_path(clip, generation, frames))?;
            Ok(Part { frames, receipt })
        });
        read.collect()
    }

    /// What was made of `range`, which lies in `unit`, in any generation of its clip; in its own last.
    pub(super) fn made(&self, unit: UnitRef, range: FrameRange) -> Result<Vec<Made>> {
        let mut made = Vec::new();
        // Those after it do not count any more, but what they made may be in its way.
        let mut later = Vec::new();
        for generation in unit.generation + 1.. {
            if !storage::exists(&self.folder.join(clip_name(unit.clip, generation)))? {
                break;
            }
            let notes = Progress::path(&self.receipt_path(UnitRef { generation, ..unit }));
            made.extend(folder::read_if_there::<Made>(&notes)?);
            later.push(generation);
        }
        for generation in later.into_iter().chain(0..=unit.generation) {
            let whole: Option<Receipt> = folder::read_if_there(&self.receipt_path(UnitRef { generation, ..unit }))?;
            made.extend(whole.map(|r| r.made));
            made.extend(self.parts(unit.clip, generation, range)?.into_iter().map(|p| p.receipt.made));
        }
        Ok(made)
    }

    /// What `parts` of `unit` say of the unit; nothing where they leave something out, or do not stand.
    pub(super) fn joined(unit: &Unit, parts: &[Part]) -> Result<Option<Receipt>> {
        let mut used = Vec::new();
        let mut next = Some(unit.range.first);
        for part in parts {
            let Some(first) = next else { break };
            let Some(made) = unit.part(part.frames).filter(|m| m.range.last >= first) else { continue };
            if part.frames.first > first {
                return Ok(None);
            }
            if part.receipt.stands(&made, &inputs(&made)?)? {
                next = (made.range.last < unit.range.last).then(|| made.range.last + 1);
                used.push((made, &part.receipt));
            }
        }
        if next.is_some() || used.is_empty() {
            return Ok(None);
        }
        Ok(Some(join(unit, inputs(unit)?, &used)))
    }
}

fn join(unit: &Unit, inputs: String, parts: &[(Unit, &Receipt)]) -> Receipt {
    let reports = || parts.iter().map(|(_, r)| &r.report);
    let mut ran_on: Vec<&str> = Vec::new();
    let mut report = UnitReport::begin(unit, "");
    report.frames = unit.range.len();
    report.findings = unit.stand_ins();
    for (part, receipt) in parts {
        let of_part = part.stand_ins();
        // What is told of a frame by two parts that overlap is told once.
        let new = |f: &&Finding, told: &[Finding]| !of_part.contains(f) && !told.contains(f);
        let findings: Vec<Finding> =
            receipt.report.findings.iter().filter(|f| new(f, &report.findings)).cloned().collect();
        report.findings.extend(findings);
    }
    for part in reports() {
        if !ran_on.contains(&part.ran_on.as_str()) {
            ran_on.push(&part.ran_on);
        }
        report.attempts = report.attempts.max(part.attempts);
        report.wall_ms += part.wall_ms;
        for (stage, ms) in &part.stage_ms {
            *report.stage_ms.entry(stage.clone()).or_default() += ms;
        }
    }
    report.ran_on = ran_on.join(" and ");
    take_outputs(&mut report, reports());
    Receipt { inputs, report, made: Made::joined(parts.iter().map(|(_, r)| &r.made)) }
}

/// What failed of a unit was made again, and nothing else: what its parts had made before belongs to it as well.
pub(super) fn with_parts(mut report: UnitReport, parts: &[Part]) -> UnitReport {
    let apart = parts.windows(2).all(|w| w[0].frames.last < w[1].frames.first);
    if !report.is_done() && apart {
        report.frames += parts.iter().map(|p| p.receipt.report.frames).sum::<u64>();
        take_outputs(&mut report, parts.iter().map(|p| &p.receipt.report));
    }
    report
}

fn take_outputs<'a>(report: &mut UnitReport, from: impl Iterator<Item = &'a UnitReport>) {
    report.outputs.extend(from.flat_map(|r| r.outputs.iter().cloned()));
    report.outputs.sort_by(|a, b| a.path.cmp(&b.path));
    report.outputs.dedup_by(|a, b| a.path == b.path);
}

/// The frames in the name of a part's file.
fn frames_of(name: &str) -> Option<FrameRange> {
    let (first, last) = name.strip_suffix(".json")?.split_once("..")?;
    FrameRange::new(first.parse().ok()?, last.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_known_by_the_names_of_their_files() {
        assert_eq!(frames_of("0..15.json"), FrameRange::new(0, 15));
        assert_eq!(frames_of("-7..-2.json"), FrameRange::new(-7, -2));
        // Notes on one in work, something else, one that runs backwards.
        for other in ["0..15.made.json", "3.json", "5..2.json", "..json"] {
            assert_eq!(frames_of(other), None, "{other}");
        }
    }
}
