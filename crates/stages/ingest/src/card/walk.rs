//! The files of a card: bounded, without loops, with a finding for what cannot be entered.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use rushes_core::media::Finding;
use rushes_core::storage::{Place, place};
use rushes_core::{Error, ErrorKind, Result};

use crate::Ingest;

/// A regular file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) folder: PathBuf,
    /// The file name; of names that are no UTF-8 an approximation, which `exact` tells.
    pub(super) name: String,
    pub(super) exact: bool,
    pub(super) len: u64,
}

impl Found {
    pub(super) fn new(path: PathBuf, len: u64) -> Self {
        let name = path.file_name().unwrap_or_default();
        Self {
            folder: path.parent().unwrap_or(Path::new("")).to_owned(),
            exact: name.to_str().is_some(),
            name: name.to_string_lossy().into_owned(),
            len,
            path,
        }
    }

    /// The name without its extension.
    pub(super) fn stem(&self) -> &str {
        self.name
            .rsplit_once('.')
            .map_or(self.name.as_str(), |(stem, _)| if stem.is_empty() { &self.name } else { stem })
    }
}

/// What was found below a root.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// The root without links.
    root: PathBuf,
    /// In order of path.
    pub(super) files: Vec<Found>,
    /// Files and folders operating systems leave behind, and what is no regular file.
    pub(super) ignored: Vec<PathBuf>,
    pub(super) findings: Vec<Finding>,
}

/// Lists the files below `root`, or `root` itself when it is a file.
pub(super) fn walk(root: &Path, limits: &Ingest) -> Result<Walk> {
    let doing = "looking for clips";
    let local = match place(root).map_err(|e| e.doing(doing))? {
        Place::Remote(_) => return super::remote::walk(root, limits).map_err(|e| e.doing(doing)),
        Place::Local(local) => local,
    };
    let root = &*local;
    let meta = fs::metadata(root).map_err(|e| {
        match e.kind() {
            std::io::ErrorKind::NotFound => Error::new(ErrorKind::NotFound, "there is nothing at this path")
                .path(root)
                .advice("check the path, and that the card is mounted"),
            _ => Error::io(root, e),
        }
        .doing("looking for clips")
    })?;
    let root_itself = fs::canonicalize(root).map_err(|e| Error::io(root, e).doing("looking for clips"))?;
    let mut out = Walk { root: root_itself, ..Walk::default() };
    if meta.is_file() {
        out.files.push(Found::new(root.to_owned(), meta.len()));
        return Ok(out);
    }
    if !meta.is_dir() {
        return Err(Error::new(ErrorKind::Invalid, "it is neither a file nor a folder")
            .path(root)
            .doing("looking for clips"));
    }
    // The root must be readable; of what lies below as much as can be read is read.
    fs::read_dir(root).map_err(|e| Error::io(root, e).doing("looking for clips"))?;
    let mut seen = HashSet::new();
    out.folder(root, 0, limits, &mut seen);
    Ok(out)
}

/// What operating systems and file managers leave on a card.
pub(super) fn ignored(name: &str) -> bool {
    const LEFT: [&str; 5] = ["thumbs.db", "desktop.ini", "$recycle.bin", "system volume information", "__macosx"];
    name.starts_with('.') || LEFT.contains(&name.to_ascii_lowercase().as_str())
}

impl Walk {
    fn folder(&mut self, folder: &Path, depth: usize, limits: &Ingest, seen: &mut HashSet<PathBuf>) {
        let unreadable = |e: std::io::Error| {
            Finding::error("folder-unreadable", format!("its files were not looked at: {e}; check who may read it"))
                .path(folder)
        };
        let entries = match fs::canonicalize(folder).and_then(|real| Ok((real, fs::read_dir(folder)?))) {
            Ok((real, _)) if !real.starts_with(&self.root) => {
                let text = format!("a link leads to {}, outside the card; it was not entered", real.display());
                self.findings.push(Finding::warning("link-outside", text).path(folder));
                self.ignored.push(folder.to_owned());
                return;
            }
            Ok((real, entries)) if seen.insert(real.clone()) => entries,
            Ok(_) => {
                let text = "a link leads to a folder that was looked at already; it was not entered again";
                self.findings.push(Finding::info("folder-seen", text).path(folder));
                return;
            }
            Err(e) => return self.findings.push(unreadable(e)),
        };
        let mut paths = Vec::new();
        for entry in entries {
            match entry {
                Ok(e) => paths.push(e.path()),
                Err(e) => self.findings.push(unreadable(e)),
            }
        }
        paths.sort();
        let mut below = Vec::new();
        for path in paths {
            if ignored(&path.file_name().unwrap_or_default().to_string_lossy()) {
                self.ignored.push(path);
                continue;
            }
            match fs::metadata(&path) {
                Ok(meta) if meta.is_dir() => below.push(path),
                Ok(meta) if meta.is_file() => {
                    if self.files.len() >= limits.max_files {
                        return self.full(limits);
                    }
                    self.files.push(Found::new(path, meta.len()));
                }
                // Pipes, sockets and devices are not opened: a read might never return.
                Ok(_) => self.ignored.push(path),
                Err(e) => {
                    let text = format!("it cannot be read: {e}; check the link or who may read it");
                    self.findings.push(Finding::error("file-unreadable", text).path(&path));
                    self.ignored.push(path);
                }
            }
        }
        for path in below {
            if depth >= limits.max_depth {
                let text =
                    format!("folders are entered {} deep; raise max_depth, or start further down", limits.max_depth);
                self.findings.push(Finding::warning("folder-too-deep", text).path(&path));
                self.ignored.push(path);
                continue;
            }
            self.folder(&path, depth + 1, limits, seen);
            if self.files.len() >= limits.max_files {
                return self.full(limits);
            }
        }
    }

    pub(super) fn full(&mut self, limits: &Ingest) {
        let code = "too-many-files";
        if self.findings.iter().all(|f| f.code != code) {
            let text = format!(
                "only the first {} files were looked at; raise max_files, or start further down",
                limits.max_files
            );
            self.findings.push(Finding::error(code, text));
        }
    }
}
