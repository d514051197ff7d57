//! What a run of the workflow is given. It is written down by the server for as long as the run is remembered: change it by
//! adding what has a default.

use std::time::Duration;

use rushes_core::run::{OrderHead, Tally, UnitRef};
use serde::{Deserialize, Serialize};

/// An order, or one clip of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Work {
    /// The version of this data: [`Work::VERSION`].
    pub(crate) version: u32,
    /// Where the order lies.
    pub(crate) order: String,
    /// How fast it goes.
    pub(crate) pace: Pace,
    /// The order's head, once it is known.
    pub(crate) head: Option<OrderHead>,
    /// The clip, counted from 0; none for the order itself.
    pub(crate) clip: Option<u64>,
    /// How far an earlier run came.
    #[serde(default)]
    pub(crate) at: At,
}

impl Work {
    pub(crate) const VERSION: u32 = 1;
}

/// How far a run came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct At {
    /// The next clip, or unit of the clip.
    pub(crate) next: u64,
    /// The generation of the clip.
    pub(crate) generation: u32,
    /// What ended.
    pub(crate) tally: Tally,
    /// What went wrong with whole clips.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) troubles: Vec<String>,
}

/// How an order goes through the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// A worker that was not heard of for so many milliseconds is lost, and its units are run elsewhere.
    pub heartbeat_ms: u64,
    /// The longest that one attempt at a unit may take, in milliseconds.
    pub unit_ms: u64,
    /// A run whose history has so many events is continued as a new one; the server ends those of 51,200.
    pub events: u32,
    /// Attempts at a unit in all: those that failed, those whose worker was lost, and those that do not count, because a worker was
    /// told to end or storage was away. A unit that is itself at fault ends after a few.
    #[serde(default = "attempts")]
    pub attempts: u32,
}

/// Storage may be away for an hour and a half.
fn attempts() -> u32 {
    100
}

/// Workers that are silent for half a minute are lost; a unit may take a day.
impl Default for Pace {
    fn default() -> Self {
        Self { heartbeat_ms: 30_000, unit_ms: 24 * 3600 * 1000, events: 16_000, attempts: attempts() }
    }
}

impl Pace {
    pub(crate) fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.heartbeat_ms.max(1))
    }
}

/// The task queue of a resource class, and of those who orchestrate.
pub(crate) fn queue(class: &str) -> String {
    format!("rushes-{class}")
}

/// The class of workers that interpret orders.
pub(crate) const ORCHESTRATE: &str = "orchestrate";

/// A clip of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClipWork {
    pub(crate) order: String,
    pub(crate) clip: u64,
    pub(crate) generation: u32,
}

/// A unit of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UnitWork {
    pub(crate) order: String,
    pub(crate) unit: UnitRef,
    /// Why it is lost, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    /// Attempts that may fail.
    pub(crate) attempts: u32,
}

/// What is known of a unit in work. It is handed from each attempt to the next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Beat {
    /// Frames that this attempt has done.
    pub(crate) frames: u64,
    /// Attempts that failed in a way that may pass.
    pub(crate) failed: u32,
    /// Attempts that do not count: the worker was told to end, or storage was away.
    pub(crate) given_back: u32,
}

/// What is known of a unit that ended well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Frames {
    pub(crate) frames: u64,
}
