//! What the typed builder lets this stage be fed with.

use rushes_core::graph::{AnyStage, Card, Clips, Takes};

use crate::Ingest;

impl Takes<Card> for Ingest {
    type Gives = Clips;

    fn into_stage(self) -> AnyStage {
        AnyStage::clip(self)
    }
}
