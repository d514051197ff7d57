//! Stages that decode frames.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::StageInfo;
use crate::error::Result;
use crate::frame::{Frame, FrameFormat, Mosaic};
use crate::media::{CameraMetadata, Clip, ClipFormat, ClipMedia, FrameRange, StandIn, Substitute};

/// All a unit needs to know of its clip: kilobytes, whatever the clip's length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClipRef {
    /// The clip's name.
    pub name: String,
    /// What it is, by content.
    pub format: ClipFormat,
    /// Where its picture is.
    pub media: ClipMedia,
    /// All frames of the clip, of which a unit may make a part.
    pub range: Option<FrameRange>,
    /// Canonical facts, for the headers of outputs.
    pub metadata: CameraMetadata,
    /// What stands in for frames that cannot be read.
    pub substitutes: Vec<Substitute>,
}

impl ClipRef {
    /// The reference to `clip`.
    pub fn of(clip: &Clip) -> Self {
        Self {
            name: clip.name.clone(),
            format: clip.format,
            media: clip.media.clone(),
            range: clip.range,
            metadata: clip.metadata.clone(),
            substitutes: clip.substitutes.clone(),
        }
    }

    /// What stands in for `frame`, if anything does.
    pub fn stand_in(&self, frame: i64) -> Option<StandIn> {
        self.substitutes.iter().find(|s| s.frames.contains(frame)).map(|s| s.with)
    }
}

/// Decodes a kind of camera file.
pub trait Source: StageInfo {
    /// `Ok` when this stage decodes the clip's format, else why not and who could.
    fn accepts(&self, clip: &ClipRef) -> Result<()>;

    /// Opens the clip read-only.
    fn open(&self, clip: &ClipRef) -> Result<Box<dyn ClipReader>>;
}

/// An open clip. Shared by the threads that decode its frames.
pub trait ClipReader: Send + Sync {
    /// Size and facts of `frame`, from its header alone: what to reserve before decoding.
    fn format(&self, frame: i64) -> Result<FrameFormat>;

    /// Bytes that decoding `frame` may allocate at most, the result included.
    fn bytes_needed(&self, frame: i64) -> Result<u64>;

    /// Decodes `frame`, whole.
    fn decode(&self, frame: i64) -> Result<SourceFrame>;
}

/// A decoded frame: a mosaic, or (from cameras that store RGB) camera RGB.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SourceFrame {
    /// Sensor samples.
    Mosaic(Frame<Mosaic>),
    /// Linear camera RGB, as LinearRaw DNGs hold it.
    CameraRgb(Frame<crate::frame::CameraRgb>),
}

impl SourceFrame {
    /// Size, state and facts.
    pub fn format(&self) -> FrameFormat {
        match self {
            Self::Mosaic(f) => f.format(),
            Self::CameraRgb(f) => f.format(),
        }
    }

    /// The whole frame as one band.
    pub fn band(&self) -> crate::frame::Band<'_> {
        match self {
            Self::Mosaic(f) => f.band(),
            Self::CameraRgb(f) => f.band(),
        }
    }
}
