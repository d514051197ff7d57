//! What is to be done with each file at each destination.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rushes_core::media::Finding;

use super::finding::about;
use super::journal::{Line, Said};
use super::temporary::is_temporary;
use super::time::{same_moment, to_ns};
use super::tree::{CardFile, Tree};
use super::{CardPath, Evidence};
use crate::hash::{Algorithm, Sums};

/// What is to be done with one file at one destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// It is not there: copy it.
    Write,
    /// Something of its size is there: compare it with the card.
    Compare,
    /// It is proven, less well than asked: read it back.
    Lift,
    /// It stands there, proven as well as asked.
    Proven(Evidence),
    /// Something else has its place.
    Blocked,
}

/// What was asked of the copies.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) evidence: Evidence,
    pub(super) reread: bool,
    pub(super) recheck: bool,
}

/// What an earlier offload proved of a file of the card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) sums: Sums,
    pub(super) reread: bool,
}

/// What was found at one destination.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// One for each file of the card.
    pub(super) wants: Vec<Want>,
    /// What is known of those that are proven.
    pub(super) known: Vec<Option<Known>>,
    pub(super) findings: Vec<Finding>,
    /// Temporaries that a killed offload left.
    pub(super) leftovers: Vec<PathBuf>,
    /// Files and folders there that the card does not have.
    strangers: usize,
}

/// Looks at the copy as it stands; nothing is read but names and sizes.
pub(super) fn look(root: &Path, tree: &Tree, said: &Said, asked: &Asked) -> Found {
    let mut found = Found::default();
    let blocked = found.look_at_folders(root, tree);
    for file in &tree.files {
        let (want, known) = if blocked.iter().any(|b| file.path.as_path().starts_with(b)) {
            (Want::Blocked, None)
        } else {
            found.look_at_file(root, file, said.files.get(&file.path), asked)
        };
        found.wants.push(want);
        found.known.push(known);
    }
    if said.damaged > 0 {
        let text = format!(
            "{} lines of the journal are damaged and say nothing; what they told of is compared again",
            said.damaged
        );
        found.findings.push(about(Finding::info("journal-damaged", text), root));
    }
    found
}

impl Found {
    /// Things stand there, and none of them is a file of this card.
    pub(super) fn is_another_card(&self) -> bool {
        self.strangers > 0 && !self.wants.is_empty() && self.wants.iter().all(|w| *w == Want::Write)
    }

    /// Gives the folders whose place something else has.
    fn look_at_folders(&mut self, root: &Path, tree: &Tree) -> Vec<PathBuf> {
        let ours: HashSet<&Path> =
            tree.folders.iter().map(|f| f.path.as_path()).chain(tree.files.iter().map(|f| f.path.as_path())).collect();
        let mut blocked = Vec::new();
        let all = std::iter::once(Path::new("")).chain(tree.folders.iter().map(|f| f.path.as_path()));
        for folder in all {
            let place = root.join(folder);
            match fs::symlink_metadata(&place) {
                Ok(m) if m.is_dir() => {}
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Ok(_) => {
                    let text = "something that is not a folder has the place of one; nothing is written through it";
                    self.findings.push(about(Finding::error("target-differs", text), &place));
                    blocked.push(folder.to_owned());
                    continue;
                }
                Err(e) => {
                    self.findings.push(about(Finding::error("write-failed", e.to_string()), &place));
                    blocked.push(folder.to_owned());
                    continue;
                }
            }
            for entry in fs::read_dir(&place).into_iter().flatten().flatten() {
                let name = entry.file_name();
                let path = folder.join(&name);
                if ours.contains(path.as_path()) || path == Path::new("ascmhl") {
                    continue;
                }
                match is_temporary(&name) {
                    true => self.leftovers.push(place.join(name)),
                    false => self.strangers += 1,
                }
            }
        }
        if self.strangers > 0 {
            let strangers = self.strangers;
            let text =
                format!("{strangers} files or folders are there that the card does not have; they are left alone");
            self.findings.push(about(Finding::info("target-extra", text), root));
        }
        blocked
    }

    fn look_at_file(
        &mut self,
        root: &Path,
        file: &CardFile,
        line: Option<&Line>,
        asked: &Asked,
    ) -> (Want, Option<Known>) {
        let place = root.join(&file.path);
        let there = match fs::symlink_metadata(&place) {
            Ok(there) => there,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return (Want::Write, None),
            Err(e) => {
                self.findings.push(about(Finding::error("write-failed", e.to_string()), &place));
                return (Want::Blocked, None);
            }
        };
        let line = line.filter(|l| l.bytes == file.bytes && l.modified_ns == to_ns(file.modified));
        let known = line.and_then(|l| Some(Known { sums: restrict(&l.sums()?, &asked.algorithms)?, reread: l.reread }));
        if !there.is_file() || there.len() != file.bytes {
            // A history of the card goes on at the destination; what was copied of it is in there.
            if there.is_file()
                && in_history(&file.path)
                && let (Some(line), Some(known)) = (line, known)
            {
                let text = "the card's history was copied and has been added to since; it is left as it is";
                self.findings.push(about(Finding::info("history-grown", text), &place));
                return (Want::Proven(line.evidence), Some(known));
            }
            let text = format!(
                "something else has this name there ({} bytes; the card's file has {}); it is not replaced: move it away, or choose another destination",
                there.len(),
                file.bytes
            );
            self.findings.push(about(Finding::error("target-differs", text), &place));
            return (Want::Blocked, None);
        }
        let untouched = |l: &Line| there.modified().is_ok_and(|m| same_moment(to_ns(m), l.there_ns));
        match (line, known) {
            (Some(l), Some(known)) if untouched(l) && !asked.recheck && (l.reread || !asked.reread) => {
                if asked.evidence == Evidence::ReadBack && l.evidence < Evidence::ReadBack {
                    (Want::Lift, Some(known))
                } else {
                    (Want::Proven(l.evidence), Some(known))
                }
            }
            _ => (Want::Compare, None),
        }
    }
}

/// The digests asked for; `None` when one of them is not there.
fn restrict(sums: &Sums, algorithms: &[Algorithm]) -> Option<Sums> {
    algorithms.iter().map(|a| sums.get(*a).cloned()).collect()
}

fn in_history(path: &CardPath) -> bool {
    path.as_path().parent().and_then(Path::file_name).is_some_and(|n| n == "ascmhl")
}

/// What the journals of all destinations say of each file. Where they contradict each other
/// nothing is proven, and everything is compared.
pub(super) fn agree(tree: &Tree, found: &mut [Found], findings: &mut Vec<Finding>) -> Vec<Option<Known>> {
    let mut known = Vec::with_capacity(tree.files.len());
    for (i, file) in tree.files.iter().enumerate() {
        let said: Vec<&Known> = found.iter().filter_map(|f| f.known[i].as_ref()).collect();
        if said.windows(2).all(|two| two[0].sums == two[1].sums) {
            let reread = said.iter().any(|k| k.reread);
            known.push(said.first().map(|k| Known { sums: k.sums.clone(), reread }));
            continue;
        }
        let text = "the journals of two destinations give different digests; the file is read again everywhere";
        findings.push(about(Finding::warning("journal-contradicts", text), &file.path));
        for want in found.iter_mut().map(|f| &mut f.wants[i]) {
            if matches!(want, Want::Lift | Want::Proven(_)) {
                *want = Want::Compare;
            }
        }
        known.push(None);
    }
    known
}
