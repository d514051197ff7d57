//! The files and folders that a history records, in the order digests of folders are made in.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rushes_core::media::Finding;
use rushes_core::run::CancellationToken;
use rushes_core::{Error, ErrorKind, Result};

use super::history::History;
use super::ignore::Patterns;
use super::write::can_hold;
use crate::offload::CardPath;

/// What was found: folders come after the folders in them.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) folders: Vec<Folder>,
    pub(super) findings: Vec<Finding>,
}

/// A folder with what is in it, in the order of the names' bytes.
#[derive(Debug)]
pub(super) struct Folder {
    /// Below the top; `None` for the top itself.
    pub(super) path: Option<CardPath>,
    pub(super) modified: SystemTime,
    pub(super) files: Vec<CardPath>,
    /// Its folders, as places in [`Tree::folders`].
    pub(super) folders: Vec<usize>,
    /// The history that records what is in it, as a number that [`History::numbered`] knows.
    pub(super) history: usize,
}

/// Folders in folders that are looked into.
const DEEPEST: usize = 200;

impl Tree {
    /// Lists `root`. `histories` are the top one and those below it, `patterns` theirs.
    ///
    /// # Errors
    /// When the root cannot be listed, or `cancel` fires.
    pub(super) fn walk(
        root: &Path,
        histories: &[&History],
        patterns: &[Patterns],
        cancel: &CancellationToken,
    ) -> Result<Self> {
        let mut walk = Walk { root, histories, patterns, cancel, tree: Self::default() };
        walk.folder(Path::new(""), 0, 0)?;
        Ok(walk.tree)
    }

    /// All files, in the order they are written.
    pub(super) fn files(&self) -> impl Iterator<Item = (&Folder, &CardPath)> {
        self.folders.iter().flat_map(|folder| folder.files.iter().map(move |file| (folder, file)))
    }
}

struct Walk<'a> {
    root: &'a Path,
    histories: &'a [&'a History],
    patterns: &'a [Patterns],
    cancel: &'a CancellationToken,
    tree: Tree,
}

impl Walk<'_> {
    /// Gives the folder's place.
    fn folder(&mut self, path: &Path, above: usize, depth: usize) -> Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "cancelled"));
        }
        let whole = self.root.join(path);
        let io = |e| Error::io(&whole, e).doing("listing a folder");
        let history = self.histories.iter().position(|h| h.below.as_deref() == Some(path)).unwrap_or(above);
        let modified = fs::metadata(&whole).and_then(|m| m.modified()).map_err(io)?;
        let named = |e: fs::DirEntry| Ok((e.file_name(), e.file_type()?));
        let mut names: Vec<_> = fs::read_dir(&whole)
            .and_then(|all| all.map(|e| e.and_then(named)).collect::<Result<_, _>>())
            .map_err(io)?;
        names.sort_by(|a, b| a.0.cmp(&b.0));
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for (name, kind) in names {
            let inner = path.join(&name);
            match self.look(&inner, kind, history) {
                Looked::File(file) => files.push(file),
                Looked::Folder if depth < DEEPEST => match self.folder(&inner, history, depth + 1) {
                    Ok(place) => folders.push(place),
                    Err(e) if e.kind() == ErrorKind::Cancelled => return Err(e),
                    Err(e) => self.found(Finding::error("folder-unreadable", e.detail()), &inner),
                },
                Looked::Folder => {
                    let text = format!("folders deeper than {DEEPEST} are not looked into");
                    self.found(Finding::error("folder-unreadable", text), &inner);
                }
                Looked::Nothing => {}
            }
        }
        self.tree.folders.push(Folder { path: CardPath::new(path), modified, files, folders, history });
        Ok(self.tree.folders.len() - 1)
    }

    fn look(&mut self, path: &Path, kind: fs::FileType, history: usize) -> Looked {
        if self.left_out(path, kind.is_dir(), history) {
            return Looked::Nothing;
        }
        if !path.to_str().is_some_and(can_hold) {
            let text = "the name cannot be written in XML, so a history cannot record it; rename it";
            self.found(Finding::error("name-not-recordable", text), path);
            return Looked::Nothing;
        }
        if kind.is_dir() {
            return Looked::Folder;
        }
        if !kind.is_file() {
            let text = "a link, pipe, socket or device is not recorded";
            self.found(Finding::warning("special-not-recorded", text), path);
            return Looked::Nothing;
        }
        CardPath::new(path).map_or(Looked::Nothing, Looked::File)
    }

    /// By the patterns of the closest history, or of one above it.
    fn left_out(&self, path: &Path, folder: bool, history: usize) -> bool {
        let mut at = Some(history);
        while let Some(i) = at {
            let below = self.histories[i].below.as_deref().unwrap_or(Path::new(""));
            if let Ok(relative) = path.strip_prefix(below)
                && self.patterns[i].leaves_out(relative, folder)
            {
                return true;
            }
            at = self.histories[i].above;
        }
        false
    }

    fn found(&mut self, finding: Finding, path: &Path) {
        self.tree.findings.push(finding.path(PathBuf::from(path.to_string_lossy().into_owned())));
    }
}

enum Looked {
    File(CardPath),
    Folder,
    Nothing,
}
