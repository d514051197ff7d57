//! The output transform by a table, for proxies and previews.
//!
//! The table's axes are positive ACEScg, which is all that the transform tells apart, through a curve after the response of
//! cones, along which a display's code values are nearly even: `p / (MIDDLE + p)` with `p = v ^ POWER`.
#![allow(clippy::needless_range_loop, reason = "lanes of several quantities, by their number")]

use std::sync::OnceLock;

use rushes_core::simd::{Here, Lattice, Level, Power, kernel};

use super::{Rendering, Target, reciprocals};
use crate::aces;
use crate::matrix::{self, apply_f32, to_f32};

/// Grid points a side.
const SIZE: usize = 65;
/// The curve's exponent, and the power that comes out in its middle.
const POWER: f64 = 0.5;
const MIDDLE: f64 = 1.0;

/// A rendering in a table.
#[derive(Debug)]
pub(super) struct Baked {
    power: Power,
    brightest: f32,
    /// Grid steps of the curve's 1.
    steps: f32,
    lattice: Lattice,
}

impl Baked {
    /// Of a target: made when it is first asked for, some ten milliseconds, and kept.
    pub(super) fn of(target: Target) -> &'static Self {
        static ALL: [OnceLock<Baked>; Target::ALL.len()] = [const { OnceLock::new() }; Target::ALL.len()];
        ALL[target as usize].get_or_init(|| Self::new(target.rendering()))
    }

    fn new(rendering: &Rendering) -> Self {
        let last = (SIZE - 1) as f64;
        let top = f64::from(rendering.brightest).powf(POWER);
        let steps = last * (MIDDLE + top) / top;
        let axis: [f32; SIZE] = std::array::from_fn(|i| {
            let x = i as f64 / steps;
            (MIDDLE * x / (1.0 - x)).powf(1.0 / POWER) as f32
        });
        let from_ap1 = to_f32(&aces::AP1_TO_AP0);
        let mut rows = Vec::with_capacity(SIZE * SIZE * SIZE);
        for (b, g) in (0..SIZE).flat_map(|b| (0..SIZE).map(move |g| (b, g))) {
            let (mut from, mut to) = ([axis, [axis[g]; SIZE], [axis[b]; SIZE]], [[0.0; SIZE]; 3]);
            for i in 0..SIZE {
                [from[0][i], from[1][i], from[2][i]] = apply_f32(&from_ap1, [from[0][i], from[1][i], from[2][i]]);
            }
            rendering.rows(Level::current(), from.each_ref().map(|v| &v[..]), to.each_mut().map(|v| &mut v[..]));
            rows.extend((0..SIZE).map(|i| to.map(|v| v[i])));
        }
        Self {
            power: Power::new(POWER, Power::top(f64::from(rendering.brightest))),
            brightest: rendering.brightest,
            steps: steps as f32,
            lattice: Lattice::new(SIZE, rows.into_iter(), [[0.0; 3], [last as f32; 3]]),
        }
    }

    /// Code values of rows that `to_ap1` takes to ACEScg.
    pub(super) fn rows(&self, level: Level, to_ap1: &[[f32; 3]; 3], from: [&[f32]; 3], [r, g, b]: [&mut [f32]; 3]) {
        for (i, ((r, g), b)) in r.chunks_mut(PART).zip(g.chunks_mut(PART)).zip(b.chunks_mut(PART)).enumerate() {
            matrix::rows(level, to_ap1, from.map(|row| &row[i * PART..]), [&mut *r, &mut *g, &mut *b]);
            places(level, self, [&mut *r, &mut *g, &mut *b]);
            self.lattice.tetrahedral(level, [&mut *r, &mut *g, &mut *b]);
            [r, g, b].into_iter().for_each(|row| limit(level, row));
        }
    }
}

/// Columns that are computed at a time: they stay in the first cache.
const PART: usize = 1024;

kernel! {
    /// ACEScg to places in the table.
    fn places[here](baked: &Baked, rows: [&mut [f32]; 3]) {
        let [r, g, b] = rows;
        for row in [&mut *r, &mut *g, &mut *b] {
            raise(here, baked, row);
        }
        for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
            let middle = MIDDLE as f32;
            let per = reciprocals([middle + *r, middle + *g, middle + *b]).map(|v| v * baked.steps);
            [*r, *g, *b] = [*r * per[0], *g * per[1], *b * per[2]];
        }
    }
}

