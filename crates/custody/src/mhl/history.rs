//! The history of a folder: its manifests in order, and those of folders below.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use rushes_core::media::Finding;
use rushes_core::run::CancellationToken;
use rushes_core::storage::local_only;
use rushes_core::{Error, ErrorKind, Result};

use super::chain::{Chain, Link};
use super::listing::Listing;
use super::manifest::{Entry, FolderSums, Manifest};
use super::{CHAIN, FOLDER, read};
use crate::hash::{Algorithm, Sum, Sums, hash_file};
use crate::offload::CardPath;

/// The history of a folder. One folder below may have a history of its own, and so on; all of them
/// stand in one list, the top one first.
#[derive(Debug, Clone)]
pub struct History {
    /// The folder below the top one; `None` for the top itself.
    pub(super) below: Option<PathBuf>,
    /// The history above, as a place in the list.
    pub(super) above: Option<usize>,
    /// Its generations, in order.
    pub generations: Vec<Generation>,
    pub(super) known: Known,
}

/// A manifest of a history.
#[derive(Debug, Clone)]
pub struct Generation {
    /// Its number, from 1.
    pub number: u64,
    /// Its file name.
    pub name: String,
    /// Its C4 digest.
    pub c4: Sum,
    /// What it says.
    pub manifest: Manifest,
}

/// What a history knows of files and folders, by where they were last.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    pub(super) files: HashMap<CardPath, KnownFile>,
    pub(super) folders: HashMap<CardPath, Vec<(u64, FolderSums)>>,
}

/// The earliest digests of a file that did not fail, one for each algorithm.
#[derive(Debug, Clone, Default)]
pub(super) struct KnownFile {
    pub(super) sums: Sums,
    /// The algorithm it was first recorded with.
    pub(super) first: Option<Algorithm>,
    /// Its bytes.
    pub(super) bytes: Option<u64>,
}

/// All histories of a folder.
#[derive(Debug, Clone)]
pub struct Histories {
    /// The folder.
    pub root: PathBuf,
    /// The top history, if there is one, and those below.
    pub all: Vec<History>,
    /// What is wrong with them.
    pub findings: Vec<Finding>,
}

