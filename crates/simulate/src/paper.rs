//! Clips on paper, cut into units by the real planner.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use rushes_core::conformance::stages;
use rushes_core::graph::{AnyStage, Registry, StageSpec, WorkflowFile};
use rushes_core::media::{Clip, ClipFormat, ClipMedia, FileSequence, FrameRange};
use rushes_core::plan::{Plan, PlanOptions};
use rushes_core::stage::{Batch, ClipContext, ClipStage, StageInfo};
use rushes_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::profile::Output;

/// Cuts clips into units. Clips of the same length and outputs are cut once.
#[derive(Debug)]
pub(crate) struct Planner {
    registry: Registry,
    options: PlanOptions,
    known: HashMap<(u64, bool), Arc<[u32]>>,
}

impl Planner {
    pub(crate) fn new(frames_per_unit: u64) -> Self {
        // The conformance suite's stages have what a planner asks for, a format, a size and whether a clip must stay whole,
        // and need no files.
        let mut registry = stages::registry();
        registry.with("paper", |_| Ok(AnyStage::clip(Paper)));
        let options = PlanOptions { frames_per_unit, ..PlanOptions::to(PathBuf::from("nowhere")) };
        Self { registry, options, known: HashMap::new() }
    }

    /// The frames of each unit of a clip of so many frames, in order.
    pub(crate) fn units(&mut self, frames: u64, outputs: &[Output]) -> Result<Arc<[u32]>> {
        let movie = outputs.contains(&Output::Movie);
        if let Some(known) = self.known.get(&(frames, movie)) {
            return Ok(Arc::clone(known));
        }
        let units: Arc<[u32]> = self.plan(frames, outputs)?.into();
        self.known.insert((frames, movie), Arc::clone(&units));
        Ok(units)
    }

    fn plan(&self, frames: u64, outputs: &[Output]) -> Result<Vec<u32>> {
        let stage = |id: &str, stage: &str, from: Option<&str>, params: Value| StageSpec {
            id: Some(id.to_owned()),
            stage: stage.to_owned(),
            from: from.map(str::to_owned),
            params: params.as_object().cloned().unwrap_or_default(),
        };
        let mut workflow = vec![
            stage("paper", "paper", None, json!({})),
            stage("source", "test-pattern", Some("paper"), json!({ "width": 16, "height": 16 })),
        ];
        for (i, output) in outputs.iter().enumerate() {
            let name = match output {
                Output::Frames => "test-frames",
                Output::Movie => "test-reel",
            };
            workflow.push(stage(&format!("output-{i}"), name, Some("source"), json!({ "folder": format!("out-{i}") })));
        }
        let workflow = WorkflowFile { version: WorkflowFile::VERSION, name: "paper".into(), stages: workflow };
        let graph = workflow.graph(&self.registry)?;
        let batches: BTreeMap<_, _> = graph
            .nodes()
            .filter(|&n| graph.node(n).id == "paper")
            .map(|n| (n, Batch { clips: vec![clip(frames)], ..Batch::default() }))
            .collect();
        let plan = Plan::of(&graph, &self.registry, &batches, &self.options)?;
        let units: Vec<u32> = plan.units().map(|u| u32::try_from(u.range.len()).unwrap_or(u32::MAX)).collect();
        match plan.clips.iter().find_map(|c| c.skipped.as_deref()) {
            None if !units.is_empty() => Ok(units),
            why => {
                Err(Error::new(ErrorKind::Invalid, why.unwrap_or("the planner made no units"))
                    .doing("planning on paper"))
            }
        }
    }
}

fn clip(frames: u64) -> Clip {
    let range = FrameRange { first: 0, last: i64::try_from(frames.max(1) - 1).unwrap_or(i64::MAX) };
    let media = FileSequence {
        folder: "nowhere".into(),
        prefix: "A001C001_".into(),
        padding: 6,
        suffix: ".dng".into(),
        present: vec![range],
    };
    Clip::new("A001C001_261123_R1AB", ClipFormat::CinemaDng, ClipMedia::Sequence(media))
}

/// Where clips of a plan come from; the planner is given them beforehand.
#[derive(Debug)]
struct Paper;

impl StageInfo for Paper {
    fn name(&self) -> &'static str {
        "paper"
    }
    fn version(&self) -> u32 {
        1
    }
    fn params(&self) -> Value {
        json!({})
    }
}

#[async_trait::async_trait]
impl ClipStage for Paper {
    async fn run(&self, batch: Batch, _: &ClipContext) -> Result<Batch> {
        Ok(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_planner_cuts_frames_into_parts_and_leaves_movies_whole() {
        let mut planner = Planner::new(240);
        assert_eq!(*planner.units(500, &[Output::Frames]).unwrap(), [240, 240, 20]);
        assert_eq!(*planner.units(500, &[Output::Frames, Output::Movie]).unwrap(), [500]);
        assert_eq!(*planner.units(1, &[Output::Movie]).unwrap(), [1]);
        assert_eq!(planner.known.len(), 3);
        let again = planner.units(500, &[Output::Frames]).unwrap();
        assert!(Arc::ptr_eq(&again, &planner.units(500, &[Output::Frames]).unwrap()));
    }
}
