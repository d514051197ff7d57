//! Stages that work on clips.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::StageInfo;
use crate::error::{Error, ErrorKind, Result};
use crate::media::{Clip, Finding};
use crate::run::{CancellationToken, Events};

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

/// What a clip stage is given besides the clips.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ClipContext {
    /// To be looked at between files.
    pub cancel: CancellationToken,
    /// Where progress goes. What was found out is told when the stage is done.
    pub events: Events,
}

impl ClipContext {
    /// Stops when `cancel` fires, tells `events`.
    pub fn new(cancel: CancellationToken, events: Events) -> Self {
        Self { cancel, events }
    }

    /// Never cancelled, nobody listens.
    pub fn plain() -> Self {
        Self::new(CancellationToken::new(), Events::none())
    }

    /// # Errors
    /// When the work was cancelled.
    pub fn go_on(&self) -> Result<()> {
        if self.cancel.is_cancelled() { Err(Error::new(ErrorKind::Cancelled, "cancelled")) } else { Ok(()) }
    }
}

/// A stage over whole clips; may read files, never writes to the card.
#[async_trait::async_trait]
pub trait ClipStage: StageInfo {
    /// Takes the batch one step further. Bad media becomes a finding; an error means that the
    /// stage itself could not work, or was cancelled.
    ///
    /// It is run on a thread of its own that may block; a panic becomes an error.
    async fn run(&self, batch: Batch, cx: &ClipContext) -> Result<Batch>;
}
