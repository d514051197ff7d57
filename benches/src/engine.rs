//! What the engine itself costs, beside the pixels.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rushes::backends::local::LocalExecutor;
use rushes::core::conformance::stages;
use rushes::core::frame::{Band, BandMut, FrameFormat, ImageState};
use rushes::core::graph::{AnyStage, Registry, StageSpec, WorkflowFile};
use rushes::core::media::{Clip, ClipFormat, ClipMedia, FileSequence, FrameRange};
use rushes::core::plan::{Plan, PlanOptions};
use rushes::core::run::{Event, Events, RunReport, Runner};
use rushes::core::stage::{
    Batch, ClipRef, Encoded, FrameKernel, FrameSink, FrameStage, OutputFile, Sink, SinkContext, SinkWriter, StageInfo,
};
use rushes::{Error, ErrorKind, Result};
use serde::Serialize;
use serde_json::json;

use crate::median;
use crate::resume::resume;

/// The engine's own cost.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Engine {
    /// Seconds to plan 100,000 units.
    pub plan_100k_s: f64,
    /// Bytes of memory that each of these units takes; 0 where the system does not say.
    pub plan_bytes_per_unit: f64,
    /// Microseconds to run a unit of one frame that holds nothing.
    pub unit_us: f64,
    /// Microseconds to have a stage compute a band.
    pub stage_call_us: f64,
    /// Microseconds to tell a listener of an event.
    pub event_us: f64,
    /// Seconds to go on with a finished job of 10,000 clips of one small file each: to find that all of it stands.
    pub resume_10k_s: f64,
}

impl Engine {
    /// Measures it; takes some seconds. `scratch` is a folder for outputs, best in memory.
    ///
    /// # Errors
    /// When a plan or a run fails.
    pub async fn measure(scratch: &Path) -> Result<Self> {
        let before = resident();
        let begun = Instant::now();
        let plan = plan(&[], 100_000, scratch)?;
        let plan_100k_s = begun.elapsed().as_secs_f64();
        let plan_bytes_per_unit = resident().saturating_sub(before) as f64 / plan.units().count() as f64;
        drop(plan);

        const UNITS: i64 = 2000;
        let unit_us = run(&plan_of(&[], UNITS, 1, scratch)?).await? / UNITS as f64;
        // Long chains and short ones in one unit: what they differ by are the calls.
        const FRAMES: i64 = 200;
        const CHAIN: usize = 40;
        let chain: Vec<String> = (0..CHAIN).map(|i| format!("pass-{i}")).collect();
        let short = run(&plan_of(&chain[..1], FRAMES, FRAMES as u64, scratch)?).await?;
        let long = run(&plan_of(&chain, FRAMES, FRAMES as u64, scratch)?).await?;
        let stage_call_us = (long - short) / (FRAMES as f64 * (CHAIN - 1) as f64 * (ROWS / BAND) as f64);

        let events = Events::to(|event| drop(std::hint::black_box(event)));
        const EVENTS: u64 = 100_000;
        let told = median(|| {
            for done in 0..EVENTS {
                events.send(Event::FrameDone { unit: String::new(), frame: 0, done, total: EVENTS });
            }
        });
        let event_us = told.as_secs_f64() * 1e6 / EVENTS as f64;
        let resume_10k_s = resume(scratch, 10_000).await?;
        Ok(Self { resume_10k_s, plan_100k_s, plan_bytes_per_unit, unit_us, stage_call_us, event_us })
    }
}

/// Microseconds of a run.
async fn run(plan: &Plan) -> Result<f64> {
    let runner = Runner::new(Arc::new(LocalExecutor::new(registry()).threads(1))).concurrency(1);
    let begun = Instant::now();
    let report: RunReport = runner.run(plan).await;
    let spent = begun.elapsed().as_secs_f64() * 1e6;
    match report.units.iter().find(|u| !u.is_done()) {
        Some(unit) => Err(Error::new(ErrorKind::Invalid, format!("a unit of nothing ended as {:?}", unit.outcome))),
        None => Ok(spent),
    }
}

/// One clip of so many frames, a unit for each.
fn plan(passes: &[String], frames: i64, scratch: &Path) -> Result<Plan> {
    plan_of(passes, frames, 1, scratch)
}

/// Rows of a picture, and those of a band.
const ROWS: usize = 1280;
const BAND: usize = 128;

