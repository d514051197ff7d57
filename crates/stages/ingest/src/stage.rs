//! The stage.

use std::path::Path;

use rushes_core::Result;
use rushes_core::media::Digest;
use rushes_core::stage::{Batch, ClipContext, ClipStage, StageInfo};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::card;

/// Walks a card, a folder or a single file and finds the clips in it.
///
/// Every file is recognised by its content ([`crate::recognise`]); numbered files become
/// sequences, parts of a take one clip, and what accompanies a clip its sidecars. What belongs to
/// no clip is listed, never dropped. Nothing is written, and of each file only the head is read.
///
/// Findings: `extension-mismatch`, `clip-name-clash`, `span-part-missing`, `file-empty`,
/// `file-cut-short`, `file-unreadable`, `file-unrecognised`, `files-unclaimed`,
/// `folder-unreadable`, `folder-seen`, `folder-too-deep`, `too-many-files`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ingest {
    /// Folders are entered this deep.
    pub max_depth: usize,
    /// Files looked at, at most.
    pub max_files: usize,
}

impl Default for Ingest {
    fn default() -> Self {
        Self { max_depth: 16, max_files: 1_000_000 }
    }
}

impl StageInfo for Ingest {
    fn name(&self) -> &'static str {
        "ingest"
    }

    fn version(&self) -> u32 {
        1
    }

    fn params(&self) -> serde_json::Value {
        // Two numbers: there is nothing that could fail.
        serde_json::to_value(self).unwrap_or_default()
    }
}

#[async_trait::async_trait]
impl ClipStage for Ingest {
    /// # Errors
    /// When `batch.root` does not exist or cannot be read, and when there is no clip in it; the
    /// message says how many files were looked at and of what kind.
    async fn run(&self, batch: Batch, cx: &ClipContext) -> Result<Batch> {
        cx.go_on()?;
        card::understand(batch, self, cx)
    }
}

/// xxh64 of a file in canonical byte order (most significant first), and its size in bytes.
///
/// # Errors
/// When the file cannot be read to its end.
pub fn digest_file(path: impl AsRef<Path>) -> Result<(Digest, u64)> {
    Digest::xxh64_of_file(path.as_ref())
}
