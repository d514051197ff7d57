//! A host: cores and a link that the units on it share.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A number in an order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ordered(pub(crate) f64);

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// What a unit asks of its host when it has the host for itself.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Load {
    /// Seconds.
    pub(crate) seconds: f64,
    /// Cores it keeps busy.
    pub(crate) cores: f64,
    /// Bytes a second.
    pub(crate) read: f64,
    pub(crate) written: f64,
}

/// Units that run beside each other are slowed alike when they ask for more than there is. So the host has a clock of
/// its own, which runs slower then; a unit ends when that clock has gone on by the unit's seconds, whoever came and went.
#[derive(Debug)]
pub(crate) struct Host {
    cores: f64,
    link: f64,
    clock: f64,
    /// When `clock` was looked at last, in the time that the host lives in.
    seen: f64,
    running: BinaryHeap<Reverse<(Ordered, usize, u64)>>,
    asked: Load,
    units: usize,
}

impl Host {
    pub(crate) fn new(cores: f64, link: f64) -> Self {
        Self { cores, link, clock: 0.0, seen: 0.0, running: BinaryHeap::new(), asked: Load::default(), units: 0 }
    }

    /// How fast its clock runs, at most 1.
    pub(crate) fn rate(&self) -> f64 {
        let bytes = self.asked.read + self.asked.written;
        let part = |has: f64, asked: f64| if asked > has { has / asked } else { 1.0 };
        part(self.cores, self.asked.cores).min(part(self.link, bytes))
    }

    /// Bytes a second it reads and writes.
    pub(crate) fn moves(&self) -> (f64, f64) {
        (self.asked.read * self.rate(), self.asked.written * self.rate())
    }

    /// Cores that are busy.
    pub(crate) fn busy(&self) -> f64 {
        self.asked.cores * self.rate()
    }

    /// Whether its link is what slows it.
    pub(crate) fn waits_for_link(&self) -> bool {
        let bytes = self.asked.read + self.asked.written;
        bytes > self.link && bytes / self.link > self.asked.cores / self.cores
    }

    /// Its own clock.
    pub(crate) fn clock(&mut self, now: f64) -> f64 {
        self.go_on(now);
        self.clock
    }

    /// A unit begins in `slot`; `turn` tells it from others that were in that slot.
    pub(crate) fn begin(&mut self, now: f64, slot: usize, turn: u64, load: Load) {
        self.go_on(now);
        self.running.push(Reverse((Ordered(self.clock + load.seconds), slot, turn)));
        self.ask(load, 1.0);
        self.units += 1;
    }

    /// A unit is gone, done or not. Its slot's turn must be over by now: see [`Host::next`].
    pub(crate) fn end(&mut self, now: f64, load: Load) {
        self.go_on(now);
        self.ask(load, -1.0);
        self.units -= 1;
        if self.units == 0 {
            // What sums left of rounding.
            self.asked = Load::default();
        }
    }

    /// The slot whose unit ends next, and when; units whose turn is over are dropped.
    pub(crate) fn next(&mut self, now: f64, is_on: impl Fn(usize, u64) -> bool) -> Option<(f64, usize)> {
        self.go_on(now);
        while let Some(Reverse((at, slot, turn))) = self.running.peek().copied() {
            if is_on(slot, turn) {
                return Some((now + (at.0 - self.clock).max(0.0) / self.rate(), slot));
            }
            self.running.pop();
        }
        None
    }

    fn go_on(&mut self, now: f64) {
        self.clock += (now - self.seen).max(0.0) * self.rate();
        self.seen = now;
    }

    fn ask(&mut self, load: Load, sign: f64) {
        self.asked.cores += sign * load.cores;
        self.asked.read += sign * load.read;
        self.asked.written += sign * load.written;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn load(seconds: f64, cores: f64) -> Load {
        Load { seconds, cores, ..Load::default() }
    }

    /// Runs all to the end: slot and time.
    fn run(host: &mut Host, loads: &[(f64, Load)]) -> Vec<f64> {
        let (mut ends, mut now) = (vec![f64::NAN; loads.len()], 0.0);
        let mut on = vec![false; loads.len()];
        let mut coming: Vec<usize> = (0..loads.len()).collect();
        loop {
            let begins = coming.first().map(|&i| loads[i].0);
            let due = host.next(now, |slot, _| on[slot]);
            match (begins, due) {
                (Some(at), due) if due.is_none_or(|(end, _)| at <= end) => {
                    let i = coming.remove(0);
                    now = at;
                    on[i] = true;
                    host.begin(now, i, 0, loads[i].1);
                }
                (_, Some((end, slot))) => {
                    now = end;
                    on[slot] = false;
                    ends[slot] = now;
                    host.end(now, loads[slot].1);
                }
                (_, None) => return ends,
            }
        }
    }

    #[test]
    fn units_share_cores_when_there_are_not_enough() {
        // Two cores, three units of 10 s: all at two thirds until the first end, at 15 s.
        let ends = run(&mut Host::new(2.0, f64::INFINITY), &[(0.0, load(10.0, 1.0)); 3]);
        assert_eq!(ends, [15.0; 3]);
        // The third comes when the others are half done: 5 s, then 7.5 at two thirds; it has 5 left, alone.
        let ends = run(
            &mut Host::new(2.0, f64::INFINITY),
            &[(0.0, load(10.0, 1.0)), (0.0, load(10.0, 1.0)), (5.0, load(10.0, 1.0))],
        );
        assert!([12.5, 12.5, 17.5].iter().zip(&ends).all(|(a, b)| (a - b).abs() < 1e-9), "{ends:?}");
    }

    #[test]
    fn a_link_slows_what_goes_through_it() {
        let load = Load { seconds: 10.0, cores: 0.5, read: 50.0, written: 50.0 };
        assert_eq!(run(&mut Host::new(8.0, 100.0), &[(0.0, load); 2]), [20.0; 2]);
    }

    proptest! {
        /// No core is idle while there is work for it, and none works twice: the last unit ends when all work is done, as
        /// long as each could use all of the host.
        #[test]
        fn a_host_conserves_work(cores in 1.0f64..16.0, works in proptest::collection::vec(0.1f64..50.0, 1..20)) {
            let loads: Vec<_> = works.iter().map(|w| (0.0, load(w / cores, cores))).collect();
            let ends = run(&mut Host::new(cores, f64::INFINITY), &loads);
            let last = ends.iter().copied().fold(0.0, f64::max);
            let least = works.iter().sum::<f64>() / cores;
            prop_assert!((last - least).abs() < 1e-6 * least, "{last} {least}");
        }

        #[test]
        fn nobody_ends_sooner_than_alone(loads in proptest::collection::vec((0.0f64..20.0, 0.1f64..9.0, 0.1f64..4.0), 1..20)) {
            let mut loads: Vec<_> = loads.iter().map(|l| (l.0, load(l.1, l.2))).collect();
            loads.sort_by(|a, b| a.0.total_cmp(&b.0));
            let ends = run(&mut Host::new(4.0, f64::INFINITY), &loads);
            for ((at, load), end) in loads.iter().zip(ends) {
                prop_assert!(end >= at + load.seconds - 1e-9, "{end}");
            }
        }
    }
}
