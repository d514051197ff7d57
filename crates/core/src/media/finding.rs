//! What is wrong with media. Findings are data; only the engine's own trouble is an error.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Plain;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Info,
    /// The output exists but somebody should look.
    Warning,
    /// Something asked for could not be made.
    Error,
}

/// One thing found out about media.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// A stable code such as `sequence-gap`; lower case with hyphens.
    pub code: String,
    /// The clip's name, when it concerns one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<String>,
    /// The frame, numbered as in the file sequence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<i64>,
    /// The file, when it concerns one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// What is wrong and what to do, in a sentence.
    pub text: String,
}

impl Finding {
    /// A finding about nothing in particular; add to it with the methods below.
    pub fn new(severity: Severity, code: impl Into<String>, text: impl Into<String>) -> Self {
        Self { severity, code: code.into(), clip: None, frame: None, path: None, text: text.into() }
    }

    /// A [`Severity::Info`] finding.
    pub fn info(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(Severity::Info, code, text)
    }

    /// A [`Severity::Warning`] finding.
    pub fn warning(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, text)
    }

    /// A [`Severity::Error`] finding.
    pub fn error(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, text)
    }

    /// Names the clip.
    pub fn clip(mut self, clip: impl Into<String>) -> Self {
        self.clip = Some(clip.into());
        self
    }

    /// Names the frame.
    pub fn frame(mut self, frame: i64) -> Self {
        self.frame = Some(frame);
        self
    }

    /// Names the file.
    pub fn path(mut self, path: impl Into<PathBuf>) -> Self {
        self.path = Some(path.into());
        self
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.severity, Plain(&self.code))?;
        if let Some(clip) = &self.clip {
            write!(f, " [{}", Plain(clip))?;
            if let Some(frame) = self.frame {
                write!(f, " frame {frame}")?;
            }
            f.write_str("]")?;
        } else if let Some(path) = &self.path {
            write!(f, " [{}]", Plain(&path.to_string_lossy()))?;
        }
        write!(f, ": {}", Plain(&self.text))
    }
}
