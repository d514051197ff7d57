//! What the ledger writes down of each output.

use std::path::PathBuf;

use rushes_core::media::{Digest, FrameRange, StandIn};
use rushes_core::plan::Unit;
use rushes_core::stage::OutputFile;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// All that the bytes of an output depend on, the camera's files apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// The stages from the source to the sink.
    pub stages: Vec<StageUse>,
    /// What is known about the clip, without where it was read: it goes into headers.
    pub clip: Value,
    /// The class of the executor's results.
    pub results: String,
}

/// A stage as it was used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageUse {
    /// Its name.
    pub stage: String,
    /// Its version.
    pub version: u32,
    /// Its parameters, complete with defaults.
    pub params: Value,
}

/// A camera's file that went into an output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameraFile {
    /// The file.
    pub path: PathBuf,
    /// Its digest when it was read.
    pub digest: Digest,
}

/// One output: what it is and what it derives from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The file.
    pub output: OutputFile,
    /// Its clip.
    pub clip: String,
    /// The digest of its [`Recipe`].
    pub recipe: Digest,
    /// The files its frames were made of, in order of the frames.
    pub from: Vec<CameraFile>,
    /// Frames for which another frame or black stands in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stand_ins: Vec<(FrameRange, StandIn)>,
}

impl Recipe {
    /// How `unit` makes the outputs of the sink at `sink` of its tree.
    pub(crate) fn of(unit: &Unit, sink: usize, results: &str) -> Self {
        let mut chain = Vec::new();
        let mut at = Some(sink);
        while let Some(node) = at.and_then(|i| unit.tree.get(i)) {
            chain.push(StageUse { stage: node.stage.clone(), version: node.version, params: node.params.clone() });
            at = node.from;
        }
        chain.reverse();
        let mut metadata = serde_json::to_value(&unit.clip.metadata).unwrap_or_default();
        forget_origins(&mut metadata);
        let clip = json!({ "name": unit.clip.name, "format": unit.clip.format, "metadata": metadata });
        Self { stages: chain, clip, results: results.to_owned() }
    }

    /// The digest under which the ledger keeps it.
    pub fn digest(&self) -> Digest {
        Digest::xxh64(&serde_json::to_vec(self).unwrap_or_default())
    }
}

/// Facts stay the same facts when the card is mounted elsewhere.
fn forget_origins(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.contains_key("value") {
                map.retain(|k, _| k == "value");
            }
            map.values_mut().for_each(forget_origins);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_origins),
        _ => {}
    }
}

/// The stand-ins of `unit` among `frames`.
pub(crate) fn stand_ins(unit: &Unit, frames: FrameRange) -> Vec<(FrameRange, StandIn)> {
    unit.clip.substitutes.iter().filter_map(|s| Some((s.frames.intersect(frames)?, s.with))).collect()
}
