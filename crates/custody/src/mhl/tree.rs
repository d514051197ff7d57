//! The files and folders that a history records, in the order digests of folders are made in.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rushes_core::media::Finding;

use super::FOLDER;
use super::history::History;
use super::ignore::Patterns;
use super::listing::Listing;
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
    /// The place of the first of them among all files.
    pub(super) first: usize,
    /// Its folders, as places in [`Tree::folders`].
    pub(super) folders: Vec<usize>,
    /// The history that records what is in it, as a number that [`History::numbered`] knows.
    pub(super) history: usize,
}

impl Tree {
    /// What of `listing` is recorded. `histories` are the top one and those below it, `patterns` theirs.
    pub(super) fn of(listing: &Listing, histories: &[&History], patterns: &[Patterns]) -> Self {
        let mut walk = Walk { listing, histories, patterns, files: 0, tree: Self::default() };
        walk.folder(0, 0);
        walk.tree
    }

    /// All files, in the order they are written.
    pub(super) fn files(&self) -> impl Iterator<Item = (&Folder, &CardPath)> {
        self.folders.iter().flat_map(|folder| folder.files.iter().map(move |file| (folder, file)))
    }
}

struct Walk<'a> {
    listing: &'a Listing,
    histories: &'a [&'a History],
    patterns: &'a [Patterns],
    files: usize,
    tree: Tree,
}

impl Walk<'_> {
    /// Gives the folder's place in the tree.
    fn folder(&mut self, listed: usize, above: usize) -> usize {
        let listed = &self.listing.0[listed];
        let path = &listed.path;
        let history = self.histories.iter().position(|h| h.below.as_ref() == Some(path)).unwrap_or(above);
        let mut below = listed.folders.iter();
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for (name, kind) in &listed.names {
            let inner = path.join(name);
            let place = if kind.is_dir() && name != FOLDER { below.next() } else { None };
            match (self.look(&inner, *kind, history), place) {
                (Looked::File(file), _) => files.push(file),
                (Looked::Folder, Some(&place)) => match &self.listing.0[place].trouble {
                    None => folders.push(self.folder(place, history)),
                    Some(e) => self.found(Finding::error("folder-unreadable", e.detail()), &inner),
                },
                (Looked::Folder, None) | (Looked::Nothing, _) => {}
            }
        }
        let (path, first) = (CardPath::new(path), self.files);
        self.files += files.len();
        self.tree.folders.push(Folder { path, modified: listed.modified, files, first, folders, history });
        self.tree.folders.len() - 1
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
