//! Going on after everything is done: what a ledger costs.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rushes::backends::local::LocalExecutor;
use rushes::core::conformance::stages;
use rushes::core::graph::{Registry, StageSpec, WorkflowFile};
use rushes::core::media::{Clip, ClipFormat, ClipMedia};
use rushes::core::plan::{Plan, PlanOptions};
use rushes::core::run::{Executor, Runner};
use rushes::core::stage::Batch;
use rushes::ledger::{Cache, Ledger};
use rushes::{Error, ErrorKind, Result};
use serde_json::json;

/// Seconds to find that all outputs of `clips` clips stand, of one frame and one small file each: the ledger opened,
/// camera files looked at, outputs read and compared with their digests. All of it in memory, below `scratch`.
///
/// # Errors
/// When `scratch` cannot be written to, or a run fails.
pub(crate) async fn resume(scratch: &Path, clips: usize) -> Result<f64> {
    let (card, out) = (scratch.join("resume-card"), scratch.join("resume-out"));
    std::fs::create_dir_all(&card).map_err(|e| Error::io(&card, e))?;
    let clip = |i: usize| {
        let file = card.join(format!("{i:05}.dng"));
        std::fs::write(&file, i.to_le_bytes()).map_err(|e| Error::io(&file, e))?;
        Ok(Clip::new(format!("A001C{i:05}"), ClipFormat::Dng, ClipMedia::Files(vec![file])))
    };
    let clips = (0..clips).map(clip).collect::<Result<Vec<_>>>()?;
    let plan = plan(clips, &out)?;
    once(&plan, &out).await?;
    let begun = Instant::now();
    once(&plan, &out).await?;
    Ok(begun.elapsed().as_secs_f64())
}

async fn once(plan: &Plan, out: &Path) -> Result<()> {
    let local: Arc<dyn Executor> = Arc::new(LocalExecutor::new(registry()).threads(1));
    let ledger = Arc::new(Ledger::open(out)?);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let report = Runner::new(Arc::new(Cache::new(local, ledger, registry()))).concurrency(cores).run(plan).await;
    match report.units.iter().find(|u| !u.is_done()) {
        Some(unit) => Err(Error::new(ErrorKind::Invalid, format!("a unit ended as {:?}", unit.outcome))),
        None => Ok(()),
    }
}

fn registry() -> Registry {
    let mut registry = rushes::registry();
    registry.extend(stages::registry());
    registry
}

fn plan(clips: Vec<Clip>, out: &Path) -> Result<Plan> {
    let stage = |stage: &str, from: Option<&str>, params: serde_json::Value| StageSpec {
        id: Some(stage.to_owned()),
        stage: stage.to_owned(),
        from: from.map(str::to_owned),
        params: params.as_object().cloned().unwrap_or_default(),
    };
    let stages = vec![
        stage("ingest", None, json!({})),
        stage("test-pattern", Some("ingest"), json!({ "width": 64, "height": 64 })),
        stage("test-frames", Some("test-pattern"), json!({ "folder": "frames" })),
    ];
    let graph = WorkflowFile { version: 1, name: "resume".into(), stages }.graph(&registry())?;
    let ingest = graph.nodes().find(|&n| graph.node(n).id == "ingest");
    let batches = ingest.into_iter().map(|n| (n, Batch { clips: clips.clone(), ..Batch::default() })).collect();
    Plan::of(&graph, &registry(), &batches, &PlanOptions::to(out))
}
