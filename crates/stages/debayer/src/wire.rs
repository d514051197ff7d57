//! What the typed builder lets the debayer be fed with.

use rushes_core::frame::{CameraRgb, Linear};
use rushes_core::graph::{AnyStage, Takes};

use crate::Debayer;

impl Takes<Linear> for Debayer {
    type Gives = CameraRgb;

    fn into_stage(self) -> AnyStage {
        AnyStage::frame(self)
    }
}
