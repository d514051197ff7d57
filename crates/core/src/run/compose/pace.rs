//! What units cost an executor: what it says, corrected by what was measured.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::plan::Unit;

/// What is known of an executor's speed.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Of units whose cost was said: measured over said.
    said: Ratios,
    /// Of the others: seconds over [`size`].
    unsaid: Ratios,
    /// What it was given and has not ended.
    given: HashMap<u64, Work>,
    next: u64,
    /// Why it is left alone after a failure, and until when.
    rests: Option<(String, Instant)>,
}

/// A unit that was given.
#[derive(Debug)]
struct Work {
    unit: String,
    kind: u64,
    said: Option<f64>,
    size: f64,
    /// What is supposed where nothing is known: seconds.
    supposed: f64,
    /// Since when it is made: not while it waits for a seat, or is looked up in a cache.
    since: Option<Instant>,
}

#[derive(Debug, Default)]
struct Ratios {
    /// By what the units do.
    kinds: HashMap<u64, f64>,
    /// Whatever they do.
    overall: Option<f64>,
}

/// How much the newest measurement counts.
const NEWEST: f64 = 0.4;

/// A cost that is said to be less is taken for this: seconds.
const LEAST: f64 = 1e-6;

/// What takes less than this many seconds is not called overdue.
const BRIEF: f64 = 0.05;

/// Work in progress makes an executor look at most so many times as slow as it was.
const MOST: f64 = 100.0;

impl Pace {
    /// Seconds that `unit` is expected to take, of which `said` were said. `None` where nobody said anything, and none
    /// was measured.
    pub(super) fn expected(&self, unit: &Unit, kind: u64, said: Option<f64>) -> Option<f64> {
        let known = self.lock();
        known.expected(kind, said, size(unit)).map(|seconds| seconds * known.overdue())
    }

    /// Learns that `unit` took `seconds`, or would have if all of it had been made.
    pub(super) fn measured(&self, unit: &Unit, said: Option<f64>, seconds: f64) {
        let ratio = seconds / said.map_or_else(|| size(unit), |said| said.max(LEAST));
        if !ratio.is_finite() || ratio <= 0.0 {
            return;
        }
        let mut known = self.lock();
        known.rests = None;
        let ratios = if said.is_some() { &mut known.said } else { &mut known.unsaid };
        ratios.learn(kind(unit), ratio);
    }

    /// Seconds until it has ended what it was given, one after the other.
    pub(super) fn given(&self) -> f64 {
        let now = Instant::now();
        let known = self.lock();
        let overdue = known.overdue();
        let spent = |work: &Work| work.since.map_or(0.0, |since| (now - since).as_secs_f64());
        known.given.values().map(|work| (known.seconds(work) * overdue - spent(work)).max(0.0)).sum()
    }

    /// It is given `unit`, which counts as its work until the answer is dropped: `supposed` seconds of it where nothing is known.
    pub(super) fn give(self: &Arc<Self>, unit: &Unit, kind: u64, said: Option<f64>, supposed: f64) -> Given {
        let mut known = self.lock();
        let id = known.next;
        known.next += 1;
        let work = Work { unit: unit.id.clone(), kind, said, size: size(unit), supposed, since: None };
        known.given.insert(id, work);
        drop(known);
        Given(Some((Arc::clone(self), id)))
    }

    /// It begins to make `unit`.
    pub(super) fn begins(&self, unit: &Unit) {
        let mut known = self.lock();
        if let Some(work) = known.given.values_mut().find(|work| work.unit == unit.id && work.since.is_none()) {
            work.since = Some(Instant::now());
        }
    }

    /// It failed in a way that may pass: others are asked first for a while.
    pub(super) fn rest(&self, why: &str, until: Instant) {
        self.lock().rests = Some((why.to_owned(), until));
    }

    /// Why it is left alone, if it is.
    pub(super) fn rests(&self) -> Option<String> {
        self.lock().rests.as_ref().filter(|(_, until)| Instant::now() < *until).map(|(why, _)| why.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn expected(&self, kind: u64, said: Option<f64>, size: f64) -> Option<f64> {
        match said {
            Some(said) => Some(said.max(LEAST) * self.said.of(kind).unwrap_or(1.0)),
            None => self.unsaid.of(kind).map(|ratio| ratio * size),
        }
    }

    fn seconds(&self, work: &Work) -> f64 {
        self.expected(work.kind, work.said, work.size).unwrap_or(work.supposed)
    }

    /// What is in work takes so many times as long as is expected, as far as can be told by now; at least 1.
    fn overdue(&self) -> f64 {
        let now = Instant::now();
        let times = |work: &Work| {
            let spent = work.since.map_or(0.0, |since| (now - since).as_secs_f64());
            if spent < BRIEF { 1.0 } else { (spent / self.seconds(work).max(LEAST)).min(MOST) }
        };
        self.given.values().map(times).fold(1.0, f64::max)
    }
}

impl Ratios {
    fn of(&self, kind: u64) -> Option<f64> {
        self.kinds.get(&kind).copied().or(self.overall)
    }

    fn learn(&mut self, kind: u64, ratio: f64) {
        let mix = |old: f64| old + NEWEST * (ratio - old);
        self.overall = Some(self.overall.map_or(ratio, mix));
        self.kinds.entry(kind).and_modify(|old| *old = mix(*old)).or_insert(ratio);
    }
}

/// Work that an executor was given and has not ended.
#[derive(Debug)]
pub(crate) struct Given(Option<(Arc<Pace>, u64)>);

impl Given {
    /// Where nobody asks what units cost.
    pub(super) const fn uncounted() -> Self {
        Self(None)
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        if let Some((pace, id)) = &self.0 {
            pace.lock().given.remove(id);
        }
    }
}

/// What a unit does, whatever the clip.
pub(super) fn kind(unit: &Unit) -> u64 {
    let mut hasher = DefaultHasher::new();
    for node in unit.tree.iter() {
        node.stage.hash(&mut hasher);
        node.params.to_string().hash(&mut hasher);
    }
    hasher.finish()
}

/// A measure of the work in a unit where its executor has none: the bytes of its frames.
fn size(unit: &Unit) -> f64 {
    (unit.range.len().max(1) as f64) * (unit.bytes_per_frame.max(1) as f64) * 1e-9
}
