//! What the typed builder lets this stage be fed with.

use rushes_core::graph::{AnyStage, Clips, Takes};

use crate::Validate;

impl Takes<Clips> for Validate {
    type Gives = Clips;

    fn into_stage(self) -> AnyStage {
        AnyStage::clip(self)
    }
}
