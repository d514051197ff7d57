//! With a coprocessor the local executor keeps every promise of the suite, whichever nodes are computed there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rushes_core::conformance;
use rushes_core::conformance::stages::{Pattern, registry};
use rushes_core::frame::{Band, BandMut, FrameFormat};
use rushes_core::media::{ClipFormat, ClipMedia, Finding, FrameRange};
use rushes_core::plan::{PreparedTree, Unit, UnitNode, Work};
use rushes_core::run::{Executor as _, Outcome, RunContext};
use rushes_core::stage::{ClipRef, SourceFrame};
use rushes_core::{Error, ErrorKind, Result};
use rushes_local::{Coprocessor, GivenRows, LocalExecutor, Mode, OpenCoprocessor};

/// Computes the first `nodes` stages of each frame, whole frame by whole frame; counts the frames.
#[derive(Debug, Clone)]
struct WholeFrames {
    nodes: usize,
    frames: Arc<AtomicUsize>,
}

struct Picture(FrameFormat, Vec<f32>);

impl SourceFrame for Picture {
    fn format(&self) -> FrameFormat {
        self.0.clone()
    }

    fn rows(&self, out: &mut BandMut<'_>) {
        let band = Band::new(&self.1, self.0.planes(), self.0.width, 0..self.0.height);
        for (plane, row) in (0..band.planes()).flat_map(|p| band.rows().map(move |r| (p, r))) {
            if out.rows().contains(&row) {
                out.row_mut(plane, row).copy_from_slice(band.row(plane, row));
            }
        }
    }
}

impl Coprocessor for WholeFrames {
    fn name(&self) -> &str {
        "whole"
    }

    fn ran_on(&self) -> String {
        "whole frames".into()
    }

    fn open(&self, tree: &PreparedTree) -> Result<Box<dyn OpenCoprocessor>> {
        assert!(tree.nodes.len() > self.nodes);
        Ok(Box::new(self.clone()))
    }
}

impl OpenCoprocessor for WholeFrames {
    fn findings(&self) -> Vec<Finding> {
        vec![Finding::info("whole-frames", "told")]
    }

    fn compute(
        &self,
        tree: &PreparedTree,
        source: &dyn SourceFrame,
        goes_on: &(dyn Fn() -> bool + Sync),
    ) -> Result<Vec<GivenRows>> {
        if !goes_on() {
            return Err(Error::new(ErrorKind::Cancelled, "cancelled"));
        }
        self.frames.fetch_add(1, Ordering::Relaxed);
        let mut made: BTreeMap<usize, Picture> = BTreeMap::new();
        let first = Picture(source.format(), source.planes().into_raw_vec_and_offset().0);
        for (i, node) in tree.nodes.iter().enumerate().take(self.nodes + 1) {
            let (Work::Kernel(kernel), Some(from)) = (&node.work, node.from) else { continue };
            let input = made.get(&from).unwrap_or(&first);
            let f = kernel.format().clone();
            let mut out = vec![0.0; f.planes() * f.width * f.height];
            kernel.run(
                &Band::new(&input.1, input.0.planes(), input.0.width, 0..input.0.height),
                &mut BandMut::new(&mut out, f.planes(), f.width, 0..f.height),
            );
            made.insert(i, Picture(f, out));
        }
        Ok(made.into_iter().map(|(i, p)| (i, Box::new(p) as Box<dyn SourceFrame>)).collect())
    }
}

#[tokio::test]
async fn the_local_executor_conforms_with_a_coprocessor() {
    for (nodes, mode, threads) in [(0, Mode::Frames, 2), (1, Mode::Bands, 3), (2, Mode::Frames, 3), (2, Mode::Bands, 2)]
    {
        let frames = Arc::new(AtomicUsize::new(0));
        let make = |registry| -> Arc<dyn rushes_core::run::Executor> {
            let coprocessor = Arc::new(WholeFrames { nodes, frames: Arc::clone(&frames) });
            Arc::new(LocalExecutor::new(registry).threads(threads).mode(mode).coprocessor(coprocessor))
        };
        let out = tempfile::tempdir().unwrap();
        let failed = conformance::check(&make, out.path()).await;
        let lines: String = failed.iter().map(|f| format!("{f}\n")).collect();
        assert!(failed.is_empty(), "{nodes} nodes, {mode:?}, {threads} threads:\n{lines}");
        assert!(frames.load(Ordering::Relaxed) > 40);
    }
}

/// Has no room for frame 2.
#[derive(Debug)]
struct Small;

impl Coprocessor for Small {
    fn name(&self) -> &str {
        "small"
    }
    fn ran_on(&self) -> String {
        "small".into()
    }
    fn open(&self, _: &PreparedTree) -> Result<Box<dyn OpenCoprocessor>> {
        Ok(Box::new(Self))
    }
}

impl OpenCoprocessor for Small {
    fn findings(&self) -> Vec<Finding> {
        Vec::new()
    }
    fn compute(
        &self,
        _: &PreparedTree,
        source: &dyn SourceFrame,
        _: &(dyn Fn() -> bool + Sync),
    ) -> Result<Vec<GivenRows>> {
        match source.format().facts.frame {
            2 => Err(Error::new(ErrorKind::Budget, "the frame is too large for the device")),
            _ => Ok(Vec::new()),
        }
    }
}

#[tokio::test]
async fn a_frame_that_a_device_has_no_room_for_is_lost_alone() {
    let out = tempfile::tempdir().unwrap();
    let node =
        |id: &str, stage: &str, from, params| UnitNode { id: id.into(), stage: stage.into(), version: 1, from, params };
    let range = FrameRange { first: 0, last: 4 };
    let unit = Unit {
        format: Unit::FORMAT,
        id: "CLIP".into(),
        clip: ClipRef {
            name: "CLIP".into(),
            format: ClipFormat::CinemaDng,
            media: ClipMedia::Files(Vec::new()),
            range: None,
            metadata: Arc::default(),
            substitutes: Vec::new(),
        },
        range,
        tree: vec![
            node("source", "test-pattern", None, serde_json::to_value(Pattern::default()).unwrap()),
            node("half", "test-half", Some(0), serde_json::json!({})),
            node("files", "test-frames", Some(1), serde_json::json!({ "folder": "files" })),
        ]
        .into(),
        out: out.path().into(),
        overwrite: false,
        shared: false,
        priority: 0,
        bytes_per_frame: 100_000,
        standing: Vec::new(),
    };
    let report = LocalExecutor::new(registry()).coprocessor(Arc::new(Small)).run(&unit, &RunContext::plain()).await;
    let bad: Vec<_> = report.bad_frames.iter().map(|b| (b.frame, b.kind)).collect();
    assert_eq!((bad, report.frames, report.outputs.len()), (vec![(2, ErrorKind::Budget)], 4, 4));
    let Outcome::Failed(failure) = &report.outcome else { panic!("{:?}", report.outcome) };
    assert!(failure.message.contains("frame 2") && failure.message.contains("too large"), "{}", failure.message);
}
