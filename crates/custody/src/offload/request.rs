//! Asking for an offload, and running it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rushes_core::media::{Finding, Severity};
use rushes_core::run::CancellationToken;
use rushes_core::storage::local_only;
use rushes_core::{Error, ErrorKind, Result};

use super::journal::{Journal, Said};
use super::place::{self, Place};
use super::plan::{self, Asked, Found, Known, Want};
use super::tree::Tree;
use super::{Copied, Disk, Evidence, OffloadEvents, Portability, Storage, names, space};
use crate::hash::Algorithm;

/// A card to be copied; see [the module](super).
#[derive(Clone)]
pub struct Offload {
    pub(super) card: PathBuf,
    name: Option<OsString>,
    destinations: Vec<PathBuf>,
    pub(super) asked: Asked,
    portability: Portability,
    pub(super) buffer: u64,
    pub(super) storage: Arc<dyn Storage>,
}

/// What an offload would do.
#[derive(Debug, Clone)]
pub struct Preflight {
    /// Files on the card.
    pub files: usize,
    /// Folders on the card.
    pub folders: usize,
    /// Bytes of the files.
    pub bytes: u64,
    /// Bytes that will be read from the card, a second reading not counted.
    pub to_read: u64,
    /// Bytes that will be written to each destination.
    pub to_write: Vec<u64>,
    /// What was found out; with an error among those that forbid it, [`Offload::run`] refuses.
    pub findings: Vec<Finding>,
}

impl Preflight {
    /// The findings that forbid the offload. A file whose place something else has does not: the
    /// others are copied.
    pub fn refusals(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| forbids(f))
    }
}

fn forbids(finding: &Finding) -> bool {
    let of_one_file = ["folder-unreadable", "target-differs", "write-failed"];
    finding.severity == Severity::Error && !of_one_file.contains(&finding.code.as_str())
}

/// Everything known before the first byte.
pub(super) struct Planned {
    pub(super) card: PathBuf,
    pub(super) tree: Tree,
    pub(super) places: Vec<Place>,
    pub(super) journals: Vec<Journal>,
    pub(super) found: Vec<Found>,
    pub(super) known: Vec<Option<Known>>,
    pub(super) findings: Vec<Finding>,
}

impl Offload {
    /// The card in `folder`, to be copied nowhere yet; digests xxh128, evidence
    /// [`Evidence::ReadBack`].
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            card: folder.into(),
            name: None,
            destinations: Vec::new(),
            asked: Asked {
                algorithms: vec![Algorithm::Xxh128],
                evidence: Evidence::ReadBack,
                reread: false,
                recheck: false,
            },
            portability: Portability::default(),
            buffer: 64 << 20,
            storage: Arc::new(Disk),
        }
    }

    /// A folder to copy to; the card becomes a folder in it, with the name of the card's folder.
    pub fn to(mut self, folder: impl Into<PathBuf>) -> Self {
        self.destinations.push(folder.into());
        self
    }

    /// The name of the copies, where the card's folder has none that says something.
    pub fn named(mut self, name: impl Into<OsString>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The digests to compute.
    pub fn algorithms(mut self, algorithms: &[Algorithm]) -> Self {
        self.asked.algorithms = algorithms.to_vec();
        self.asked.algorithms.sort_unstable();
        self.asked.algorithms.dedup();
        self
    }

    /// What shall show that the copies equal the card. [`Evidence::SourceReread`] reads each file
    /// of the card twice; else it is read once.
    pub fn evidence(mut self, evidence: Evidence) -> Self {
        self.asked.evidence = evidence;
        self.reread_source(evidence == Evidence::SourceReread)
    }

    /// Reads each file of the card a second time, whatever the evidence.
    pub fn reread_source(mut self, reread: bool) -> Self {
        self.asked.reread = reread;
        self
    }

    /// Compares what stands at the destinations with the card again, whatever the journal proves.
    pub fn recheck(mut self, recheck: bool) -> Self {
        self.asked.recheck = recheck;
        self
    }

    /// What is done about names that other file systems do not take.
    pub fn portability(mut self, portability: Portability) -> Self {
        self.portability = portability;
        self
    }

    /// Bytes by which a slow destination may lag behind the fastest before it holds it up; 64 MiB
    /// unless told. A few pieces of 1 MiB come on top.
    pub fn buffer(mut self, bytes: u64) -> Self {
        self.buffer = bytes;
        self
    }

    /// Other operations on files: for tests, mostly.
    pub fn storage(mut self, storage: Arc<dyn Storage>) -> Self {
        self.storage = storage;
        self
    }

    /// Looks at card and destinations and copies nothing. Destinations that exist are tried with
    /// empty files, which are removed, to find out what they do with names.
    ///
    /// # Errors
    /// When the card cannot be listed, or the request makes no sense.
    pub fn preflight(&self) -> Result<Preflight> {
        let planned = self.plan(&CancellationToken::new(), false)?;
        Ok(planned.preflight())
    }

    /// Copies the card. What goes wrong with a file or with one destination is a finding, and the
    /// rest goes on; [`Copied::state`] says how it ended.
    ///
    /// # Errors
    /// When it may not begin: the card cannot be listed, a destination cannot be used or is in
    /// use, there is no room, names clash. Nothing has been copied then.
    pub fn run(&self, events: &OffloadEvents, cancel: &CancellationToken) -> Result<Copied> {
        let planned = self.plan(cancel, true)?;
        super::copying::copy(self, planned, events, cancel)
    }

    pub(super) fn plan(&self, cancel: &CancellationToken, for_real: bool) -> Result<Planned> {
        let doing = "offloading a card";
        let invalid = |why: &str| Error::new(ErrorKind::Invalid, why).doing(doing).path(&self.card);
        let io = |e| Error::io(&self.card, e).doing(doing);
        if self.destinations.is_empty() {
            return Err(invalid("no destination is named"));
        }
        if self.asked.algorithms.is_empty() {
            return Err(invalid("no hash algorithm is named"));
        }
        // What custody says of a copy is about disks: that it was synced, and read back from them.
        for place in std::iter::once(&self.card).chain(&self.destinations) {
            local_only(place, "an offload").map_err(|e| e.doing(doing))?;
        }
        let card = self.card.canonicalize().map_err(io)?;
        if !card.is_dir() {
            return Err(invalid("it is not a folder").advice("name the card's folder"));
        }
        let name = self.name.clone().or_else(|| card.file_name().map(Into::into));
        // One name, without the separators that may stand around it.
        let name = name.and_then(super::CardPath::new).filter(|p| p.as_path().components().count() == 1);
        let name = name.map(|p| p.as_path().as_os_str().to_owned());
        let Some(name) = name else {
            return Err(invalid("the card has no name to give to the copies").advice("name them"));
        };
        let (places, mut findings) = place::places(&card, &name, &self.destinations);
        let mut tree = Tree::walk(&card, || cancel.is_cancelled())?;
        findings.append(&mut tree.findings);
        if let Some(refusal) = findings.iter().find(|f| forbids(f)).filter(|_| for_real) {
            return Err(refused(&self.card, &findings, refusal));
        }
        let mut planned =
            Planned { card, tree, places, journals: Vec::new(), found: Vec::new(), known: Vec::new(), findings };
        planned.look(self, &name, for_real)?;
        if let Some(refusal) = planned.findings.iter().find(|f| forbids(f)).filter(|_| for_real) {
            return Err(refused(&self.card, &planned.findings, refusal));
        }
        Ok(planned)
    }
}