kernel! {
    /// The weights of a tetrahedron's corners may be a little more than 1 together.
    fn limit(row: &mut [f32]) {
        for v in row {
            *v = v.min(1.0);
        }
    }
}

#[inline(always)]
fn raise(here: Here, baked: &Baked, row: &mut [f32]) {
    for v in &mut *row {
        let bright = if *v < baked.brightest { *v } else { baked.brightest };
        // What is not a number is black.
        *v = if v.is_nan() { 0.0 } else { bright };
    }
    baked.power.raise(here, row);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean difference, the one that 99 in 100 are below, and the largest of code values from the analytic ones, of 1,023.
    fn difference(target: Target, pixels: &[[f32; 3]]) -> [f32; 3] {
        let from = [0, 1, 2].map(|c| pixels.iter().map(|p| p[c]).collect::<Vec<f32>>());
        let from = from.each_ref().map(|v| &v[..]);
        let (mut analytic, mut baked) =
            ([(); 3].map(|()| vec![0.0; pixels.len()]), [(); 3].map(|()| vec![0.0; pixels.len()]));
        let level = Level::current();
        target.rendering().rows(level, from, analytic.each_mut().map(|v| &mut v[..]));
        let to_ap1 = to_f32(&aces::AP0_TO_AP1);
        Baked::of(target).rows(level, &to_ap1, from, baked.each_mut().map(|v| &mut v[..]));
        let pairs = analytic.iter().flatten().zip(baked.iter().flatten());
        let mut all: Vec<f32> = pairs.map(|(a, b)| (a - b).abs() * 1023.0).collect();
        all.sort_by(f32::total_cmp);
        [all.iter().sum::<f32>() / all.len() as f32, all[all.len() * 99 / 100], all[all.len() - 1]]
    }

    /// Scene light of so many stops, two fifths of them above grey, with so many stops between channels at most.
    fn scene(stops: f32, colour: f32) -> Vec<[f32; 3]> {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32
        };
        let mut pixel = |_| {
            let level = 0.18 * ((next() - 0.6) * stops).exp2();
            [0, 1, 2].map(|_| level * ((next() - 0.5) * colour).exp2())
        };
        (0..60_000).map(&mut pixel).collect()
    }

    #[test]
    fn it_is_near_the_analytic_transform() {
        // The largest are where a channel of a saturated colour leaves black: the display's gamma is steep there.
        for (target, what, pixels, limits) in [
            (Target::Rec709, "greys", scene(14.0, 0.0), [0.15, 0.4, 0.5]),
            (Target::Rec709, "up to two stops between channels", scene(10.0, 2.0), [0.35, 3.0, 80.0]),
            (Target::Rec709, "up to ten stops between channels", scene(10.0, 10.0), [0.5, 8.0, 170.0]),
            (Target::Pq1000, "up to two stops between channels", scene(10.0, 2.0), [0.15, 1.2, 5.0]),
            (Target::Pq1000, "up to ten stops between channels", scene(10.0, 10.0), [0.17, 2.5, 60.0]),
        ] {
            let got = difference(target, &pixels);
            assert!(got.iter().zip(limits).all(|(got, limit)| *got < limit), "{target:?}, {what}: {got:?}");
        }
    }

    #[test]
    fn every_level_gives_the_same_bits_and_any_pixel_an_answer() {
        let values = [0.0, 0.18, -1.0, 1.0, 5e3, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e-30, 0.5];
        let from = [1, 10, 100].map(|k| (0..1100).map(|i| values[i / k % 10]).collect::<Vec<f32>>());
        let from = from.each_ref().map(|v| &v[..]);
        let to_ap1 = to_f32(&aces::AP0_TO_AP1);
        let mut first: Option<[Vec<f32>; 3]> = None;
        for level in Level::available() {
            let mut out = [(); 3].map(|()| vec![9.0; 1100]);
            Baked::of(Target::Rec709).rows(level, &to_ap1, from, out.each_mut().map(|v| &mut v[..]));
            assert!(out.iter().flatten().all(|v| (0.0..=1.0).contains(v)), "{level}");
            assert!(*first.get_or_insert_with(|| out.clone()) == out, "{level}");
        }
    }
}
