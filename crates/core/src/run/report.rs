//! How units and runs ended. A report survives failure: timings and findings are kept.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::media::{Finding, Severity};
use crate::plan::Unit;
use crate::stage::OutputFile;

/// How a unit ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// All outputs stand under their final names.
    Done,
    /// Cancelled; no output of the unit's movies is left, finished files of sequences are.
    Cancelled,
    /// Failed; nothing half-written is left.
    Failed(Failure),
}

/// Why a unit failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// What the error means.
    pub kind: ErrorKind,
    /// The whole message.
    pub message: String,
    /// True when the same unit may succeed if it is tried again.
    pub retryable: bool,
}

/// A frame that could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BadFrame {
    /// The frame, numbered as in the clip.
    pub frame: i64,
    /// What kind of error it was.
    pub kind: ErrorKind,
    /// The whole message.
    pub why: String,
}

/// The report on one unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UnitReport {
    /// The unit.
    pub unit: String,
    /// Its clip.
    pub clip: String,
    /// The executor that ran it, and how: `local`, `cache`, `local after gpu: no adapter`.
    pub ran_on: String,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Attempts made, at least 1.
    pub attempts: u32,
    /// Frames done.
    pub frames: u64,
    /// Frames that could not be decoded. The unit failed because of them, and its other frames
    /// were made all the same, except in files that need every frame.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bad_frames: Vec<BadFrame>,
    /// Files made.
    pub outputs: Vec<OutputFile>,
    /// What was found out.
    pub findings: Vec<Finding>,
    /// Milliseconds of work per stage, summed over threads.
    pub stage_ms: BTreeMap<String, f64>,
    /// Milliseconds from start to end.
    pub wall_ms: f64,
}

impl UnitReport {
    /// A report on `unit` that has done nothing yet.
    pub fn begin(unit: &Unit, ran_on: impl Into<String>) -> Self {
        Self {
            unit: unit.id.clone(),
            clip: unit.clip.name.clone(),
            ran_on: ran_on.into(),
            outcome: Outcome::Done,
            attempts: 1,
            frames: 0,
            bad_frames: Vec::new(),
            outputs: Vec::new(),
            findings: Vec::new(),
            stage_ms: BTreeMap::new(),
            wall_ms: 0.0,
        }
    }

    /// The same report, failed with `error` (or cancelled, when that is what it says).
    pub fn failed(mut self, error: &Error) -> Self {
        self.outcome = match error.kind() {
            ErrorKind::Cancelled => Outcome::Cancelled,
            kind => Outcome::Failed(Failure { kind, message: error.to_string(), retryable: error.is_retryable() }),
        };
        self
    }

    /// True when all outputs stand.
    pub fn is_done(&self) -> bool {
        self.outcome == Outcome::Done
    }
}

/// The report on a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunReport {
    /// One for each unit, in plan order.
    pub units: Vec<UnitReport>,
    /// What was found out, by clip stages, planner and units together.
    pub findings: Vec<Finding>,
}

impl RunReport {
    /// True when every unit is done and no finding is an error.
    pub fn is_complete(&self) -> bool {
        self.units.iter().all(UnitReport::is_done) && self.findings.iter().all(|f| f.severity < Severity::Error)
    }

    /// Takes the findings together: `first`, then those of the units. Which executor was passed over is told once of a
    /// clip, however many units it has.
    pub fn gather(&mut self, first: &[Finding]) {
        let mut told = BTreeSet::new();
        let of_units = self.units.iter().flat_map(|u| &u.findings);
        let new = |f: &&Finding| f.code != "executor-fallback" || told.insert((f.clip.clone(), f.text.clone()));
        self.findings = first.iter().chain(of_units).filter(new).cloned().collect();
    }

    /// All files made.
    pub fn outputs(&self) -> impl Iterator<Item = &OutputFile> {
        self.units.iter().flat_map(|u| &u.outputs)
    }

    /// Frames done.
    pub fn frames(&self) -> u64 {
        self.units.iter().map(|u| u.frames).sum()
    }
}
