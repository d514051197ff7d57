//! What an offload did.

use std::path::PathBuf;
use std::time::SystemTime;

use rushes_core::media::{Finding, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CardPath, Evidence, NotCopied, OffloadManifest};
use crate::hash::{Algorithm, Sums};

/// How an offload ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Every file of the card stands at every destination.
    Complete,
    /// Something is missing somewhere; the findings say what. Run it again: it goes on.
    Incomplete,
    /// It was cancelled. Run it again: it goes on.
    Cancelled,
}

/// What an offload did: from here a manifest of any kind is written without reading again.
#[derive(Debug, Clone)]
pub struct Copied {
    /// The card.
    pub card: PathBuf,
    /// How it ended.
    pub state: State,
    /// The algorithms that were asked for.
    pub algorithms: Vec<Algorithm>,
    /// The evidence that was asked for; each file says what it has.
    pub asked: Evidence,
    /// The destinations, as they were given.
    pub destinations: Vec<Destination>,
    /// Folders of the card, in the order of their paths.
    pub folders: Vec<CardPath>,
    /// Files of the card, in the order of their paths.
    pub files: Vec<CopiedFile>,
    /// What is on the card and not copied.
    pub not_copied: Vec<NotCopied>,
    /// Everything found out, in an order that does not depend on threads.
    pub findings: Vec<Finding>,
    /// Most bytes that were held in memory between card and destinations.
    pub held_bytes: u64,
}

/// A destination of an offload.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The copy of the card.
    pub root: PathBuf,
    /// The manifest beside it, when one was written.
    pub manifest: Option<PathBuf>,
    /// Why nothing more was written there.
    pub failed: Option<String>,
}

/// A file of the card.
#[derive(Debug, Clone)]
pub struct CopiedFile {
    /// Where it is on the card and in each copy.
    pub path: CardPath,
    /// Its bytes.
    pub bytes: u64,
    /// When it was last written.
    pub modified: SystemTime,
    /// The digests asked for; `None` when it could not be read.
    pub sums: Option<Sums>,
    /// The source was read twice, with the same digests.
    pub source_reread: bool,
    /// For each destination whether it stands there.
    pub at: Vec<Option<Delivery>>,
}

/// A file stands at a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// What shows that it equals the original.
    pub evidence: Evidence,
    /// It stood there already, copied by an earlier offload or by somebody else.
    pub reused: bool,
}

impl Copied {
    /// Every file of the card stands at every destination.
    pub fn is_complete(&self) -> bool {
        self.state == State::Complete
    }

    /// The files that stand at a destination, with all that a manifest there wants to know.
    pub fn delivered(&self, destination: usize) -> impl Iterator<Item = &CopiedFile> {
        self.files.iter().filter(move |f| f.at.get(destination).is_some_and(Option::is_some))
    }

    /// The lowest evidence over all files at all destinations; `None` unless all stand.
    pub fn evidence(&self) -> Option<Evidence> {
        let all: Option<Vec<Evidence>> = self.files.iter().flat_map(|f| &f.at).map(|d| d.map(|d| d.evidence)).collect();
        all?.into_iter().min()
    }

    /// The offload as a file.
    pub fn manifest(&self) -> OffloadManifest {
        OffloadManifest::of(self)
    }

    pub(super) fn judge(&mut self, cancelled: bool) {
        let stands = self.files.iter().all(|f| f.at.iter().all(Option::is_some))
            && self.destinations.iter().all(|d| d.failed.is_none())
            && self.findings.iter().all(|f| f.severity < Severity::Error);
        self.state = match (stands, cancelled) {
            (true, _) => State::Complete,
            (false, true) => State::Cancelled,
            (false, false) => State::Incomplete,
        };
    }
}
