//! Image states: what the numbers of a frame mean, known to the compiler.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The state of a picture between two frame stages, as loaded workflows spell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ImageState {
    /// Stored sensor samples, code values after the linearization table; one plane.
    Mosaic,
    /// Sensor samples with black at 0 and white at 1; one plane.
    Linear,
    /// Debayered, linear, in the camera's own colours; three planes.
    CameraRgb,
    /// Scene-referred light in a named space; three planes.
    SceneLinear,
    /// Rendered for a named display, 0 to 1; three planes.
    Display,
}

impl ImageState {
    /// The name in workflow files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mosaic => "mosaic",
            Self::Linear => "linear",
            Self::CameraRgb => "camera-rgb",
            Self::SceneLinear => "scene-linear",
            Self::Display => "display",
        }
    }

    /// Planes a frame of this state has.
    pub const fn planes(self) -> usize {
        match self {
            Self::Mosaic | Self::Linear => 1,
            Self::CameraRgb | Self::SceneLinear | Self::Display => 3,
        }
    }
}

impl std::fmt::Display for ImageState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

mod sealed {
    pub trait Sealed {}
}

/// An image state as a type. Sealed: the states are part of the engine's vocabulary.
pub trait State: sealed::Sealed + Send + Sync + 'static {
    /// The state's value.
    const STATE: ImageState;
}

macro_rules! states {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {}
        impl sealed::Sealed for $name {}
        impl State for $name {
            const STATE: ImageState = ImageState::$name;
        }
    )*};
}

states! {
    /// [`ImageState::Mosaic`] as a type.
    Mosaic;
    /// [`ImageState::Linear`] as a type.
    Linear;
    /// [`ImageState::CameraRgb`] as a type.
    CameraRgb;
    /// [`ImageState::SceneLinear`] as a type.
    SceneLinear;
    /// [`ImageState::Display`] as a type.
    Display;
}
