//! Which unit begins next, and where.

use std::collections::{BTreeMap, VecDeque};

use crate::plan::Unit;
use crate::run::{Able, Choice, Executors, Given};

/// The units of a run that have not begun.
pub(super) struct Schedule<'a> {
    executors: &'a Executors,
    units: &'a [&'a Unit],
    /// Units at a time on an executor of which nothing else was said.
    concurrency: usize,
    /// Units of which nobody was asked, the most urgent first: their rank and their place in the plan.
    unasked: VecDeque<(usize, usize)>,
    /// Those that wait for room, by who takes them, the most urgent first: one that waits for a busy executor holds up
    /// those alone that would go there, too.
    waiting: BTreeMap<Vec<usize>, BTreeMap<usize, (usize, Able)>>,
    /// Units in work on each executor.
    busy: Vec<usize>,
}

/// A unit that begins.
pub(super) struct Begin {
    /// Its rank: the most urgent has the least.
    pub(super) rank: usize,
    /// Its place in the plan.
    pub(super) unit: usize,
    pub(super) executor: usize,
    pub(super) able: Able,
    pub(super) given: Given,
}

/// Units that wait for room at most, before no more are asked for.
const WAITING: usize = 10_000;

impl<'a> Schedule<'a> {
    pub(super) fn new(executors: &'a Executors, units: &'a [&'a Unit], concurrency: usize) -> Self {
        let mut order: Vec<usize> = (0..units.len()).collect();
        order.sort_by_key(|&i| (std::cmp::Reverse(units[i].priority), i));
        let busy = vec![0; executors.members().count()];
        let unasked = order.into_iter().enumerate().collect();
        Self { executors, units, concurrency, unasked, waiting: BTreeMap::new(), busy }
    }

    /// The next unit to ask for, as long as there is room for more.
    pub(super) fn next_to_ask(&mut self) -> Option<(usize, usize)> {
        let has_time = |i| self.room(i).0 > 0 && !self.executors.rests(i);
        // Where all rest and nothing is in work, there is nothing to wait for.
        let idle = self.busy.iter().all(|&units| units == 0) || (0..self.busy.len()).any(has_time);
        let few = self.waiting.values().map(BTreeMap::len).sum::<usize>() < WAITING;
        if idle && few { self.unasked.pop_front() } else { None }
    }

    /// Whether units wait for a busy executor while another has room: what is expected of them changes with time.
    pub(super) fn holds_back(&self) -> bool {
        !self.waiting.is_empty() && (0..self.busy.len()).any(|i| self.room(i).0 > 0)
    }

    /// Takes the unit, of which it is known who takes it.
    pub(super) fn put(&mut self, rank: usize, unit: usize, able: Able) {
        self.waiting.entry(able.key()).or_default().insert(rank, (unit, able));
    }

    /// The most urgent unit for which there is room; of those of rank `before` or less, if that is said.
    pub(super) fn begin(&mut self, before: Option<usize>) -> Option<Begin> {
        let mut heads: Vec<(usize, Vec<usize>)> =
            self.waiting.iter().filter_map(|(key, queue)| Some((*queue.first_key_value()?.0, key.clone()))).collect();
        heads.sort_unstable();
        for (rank, key) in heads {
            if before.is_some_and(|before| rank > before) {
                return None;
            }
            let Some((unit, able)) = self.waiting.get(&key).and_then(|queue| queue.get(&rank)) else { continue };
            let chosen = match self.executors.choose(self.units[*unit], able, |i| self.room(i)) {
                Some(Choice::Later) => continue,
                Some(Choice::Now(executor)) if !able.is_first() || !self.executors.asks_others(executor, able) => {
                    self.executors.give(executor, self.units[*unit], able).map(|given| (executor, given))
                }
                _ => None,
            };
            let queue = self.waiting.get_mut(&key)?;
            let (unit, able) = queue.remove(&rank)?;
            if queue.is_empty() {
                self.waiting.remove(&key);
            }
            let Some((executor, given)) = chosen else {
                // Much has changed since they were asked.
                let at = self.unasked.partition_point(|(other, _)| *other < rank);
                self.unasked.insert(at, (rank, unit));
                continue;
            };
            self.busy[executor] += 1;
            return Some(Begin { rank, unit, executor, able, given });
        }
        None
    }

    /// A unit on this executor ended.
    pub(super) fn ended(&mut self, executor: usize) {
        self.busy[executor] -= 1;
    }

    /// The units that have not begun.
    pub(super) fn left(self) -> Vec<usize> {
        let waiting = self.waiting.into_values().flat_map(BTreeMap::into_values).map(|(unit, _)| unit);
        self.unasked.into_iter().map(|(_, unit)| unit).chain(waiting).collect()
    }

    /// Units that could begin on an executor now, and those it runs at a time.
    fn room(&self, executor: usize) -> (usize, usize) {
        let all = self.executors.seats(executor).unwrap_or(self.concurrency);
        (all.saturating_sub(self.busy[executor]), all)
    }
}
