//! A manifest as data: what one file `NNNN_<folder>_<date>.mhl` says.

use std::sync::Arc;

use crate::hash::{Algorithm, Sum, Sums};
use crate::offload::CardPath;

/// One generation of a history, or a packing list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Who made it, and with what.
    pub creator: Creator,
    /// What was done while it was made.
    pub process: Process,
    /// The digests of the root folder.
    pub root: Option<FolderSums>,
    /// Patterns of what is not recorded, in the syntax of `.gitignore`.
    pub ignore: Vec<String>,
    /// Files and folders, in the order they are written.
    pub entries: Vec<Entry>,
    /// Manifests of histories in folders below.
    pub references: Vec<Reference>,
}

/// Who made a manifest, and with what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Creator {
    /// When, as it is written (ISO 8601).
    pub date: String,
    /// The machine.
    pub host: String,
    /// The program.
    pub tool: String,
    /// Its version.
    pub tool_version: Option<String>,
    /// People.
    pub authors: Vec<Author>,
    /// Where.
    pub location: Option<String>,
    /// Anything.
    pub comment: Option<String>,
}

/// Somebody who made a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Author {
    /// Name.
    pub name: String,
    /// Mail address.
    pub email: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// What they do: `DIT`.
    pub role: Option<String>,
}

/// What was done while a manifest was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Process {
    /// Files were read where they are.
    #[default]
    InPlace,
    /// Files were copied.
    Transfer,
    /// Other manifests were put together.
    Flatten,
}

impl Process {
    /// The word in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Self::InPlace => "in-place",
            Self::Transfer => "transfer",
            Self::Flatten => "flatten",
        }
    }

    /// The process of that word.
    pub fn named(name: &str) -> Option<Self> {
        [Self::InPlace, Self::Transfer, Self::Flatten].into_iter().find(|p| p.name() == name)
    }
}

/// A file or a folder in a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A file.
    File(FileEntry),
    /// A folder.
    Folder(FolderEntry),
}

/// A file as it was at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Where it is below the folder of the history.
    pub path: CardPath,
    /// Its bytes.
    pub size: Option<u64>,
    /// When it was last written, as it is written (ISO 8601).
    pub modified: Option<Arc<str>>,
    /// Its digests.
    pub hashes: Vec<Hash>,
    /// Where it was before.
    pub previous_path: Option<CardPath>,
}

/// A folder as it was at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderEntry {
    /// Where it is below the folder of the history.
    pub path: CardPath,
    /// When it was last written, as it is written (ISO 8601).
    pub modified: Option<Arc<str>>,
    /// Its digests.
    pub sums: FolderSums,
    /// Where it was before.
    pub previous_path: Option<CardPath>,
}

/// The two digests of a folder, for each algorithm. Both are over what is in it: renaming changes
/// the structure and not the content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FolderSums {
    /// Over the digests of what is in it.
    pub content: Sums,
    /// Over names and digests of what is in it.
    pub structure: Sums,
    /// When they were computed, as it is written (ISO 8601).
    pub date: Option<Arc<str>>,
}

/// A digest of a file, and what it was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hash {
    /// The digest.
    pub sum: Sum,
    /// What came of comparing it.
    pub action: Option<Action>,
    /// When it was computed, as it is written (ISO 8601).
    pub date: Option<Arc<str>>,
}

/// What came of comparing a file with what was known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing was known of it.
    Original,
    /// It is what it was.
    Verified,
    /// It is not what it was; the digest is never compared with.
    Failed,
}

impl Action {
    /// The word in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Verified => "verified",
            Self::Failed => "failed",
        }
    }

    /// The action of that word.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Original, Self::Verified, Self::Failed].into_iter().find(|a| a.name() == name)
    }
}

/// A manifest of a history below, as the one above knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Where it is below the folder of the history.
    pub path: CardPath,
    /// Its C4 digest.
    pub c4: Sum,
}

impl Manifest {
    /// The files.
    pub fn files(&self) -> impl Iterator<Item = &FileEntry> {
        self.entries.iter().filter_map(|e| if let Entry::File(f) = e { Some(f) } else { None })
    }

    /// The folders.
    pub fn folders(&self) -> impl Iterator<Item = &FolderEntry> {
        self.entries.iter().filter_map(|e| if let Entry::Folder(f) = e { Some(f) } else { None })
    }
}

impl FileEntry {
    /// The digest by `algorithm`, unless the comparison it stems from failed.
    pub fn good(&self, algorithm: Algorithm) -> Option<&Sum> {
        self.hashes.iter().find(|h| h.sum.algorithm() == algorithm && h.action != Some(Action::Failed)).map(|h| &h.sum)
    }
}
