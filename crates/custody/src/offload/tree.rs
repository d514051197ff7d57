//! What is on a card: everything, in an order that depends on names alone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rushes_core::media::Finding;
use rushes_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CardPath;
use super::finding::about;

/// The card, listed. Every list is in the order of the paths' bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    pub(super) folders: Vec<Folder>,
    pub(super) files: Vec<CardFile>,
    pub(super) others: Vec<NotCopied>,
    pub(super) findings: Vec<Finding>,
}

#[derive(Debug, Clone)]
pub(super) struct Folder {
    pub(super) path: CardPath,
    pub(super) modified: SystemTime,
}

#[derive(Debug, Clone)]
pub(super) struct CardFile {
    pub(super) path: CardPath,
    pub(super) bytes: u64,
    pub(super) modified: SystemTime,
}

/// Something on the card that is listed and not copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotCopied {
    /// Where it is.
    pub path: CardPath,
    /// What it is.
    pub kind: NotCopiedKind,
    /// Where a link points, as it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// What is not copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NotCopiedKind {
    /// A symbolic link; it is not followed.
    Link,
    /// A pipe, socket or device.
    Special,
    /// A folder that could not be listed.
    UnreadableFolder,
}

impl Tree {
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, f| sum.saturating_add(f.bytes))
    }

    /// Lists `card`; links are not followed.
    ///
    /// # Errors
    /// When the card's own folder cannot be listed.
    pub(super) fn walk(card: &Path, cancelled: impl Fn() -> bool) -> Result<Self> {
        let mut tree = Self::default();
        let doing = "listing the card";
        let mut waiting = vec![PathBuf::new()];
        while let Some(folder) = waiting.pop() {
            if cancelled() {
                return Err(Error::new(ErrorKind::Cancelled, "cancelled").doing(doing));
            }
            match tree.list(card, &folder) {
                Ok(inner) => waiting.extend(inner),
                Err(e) => match CardPath::new(folder) {
                    None => return Err(Error::io(card, e).doing(doing)),
                    Some(path) => {
                        let text = format!("nothing in it is copied: {e}; check who may read it, or the card");
                        tree.findings.push(about(Finding::error("folder-unreadable", text), &path));
                        tree.others.push(NotCopied { path, kind: NotCopiedKind::UnreadableFolder, target: None });
                    }
                },
            }
        }
        tree.folders.sort_by(|a, b| a.path.cmp(&b.path));
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        tree.others.sort_by(|a, b| a.path.cmp(&b.path));
        tree.findings.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    /// One folder, all of it or nothing; gives the folders in it.
    fn list(&mut self, card: &Path, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let (mut folders, mut files, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for entry in fs::read_dir(card.join(folder))? {
            let entry = entry?;
            let Some(path) = CardPath::new(folder.join(entry.file_name())) else { continue };
            let facts = fs::symlink_metadata(entry.path())?;
            let modified = facts.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let kind = facts.file_type();
            if kind.is_dir() {
                folders.push(Folder { path, modified });
            } else if kind.is_file() {
                files.push(CardFile { path, bytes: facts.len(), modified });
            } else {
                let target = fs::read_link(entry.path()).ok().map(|t| t.to_string_lossy().into_owned());
                let kind = if kind.is_symlink() { NotCopiedKind::Link } else { NotCopiedKind::Special };
                others.push(NotCopied { path, kind, target });
            }
        }
        for other in &others {
            let finding = match other.kind {
                NotCopiedKind::Link => Finding::warning(
                    "link-not-copied",
                    format!(
                        "a symbolic link to `{}` is listed and not followed; copy what it points to by itself",
                        other.target.as_deref().unwrap_or("?").escape_debug()
                    ),
                ),
                _ => Finding::warning("special-not-copied", "a pipe, socket or device has no bytes to copy"),
            };
            self.findings.push(about(finding, &other.path));
        }
        let inner = folders.iter().map(|f| f.path.as_path().to_owned()).collect();
        self.folders.append(&mut folders);
        self.files.append(&mut files);
        self.others.append(&mut others);
        Ok(inner)
    }
}
