//! What a caller fills in.

use std::path::PathBuf;

use rushes_core::media::{CameraMetadata, Clip, ClipFormat, Finding, FrameRange};
use rushes_core::run::UnitReport;
use serde::{Deserialize, Serialize};

/// Everything the page tells.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The heading: the card's or the job's name.
    pub title: String,
    /// What was done: the workflow's name.
    #[serde(default)]
    pub workflow: String,
    /// The card or folder, as it was named.
    pub input: String,
    /// What wrote the page, with its version: `rushes 0.1.0`.
    pub tool: String,
    /// When the run ended, in words. The only thing in the page that differs between two equal
    /// runs besides their timings; absent when nothing should.
    #[serde(default)]
    pub when: Option<String>,
    /// The clips, in the order of the card.
    #[serde(default)]
    pub clips: Vec<ClipSection>,
    /// What was found out, of all stages and units together. Failed units are told from
    /// [`Report::units`] and need no finding of their own.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// How the units ended, what they made and how long their stages worked.
    #[serde(default)]
    pub units: Vec<UnitReport>,
    /// What was verified and how far that goes. Empty means: nothing was, and the page says so.
    #[serde(default)]
    pub verified: Vec<Verified>,
    /// Files beside the report that people may want: `manifest.json`, `lineage.json`.
    #[serde(default)]
    pub links: Vec<Link>,
}

/// A clip on the page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipSection {
    /// Its name, unique in the report.
    pub name: String,
    /// What its media is.
    pub format: ClipFormat,
    /// Its frames, numbered as in the file sequence.
    #[serde(default)]
    pub range: Option<FrameRange>,
    /// Camera files it consists of, sidecars included; 0 when they were not counted.
    #[serde(default)]
    pub files: u64,
    /// Their bytes together.
    #[serde(default)]
    pub bytes: u64,
    /// What is known about it, each fact with its origin.
    #[serde(default)]
    pub metadata: CameraMetadata,
    /// Why nothing was made of it, if so.
    #[serde(default)]
    pub skipped: Option<String>,
    /// Stills that the run made of it through its output transform, in any order and number: the
    /// first, the one next to the middle and the last are shown. Empty is told on the page.
    #[serde(default)]
    pub stills: Vec<Still>,
}

impl ClipSection {
    /// A clip of which nothing is known yet.
    pub fn new(name: impl Into<String>, format: ClipFormat) -> Self {
        Self {
            name: name.into(),
            format,
            range: None,
            files: 0,
            bytes: 0,
            metadata: CameraMetadata::default(),
            skipped: None,
            stills: Vec::new(),
        }
    }

    /// A clip as the clip stages left it. The count and bytes of its camera files, its stills and
    /// the reason for skipping it are the caller's to add.
    pub fn of(clip: &Clip) -> Self {
        Self { range: clip.range, metadata: clip.metadata.clone(), ..Self::new(&clip.name, clip.format) }
    }
}

/// A picture of one frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Still {
    /// The frame, numbered as in the file sequence.
    pub frame: i64,
    /// The JPEG or PNG file, relative to the output folder or absolute.
    pub path: PathBuf,
}

/// A file to link to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What it is, in a word or two.
    pub text: String,
    /// Its path below the output folder, with forward slashes.
    pub path: String,
}

/// How far evidence goes that bytes are what they were. The later level proves more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Nothing was compared.
    #[default]
    None,
    /// Digests of the bytes as they went through memory: proves what was handed to the device.
    Streamed,
    /// The source was read a second time with the same digests: proves the first reading.
    SourceReread,
    /// What was written was read back from the device with the same digests: proves the copy.
    ReadBack,
    /// The files match a hash list that came with them: proves them unchanged since it was made.
    MhlVerified,
}

/// One set of files and the evidence about it: the camera originals, a copy, the outputs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// What was verified: `camera originals`, `copy at /Volumes/RAID`, `outputs`.
    pub what: String,
    /// How far the evidence goes.
    pub level: Level,
    /// The digest algorithms, `xxh64` or `xxh64, md5`; empty when there was none.
    #[serde(default)]
    pub algorithms: String,
    /// Files concerned.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files among them that did not match, are missing, or could not be read.
    #[serde(default)]
    pub failed: u64,
    /// What else should be known, in a sentence: the hash list's path, what was left out.
    #[serde(default)]
    pub detail: String,
}
