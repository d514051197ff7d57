//! The objects of a connection.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rushes::core::media::FrameRange;
use serde_json::{Map, Value};

use crate::media::Media;

/// A part of a clip.
#[derive(Debug, Clone)]
pub(crate) struct Sequence {
    pub(crate) media: Arc<Media>,
    pub(crate) range: FrameRange,
}

/// A scene in memory.
#[derive(Debug, Default)]
pub(crate) struct Scene {
    pub(crate) options: Map<String, Value>,
    pub(crate) settings: BTreeMap<String, Value>,
    pub(crate) shots: Vec<Shot>,
    pub(crate) delta: bool,
    pub(crate) closed: bool,
}

/// A shot, all of whose edits lie in it.
#[derive(Debug, Clone)]
pub(crate) struct Shot {
    pub(crate) sequence: Sequence,
    pub(crate) start: i64,
    pub(crate) decode: Map<String, Value>,
    pub(crate) input_space: String,
    pub(crate) layers: Vec<Layer>,
}

/// A layer of a shot's stack.
#[derive(Debug, Clone)]
pub(crate) enum Layer {
    /// Slope, offset, power and saturation.
    Cdl([f64; 10]),
    /// A cube file, and the space it works in.
    Lut(String, String),
}

impl Shot {
    pub(crate) fn end(&self) -> i64 {
        self.start + self.sequence.range.len() as i64
    }
}

/// What is rendered, and how.
#[derive(Debug, Default)]
pub(crate) struct Setup {
    pub(crate) scene: Option<Shared<Scene>>,
    pub(crate) deliverables: Vec<Map<String, Value>>,
    pub(crate) container: Option<String>,
    /// Ranges of scene frames as they came, for all when there is none.
    pub(crate) frames: Option<Vec<(i64, i64)>>,
}

/// A search for clips.
#[derive(Debug, Default)]
pub(crate) struct Search {
    pub(crate) roots: Vec<std::path::PathBuf>,
    pub(crate) found: Vec<Sequence>,
}

pub(crate) type Shared<T> = Arc<Mutex<T>>;

/// An object that a client has a handle of.
#[derive(Debug, Clone)]
pub(crate) enum Object {
    Application,
    Sequence(Sequence),
    Searcher(Shared<Search>),
    Scene(Shared<Scene>),
    Settings(Shared<Scene>),
    Shot(Shared<Scene>, usize),
    Formats,
    Format(i64, i64, f64),
    Setup(Shared<Setup>),
    Processor,
    Queue,
    Test,
}

impl Object {
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::Application => "Application",
            Self::Sequence(_) => "SequenceDescriptor",
            Self::Searcher(_) => "ImageSearcher",
            Self::Scene(_) => "Scene",
            Self::Settings(_) => "SceneSettings",
            Self::Shot(..) => "Shot",
            Self::Formats => "FormatSet",
            Self::Format(..) => "Format",
            Self::Setup(_) => "RenderSetup",
            Self::Processor => "RenderProcessor",
            Self::Queue => "QueueManager",
            Self::Test => "APITest",
        }
    }
}

/// Locks what one connection's calls change one after the other.
pub(crate) fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
