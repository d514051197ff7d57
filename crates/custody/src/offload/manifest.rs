//! An offload as a file: what was copied where, with which digests, and by what that is known.

use std::collections::BTreeMap;
use std::path::Path;

use rushes_core::media::Finding;
use rushes_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::journal::Line;
use super::time::to_ns;
use super::{CardPath, Copied, Evidence, NotCopied, State};
use crate::hash::{Algorithm, Sum, Sums};

/// The manifest of an offload. It stands beside the copy, as `<name>.rushes-offload.json`, not in
/// it: the copy holds what the card holds and nothing else. It says nothing of clocks, so that the
/// same offload writes the same manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OffloadManifest {
    /// Version of this form.
    pub rushes_offload: u32,
    /// The program that copied.
    pub tool: Tool,
    /// The card's path when it was copied.
    pub card: String,
    /// How the offload ended.
    pub state: State,
    /// The algorithms asked for.
    pub algorithms: Vec<Algorithm>,
    /// The evidence asked for.
    pub asked: Evidence,
    /// The copies.
    pub destinations: Vec<ManifestDestination>,
    /// Folders of the card.
    pub folders: Vec<CardPath>,
    /// Files of the card.
    pub files: Vec<ManifestFile>,
    /// What is on the card and was not copied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_copied: Vec<NotCopied>,
    /// What was found out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// A program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ManifestDestination {
    /// The copy of the card's folder.
    pub root: String,
    /// Files that stand there.
    pub files: usize,
    /// Why nothing more was written there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// A file of the card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ManifestFile {
    /// Where it is on the card and in each copy.
    pub path: CardPath,
    /// Its bytes.
    pub bytes: u64,
    /// When it was last written, in nanoseconds since 1970 (UTC).
    pub modified_ns: i64,
    /// Its digests, as ASC MHL writes them; none when it could not be read.
    pub sums: BTreeMap<Algorithm, String>,
    /// The source was read twice, with the same digests.
    pub source_reread: bool,
    /// For each destination what shows that the copy equals the original; null: not there.
    pub evidence: Vec<Option<Evidence>>,
}

/// The version of the form that is written.
const VERSION: u32 = 1;
/// Longest manifest that is read: a million files with all digests.
const LONGEST: u64 = 1 << 30;

impl OffloadManifest {
    pub(super) fn of(copied: &Copied) -> Self {
        let files = copied.files.iter().map(|f| ManifestFile {
            path: f.path.clone(),
            bytes: f.bytes,
            modified_ns: to_ns(f.modified),
            sums: f.sums.as_ref().map(Line::texts).unwrap_or_default(),
            source_reread: f.source_reread,
            evidence: f.at.iter().map(|d| d.map(|d| d.evidence)).collect(),
        });
        let destinations = copied.destinations.iter().enumerate().map(|(k, d)| ManifestDestination {
            root: d.root.to_string_lossy().into_owned(),
            files: copied.delivered(k).count(),
            failed: d.failed.clone(),
        });
        Self {
            rushes_offload: VERSION,
            tool: Tool { name: "rushes".into(), version: env!("CARGO_PKG_VERSION").into() },
            card: copied.card.to_string_lossy().into_owned(),
            state: copied.state,
            algorithms: copied.algorithms.clone(),
            asked: copied.asked,
            destinations: destinations.collect(),
            folders: copied.folders.clone(),
            files: files.collect(),
            not_copied: copied.not_copied.clone(),
            findings: copied.findings.clone(),
        }
    }

    /// Writes it, whole or not at all; an older one is replaced.
    ///
    /// # Errors
    /// Whatever the operating system refuses.
    pub fn write(&self, path: &Path) -> Result<()> {
        let json = serde_json::to_vec_pretty(self)
            .map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()).doing("writing a manifest").path(path))?;
        rushes_core::deliver::write_whole(path, true, &json).map(drop)
    }

    /// Reads one.
    ///
    /// # Errors
    /// When it is none, is of a newer form, or names a digest or path that is none.
    pub fn read(path: &Path) -> Result<Self> {
        let doing = "reading the manifest of an offload";
        let io = |e| Error::io(path, e).doing(doing);
        let invalid = |why: String| Error::new(ErrorKind::Invalid, why).doing(doing).path(path);
        let bytes = std::fs::metadata(path).map_err(io)?.len();
        if bytes > LONGEST {
            return Err(invalid(format!("{bytes} bytes are more than the {LONGEST} a manifest may have")));
        }
        let manifest: Self =
            serde_json::from_slice(&std::fs::read(path).map_err(io)?).map_err(|e| invalid(e.to_string()))?;
        if manifest.rushes_offload > VERSION {
            return Err(invalid(format!("its form is {}, and {VERSION} is known", manifest.rushes_offload))
                .advice("use a newer version of this program"));
        }
        for file in &manifest.files {
            file.sums().map_err(|e| e.doing(doing).path(path))?;
        }
        Ok(manifest)
    }
}

impl ManifestFile {
    /// Its digests.
    ///
    /// # Errors
    /// When one of them is none.
    pub fn sums(&self) -> Result<Sums> {
        self.sums.iter().map(|(a, text)| Sum::parse(*a, text)).collect()
    }
}
