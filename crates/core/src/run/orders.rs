//! Plans that many machines work on: what a distributed engine asks of whoever keeps them.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Fanout, Outcome, RunContext, UnitReport};
use crate::error::{Error, Result};

/// Keeps orders, which are plans that lie where every worker sees them, and does what is to be done to them. An engine
/// holds nothing but the name of an order and numbers: what it writes down of a unit stays small, however large the
/// plan is.
///
/// All of it may be called more than once for the same thing, at the same time and on different machines, and has
/// the effect of one call.
#[async_trait]
pub trait Orders: Send + Sync + std::fmt::Debug {
    /// What there is to do.
    ///
    /// # Errors
    /// When there is no such order, or it cannot be read.
    async fn head(&self, order: &str) -> Result<OrderHead>;

    /// What there is to do of a clip, counted from 0, when it is begun.
    ///
    /// # Errors
    /// As [`Orders::head`].
    async fn clip(&self, order: &str, clip: u64) -> Result<ClipHead>;

    /// Runs a unit, or finds that it was run, and keeps its report. One that is found and given back is said to be from a cache:
    /// what it `ran_on` begins with [`FOUND`].
    ///
    /// # Errors
    /// When the unit cannot be read, or its report not be kept. How the unit itself ended is in the report.
    async fn run(&self, order: &str, unit: UnitRef, cx: &RunContext) -> Result<UnitReport>;

    /// Whether this machine reaches what the order is made of. It is asked when a unit failed for want of a file: a worker that has
    /// lost its storage is told from a clip that cannot be read.
    ///
    /// # Errors
    /// When it does not, and what is out of reach.
    async fn reach(&self, order: &str) -> Result<()>;

    /// Keeps that a unit ended in `why` without a report: whoever ran it was lost each time.
    ///
    /// # Errors
    /// When that cannot be kept.
    async fn lost(&self, order: &str, unit: UnitRef, why: Error) -> Result<()>;

    /// A clip's units of one generation have ended. Gives the next generation where frames that turned out to be damaged
    /// are to be replaced, and what misses them is to be made.
    ///
    /// # Errors
    /// When reports cannot be read, or the clip not be planned again.
    async fn settle(&self, order: &str, clip: u64, generation: u32) -> Result<Option<ClipHead>>;

    /// All units have ended: writes the manifest and what else tells of the run. Gives whether all was made.
    ///
    /// # Errors
    /// When reports cannot be read, or it cannot be written.
    async fn finish(&self, order: &str) -> Result<bool>;
}

/// What a report begins with, in its `ran_on`, that tells of work that was not done now.
pub const FOUND: &str = "cache of ";

/// What there is to do of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderHead {
    /// Its clips.
    pub clips: u64,
    /// How wide it is spread.
    pub fanout: Fanout,
    /// Attempts at a unit that fails in a way that may pass, or whose worker is lost.
    pub attempts: u32,
}

/// What there is to do of a clip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClipHead {
    /// Its name.
    pub name: String,
    /// How often it was planned again.
    pub generation: u32,
    /// Its units.
    pub units: u64,
    /// The resource classes whose workers may run them, the first one preferred; the next one gets what workers
    /// of the class before do not take.
    pub classes: Vec<String>,
    /// The priority of its units within the order: higher runs earlier.
    #[serde(default)]
    pub priority: i32,
}

/// A unit of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitRef {
    /// The clip, counted from 0.
    pub clip: u64,
    /// The clip's generation.
    pub generation: u32,
    /// The unit of the clip, counted from 0.
    pub unit: u64,
}

/// How units ended, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// Units done.
    pub done: u64,
    /// Units failed, lost ones among them.
    pub failed: u64,
    /// Units cancelled.
    pub cancelled: u64,
    /// Frames done.
    pub frames: u64,
}

impl Tally {
    /// Counts one more.
    pub fn count(&mut self, outcome: &Outcome, frames: u64) {
        match outcome {
            Outcome::Done => self.done += 1,
            Outcome::Failed(_) => self.failed += 1,
            Outcome::Cancelled => self.cancelled += 1,
        }
        self.frames += frames;
    }

    /// Units that ended.
    pub fn units(&self) -> u64 {
        self.done + self.failed + self.cancelled
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.done += other.done;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.frames += other.frames;
    }
}
