//! What a host's UI hears while a plan runs.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::UnitReport;
use crate::media::{Finding, Severity};
use crate::stage::OutputFile;

/// Everything a run tells. A closed set: a host may match it without a wildcard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A clip stage began.
    StageStarted {
        /// Its id in the workflow.
        stage: String,
    },
    /// A clip stage ended.
    StageFinished {
        /// Its id in the workflow.
        stage: String,
        /// Clips known after it.
        clips: usize,
    },
    /// Something was found out about the media.
    Found {
        /// What.
        finding: Finding,
    },
    /// The units of a plan begin to run.
    RunStarted {
        /// Units in the plan.
        units: usize,
        /// Frames in the plan.
        frames: u64,
    },
    /// A unit began to run.
    UnitStarted {
        /// The unit.
        unit: String,
        /// Its clip.
        clip: String,
        /// Its frames.
        frames: u64,
    },
    /// A frame's outputs are written (or, for a movie, appended).
    FrameDone {
        /// The unit.
        unit: String,
        /// The frame, numbered as in the clip.
        frame: i64,
        /// Frames of the unit done so far.
        done: u64,
        /// Frames of the unit.
        total: u64,
    },
    /// A file stands whole under its final name.
    OutputFinished {
        /// The unit that made it.
        unit: String,
        /// The file.
        output: OutputFile,
    },
    /// A unit is at work on something that finishes no frame; told from time to time while that lasts.
    UnitBusy {
        /// The unit.
        unit: String,
        /// What with, and how far it is.
        with: Busy,
    },
    /// A unit failed in a way that may pass, and will be tried again.
    UnitRetrying {
        /// The unit.
        unit: String,
        /// The attempt that failed, from 1.
        attempt: u32,
        /// What went wrong.
        why: String,
        /// Milliseconds until the next attempt.
        after_ms: u64,
    },
    /// A unit ended, well or not.
    UnitFinished {
        /// How.
        report: UnitReport,
    },
    /// The run ended.
    RunFinished {
        /// Units done.
        done: usize,
        /// Units failed.
        failed: usize,
        /// Units cancelled or never started.
        cancelled: usize,
    },
}

/// What a unit does while it finishes no frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Busy {
    /// It reads files for their digests.
    Reading {
        /// The camera file or the output that it is at.
        path: PathBuf,
        /// Bytes read so far, of all files: more each time.
        bytes: u64,
    },
    /// A sink finishes its files: what is left of them is written, and they are synced. Nobody knows how far it is.
    Finishing {
        /// The sink's id in the workflow.
        stage: String,
        /// Seconds since it began.
        seconds: u64,
    },
}

/// Where events go. Called from any thread; must not block for long.
#[derive(Clone)]
pub struct Events(Arc<dyn Fn(Event) + Send + Sync>);

impl Events {
    /// Events go to `hear`.
    pub fn to(hear: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hear))
    }

    /// Events go nowhere.
    pub fn none() -> Self {
        Self::to(|_| {})
    }

    /// Sends one. What was found out goes to the log, too.
    pub fn send(&self, event: Event) {
        if let Event::Found { finding: f } = &event {
            let (clip, frame, path) = (f.clip.as_deref(), f.frame, f.path.as_ref().map(|p| p.display().to_string()));
            match f.severity {
                Severity::Info => tracing::info!(code = f.code, clip, frame, path, "{}", f.text),
                _ => tracing::warn!(code = f.code, severity = %f.severity, clip, frame, path, "{}", f.text),
            }
        }
        (self.0)(event);
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Events")
    }
}
