//! Stages that work on clips.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::StageInfo;
use crate::error::Result;
use crate::media::{Clip, Finding};

/// A card or folder on its way to being understood.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// The card or folder that was asked for.
    pub root: PathBuf,
    /// The clips found so far.
    pub clips: Vec<Clip>,
    /// Files that belong to no clip.
    pub unclaimed: Vec<PathBuf>,
    /// What was found out.
    pub findings: Vec<Finding>,
}

impl Batch {
    /// The start of a workflow: a path and nothing known about it.
    pub fn of(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), ..Self::default() }
    }
}

/// A stage over whole clips; may read files, never writes to the card.
#[async_trait::async_trait]
pub trait ClipStage: StageInfo {
    /// Takes the batch one step further. Bad media becomes a finding; an error means that the
    /// stage itself could not work.
    async fn run(&self, batch: Batch) -> Result<Batch>;
}
