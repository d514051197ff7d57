//! Row kernels of RCD. Every slice holds one sample per output sample and is at least as long as `out`.
//!
//! A *line* is a sequence of samples through a site in one direction, given as slices in order.

use rushes_core::simd::kernel;

/// Keeps weights finite where nothing changes (working values are about 0 to 1).
const EPS: f32 = 1e-5;

kernel! {
    /// The square of the high-pass filter `1 -3 -1 6 -1 -3 1` along a line of seven.
    ///
    /// On a mosaic, neighbours have other colours. The filter's even taps add up to zero and so do its odd ones:
    /// a constant difference of colours drops out, and it answers to detail alone.
    pub(crate) fn detail(out: &mut [f32], line: [&[f32]; 7]) {
        let len = out.len();
        let [b3, b2, b1, at, a1, a2, a3] = line.map(|s| &s[..len]);
        for (k, v) in out.iter_mut().enumerate() {
            let outer = (b3[k] - b1[k]) + (a3[k] - a1[k]);
            let high = outer - 3.0 * (b2[k] + a2[k]) + 6.0 * at[k];
            *v = high * high;
        }
    }
}

kernel! {
    /// How far the picture runs along the second of two lines: near 0 where `first` has no detail (an edge runs
    /// along it), near 1 where `second` has none.
    pub(crate) fn direction(out: &mut [f32], first: [&[f32]; 3], second: [&[f32]; 3]) {
        let len = out.len();
        let [p0, p1, p2] = first.map(|s| &s[..len]);
        let [q0, q1, q2] = second.map(|s| &s[..len]);
        for (k, v) in out.iter_mut().enumerate() {
            let a = (p0[k] + p2[k] + p1[k]).max(EPS * EPS);
            let b = (q0[k] + q2[k] + q1[k]).max(EPS * EPS);
            *v = a / (a + b);
        }
    }
}

kernel! {
    /// The direction at a site or, where that is more decided, the mean of its four diagonal neighbours.
    pub(crate) fn refine(out: &mut [f32], centre: &[f32], corners: [&[f32]; 4]) {
        let len = out.len();
        let centre = &centre[..len];
        let [a, b, c, d] = corners.map(|s| &s[..len]);
        for (k, v) in out.iter_mut().enumerate() {
            let around = ((a[k] + d[k]) + (b[k] + c[k])) * 0.25;
            let here = centre[k];
            *v = if (0.5 - here).abs() < (0.5 - around).abs() { around } else { here };
        }
    }
}

kernel! {
    /// The low-pass filter `1 2 1 / 2 4 2 / 1 2 1`, over 4: the same mixture of colours at every site.
    ///
    /// Not less than 0: ratios of it must stay bounded where noise takes dark samples below black.
    pub(crate) fn low_pass(out: &mut [f32], centre: &[f32], edges: [&[f32]; 4], corners: [&[f32]; 4]) {
        let len = out.len();
        let centre = &centre[..len];
        let [ea, eb, ec, ed] = edges.map(|s| &s[..len]);
        let [ca, cb, cc, cd] = corners.map(|s| &s[..len]);
        for (k, v) in out.iter_mut().enumerate() {
            let edges = (ea[k] + ed[k]) + (eb[k] + ec[k]);
            let corners = (ca[k] + cd[k]) + (cb[k] + cc[k]);
            *v = (centre[k] + 0.5 * edges + 0.25 * corners).max(0.0);
        }
    }
}

