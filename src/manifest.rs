//! `manifest.json`: what a run was given, what it did and what it made.
//!
//! It holds no clock and no host: the same job gives the same manifest.

use std::path::{Path, PathBuf};

use rushes_core::graph::{Graph, WorkflowFile};
use rushes_core::media::{ClipFormat, Digest, Finding, FrameRange, Rate, Timecode};
use rushes_core::plan::Plan;
use rushes_core::run::{Outcome, RunReport};
use rushes_core::stage::{Batch, OutputFile};
use rushes_core::{Error, ErrorKind, Result, storage};
use serde::{Deserialize, Serialize};

/// The record of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this format: 1.
    pub format: u32,
    /// What wrote it.
    pub tool: Tool,
    /// The card or folder, as it was named.
    pub input: PathBuf,
    /// The workflow, parameters complete with defaults.
    pub workflow: WorkflowFile,
    /// The version of each stage in it.
    pub stage_versions: std::collections::BTreeMap<String, u32>,
    /// The clips and what became of them.
    pub clips: Vec<ClipRecord>,
    /// Files that belong to no clip.
    pub unclaimed: Vec<PathBuf>,
    /// The files that were read.
    pub inputs: Vec<InputFile>,
    /// The files that were made.
    pub outputs: Vec<OutputRecord>,
    /// How the units ended.
    pub units: Vec<UnitRecord>,
    /// What was found out.
    pub findings: Vec<Finding>,
}

/// Name and version of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A clip in a manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipRecord {
    /// Its name.
    pub name: String,
    /// What it is.
    pub format: ClipFormat,
    /// Its frames.
    pub range: Option<FrameRange>,
    /// Its reel.
    pub reel: Option<String>,
    /// Timecode of its first frame.
    pub start_timecode: Option<Timecode>,
    /// Its rate.
    pub rate: Option<Rate>,
    /// Why it was not made, if so.
    pub skipped: Option<String>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Its path.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its digest.
    pub digest: Digest,
}

/// A file that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputRecord {
    /// The clip it was made from.
    pub clip: String,
    /// The file.
    #[serde(flatten)]
    pub file: OutputFile,
}

/// How a unit ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitRecord {
    /// The unit.
    pub unit: String,
    /// The executor that ran it.
    pub ran_on: String,
    /// Frames done.
    pub frames: u64,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Longest manifest that is read: some million outputs.
const LONGEST: u64 = 1 << 30;

impl Manifest {
    pub(crate) fn of(
        graph: &Graph,
        input: &Path,
        batch: &Batch,
        plan: &Plan,
        report: &RunReport,
        inputs: Vec<InputFile>,
    ) -> Self {
        let clips = batch.clips.iter().map(|c| {
            let planned = plan.clips.iter().find(|p| p.clip == c.name);
            ClipRecord {
                name: c.name.clone(),
                format: c.format,
                range: c.range,
                reel: c.metadata.reel.as_ref().map(|s| s.value.clone()),
                start_timecode: c.metadata.start_timecode.as_ref().map(|s| s.value),
                rate: c.metadata.rate.as_ref().map(|s| s.value),
                skipped: planned.and_then(|p| p.skipped.clone()),
            }
        });
        let outputs = report
            .units
            .iter()
            .flat_map(|u| u.outputs.iter().map(|f| OutputRecord { clip: u.clip.clone(), file: f.clone() }));
        let units = report.units.iter().map(|u| UnitRecord {
            unit: u.unit.clone(),
            // Whether the work was done now or before is not a fact about the outputs.
            ran_on: u.ran_on.trim_start_matches("cache of ").to_owned(),
            frames: u.frames,
            outcome: u.outcome.clone(),
        });
        Self {
            format: 1,
            tool: Tool { name: "rushes".into(), version: env!("CARGO_PKG_VERSION").into() },
            input: input.to_owned(),
            workflow: WorkflowFile::of(graph),
            stage_versions: graph
                .nodes()
                .map(|n| graph.node(n).stage.info())
                .map(|i| (i.name().to_owned(), i.version()))
                .collect(),
            clips: clips.collect(),
            unclaimed: batch.unclaimed.clone(),
            inputs,
            outputs: outputs.collect(),
            units: units.collect(),
            findings: report
                .findings
                .iter()
                .filter(|f| !matches!(f.code.as_str(), "already-done" | "made-again" | "ledger-rebuilt"))
                .cloned()
                .collect(),
        }
    }

    /// Reads one.
    ///
    /// # Errors
    /// When it is none, or of a newer form.
    pub fn read(path: &Path) -> Result<Self> {
        let doing = "reading the manifest of a run";
        let invalid = |why: String| Error::new(ErrorKind::Invalid, why).doing(doing).path(path);
        let bytes = storage::stat(path).map_err(|e| e.doing(doing))?.bytes;
        if bytes > LONGEST {
            return Err(invalid(format!("{bytes} bytes are more than the {LONGEST} a manifest may have")));
        }
        let text = storage::read_whole(path, LONGEST).map_err(|e| e.doing(doing))?;
        let manifest: Self = serde_json::from_slice(&text).map_err(|e| {
            invalid(format!("it is not the manifest of a run: {e}")).advice("name the `manifest.json` that a run wrote")
        })?;
        match manifest.format {
            1 => Ok(manifest),
            other => Err(invalid(format!("its form is {other}, and 1 is known")).advice("use a newer rushes")),
        }
    }

    /// As JSON, for people to read too.
    ///
    /// # Errors
    /// When a path is not Unicode.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self)
            .map(|s| s + "\n")
            .map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()).doing("writing the manifest"))
    }
}
