//! Who is next: the order of the engine's queue, and of a run in one process.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use serde::{Deserialize, Serialize};

/// Whose order is followed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheduler {
    /// A durable engine's task queue, which many workers ask: [`FairQueue`].
    #[default]
    Queue,
    /// `Runner` in one process: [`PlanOrder`]. Nothing is windowed, and no server costs anything.
    InProcess,
}

/// What waits, as a policy sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Claim {
    /// 1 to 5, 1 first.
    pub priority: u8,
    /// Whom it is for: units of several keys share what their priority gets.
    pub key: u32,
    /// The key's share, against 1.
    pub weight: f64,
}

/// Units that wait, and the order in which they are handed out.
#[derive(Debug)]
pub enum Policy<T> {
    /// The engine's.
    Queue(Box<FairQueue<T>>),
    /// A run's.
    InProcess(PlanOrder<T>),
}

impl<T> Policy<T> {
    /// Nothing waits.
    pub fn new(scheduler: Scheduler) -> Self {
        match scheduler {
            Scheduler::Queue => Self::Queue(Box::default()),
            Scheduler::InProcess => Self::InProcess(PlanOrder::new()),
        }
    }

    /// One more waits.
    pub fn push(&mut self, claim: Claim, item: T) {
        match self {
            Self::Queue(queue) => queue.push(claim, item),
            Self::InProcess(order) => order.push(claim.priority, item),
        }
    }

    /// The next.
    pub fn pop(&mut self) -> Option<T> {
        match self {
            Self::Queue(queue) => queue.pop(),
            Self::InProcess(order) => order.pop(),
        }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        match self {
            Self::Queue(queue) => queue.len,
            Self::InProcess(order) => order.0.len(),
        }
    }

    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// By priority; within one fairly between keys by weight; within a key in the order of asking. Nothing that runs is
/// taken back.
///
/// Fairness is start-time fair queueing (Goyal, Vin and Cheng 1996): a unit is stamped when it begins to wait, with the
/// later of the stamp that is being served and the end of its key's last unit, each of which is 1/weight long. That is
/// what Temporal's queues do, but for the last digit: they count keys approximately.
#[derive(Debug)]
pub struct FairQueue<T> {
    levels: [Level<T>; 5],
    asked: u64,
    len: usize,
}

#[derive(Debug)]
struct Level<T> {
    serving: u128,
    ends: HashMap<u32, u128>,
    waiting: BinaryHeap<Reverse<Stamped<T>>>,
}

/// The least stamp is next, then who asked first.
#[derive(Debug)]
struct Stamped<T> {
    order: (u128, u64),
    item: T,
}

/// A unit's length at weight 1. Whole numbers: sums do not depend on their order.
const LENGTH: f64 = (1u64 << 32) as f64;

/// Weights beyond these are taken for these.
const WEIGHTS: (f64, f64) = (0.001, 1000.0);

impl<T> FairQueue<T> {
    /// Nothing waits.
    pub fn new() -> Self {
        let level = |_| Level { serving: 0, ends: HashMap::new(), waiting: BinaryHeap::new() };
        Self { levels: [0, 1, 2, 3, 4].map(level), asked: 0, len: 0 }
    }

    /// One more waits.
    pub fn push(&mut self, claim: Claim, item: T) {
        let level = &mut self.levels[usize::from(claim.priority.clamp(1, 5) - 1)];
        let stamp = level.ends.get(&claim.key).map_or(level.serving, |end| (*end).max(level.serving));
        let weight = if claim.weight.is_nan() { 1.0 } else { claim.weight.clamp(WEIGHTS.0, WEIGHTS.1) };
        level.ends.insert(claim.key, stamp + (LENGTH / weight) as u128);
        level.waiting.push(Reverse(Stamped { order: (stamp, self.asked), item }));
        self.asked += 1;
        self.len += 1;
    }

    /// The next.
    pub fn pop(&mut self) -> Option<T> {
        let level = self.levels.iter_mut().find(|l| !l.waiting.is_empty())?;
        let Reverse(next) = level.waiting.pop()?;
        level.serving = level.serving.max(next.order.0);
        self.len -= 1;
        Some(next.item)
    }
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// By priority, then in the order of the plan: what `rushes_core::run::Runner` does on one executor.
#[derive(Debug)]
pub struct PlanOrder<T>(BinaryHeap<Reverse<Stamped<T>>>, u64);

impl<T> PlanOrder<T> {
    /// Nothing waits.
    pub fn new() -> Self {
        Self(BinaryHeap::new(), 0)
    }