/// What [`green`] knows of one line through a chroma site.
#[derive(Clone, Copy)]
pub(crate) struct GreenLine<'a> {
    /// The samples from four before to four after the site.
    pub(crate) samples: [&'a [f32]; 9],
    /// The low-pass two before and two after it.
    pub(crate) low: [&'a [f32]; 2],
}

kernel! {
    /// Green at chroma sites along one line: the neighbouring greens, each corrected by the ratio of low-passes and
    /// weighted against the gradient on its side. `low` is the low-pass at the site.
    pub(crate) fn green(out: &mut [f32], low: &[f32], line: GreenLine<'_>) {
        let len = out.len();
        let low = &low[..len];
        let [b4, b3, b2, b1, at, a1, a2, a3, a4] = line.samples.map(|s| &s[..len]);
        let [low_before, low_after] = line.low.map(|s| &s[..len]);
        for (k, v) in out.iter_mut().enumerate() {
            let near = (b1[k] - a1[k]).abs() + EPS;
            let before = near + (at[k] - b2[k]).abs() + (b1[k] - b3[k]).abs() + (b2[k] - b4[k]).abs();
            let after = near + (at[k] - a2[k]).abs() + (a1[k] - a3[k]).abs() + (a2[k] - a4[k]).abs();
            *v = blend(before, corrected(b1[k], low[k], low_before[k]), after, corrected(a1[k], low[k], low_after[k]));
        }
    }
}

/// What [`difference`] knows of one line through a site.
#[derive(Clone, Copy)]
pub(crate) struct ChromaLine<'a> {
    /// The colour wanted, at three before, one before, one after and three after.
    pub(crate) color: [&'a [f32]; 4],
    /// Green at two before, one before, one after and two after.
    pub(crate) green: [&'a [f32]; 4],
}

kernel! {
    /// Red or blue less green along one line: the differences on either side, weighted against the gradients of the
    /// colour and of green. `green` is the green at the site.
    pub(crate) fn difference(out: &mut [f32], green: &[f32], line: ChromaLine<'_>) {
        let len = out.len();
        let green = &green[..len];
        let [c3, c1, d1, d3] = line.color.map(|s| &s[..len]);
        let [g2, g1, h1, h2] = line.green.map(|s| &s[..len]);
        for (k, v) in out.iter_mut().enumerate() {
            let near = (c1[k] - d1[k]).abs() + EPS;
            let before = near + (c1[k] - c3[k]).abs() + (green[k] - g2[k]).abs();
            let after = near + (d1[k] - d3[k]).abs() + (green[k] - h2[k]).abs();
            *v = blend(before, c1[k] - g1[k], after, d1[k] - h1[k]);
        }
    }
}

kernel! {
    /// Between two lines by direction: `out` holds the estimate along the first.
    pub(crate) fn lean(out: &mut [f32], second: &[f32], direction: &[f32]) {
        for ((v, b), d) in out.iter_mut().zip(second).zip(direction) {
            *v += d * (b - *v);
        }
    }
}

kernel! {
    /// Adds green to a difference.
    pub(crate) fn add(out: &mut [f32], green: &[f32]) {
        for (v, g) in out.iter_mut().zip(green) {
            *v += g;
        }
    }
}

/// A neighbouring green, brought here by the ratio of low-passes.
#[inline(always)]
fn corrected(green: f32, low_here: f32, low_there: f32) -> f32 {
    green * (1.0 + (low_here - low_there) / (EPS + low_here + low_there))
}

/// The mean of two estimates, each weighted by the gradient on the other side.
#[inline(always)]
fn blend(before_gradient: f32, before: f32, after_gradient: f32, after: f32) -> f32 {
    (after_gradient * before + before_gradient * after) / (before_gradient + after_gradient)
}

#[cfg(test)]
mod tests {
    use std::array::from_fn;

    use rushes_core::simd::Level;

    use super::*;

    #[test]
    fn detail_ignores_slopes_and_alternating_colours() {
        let mut out = [1.0];
        let line: Vec<[f32; 1]> = (0..7).map(|i| [0.25 + 0.125 * i as f32]).collect();
        detail(Level::Plain, &mut out, from_fn(|i| line[i].as_slice()));
        assert_eq!(out, [0.0]);
        let line: Vec<[f32; 1]> = (0..7).map(|i| [if i % 2 == 0 { 0.75 } else { 0.25 }]).collect();
        detail(Level::Plain, &mut out, from_fn(|i| line[i].as_slice()));
        assert_eq!(out, [0.0]);
    }

    #[test]
    fn direction_points_along_the_line_without_detail() {
        let (zero, one): (&[f32], &[f32]) = (&[0.0], &[1.0]);
        let mut out = [9.0];
        direction(Level::Plain, &mut out, [zero; 3], [one; 3]);
        assert!(out[0] < 1e-9);
        direction(Level::Plain, &mut out, [one; 3], [zero; 3]);
        assert!(out[0] > 1.0 - 1e-6);
        direction(Level::Plain, &mut out, [zero; 3], [zero; 3]);
        assert_eq!(out, [0.5]);
    }

    #[test]
    fn the_more_decided_direction_wins() {
        let mut out = [0.0];
        refine(Level::Plain, &mut out, &[0.6], [&[0.1], &[0.1], &[0.2], &[0.2]]);
        assert!((out[0] - 0.15).abs() < 1e-6);
        refine(Level::Plain, &mut out, &[0.9], [&[0.4], &[0.4], &[0.6], &[0.6]]);
        assert_eq!(out, [0.9]);
    }

    #[test]
    fn green_stays_between_nothing_and_twice_its_neighbours() {
        // A black low-pass on one side and a bright one on the other: the ratio is bounded.
        let (dark, bright, g): (&[f32], &[f32], &[f32]) = (&[0.0], &[4.0], &[0.5]);
        let mut out = [0.0];
        let line = GreenLine { samples: [g; 9], low: [dark; 2] };
        green(Level::Plain, &mut out, bright, line);
        assert!(out[0] > 0.99 && out[0] <= 1.0);
        let line = GreenLine { samples: [g; 9], low: [bright; 2] };
        green(Level::Plain, &mut out, dark, line);
        assert!(out[0] >= 0.0 && out[0] < 0.01);
    }
}
