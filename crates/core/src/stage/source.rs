//! Stages that decode frames.

use std::sync::Arc;

use ndarray::Array3;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::StageInfo;
use crate::error::Result;
use crate::frame::{BandMut, Frame, FrameFormat, State};
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
    /// Canonical facts, for the headers of outputs. The units of a clip share them.
    pub metadata: Arc<CameraMetadata>,
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
            metadata: Arc::new(clip.metadata.clone()),
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

    /// False for a clip that it accepts so that units can be planned, and whose frames only an executor elsewhere decodes.
    /// Default: this machine decodes what is accepted.
    fn decodes_here(&self, clip: &ClipRef) -> bool {
        let _ = clip;
        true
    }

    /// Opens the clip read-only.
    fn open(&self, clip: &ClipRef) -> Result<Box<dyn ClipReader>>;
}

/// An open clip. Shared by the threads that decode its frames.
pub trait ClipReader: Send + Sync {
    /// Size and facts of `frame`, from its header alone: what to reserve before decoding.
    fn format(&self, frame: i64) -> Result<FrameFormat>;

    /// Bytes that decoding `frame` may allocate at most, the result included.
    fn bytes_needed(&self, frame: i64) -> Result<u64>;

    /// Decodes `frame`: all of it that may fail. What comes back gives rows and cannot fail.
    fn decode(&self, frame: i64) -> Result<Box<dyn SourceFrame>>;
}

/// A decoded frame, from which rows are taken as they are wanted: a mosaic in code values, or (from cameras
/// that store RGB) linear camera RGB.
///
/// It may hold samples as they lie in the file, or as integers, and widen only the rows that are asked for:
/// a frame of floats is several times larger and leaves every cache. Threads that share a frame
/// take rows side by side, some of them twice.
pub trait SourceFrame: Send + Sync {
    /// Size, state and facts.
    fn format(&self) -> FrameFormat;

    /// Writes the rows of `out`, which comes in with unspecified contents.
    fn rows(&self, out: &mut BandMut<'_>);

    /// The whole frame: planes, rows, columns.
    fn planes(&self) -> Array3<f32> {
        let format = self.format();
        let (p, h, w) = (format.planes(), format.height, format.width);
        let mut data = vec![0.0; p * h * w];
        self.rows(&mut BandMut::new(&mut data, p, w, 0..h));
        // The vector was made for this shape.
        Array3::from_shape_vec((p, h, w), data).unwrap_or_default()
    }
}

impl std::fmt::Debug for dyn SourceFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SourceFrame").field(&self.format()).finish()
    }
}

impl<S: State> SourceFrame for Frame<S> {
    fn format(&self) -> FrameFormat {
        Self::format(self)
    }

    fn rows(&self, out: &mut BandMut<'_>) {
        let band = self.band();
        for plane in 0..band.planes() {
            for row in out.rows() {
                out.row_mut(plane, row).copy_from_slice(band.row(plane, row));
            }
        }
    }
}
