//! All histories of a folder put together into one packing list.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rushes_core::deliver::{file_stem, write_whole};
use rushes_core::media::Severity;
use rushes_core::storage::local_only;
use rushes_core::{Error, ErrorKind, Result};

use super::chain::{Chain, Link};
use super::create::{host_name, write_manifest};
use super::history::Histories;
use super::manifest::{Author, Creator, Entry, FileEntry, Manifest, Process};
use super::{COLLECTION, stamp, write};
use crate::offload::CardPath;

/// What goes into a packing list beside the files.
#[derive(Debug, Clone, Default)]
pub struct Flatten {
    /// Who makes it.
    pub authors: Vec<Author>,
    /// Where.
    pub location: Option<String>,
    /// Anything.
    pub comment: Option<String>,
}

impl Flatten {
    /// Writes one manifest into the folder `to` with the earliest digest of each algorithm of every
    /// file that the histories of `root` know, those that failed left out, and names it in
    /// `ascmhl_collection.xml` beside it. Gives the manifest's path.
    ///
    /// # Errors
    /// When there is no history, when it is damaged, or when it cannot be written.
    pub fn run(&self, root: &Path, to: &Path) -> Result<PathBuf> {
        let doing = "flattening a history";
        let begun = SystemTime::now();
        let root = &local_only(root, "an ASC MHL history").map_err(|e| e.doing(doing))?;
        let root = &root.canonicalize().map_err(|e| Error::io(root, e).doing(doing))?;
        let histories = Histories::open(root)?;
        if let Some(damage) = histories.findings.iter().find(|f| f.severity == Severity::Error) {
            let path = damage.path.clone().unwrap_or_else(|| root.clone());
            return Err(Error::new(ErrorKind::Invalid, damage.text.clone()).doing(doing).path(path));
        }
        if !histories.exists() {
            return Err(Error::new(ErrorKind::NotFound, "the folder has no ASC MHL history").doing(doing).path(root));
        }
        let manifest = Manifest {
            creator: Creator {
                date: stamp::iso(begun),
                host: host_name(),
                tool: "rushes".into(),
                tool_version: Some(env!("CARGO_PKG_VERSION").into()),
                authors: self.authors.clone(),
                location: self.location.clone(),
                comment: self.comment.clone(),
            },
            process: Process::Flatten,
            ignore: histories.all[0].ignore().to_vec(),
            entries: files(&histories).into_iter().map(Entry::File).collect(),
            ..Manifest::default()
        };
        let named = root.file_name().map_or_else(|| "root".into(), |n| file_stem(&n.to_string_lossy()));
        let name = format!("packinglist_{named}_{}.mhl", stamp::in_name(begun));
        std::fs::create_dir_all(to).map_err(|e| Error::io(to, e).doing(doing))?;
        let path = to.join(&name);
        let c4 = write_manifest(&path, &manifest).map_err(|e| e.doing(doing))?;
        let chain = Chain { links: vec![Link { number: 1, name, c4 }] };
        write_whole(&to.join(COLLECTION), true, write::chain(&chain).as_bytes()).map_err(|e| e.doing(doing))?;
        Ok(path)
    }
}

/// Every file with its earliest digests, where it was last, in the order of the paths.
fn files(histories: &Histories) -> Vec<FileEntry> {
    let mut all: HashMap<CardPath, FileEntry> = HashMap::new();
    for history in &histories.all {
        // A file that was renamed is known where it went.
        for generation in &history.generations {
            for entry in generation.manifest.files() {
                let Some(path) = history.outer(&entry.path) else { continue };
                let before = entry.previous_path.as_ref().and_then(|p| history.outer(p)).and_then(|p| all.remove(&p));
                let flat = all.entry(path.clone()).or_insert_with(|| FileEntry {
                    path,
                    size: entry.size,
                    modified: entry.modified.clone(),
                    hashes: before.map(|b| b.hashes).unwrap_or_default(),
                    previous_path: None,
                });
                for hash in &entry.hashes {
                    let algorithm = hash.sum.algorithm();
                    if entry.good(algorithm).is_some() && !flat.hashes.iter().any(|h| h.sum.algorithm() == algorithm) {
                        flat.hashes.push(hash.clone());
                    }
                }
            }
        }
    }
    let mut files: Vec<FileEntry> = all.into_values().filter(|f| !f.hashes.is_empty()).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}
