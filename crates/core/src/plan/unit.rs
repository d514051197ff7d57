//! The unit of work.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::media::FrameRange;
use crate::stage::ClipRef;

/// A clip reference, a range of frames, the fused tree of stages and where its files go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// The version of this format: [`Unit::FORMAT`].
    pub format: u32,
    /// Unique in its plan: `A001C001.0-239`.
    pub id: String,
    /// The clip.
    pub clip: ClipRef,
    /// The frames to make, numbered as in the clip.
    pub range: FrameRange,
    /// The stages; each stands after the one it takes from, the source first.
    pub tree: Vec<UnitNode>,
    /// The folder outputs go to.
    pub out: PathBuf,
    /// Whether existing outputs may be replaced.
    pub overwrite: bool,
    /// Higher runs earlier.
    #[serde(default)]
    pub priority: i32,
    /// Bytes one frame in flight needs at most.
    pub bytes_per_frame: u64,
}

/// One stage of a unit's tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnitNode {
    /// The stage's id in the workflow.
    pub id: String,
    /// The stage's name in the registry.
    pub stage: String,
    /// The stage's version when the unit was planned.
    pub version: u32,
    /// The index of the node it takes from; `None` for the source.
    pub from: Option<usize>,
    /// The stage's parameters, complete with defaults.
    #[serde(default)]
    pub params: Value,
}

impl Unit {
    /// The version of the format this build writes and reads.
    pub const FORMAT: u32 = 1;

    /// Bytes a serialized unit may have: small enough for the payload of any durable engine.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// From JSON.
    ///
    /// # Errors
    /// When it does not parse, is too large, of another format version, or its tree is no tree.
    pub fn from_json(text: &str) -> Result<Self> {
        if text.len() > Self::MAX_BYTES {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("a unit has at most {} bytes, this one has {}", Self::MAX_BYTES, text.len()),
            ));
        }
        let unit: Self = serde_json::from_str(text)
            .map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()).doing("reading a unit"))?;
        if unit.format != Self::FORMAT {
            return Err(Error::new(ErrorKind::Unsupported, format!("unit format {} is not known", unit.format))
                .doing("reading a unit")
                .advice(format!("this build reads format {}; plan again with it", Self::FORMAT)));
        }
        unit.check()?;
        Ok(unit)
    }

    /// As JSON.
    ///
    /// # Errors
    /// When it would be larger than [`Unit::MAX_BYTES`].
    pub fn to_json(&self) -> Result<String> {
        let text = serde_json::to_string(self)
            .map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()).doing("writing a unit"))?;
        if text.len() > Self::MAX_BYTES {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("the unit has {} bytes, at most {} are allowed", text.len(), Self::MAX_BYTES),
            )
            .clip(&self.clip.name)
            .advice("plan fewer frames to the unit"));
        }
        Ok(text)
    }

    fn check(&self) -> Result<()> {
        let bad = |what: String| {
            Err(Error::new(ErrorKind::Invalid, what).doing("reading a unit").advice("plan it again; do not edit units"))
        };
        if self.range.last < self.range.first {
            return bad(format!("its range {} runs backwards", self.range));
        }
        for (i, node) in self.tree.iter().enumerate() {
            match node.from {
                None if i > 0 => return bad(format!("`{}` takes from nothing", node.id)),
                Some(_) if i == 0 => return bad(format!("`{}` is the source and takes from a stage", node.id)),
                Some(from) if from >= i => return bad(format!("`{}` stands before the stage it takes from", node.id)),
                _ => {}
            }
        }
        if self.tree.len() < 2 {
            return bad("its tree has no stages".into());
        }
        Ok(())
    }
}
