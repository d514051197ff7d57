//! What the typed builder lets this stage be fed with.

use rushes_core::graph::{AnyStage, Clips, Takes};

use crate::Normalize;

impl Takes<Clips> for Normalize {
    type Gives = Clips;

    fn into_stage(self) -> AnyStage {
        AnyStage::clip(self)
    }
}
