//! The facts that travel with pixels. The stage that changes one rewrites it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ImageState;
use crate::media::{CameraColor, Cfa, ColorSpace, Levels, Orientation, Rect, StandIn, Timecode};

/// Size, state and facts of a frame between two stages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FrameFormat {
    /// What the numbers mean.
    pub state: ImageState,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// What else is known.
    pub facts: FrameFacts,
}

impl FrameFormat {
    /// Planes of the frame, from its state.
    pub const fn planes(&self) -> usize {
        self.state.planes()
    }

    /// Bytes of the whole frame in f32.
    pub const fn bytes(&self) -> u64 {
        (self.planes() as u64).saturating_mul(self.width as u64).saturating_mul(self.height as u64 * 4)
    }
}

/// What is known about a frame's pixels.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FrameFacts {
    /// The frame's number in its clip.
    pub frame: i64,
    /// The frame's timecode.
    pub timecode: Option<Timecode>,
    /// What stands in for the frame, whose own picture is missing or damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stand_in: Option<StandIn>,
    /// Bayer phase: of the active area while the state is mosaic, of the plane once it is linear.
    pub cfa: Option<Cfa>,
    /// Black and white; present while the state is mosaic.
    pub levels: Option<Levels>,
    /// The light-sensitive part of a mosaic; `None` for all of it. Gone once it is linear.
    pub active_area: Option<Rect>,
    /// The picture meant to be shown, within the active area. Gone once it is cut.
    pub default_crop: Option<Rect>,
    /// The camera's calibration and white; present until the input transform has used it.
    pub camera_color: Option<CameraColor>,
    /// The space the numbers are in; present from the input transform on.
    pub color_space: Option<ColorSpace>,
    /// How to turn the picture upright.
    pub orientation: Orientation,
    /// Width over height of a pixel, as numerator and denominator.
    pub pixel_aspect: Option<(u32, u32)>,
}
