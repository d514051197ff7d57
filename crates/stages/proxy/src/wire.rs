//! What the typed builder lets these stages be fed with.

use rushes_core::frame::{Display, ImageState, SceneLinear};
use rushes_core::graph::{AnyStage, Output, Takes};

use crate::movie::Movie;
use crate::{ExrPlate, Scale, Still};

impl Takes<SceneLinear> for ExrPlate {
    type Gives = Output;

    fn into_stage(self) -> AnyStage {
        AnyStage::sink(self)
    }
}

impl Takes<Display> for Still {
    type Gives = Output;

    fn into_stage(self) -> AnyStage {
        AnyStage::sink(self)
    }
}

impl Takes<Display> for Movie {
    type Gives = Output;

    fn into_stage(self) -> AnyStage {
        AnyStage::sink(self)
    }
}

impl Takes<SceneLinear> for Scale {
    type Gives = SceneLinear;

    /// The wire decides the state, whatever the value said.
    fn into_stage(self) -> AnyStage {
        AnyStage::frame(Self { state: ImageState::SceneLinear, ..self })
    }
}

impl Takes<Display> for Scale {
    type Gives = Display;

    /// The wire decides the state, whatever the value said.
    fn into_stage(self) -> AnyStage {
        AnyStage::frame(Self { state: ImageState::Display, ..self })
    }
}