fn plan_of(passes: &[String], frames: i64, frames_per_unit: u64, scratch: &Path) -> Result<Plan> {
    let stage = |id: &str, stage: &str, from: &str, params: serde_json::Value| StageSpec {
        id: Some(id.to_owned()),
        stage: stage.to_owned(),
        from: Some(from.to_owned()).filter(|f| !f.is_empty()),
        params: params.as_object().cloned().unwrap_or_default(),
    };
    let rows = if passes.is_empty() { 1 } else { ROWS };
    let mut chain = vec![
        stage("ingest", "ingest", "", json!({})),
        stage("source", "test-pattern", "ingest", json!({ "width": 1, "height": rows })),
    ];
    for pass in passes {
        let from = chain.last().and_then(|s| s.id.clone()).unwrap_or_default();
        chain.push(stage(pass, "pass", &from, json!({})));
    }
    let from = chain.last().and_then(|s| s.id.clone()).unwrap_or_default();
    chain.push(stage("nothing", "nothing", &from, json!({})));
    let workflow = WorkflowFile { version: 1, name: "bench".into(), stages: chain };
    let graph = workflow.graph(&registry())?;
    let ingest = graph.nodes().find(|&n| graph.node(n).id == "ingest");
    let clips = vec![clip(frames)];
    let batches: BTreeMap<_, _> =
        ingest.into_iter().map(|n| (n, Batch { clips: clips.clone(), ..Batch::default() })).collect();
    Plan::of(&graph, &registry(), &batches, &PlanOptions { frames_per_unit, ..PlanOptions::to(scratch.join("engine")) })
}

fn clip(frames: i64) -> Clip {
    let range = FrameRange { first: 0, last: frames - 1 };
    let media = FileSequence {
        folder: "nowhere".into(),
        prefix: "A001C001_".into(),
        padding: 6,
        suffix: ".dng".into(),
        present: vec![range],
    };
    Clip::new("A001C001_261123_R1AB", ClipFormat::CinemaDng, ClipMedia::Sequence(media))
}

fn registry() -> Registry {
    let mut registry = rushes::registry();
    registry.extend(stages::registry());
    registry.with("pass", |_| Ok(AnyStage::frame(Pass)));
    registry.with("nothing", |_| Ok(AnyStage::sink(Nothing)));
    registry
}

/// Bytes of memory the process holds.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|s| s.split(' ').nth(1)?.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}

/// A stage that computes nothing.
#[derive(Debug)]
struct Pass;

struct PassKernel(FrameFormat);

impl StageInfo for Pass {
    fn name(&self) -> &'static str {
        "pass"
    }
    fn version(&self) -> u32 {
        1
    }
    fn params(&self) -> serde_json::Value {
        json!({})
    }
}

impl FrameStage for Pass {
    fn input(&self) -> ImageState {
        ImageState::Mosaic
    }
    fn output(&self) -> ImageState {
        ImageState::Mosaic
    }
    fn prepare(&self, input: &FrameFormat) -> Result<Box<dyn FrameKernel>> {
        Ok(Box::new(PassKernel(input.clone())))
    }
}

impl FrameKernel for PassKernel {
    fn format(&self) -> &FrameFormat {
        &self.0
    }
    fn input_rows(&self, out: Range<usize>) -> Range<usize> {
        out
    }
    fn run(&self, _: &Band<'_>, _: &mut BandMut<'_>) {}
}

/// A sink that keeps nothing.
#[derive(Debug)]
struct Nothing;

impl StageInfo for Nothing {
    fn name(&self) -> &'static str {
        "nothing"
    }
    fn version(&self) -> u32 {
        1
    }
    fn params(&self) -> serde_json::Value {
        json!({})
    }
}

impl Sink for Nothing {
    fn input(&self) -> ImageState {
        ImageState::Mosaic
    }
    fn check(&self, _: &ClipRef, _: &FrameFormat) -> Result<()> {
        Ok(())
    }
    fn whole_clip(&self) -> bool {
        false
    }
    fn outputs(&self, _: &ClipRef, _: FrameRange) -> Vec<String> {
        Vec::new()
    }
    fn bytes_needed(&self, _: &FrameFormat) -> u64 {
        0
    }
    fn open(&self, _: &SinkContext, _: &FrameFormat) -> Result<Box<dyn SinkWriter>> {
        Ok(Box::new(Self))
    }
}

impl SinkWriter for Nothing {
    fn frame(&self, _: &FrameFormat) -> Result<Box<dyn FrameSink>> {
        Ok(Box::new(Self))
    }
    fn commit(&mut self, _: i64, _: Encoded) -> Result<Vec<OutputFile>> {
        Ok(Vec::new())
    }
    fn finish(self: Box<Self>) -> Result<Vec<OutputFile>> {
        Ok(Vec::new())
    }
    fn abort(self: Box<Self>) {}
}

impl FrameSink for Nothing {
    fn rows(&mut self, _: &Band<'_>) -> Result<()> {
        Ok(())
    }
    fn finish(self: Box<Self>) -> Result<Encoded> {
        Ok(Encoded::Bytes(Vec::new()))
    }
}
