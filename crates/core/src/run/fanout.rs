//! How wide a plan is spread over workers.

use serde::{Deserialize, Serialize};

/// How much of a plan waits for workers at a time. A durable engine keeps a record of everything that waits, and what waits
/// is in the order it was asked for: a narrow front costs little, lets a more urgent job pass early, and still feeds as
/// many workers as it is wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fanout {
    /// Clips in work at the same time.
    pub clips: usize,
    /// Units of each of them that wait or run.
    pub units: usize,
}

impl Fanout {
    /// For a plan of `clips` clips of which at most `pending` units wait or run at the same time. Few clips are spread
    /// wider each; of many, four units each at least, so that the last long clip is not made one unit after another.
    ///
    /// ```
    /// # use rushes_core::run::Fanout;
    /// assert_eq!(Fanout::of(1, 400), Fanout { clips: 1, units: 400 });
    /// assert_eq!(Fanout::of(10_000, 400), Fanout { clips: 100, units: 4 });
    /// ```
    pub fn of(clips: usize, pending: usize) -> Self {
        let pending = pending.max(1);
        let at_once = clips.clamp(1, pending.div_ceil(4));
        Self { clips: at_once, units: pending / at_once }
    }

    /// Units that wait or run at most.
    pub fn pending(&self) -> usize {
        self.clips * self.units
    }
}

/// Units of one job that wait or run: a few hundred, as durable engines advise.
pub const PENDING: usize = 400;

/// For a job of which nothing is known.
impl Default for Fanout {
    fn default() -> Self {
        Self::of(usize::MAX, PENDING)
    }
}
