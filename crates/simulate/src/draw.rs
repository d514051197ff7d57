//! Numbers by chance that come out the same on every machine.

use rushes_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

/// A stream of numbers (SplitMix64, Steele, Lea and Flood 2014). Each purpose has a stream of its own, so that another
/// number of workers changes no clip.
#[derive(Debug, Clone)]
pub struct Draw(u64);

impl Draw {
    /// The stream of `seed` for one purpose.
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut first = Self(seed ^ purpose.wrapping_mul(0xd1b5_4a32_d192_ed03));
        Self(first.bits())
    }

    /// A number from 0 up to but not including 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// The time to the next of events that come once in a time of 1. By von Neumann's comparisons (1951): a logarithm
    /// would differ in its last place from one system to another.
    pub fn exponential(&mut self) -> f64 {
        let mut whole = 0.0;
        loop {
            let first = self.unit();
            let (mut last, mut run) = (first, 1);
            loop {
                let next = self.unit();
                if next > last {
                    break;
                }
                last = next;
                run += 1;
            }
            if run % 2 == 1 {
                return whole + first;
            }
            whole += 1.0;
        }
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// How something varies: `120`, `{ least = 1, most = 9 }`, or the curve of a production's own statistics,
/// `{ quantiles = [[0.0, 24], [0.5, 300], [0.9, 1200], [1.0, 9000]] }`: half of the clips have at most 300 frames.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Spread {
    /// Always the same.
    Always(f64),
    /// Anything in between, all as likely.
    Between {
        /// The least.
        least: f64,
        /// The most.
        most: f64,
    },
    /// Straight lines between what a part of all is at most.
    Quantiles {
        /// Part of all, from 0 to 1, and value; both ascend.
        quantiles: Vec<[f64; 2]>,
    },
}

impl Spread {
    /// One value.
    pub fn draw(&self, draw: &mut Draw) -> f64 {
        let at = draw.unit();
        match self {
            Self::Always(value) => *value,
            Self::Between { least, most } => least + (most - least) * at,
            Self::Quantiles { quantiles } => {
                let right =
                    quantiles.partition_point(|q| q[0] <= at).clamp(1, quantiles.len().saturating_sub(1).max(1));
                match (quantiles.get(right - 1), quantiles.get(right)) {
                    (Some([a, low]), Some([b, high])) if b > a => low + (high - low) * (at - a) / (b - a),
                    (Some([_, low]), _) => *low,
                    _ => 0.0,
                }
            }
        }
    }

    /// The most that [`Spread::draw`] gives.
    pub fn most(&self) -> f64 {
        match self {
            Self::Always(value) => *value,
            Self::Between { most, .. } => *most,
            Self::Quantiles { quantiles } => quantiles.last().map_or(0.0, |q| q[1]),
        }
    }

    /// Refuses what makes no sense as the `what` of something: it has to lie between `least` and `most`.
    pub(crate) fn check(&self, what: &str, least: f64, most: f64) -> Result<()> {
        let bad = |why: String| Err(Error::new(ErrorKind::Invalid, format!("`{what}` {why}")));
        let values: Vec<f64> = match self {
            Self::Always(value) => vec![*value],
            Self::Between { least, most } => vec![*least, *most],
            Self::Quantiles { quantiles } => {
                let ends = quantiles.first().zip(quantiles.last());
                if quantiles.len() < 2 || ends.is_none_or(|(a, b)| a[0] != 0.0 || b[0] != 1.0) {
                    return bad("has quantiles that do not go from 0 to 1".into());
                }
                if quantiles.windows(2).any(|w| w[1][0] <= w[0][0]) {
                    return bad("has quantiles whose parts do not ascend".into());
                }
                quantiles.iter().map(|q| q[1]).collect()
            }
        };
        if values.iter().any(|v| !v.is_finite() || *v < least || *v > most) {
            return bad(format!("is not between {least} and {most}"));
        }
        if values.windows(2).any(|w| w[1] < w[0]) {
            return bad("descends".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_seed_gives_the_same_numbers_on_every_machine() {
        let mut draw = Draw(0);
        // The reference's first numbers for seed 0 (https://prng.di.unimi.it/splitmix64.c).
        assert_eq!([draw.bits(), draw.bits()], [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4]);
        assert_ne!(Draw::new(1, 1).bits(), Draw::new(1, 2).bits());
    }

    #[test]
    fn exponential_times_have_the_mean_and_the_tail_they_should() {
        let mut draw = Draw::new(7, 0);
        let times: Vec<f64> = (0..200_000).map(|_| draw.exponential()).collect();
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        let beyond = |t: f64| times.iter().filter(|x| **x > t).count() as f64 / times.len() as f64;
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
        for t in [0.5, 1.0, 2.0, 4.0] {
            assert!((beyond(t) - (-t).exp()).abs() < 0.005, "{t}: {}", beyond(t));
        }
    }

    #[test]
    fn quantiles_are_what_a_part_of_all_is_at_most() {
        let spread = Spread::Quantiles { quantiles: vec![[0.0, 24.0], [0.5, 300.0], [0.9, 1200.0], [1.0, 9000.0]] };
        spread.check("frames", 1.0, 1e4).unwrap();
        let mut draw = Draw::new(3, 0);
        let mut drawn: Vec<f64> = (0..50_001).map(|_| spread.draw(&mut draw)).collect();
        drawn.sort_by(f64::total_cmp);
        assert!((drawn[25_000] - 300.0).abs() < 15.0 && (drawn[45_000] - 1200.0).abs() < 60.0);
    }

    #[test]
    fn spreads_that_make_no_sense_are_refused() {
        let quantiles = |q: &[[f64; 2]]| Spread::Quantiles { quantiles: q.to_vec() };
        for bad in [
            Spread::Always(0.0),
            Spread::Always(f64::NAN),
            Spread::Between { least: 9.0, most: 2.0 },
            quantiles(&[]),
            quantiles(&[[0.0, 1.0]]),
            quantiles(&[[0.0, 1.0], [0.9, 2.0]]),
            quantiles(&[[0.0, 1.0], [0.5, 3.0], [0.5, 4.0], [1.0, 5.0]]),
            quantiles(&[[0.0, 5.0], [1.0, 2.0]]),
        ] {
            assert!(bad.check("frames", 1.0, 100.0).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_drawn_lies_within(seed: u64, steps in proptest::collection::vec((0.01f64..1.0, 0.0f64..50.0), 2..7)) {
            let whole: f64 = steps.iter().skip(1).map(|s| s.0).sum();
            let (mut at, mut value) = (0.0, 1.0);
            let mut quantiles = vec![[0.0, value]];
            for (part, more) in steps.iter().skip(1) {
                at += part / whole;
                value += more;
                quantiles.push([at, value]);
            }
            quantiles.last_mut().unwrap()[0] = 1.0;
            let spread = Spread::Quantiles { quantiles };
            prop_assert!(spread.check("x", 1.0, 1e9).is_ok());
            let mut draw = Draw::new(seed, 0);
            for _ in 0..200 {
                let x = spread.draw(&mut draw);
                prop_assert!((1.0..=spread.most()).contains(&x), "{x}");
            }
        }
    }
}
