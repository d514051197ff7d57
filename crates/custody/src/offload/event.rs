//! What a host's UI hears while a card is copied.

use std::sync::Arc;

use rushes_core::media::{Finding, Severity};
use serde::Serialize;

use super::{CardPath, Evidence};

/// Everything an offload tells. A closed set: a host may match it without a wildcard.
/// Destinations are numbered from 0 in the order they were given.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum OffloadEvent {
    /// The card was walked, the destinations were looked at; no byte has been copied yet.
    Planned {
        /// Files on the card.
        files: usize,
        /// Their bytes.
        bytes: u64,
        /// Bytes that will be read from the card, a second reading not counted.
        to_read: u64,
    },
    /// Something was found out.
    Found {
        /// What.
        finding: Finding,
    },
    /// A file begins to be read.
    FileStarted {
        /// The file.
        path: CardPath,
        /// Its bytes.
        bytes: u64,
    },
    /// Some bytes were read from the card.
    Read {
        /// Bytes read so far, over all files.
        done: u64,
        /// Of how many.
        to_read: u64,
    },
    /// A file stands at a destination under its final name, synced and journalled.
    Delivered {
        /// The file.
        path: CardPath,
        /// Where.
        destination: usize,
        /// What shows that it equals the original.
        evidence: Evidence,
        /// It stood there already.
        reused: bool,
    },
    /// Nothing more is written to a destination; the others go on.
    DestinationFailed {
        /// Which.
        destination: usize,
        /// Why.
        why: String,
    },
    /// The offload ended.
    Finished {
        /// Everything stands everywhere.
        complete: bool,
    },
}

/// Where events go. Called from any thread; must not block for long.
#[derive(Clone)]
pub struct OffloadEvents(Arc<dyn Fn(OffloadEvent) + Send + Sync>);

impl OffloadEvents {
    /// Events go to `hear`.
    pub fn to(hear: impl Fn(OffloadEvent) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hear))
    }

    /// Events go nowhere.
    pub fn none() -> Self {
        Self::to(|_| {})
    }

    /// Sends one. What was found out goes to the log, too.
    pub fn send(&self, event: OffloadEvent) {
        if let OffloadEvent::Found { finding: f } = &event {
            let path = f.path.as_ref().map(|p| p.display().to_string());
            match f.severity {
                Severity::Info => tracing::info!(code = f.code, path, "{}", f.text),
                _ => tracing::warn!(code = f.code, severity = %f.severity, path, "{}", f.text),
            }
        }
        (self.0)(event);
    }
}

impl std::fmt::Debug for OffloadEvents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OffloadEvents")
    }
}
