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
    /// For a plan with so many units in each clip, of which `pending` are to wait or run at the same time; by chance it may be more,
    /// and never twice as many. Few clips are spread wider each; of many, four units each at least, so that the last long clip is
    /// not made one unit after another. Clips of one unit take one place each. However many are to wait, no more than 1,000 units of
    /// a clip do, and no more than 1,000 clips are in work.
    ///
    /// ```
    /// # use rushes_core::run::Fanout;
    /// assert_eq!(Fanout::of([417], 400), Fanout { clips: 1, units: 400 });
    /// assert_eq!(Fanout::of([10; 10_000], 400), Fanout { clips: 100, units: 4 });
    /// assert_eq!(Fanout::of([1; 5000], 400), Fanout { clips: 400, units: 1 });
    /// assert_eq!(Fanout::of([3000], 5000), Fanout { clips: 1, units: 1000 });
    /// ```
    pub fn of(units: impl IntoIterator<Item = usize>, pending: usize) -> Self {
        let pending = pending.max(1);
        let mut units: Vec<usize> = units.into_iter().map(|u| u.max(1)).collect();
        units.sort_unstable_by(|a, b| b.cmp(a));
        let widest = units.first().copied().unwrap_or(1).min(pending).min(MOST);
        let narrow = LEAST.min(widest);
        // What a clip in work takes, each weighed by its units: the longer it is, the longer it is in work.
        let weighed = |of: &dyn Fn(usize) -> usize| units.iter().map(|&u| (u * of(u)) as f64).sum::<f64>();
        let usual = weighed(&|u| narrow.min(u)) / weighed(&|_| 1).max(1.0);
        let as_a_rule = (pending as f64 / usual.max(1.0)) as usize;
        // However clips are met, no more wait than where the longest ones meet.
        let mut sum = 0;
        let at_worst = |u: &&usize| {
            sum += narrow.min(**u);
            sum <= 2 * pending
        };
        let clips = units.iter().take(as_a_rule.clamp(1, MOST)).take_while(at_worst).count().max(1);
        let longest = units.get(..clips).unwrap_or(&units);
        let wait = |wide: usize| longest.iter().map(|u| wide.min(*u)).sum::<usize>();
        // The first width at which too many would wait; less than that is right.
        let (mut fits, mut too_wide) = (narrow, widest + 1);
        while too_wide - fits > 1 {
            let wide = fits.midpoint(too_wide);
            if wait(wide) <= pending { fits = wide } else { too_wide = wide }
        }
        Self { clips, units: fits }
    }
}

/// Units of a clip that wait or run at least, where it has them.
const LEAST: usize = 4;

/// Clips in work, and units of each, at most: engines keep a record of all that is pending (Temporal lets a run have 2,000
/// children and 2,000 activities, and a run that asks for more goes no further).
const MOST: usize = 1000;

/// Units of one job that wait or run: a few hundred, as durable engines advise.
pub const PENDING: usize = 400;

/// For a job of which nothing is known.
impl Default for Fanout {
    fn default() -> Self {
        Self { clips: PENDING / LEAST, units: LEAST }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_more_wait_than_may(units in prop::collection::vec(0_usize..4000, 0..300), pending in 1_usize..6000) {
            let fanout = Fanout::of(units.iter().copied(), pending);
            prop_assert!(fanout.clips >= 1 && fanout.units >= 1);
            prop_assert!(fanout.clips <= MOST && fanout.units <= MOST);
            let mut longest = units.clone();
            longest.sort_unstable_by(|a, b| b.cmp(a));
            let waiting = |f: Fanout| longest.iter().take(f.clips).map(|u| f.units.min((*u).max(1))).sum::<usize>();
            prop_assert!(waiting(fanout) <= 2 * pending);
            // All of them one wider would be too many, or there are no more.
            let wider = waiting(Fanout { units: fanout.units + 1, ..fanout });
            let widest = fanout.units == MOST || longest.first().is_none_or(|&u| u <= fanout.units);
            prop_assert!(wider > pending || wider == waiting(fanout) || widest);
        }

        #[test]
        fn clips_of_one_length_fill_the_front(units in 1_usize..50, clips in 1_usize..2000, pending in 1_usize..900) {
            let fanout = Fanout::of(std::iter::repeat_n(units, clips), pending);
            let waiting = fanout.clips.min(clips) * fanout.units.min(units);
            prop_assert!(waiting <= pending);
            // Less than one more clip is left over, or there is nothing more.
            prop_assert!(waiting + LEAST > pending || waiting == units * clips || fanout.clips == clips);
        }
    }

    #[test]
    fn a_few_longer_shots_among_many_short_ones_take_no_places_from_them() {
        let shots = (0..5000).map(|i| match i % 50 {
            0 => 4,
            1..5 => 2,
            _ => 1,
        });
        let fanout = Fanout::of(shots, 400);
        assert!((280..=330).contains(&fanout.clips) && fanout.units == 4, "{fanout:?}");
    }
}
