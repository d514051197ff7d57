//! The unit of work.

use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::deliver::Existing;
use crate::error::{Error, ErrorKind, Result};
use crate::media::{Finding, FrameRange, StandIn};
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
    /// The stages; each stands after the one it takes from, the source first. The units of a clip share them.
    pub tree: Arc<[UnitNode]>,
    /// The folder outputs go to.
    pub out: PathBuf,
    /// Whether existing outputs may be replaced.
    pub overwrite: bool,
    /// Whether other attempts at the unit may run beside this one, or have run: outputs that stand with the very bytes that
    /// it would make are its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
    /// Higher runs earlier.
    #[serde(default)]
    pub priority: i32,
    /// Bytes one frame in flight needs at most.
    pub bytes_per_frame: u64,
    /// What stands already and is not made again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub standing: Vec<Standing>,
}

/// Frames of a sink whose outputs stand already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// The sink's index in the unit's tree.
    pub sink: usize,
    /// The frames.
    pub frames: FrameRange,
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
        /// Another format may have other fields, so this is looked at alone.
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let invalid = |e: serde_json::Error| Error::new(ErrorKind::Invalid, e.to_string()).doing("reading a unit");
        let Format { format } = serde_json::from_str(text).map_err(invalid)?;
        if format != Self::FORMAT {
            return Err(Error::new(ErrorKind::Unsupported, format!("unit format {format} is not known"))
                .doing("reading a unit")
                .advice(format!("this build reads format {}; plan again with it", Self::FORMAT)));
        }
        let unit: Self = serde_json::from_str(text).map_err(invalid)?;
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

    /// What becomes of files that have the names of its outputs.
    pub fn existing(&self) -> Existing {
        if self.shared { Existing::Shared { replace: self.overwrite } } else { self.overwrite.into() }
    }

    /// The frames of the unit that the sink at `node` still has to make, in order.
    pub fn to_make(&self, node: usize) -> Vec<FrameRange> {
        let mut standing: Vec<FrameRange> =
            self.standing.iter().filter(|s| s.sink == node).filter_map(|s| s.frames.intersect(self.range)).collect();
        standing.sort_unstable();
        let mut left = Vec::new();
        let mut first = self.range.first;
        for s in standing {
            left.extend(FrameRange::new(first, s.first.saturating_sub(1)));
            first = first.max(s.last.saturating_add(1));
        }
        left.extend(FrameRange::new(first, self.range.last));
        left
    }

    /// What is told of frames that others stand in for.
    pub fn stand_ins(&self) -> Vec<Finding> {
        let clip = &self.clip;
        let parts = clip.substitutes.iter().filter_map(|s| Some((s.frames.intersect(self.range)?, s.with)));
        parts
            .map(|(frames, with)| {
                let finding = match with {
                    StandIn::Black => Finding::info("frame-black", format!("black stands in for {frames}")),
                    StandIn::Hold(from) => Finding::info("frame-held", format!("frame {from} stands in for {frames}")),
                };
                finding.clip(&clip.name).frame(frames.first)
            })
            .collect()
    }

    /// Whether it makes sense as it stands: its range, and its tree. [`Unit::from_json`] asks.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unit(range: FrameRange, standing: Vec<Standing>) -> Unit {
        serde_json::from_value(serde_json::json!({
            "format": 1, "id": "u", "range": range, "tree": [], "out": "out", "overwrite": false,
            "bytes_per_frame": 1, "standing": standing,
            "clip": {
                "name": "c", "format": "dng", "media": { "files": [] }, "range": null, "metadata": {}, "substitutes": []
            },
        }))
        .unwrap()
    }

    proptest! {
        #[test]
        fn what_stands_and_what_is_to_make_are_the_whole(
            first in -5i64..5, frames in 1i64..40, parts in proptest::collection::vec((-10i64..40, 0i64..9, 0usize..2), 0..8)
        ) {
            let range = FrameRange { first, last: first + frames - 1 };
            let standing = parts.iter().map(|&(a, n, sink)| Standing { sink, frames: FrameRange { first: a, last: a + n } });
            let unit = unit(range, standing.collect());
            for sink in 0..2 {
                let left = unit.to_make(sink);
                for f in first - 12..first + frames + 12 {
                    let stands = unit.standing.iter().any(|s| s.sink == sink && s.frames.contains(f));
                    let times = left.iter().filter(|r| r.contains(f)).count();
                    prop_assert_eq!(times, usize::from(range.contains(f) && !stands), "frame {}", f);
                }
                prop_assert!(left.windows(2).all(|w| w[0].last < w[1].first));
            }
        }
    }
}