impl Histories {
    /// Reads the history of `root` and those of folders below it. A folder that has none yet has
    /// one without generations.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn open(root: &Path) -> Result<Self> {
        let root = &*local_only(root, "an ASC MHL history").map_err(|e| e.doing("reading a history"))?;
        let facts = fs::metadata(root).map_err(|e| Error::io(root, e).doing("reading a history"))?;
        if !facts.is_dir() {
            return Err(Error::new(ErrorKind::Invalid, "it is not a folder").path(root));
        }
        Ok(Self::among(root, &Listing::of(root, &CancellationToken::new())?))
    }

    /// The histories of `root`, everything in which is listed.
    pub(super) fn among(root: &Path, listing: &Listing) -> Self {
        let mut histories = Self { root: root.to_owned(), all: Vec::new(), findings: Vec::new() };
        histories.load(None, None);
        histories.below(listing, 0, 0);
        histories.check_references();
        histories
    }

    /// The top history has at least one generation.
    pub fn exists(&self) -> bool {
        self.all.first().is_some_and(|h| !h.generations.is_empty())
    }

    /// The earliest digests of every file that did not fail, by its path below the folder.
    pub fn sums(&self) -> HashMap<CardPath, Sums> {
        let mut all = HashMap::new();
        for history in &self.all {
            for (path, file) in &history.known.files {
                // A history further down knows better.
                all.extend(history.outer(path).map(|path| (path, file.sums.clone())));
            }
        }
        all
    }

    /// The histories as the list that other parts number by.
    pub(super) fn numbered(&self) -> Vec<&History> {
        self.all.iter().collect()
    }

    /// What is known of the file at `path` below the top by the history numbered `history`.
    pub(super) fn file(&self, history: usize, path: &CardPath) -> Option<&KnownFile> {
        let history = &self.all[history];
        if history.known.files.is_empty() {
            return None;
        }
        history.known.files.get(&history.inner(path)?)
    }

    /// Every path that any history knows, below the top, and by which: files, then folders.
    pub(super) fn paths(&self) -> [Vec<(usize, CardPath)>; 2] {
        let collect = |paths: &mut dyn Iterator<Item = (usize, Option<CardPath>)>| {
            let mut all: Vec<(usize, CardPath)> = paths.filter_map(|(h, p)| Some((h, p?))).collect();
            all.sort_by(|a, b| a.1.cmp(&b.1));
            // A parent may have recorded what a history below records now.
            all.dedup_by(|a, b| a.1 == b.1);
            all
        };
        let each = || self.all.iter().enumerate();
        let files = collect(&mut each().flat_map(|(i, h)| h.known.files.keys().map(move |p| (i, h.outer(p)))));
        let folders = collect(&mut each().flat_map(|(i, h)| h.known.folders.keys().map(move |p| (i, h.outer(p)))));
        [files, folders]
    }

    fn below(&mut self, listing: &Listing, folder: usize, above: usize) {
        for &inner in &listing.0[folder].folders {
            let listed = &listing.0[inner];
            let is_history = listed.names.iter().any(|(name, _)| name == FOLDER)
                && self.root.join(&listed.path).join(FOLDER).is_dir();
            let place = if is_history { self.load(Some(listed.path.clone()), Some(above)) } else { above };
            self.below(listing, inner, place);
        }
    }

    /// Gives the history's place.
    fn load(&mut self, below: Option<PathBuf>, above: Option<usize>) -> usize {
        let folder = self.root.join(below.as_deref().unwrap_or(Path::new(""))).join(FOLDER);
        let mut generations = Vec::new();
        if folder.is_dir() {
            match generations_in(&folder, &mut self.findings) {
                Ok(found) => generations = found,
                Err(e) => self.findings.push(about("history-unreadable", e.to_string(), &folder)),
            }
        }
        let known = Known::of(&generations);
        self.all.push(History { below, above, generations, known });
        self.all.len() - 1
    }

    /// A history above names manifests of those below by their digests.
    fn check_references(&mut self) {
        let mut findings = Vec::new();
        for history in &self.all {
            let Some(latest) = history.generations.last() else { continue };
            for reference in &latest.manifest.references {
                let Some(path) = history.outer(&reference.path) else { continue };
                let whole = self.root.join(&path);
                match hash_file(&whole, &[Algorithm::C4]) {
                    Ok((sums, _)) if sums.get(Algorithm::C4) == Some(&reference.c4) => {}
                    Ok(_) => {
                        let text = "it is not the manifest that the history above refers to; it was changed";
                        findings.push(about("manifest-altered", text, &whole));
                    }
                    Err(_) => {
                        let text = "the history above refers to it, and it is not there";
                        findings.push(about("manifest-missing", text, &whole));
                    }
                }
            }
        }
        self.findings.extend(findings);
    }
}

impl History {
    /// The folder below the top one; `None` for the top itself.
    pub fn folder(&self) -> Option<&Path> {
        self.below.as_deref()
    }

    /// The patterns of the latest generation.
    pub(super) fn ignore(&self) -> &[String] {
        self.generations.last().map_or(&[], |g| &g.manifest.ignore)
    }

    /// The number of the next generation.
    pub(super) fn next(&self) -> u64 {
        self.generations.iter().map(|g| g.number).max().unwrap_or(0) + 1
    }

    /// A path below the top as one below this history.
    pub(super) fn inner(&self, path: &CardPath) -> Option<CardPath> {
        match &self.below {
            None => Some(path.clone()),
            Some(below) => CardPath::new(path.as_path().strip_prefix(below).ok()?),
        }
    }

    /// A path below this history as one below the top.
    pub(super) fn outer(&self, path: &CardPath) -> Option<CardPath> {
        match &self.below {
            None => Some(path.clone()),
            Some(below) => CardPath::new(below.join(path)),
        }
    }
}