impl Planned {
    fn look(&mut self, request: &Offload, name: &OsString, for_real: bool) -> Result<()> {
        let known: std::collections::HashSet<_> = self.tree.files.iter().map(|f| &f.path).collect();
        for place in &self.places {
            let said = if for_real {
                std::fs::create_dir_all(&place.base)
                    .map_err(|e| Error::io(&place.base, e).doing("making a destination"))?;
                let (journal, said) = Journal::open(&place.journal, |p| known.contains(p))?;
                self.journals.push(journal);
                said
            } else {
                Said::default()
            };
            let naming = request.storage.naming(place.existing()).unwrap_or_else(|| match place.base.is_dir() {
                true => names::probe(&place.base, name, &self.tree),
                false => names::Naming::default(),
            });
            self.findings.extend(names::check(&self.tree, &place.root, &naming, request.portability));
            let mut found = plan::look(&place.root, &self.tree, &said, &request.asked);
            if for_real {
                remove(&found.leftovers, &place.root, &mut self.findings);
            }
            self.findings.append(&mut found.findings);
            if found.is_another_card() {
                let text =
                    "another card of the same name is there: nothing of this one is; give the copies a name (`--name`)";
                self.findings.push(super::finding::about(Finding::error("destination-other-card", text), &place.root));
            }
            self.found.push(found);
        }
        self.known = plan::agree(&self.tree, &mut self.found, &mut self.findings);
        self.findings.extend(space::check(&*request.storage, &self.tree, &self.places, &self.found));
        // Names that no file system but this one takes are told once, not for each destination.
        let mut told = std::collections::HashSet::new();
        self.findings
            .retain(|f| f.severity == Severity::Error || told.insert((f.code.clone(), f.path.clone(), f.text.clone())));
        Ok(())
    }

    pub(super) fn to_read(&self) -> u64 {
        let read = |i: usize| self.found.iter().any(|f| matches!(f.wants[i], Want::Write | Want::Compare));
        let files = self.tree.files.iter().enumerate().filter(|(i, _)| read(*i));
        files.fold(0, |sum, (_, f)| sum.saturating_add(f.bytes))
    }

    fn preflight(self) -> Preflight {
        let to_write = |found: &Found| {
            let files = self.tree.files.iter().zip(&found.wants).filter(|(_, w)| **w == Want::Write);
            files.fold(0u64, |sum, (f, _)| sum.saturating_add(f.bytes))
        };
        Preflight {
            files: self.tree.files.len(),
            folders: self.tree.folders.len(),
            bytes: self.tree.bytes(),
            to_read: self.to_read(),
            to_write: self.found.iter().map(to_write).collect(),
            findings: self.findings,
        }
    }
}

fn remove(leftovers: &[PathBuf], root: &Path, findings: &mut Vec<Finding>) {
    let gone = leftovers.iter().filter(|p| std::fs::remove_file(p).is_ok()).count();
    if gone > 0 {
        let text = format!("{gone} unfinished files of an interrupted offload were removed; they are copied again");
        findings.push(super::finding::about(Finding::info("leftover-removed", text), root));
    }
}

/// The refusal for people: the first reason, and how many more there are.
fn refused(card: &Path, findings: &[Finding], first: &Finding) -> Error {
    let more = findings.iter().filter(|f| forbids(f)).count() - 1;
    let more = if more > 0 { format!(" (and {more} more like it; a preflight lists them)") } else { String::new() };
    let place = first.path.as_ref().map_or_else(String::new, |p| format!("{}: ", p.display()));
    Error::new(ErrorKind::Invalid, format!("{place}{} [{}]{more}", first.text, first.code))
        .doing("offloading a card; nothing was copied")
        .path(card)
}