    /// One more waits: the next in the plan.
    pub fn push(&mut self, priority: u8, item: T) {
        self.0.push(Reverse(Stamped { order: (priority.into(), self.1), item }));
        self.1 += 1;
    }

    /// The next.
    pub fn pop(&mut self) -> Option<T> {
        self.0.pop().map(|Reverse(next)| next.item)
    }
}

impl<T> Default for PlanOrder<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> PartialEq for Stamped<T> {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl<T> Eq for Stamped<T> {}

impl<T> PartialOrd for Stamped<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Stamped<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order.cmp(&other.order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn claim(priority: u8, key: u32, weight: f64) -> Claim {
        Claim { priority, key, weight }
    }

    #[test]
    fn a_show_that_comes_late_is_served_one_to_one_from_then_on() {
        // As measured on the engine: 150 of show A wait, then 40 of show B; B was done when A was at 79.
        let mut queue = FairQueue::new();
        (0..150).for_each(|_| queue.push(claim(3, 0, 1.0), 'a'));
        for _ in 0..39 {
            assert_eq!(queue.pop(), Some('a'));
        }
        (0..40).for_each(|_| queue.push(claim(3, 1, 1.0), 'b'));
        let (mut a, mut b) = (39, 0);
        while b < 40 {
            match queue.pop() {
                Some('a') => a += 1,
                _ => b += 1,
            }
        }
        assert!((78..=80).contains(&a), "{a}");
    }

    #[test]
    fn a_urgent_unit_passes_all_that_wait() {
        let mut queue = Policy::new(Scheduler::Queue);
        (0..200).for_each(|i| queue.push(claim(5, 0, 1.0), i));
        queue.push(claim(1, 0, 1.0), 1000);
        assert_eq!((queue.pop(), queue.pop(), queue.len()), (Some(1000), Some(0), 199));
    }

    #[test]
    fn a_run_keeps_the_order_of_its_plan() {
        let mut order = Policy::new(Scheduler::InProcess);
        for (priority, item) in [(3, 0), (1, 1), (3, 2), (1, 3)] {
            order.push(claim(priority, item, 1.0), item);
        }
        let all: Vec<_> = std::iter::from_fn(|| order.pop()).collect();
        assert_eq!(all, [1, 3, 0, 2]);
        assert!(order.is_empty());
    }

    proptest! {
        /// Pushes and pops in any order: never is one handed out while a more urgent one waits, a key keeps its order,
        /// and all come out once.
        #[test]
        fn priority_is_never_inverted_and_nothing_is_lost(
            steps in proptest::collection::vec((1u8..=5, 0u32..4, 0.1f64..10.0, 0usize..3), 1..300)
        ) {
            let mut queue = FairQueue::new();
            let (mut waiting, mut out) = (Vec::new(), 0);
            for (i, (priority, key, weight, pops)) in steps.iter().enumerate() {
                queue.push(claim(*priority, *key, *weight), (*priority, *key, i));
                waiting.push((*priority, *key, i));
                let pops = if i + 1 == steps.len() { usize::MAX } else { *pops };
                for _ in 0..pops {
                    let Some(next) = queue.pop() else { break };
                    prop_assert!(waiting.iter().all(|w| w.0 >= next.0));
                    prop_assert!(waiting.iter().all(|w| (w.0, w.1) != (next.0, next.1) || w.2 >= next.2));
                    let at = waiting.iter().position(|w| *w == next);
                    prop_assert!(at.is_some());
                    waiting.remove(at.unwrap_or_default());
                    out += 1;
                }
            }
            prop_assert_eq!((out, queue.pop()), (steps.len(), None));
        }

        /// While several keys wait all the time, what each got by its weight differs by one unit of each at most.
        #[test]
        fn keys_get_their_share_to_within_a_unit(weights in proptest::collection::vec(0.2f64..5.0, 2..6), pops in 1usize..400) {
            let mut queue = FairQueue::new();
            for (key, weight) in weights.iter().enumerate() {
                (0..400).for_each(|_| queue.push(claim(2, key as u32, *weight), key));
            }
            let mut got = vec![0.0; weights.len()];
            for _ in 0..pops {
                got[queue.pop().unwrap()] += 1.0;
            }
            for (i, a) in weights.iter().enumerate() {
                for (j, b) in weights.iter().enumerate() {
                    let apart = got[i] / a - got[j] / b;
                    prop_assert!(apart <= 1.0 / a + 1.0 / b + 1e-6, "{i} {j} {apart} {got:?}");
                }
            }
        }
    }
}
