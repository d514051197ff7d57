//! Frames that turn out to be damaged while they are decoded.

use std::collections::BTreeSet;

use rushes_core::ErrorKind;
use rushes_core::Result;
use rushes_core::graph::Graph;
use rushes_core::media::{Clip, Finding};
use rushes_core::plan::Plan;
use rushes_core::run::{RunReport, Runner, UnitReport};
use rushes_core::stage::Batch;

use crate::job::{Job, blocking};

/// The clip with stand-ins for the frames that its units could not decode, and what is told of them; nothing where its
/// policy is to refuse, or nothing would change.
pub(crate) fn with_stand_ins<'a>(
    clip: &Clip,
    reports: impl Iterator<Item = &'a UnitReport>,
) -> Option<(Clip, Vec<Finding>)> {
    let mut clip = clip.clone();
    // A file that cannot be read at all is not damaged media: the card may be gone.
    let (bad, other): (Vec<_>, Vec<_>) =
        reports.flat_map(|u| &u.bad_frames).partition(|b| matches!(b.kind, ErrorKind::BadMedia | ErrorKind::Panicked));
    let frames: Vec<i64> = bad.iter().map(|b| b.frame).collect();
    let before = clip.substitutes.clone();
    if frames.is_empty() || !other.is_empty() || !clip.replace_bad(&frames) || clip.substitutes == before {
        return None;
    }
    let told = bad.iter().map(|b| {
        let text = format!("it cannot be decoded, and another picture stands in for it: {}", b.why);
        Finding::warning("frame-undecodable", text).clip(&clip.name).frame(b.frame)
    });
    let told = told.collect();
    Some((clip, told))
}

impl Job {
    /// Frames that turned out to be damaged are replaced where the clip's policy says so, and
    /// what misses them is made; all else stands already.
    pub(crate) async fn replace_bad_frames(
        &self,
        runner: &Runner,
        mut plan: Plan,
        mut batch: Batch,
        graph: &Graph,
        report: &mut RunReport,
    ) -> Result<(Plan, Batch)> {
        // Some executors have no stand-ins: what they said of the frames remains what is known.
        let mut left = BTreeSet::new();
        // A frame to be held may itself turn out to be damaged, so this may take more than one round.
        loop {
            let mut replaced = Batch { root: batch.root.clone(), ..Batch::default() };
            let mut told = Vec::new();
            for clip in batch.clips.iter().filter(|c| !left.contains(&c.name)) {
                let of_clip = report.units.iter().filter(|u| u.clip == clip.name);
                if let Some((clip, findings)) = with_stand_ins(clip, of_clip) {
                    told.extend(findings);
                    replaced.clips.push(clip);
                }
            }
            if replaced.clips.is_empty() || self.cancel.is_cancelled() {
                report.gather(&plan.findings);
                return Ok((plan, batch));
            }
            let batches = graph.nodes().map(|n| (n, replaced.clone())).collect();
            let (graph, registry, options) = (graph.clone(), self.registry.clone(), self.options.clone());
            let mut again = blocking(move || Plan::of(&graph, &registry, &batches, &options)).await?;
            self.refuse_what_nobody_takes(runner.executors(), &mut again).await?;
            again.clips.retain(|c| !c.units.is_empty());
            let made = |name: &str| again.clips.iter().any(|c| c.clip == name);
            left.extend(replaced.clips.iter().filter(|c| !made(&c.name)).map(|c| c.name.clone()));
            batch.findings.extend(told.into_iter().filter(|f| f.clip.as_deref().is_some_and(made)));
            for clip in replaced.clips.into_iter().filter(|c| made(&c.name)) {
                if let Some(first) = batch.clips.iter_mut().find(|c| c.name == clip.name) {
                    *first = clip;
                }
            }
            for unit in runner.run(&again).await.units {
                if let Some(first) = report.units.iter_mut().find(|u| u.unit == unit.unit) {
                    *first = unit;
                }
            }
            for clip in again.clips {
                if let Some(first) = plan.clips.iter_mut().find(|c| c.clip == clip.clip) {
                    *first = clip;
                }
            }
        }
    }
}
