//! What units cost an executor: what it says, corrected by what was measured.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::plan::Unit;

/// What is known of an executor's speed.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Measured over said, by what the units do.
    ratios: HashMap<u64, f64>,
    /// The same, whatever they do.
    overall: Option<f64>,
    /// Seconds of what it was given and has not ended.
    given: f64,
}

/// How much the newest measurement counts.
const NEWEST: f64 = 0.4;

impl Pace {
    /// Seconds that `unit` is expected to take, of which `said` were said. `None` where nobody said anything, and none
    /// was measured.
    pub(super) fn expected(&self, unit: &Unit, said: Option<f64>) -> Option<f64> {
        let known = self.lock();
        let ratio = known.ratios.get(&kind(unit)).copied().or(known.overall);
        match said {
            Some(said) => Some(said * ratio.unwrap_or(1.0)),
            None => ratio.map(|r| r * size(unit)),
        }
    }

    /// Learns that `unit` took `seconds`.
    pub(super) fn measured(&self, unit: &Unit, said: Option<f64>, seconds: f64) {
        let ratio = seconds / said.unwrap_or_else(|| size(unit));
        if !ratio.is_finite() || ratio <= 0.0 {
            return;
        }
        let mut known = self.lock();
        let mix = |old: f64| old + NEWEST * (ratio - old);
        known.overall = Some(known.overall.map_or(ratio, mix));
        known.ratios.entry(kind(unit)).and_modify(|old| *old = mix(*old)).or_insert(ratio);
    }

    /// Seconds of what it was given and has not ended.
    pub(super) fn given(&self) -> f64 {
        self.lock().given
    }

    /// It was given work of so many seconds, or ended it.
    pub(super) fn give(&self, seconds: f64) {
        let mut known = self.lock();
        known.given = (known.given + seconds).max(0.0);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A measure of the work in a unit where its executor has none: the bytes of its frames.
fn size(unit: &Unit) -> f64 {
    (unit.range.len().max(1) as f64) * (unit.bytes_per_frame.max(1) as f64) * 1e-9
}

/// What a unit does, whatever the clip.
fn kind(unit: &Unit) -> u64 {
    let mut hasher = DefaultHasher::new();
    for node in unit.tree.iter() {
        node.stage.hash(&mut hasher);
        node.params.to_string().hash(&mut hasher);
    }
    hasher.finish()
}
