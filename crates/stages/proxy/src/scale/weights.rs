//! Resampling filters and the weights they give.

use std::collections::VecDeque;
use std::f64::consts::PI;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How samples are weighed. Filters widen by the factor of a reduction, so that nothing aliases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ResampleFilter {
    /// The mean of the pixels whose centres are covered. Fastest; right for whole factors; blocky when enlarging.
    Box,
    /// Linear interpolation, widened. Soft, never rings.
    Triangle,
    /// Windowed sinc of three lobes. Sharp; rings a little at hard edges, below zero too.
    #[default]
    Lanczos3,
}

impl ResampleFilter {
    /// Half the width of the filter, in samples, where nothing is reduced.
    fn radius(self) -> f64 {
        match self {
            Self::Box => 0.5,
            Self::Triangle => 1.0,
            Self::Lanczos3 => 3.0,
        }
    }

    fn at(self, x: f64) -> f64 {
        match self {
            // Half open, so that a sample on the border of two pixels counts once.
            Self::Box => f64::from(u8::from(-0.5 < x && x <= 0.5)),
            Self::Triangle => (1.0 - x.abs()).max(0.0),
            // C. E. Duchon, "Lanczos Filtering in One and Two Dimensions", J. Appl. Meteor. 18 (1979).
            Self::Lanczos3 if x.abs() < 3.0 => sinc(x) * sinc(x / 3.0),
            Self::Lanczos3 => 0.0,
        }
    }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// For each output sample, the input samples it is made of and their weights.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weights {
    /// The first input sample, and where the weights begin in `all`.
    spans: Vec<(usize, usize)>,
    all: Vec<f32>,
    /// What devices get, made when one first asks.
    on_device: OnceLock<[Arc<[f32]>; 2]>,
}

impl Weights {
    /// From `input` to `output` samples; both cover the same distance. Weights sum to 1: what a
    /// filter would take from beyond the border is shared out among the samples there are.
    pub(super) fn new(filter: ResampleFilter, input: usize, output: usize) -> Self {
        let spans = Vec::with_capacity(output);
        let mut weights = Self { spans, all: Vec::new(), on_device: OnceLock::new() };
        if input == output {
            weights.spans = (0..output).map(|i| (i, i)).collect();
            weights.all = vec![1.0; output];
            return weights;
        }
        let step = input as f64 / output as f64;
        let widen = step.max(1.0);
        let reach = filter.radius() * widen;
        let mut exact = Vec::new();
        for i in 0..output {
            let center = (i as f64 + 0.5) * step;
            // The samples whose centres lie within reach; `as` saturates at the left border.
            let first = ((center - reach + 0.5) as usize).min(input - 1);
            let last = ((center + reach + 0.5) as usize).clamp(first + 1, input);
            exact.clear();
            exact.extend((first..last).map(|k| filter.at((k as f64 + 0.5 - center) / widen)));
            let sum: f64 = exact.iter().sum();
            weights.spans.push((first, weights.all.len()));
            weights.push_normalised(&exact, sum);
        }
        weights
    }

    fn push_normalised(&mut self, exact: &[f64], sum: f64) {
        let start = self.all.len();
        self.all.extend(exact.iter().map(|w| (w / sum) as f32));
        // What rounding left over goes to the greatest weight, where it matters least.
        let pushed = &mut self.all[start..];
        let rest = 1.0 - pushed.iter().map(|&w| f64::from(w)).sum::<f64>();
        if let Some(greatest) = pushed.iter_mut().max_by(|a, b| a.total_cmp(b)) {
            *greatest = (f64::from(*greatest) + rest) as f32;
        }
    }

    /// As [`Weights::new`]. A stage is readied for each frame, and frames of one size follow each other: the last few are
    /// remembered.
    pub(super) fn shared(filter: ResampleFilter, input: usize, output: usize) -> Arc<Self> {
        type Remembered = ((ResampleFilter, usize, usize), Arc<Weights>);
        static LAST: Mutex<VecDeque<Remembered>> = Mutex::new(VecDeque::new());
        const MOST: usize = 16;
        let key = (filter, input, output);
        let last = || LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, weights)) = last().iter().find(|(k, _)| *k == key) {
            return Arc::clone(weights);
        }
        let weights = Arc::new(Self::new(filter, input, output));
        let mut last = last();
        last.truncate(MOST - 1);
        last.push_front((key, Arc::clone(&weights)));
        weights
    }

    /// The number of output samples.
    pub(super) fn len(&self) -> usize {
        self.spans.len()
    }

    /// The first input sample of output sample `i`, and the weights from there on.
    pub(super) fn of(&self, i: usize) -> (usize, &[f32]) {
        let (first, start) = self.spans[i];
        let end = self.spans.get(i + 1).map_or(self.all.len(), |s| s.1);
        (first, &self.all[start..end])
    }

    /// As tables: for each output sample three whole numbers, the first input sample, where its weights begin among all, and
    /// how many they are; and all weights. `None` for more weights than an `f32` counts exactly, 16 million.
    pub(super) fn on_device(&self) -> Option<&[Arc<[f32]>; 2]> {
        let counted = self.all.len() <= 1 << f32::MANTISSA_DIGITS;
        counted.then(|| {
            self.on_device.get_or_init(|| {
                let span = |i: usize| [self.spans[i].0, self.spans[i].1, self.of(i).1.len()];
                let spans = (0..self.len()).flat_map(span).map(|v| v as f32);
                [spans.collect(), self.all.as_slice().into()]
            })
        })
    }

    /// The input samples that output samples `out` are made of.
    pub(super) fn input_of(&self, out: Range<usize>) -> Range<usize> {
        if out.is_empty() || out.end > self.len() {
            return 0..0;
        }
        let (last, weights) = self.of(out.end - 1);
        self.spans[out.start].0..last + weights.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [ResampleFilter; 3] = [ResampleFilter::Box, ResampleFilter::Triangle, ResampleFilter::Lanczos3];

    #[test]
    fn halving_with_a_box_is_the_mean_of_two() {
        let w = Weights::new(ResampleFilter::Box, 8, 4);
        assert!((0..4).all(|i| w.of(i) == (2 * i, &[0.5, 0.5][..])));
        assert_eq!(w.input_of(1..3), 2..6);
    }

    #[test]
    fn the_same_size_is_the_same_picture() {
        for filter in ALL {
            let w = Weights::new(filter, 5, 5);
            assert!((0..5).all(|i| w.of(i) == (i, &[1.0][..])));
        }
    }

    proptest! {
        #[test]
        fn weights_sum_to_one_and_windows_move_forwards(input in 1usize..400, output in 1usize..400) {
            for filter in ALL {
                let w = Weights::new(filter, input, output);
                prop_assert_eq!(w.len(), output);
                let (mut first, mut end) = (0, 0);
                for i in 0..output {
                    let (at, weights) = w.of(i);
                    let sum: f64 = weights.iter().map(|&w| f64::from(w)).sum();
                    prop_assert!((sum - 1.0).abs() < 1e-7, "{sum}");
                    prop_assert!(at >= first && at + weights.len() >= end && at + weights.len() <= input);
                    (first, end) = (at, at + weights.len());
                }
                prop_assert_eq!(w.input_of(0..output).end, end);
            }
        }
    }
}
