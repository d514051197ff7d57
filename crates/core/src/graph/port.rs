//! What flows along an edge, as a value and as a type.

use std::sync::Arc;

use crate::frame::{CameraRgb, Display, ImageState, Linear, Mosaic, SceneLinear, State};
use crate::stage::{ClipStage, FrameStage, Sink, Source, StageInfo};

/// What a stage takes or gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Port {
    /// A card or folder nobody has looked at.
    Card,
    /// Clips and what is known about them.
    Clips,
    /// Frames in an image state.
    Frames(ImageState),
    /// Finished files.
    Output,
}

impl Port {
    /// The name in messages and drawings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Clips => "clips",
            Self::Frames(state) => state.name(),
            Self::Output => "files",
        }
    }
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A [`Port`] as a type, for the typed builder.
pub trait PortType: 'static {
    /// The port's value.
    const PORT: Port;
}

/// [`Port::Card`] as a type.
#[derive(Debug, Clone, Copy)]
pub enum Card {}
/// [`Port::Clips`] as a type.
#[derive(Debug, Clone, Copy)]
pub enum Clips {}
/// [`Port::Output`] as a type.
#[derive(Debug, Clone, Copy)]
pub enum Output {}

macro_rules! ports {
    ($($name:ident = $port:expr;)*) => {$(
        impl PortType for $name {
            const PORT: Port = $port;
        }
    )*};
}

ports! {
    Card = Port::Card;
    Clips = Port::Clips;
    Output = Port::Output;
    Mosaic = Port::Frames(Mosaic::STATE);
    Linear = Port::Frames(Linear::STATE);
    CameraRgb = Port::Frames(CameraRgb::STATE);
    SceneLinear = Port::Frames(SceneLinear::STATE);
    Display = Port::Frames(Display::STATE);
}

/// A stage of any kind, shared.
#[derive(Debug, Clone)]
pub enum AnyStage {
    /// Works on clips.
    Clip(Arc<dyn ClipStage>),
    /// Decodes frames.
    Source(Arc<dyn Source>),
    /// Computes pixels.
    Frame(Arc<dyn FrameStage>),
    /// Makes files.
    Sink(Arc<dyn Sink>),
}

impl AnyStage {
    /// A clip stage.
    pub fn clip(stage: impl ClipStage + 'static) -> Self {
        Self::Clip(Arc::new(stage))
    }

    /// A source.
    pub fn source(stage: impl Source + 'static) -> Self {
        Self::Source(Arc::new(stage))
    }

    /// A frame stage.
    pub fn frame(stage: impl FrameStage + 'static) -> Self {
        Self::Frame(Arc::new(stage))
    }

    /// A sink.
    pub fn sink(stage: impl Sink + 'static) -> Self {
        Self::Sink(Arc::new(stage))
    }

    /// Name, version and parameters.
    pub fn info(&self) -> &dyn StageInfo {
        match self {
            Self::Clip(s) => s.as_ref(),
            Self::Source(s) => s.as_ref(),
            Self::Frame(s) => s.as_ref(),
            Self::Sink(s) => s.as_ref(),
        }
    }

    /// What it takes. The first clip stage takes a card, which every clip stage accepts.
    pub fn takes(&self) -> Port {
        match self {
            Self::Clip(_) | Self::Source(_) => Port::Clips,
            Self::Frame(s) => Port::Frames(s.input()),
            Self::Sink(s) => Port::Frames(s.input()),
        }
    }

    /// What it gives.
    pub fn gives(&self) -> Port {
        match self {
            Self::Clip(_) => Port::Clips,
            Self::Source(_) => Port::Frames(ImageState::Mosaic),
            Self::Frame(s) => Port::Frames(s.output()),
            Self::Sink(_) => Port::Output,
        }
    }
}
