//! The clip stages of a workflow: from a card to clips with their facts.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tracing::Instrument as _;

use super::{CancellationToken, Event, Events};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{AnyStage, Graph, NodeId};
use crate::stage::{Batch, ClipContext};

/// Runs the clip stages of `graph` on the card or folder at `root`, each after the one it takes
/// from. Gives the batch that each of them made.
///
/// # Errors
/// When a stage could not work at all, or `cancel` fires between two stages. What is wrong with
/// media is among the batches' findings.
pub async fn understand(
    graph: &Graph,
    root: &Path,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<BTreeMap<NodeId, Batch>> {
    let mut batches: BTreeMap<NodeId, Batch> = BTreeMap::new();
    for id in graph.nodes() {
        let node = graph.node(id);
        let AnyStage::Clip(stage) = &node.stage else { continue };
        if cancel.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, format!("cancelled before `{}`", node.id)));
        }
        let input = match graph.input(id) {
            None => Batch::of(root),
            Some(from) => batches.get(&from).cloned().unwrap_or_else(|| Batch::of(root)),
        };
        let known = input.findings.len();
        events.send(Event::StageStarted { stage: node.id.clone() });
        let span = tracing::info_span!("clip_stage", stage = %node.id);
        let (stage, cx) = (Arc::clone(stage), ClipContext::new(cancel.clone(), events.clone()));
        // Stages read files; the caller's thread, which may be a host's only one, is not theirs.
        let runtime = tokio::runtime::Handle::current();
        let work = move || runtime.block_on(async move { stage.run(input, &cx).await }.instrument(span));
        let batch = tokio::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|e| Err(Error::new(ErrorKind::Panicked, panic_text(e))))
            .map_err(|e| e.doing(format!("running `{}`", node.id)))?;
        for finding in batch.findings.iter().skip(known) {
            events.send(Event::Found { finding: finding.clone() });
        }
        events.send(Event::StageFinished { stage: node.id.clone(), clips: batch.clips.len() });
        batches.insert(id, batch);
    }
    Ok(batches)
}

fn panic_text(e: tokio::task::JoinError) -> String {
    match e.try_into_panic() {
        Ok(panic) => format!("it panicked: {}", crate::error::panic_message(panic.as_ref())),
        Err(e) => e.to_string(),
    }
}