impl Known {
    fn of(generations: &[Generation]) -> Self {
        let mut known = Self::default();
        for generation in generations {
            for entry in &generation.manifest.entries {
                match entry {
                    Entry::File(f) => {
                        if let Some(before) = f.previous_path.as_ref().and_then(|p| known.files.remove(p)) {
                            known.files.entry(f.path.clone()).or_insert(before);
                        }
                        let file = known.files.entry(f.path.clone()).or_default();
                        file.bytes = file.bytes.or(f.size);
                        for hash in &f.hashes {
                            let algorithm = hash.sum.algorithm();
                            if let Some(sum) = f.good(algorithm) {
                                file.first.get_or_insert(algorithm);
                                if file.sums.get(algorithm).is_none() {
                                    file.sums.insert(sum.clone());
                                }
                            }
                        }
                    }
                    Entry::Folder(f) => {
                        if let Some(before) = &f.previous_path {
                            known.folders.remove(before);
                        }
                        known.folders.entry(f.path.clone()).or_default().push((generation.number, f.sums.clone()));
                    }
                }
            }
        }
        known
    }
}

/// The manifests in `folder`, judged by the chain beside them.
fn generations_in(folder: &Path, findings: &mut Vec<Finding>) -> Result<Vec<Generation>> {
    let chain_path = folder.join(CHAIN);
    let chain = match read::text_of(&chain_path) {
        Ok(text) => read::chain(&text).map_err(|e| e.path(&chain_path).doing("reading the chain of a history"))?,
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let text = "the history has no chain, so nobody can tell whether its manifests were changed";
            findings.push(about("chain-missing", text, &chain_path));
            Chain::default()
        }
        Err(e) => return Err(e.doing("reading the chain of a history")),
    };
    let mut generations = Vec::new();
    for Link { number, name, c4 } in &chain.links {
        let path = folder.join(name);
        let (sums, _) = match hash_file(&path, &[Algorithm::C4]) {
            Ok(read) => read,
            Err(e) => {
                let text = format!("the chain names it, and it cannot be read: {}", e.detail());
                findings.push(about("manifest-missing", text, &path));
                continue;
            }
        };
        if sums.get(Algorithm::C4) != Some(c4) {
            let text = "it is not the manifest of the chain: somebody changed it; nothing is compared with it";
            findings.push(about("manifest-altered", text, &path));
            continue;
        }
        generations.extend(generation(&path, *number, name, c4.clone(), findings));
    }
    for name in names_in(folder)? {
        if chain.links.iter().any(|l| l.name == name) {
            continue;
        }
        let path = folder.join(&name);
        let Some(number) = number_of(&name) else {
            let text = "its name is not that of a manifest of this history; it is left alone";
            findings.push(Finding::warning("manifest-unlisted", text).path(&path));
            continue;
        };
        let text = "the chain does not name it: a program was stopped while it wrote, or somebody put it there";
        findings.push(Finding::warning("manifest-unlisted", text).path(&path));
        if let Ok((sums, _)) = hash_file(&path, &[Algorithm::C4])
            && let Some(c4) = sums.get(Algorithm::C4)
        {
            generations.extend(generation(&path, number, &name, c4.clone(), findings));
        }
    }
    generations.sort_by_key(|g| g.number);
    Ok(generations)
}

fn generation(path: &Path, number: u64, name: &str, c4: Sum, findings: &mut Vec<Finding>) -> Option<Generation> {
    match Manifest::read(path) {
        Ok(manifest) => Some(Generation { number, name: name.to_owned(), c4, manifest }),
        Err(e) => {
            findings.push(about("manifest-unreadable", e.to_string(), path));
            None
        }
    }
}

fn names_in(folder: &Path) -> Result<Vec<String>> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .map_err(|e| Error::io(folder, e))?
        .flatten()
        .filter_map(|e| e.file_name().into_string().ok())
        // macOS leaves such files beside its own on other file systems.
        .filter(|n| n.ends_with(".mhl") && !n.starts_with("._"))
        .collect();
    names.sort();
    Ok(names)
}

/// `0001_<anything>.mhl`, or `0001.mhl`.
fn number_of(name: &str) -> Option<u64> {
    let stem = name.strip_suffix(".mhl")?;
    let digits = stem.split('_').next()?;
    (digits.len() >= 4 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
}

fn about(code: &str, text: impl Into<String>, path: &Path) -> Finding {
    Finding::error(code, text).path(path)
}
