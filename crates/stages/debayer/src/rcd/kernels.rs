//! Row kernels of RCD. Every slice holds one sample per output sample and is at least as long as `out`.
//!
//! A *line* is a sequence of samples through a site in one direction, given as slices in order.

use std::array::from_fn;

/// Keeps weights finite where nothing changes (working values are about 0 to 1).
const EPS: f32 = 1e-5;

/// The square of the high-pass filter `1 -3 -1 6 -1 -3 1` along a line of seven.
///
/// On a mosaic, neighbours have other colours. The filter's even taps add up to zero and so do its odd ones:
/// a constant difference of colours drops out, and it answers to detail alone.
pub(crate) fn detail(out: &mut [f32], line: [&[f32]; 7]) {
    let len = out.len();
    let t = line.map(|s| &s[..len]);
    for (k, v) in out.iter_mut().enumerate() {
        let outer = (t[0][k] - t[2][k]) + (t[6][k] - t[4][k]);
        let high = outer - 3.0 * (t[1][k] + t[5][k]) + 6.0 * t[3][k];
        *v = high * high;
    }
}

/// How far the picture runs along the second of two lines: near 0 where `first` has no detail (an edge runs
/// along it), near 1 where `second` has none.
pub(crate) fn direction(out: &mut [f32], first: [&[f32]; 3], second: [&[f32]; 3]) {
    let len = out.len();
    let first = first.map(|s| &s[..len]);
    let second = second.map(|s| &s[..len]);
    for (k, v) in out.iter_mut().enumerate() {
        let a = (first[0][k] + first[2][k] + first[1][k]).max(EPS * EPS);
        let b = (second[0][k] + second[2][k] + second[1][k]).max(EPS * EPS);
        *v = a / (a + b);
    }
}

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

/// What [`green`] knows of one line through a chroma site.
#[derive(Clone, Copy)]
pub(crate) struct GreenLine<'a> {
    /// The samples from four before to four after the site.
    pub(crate) samples: [&'a [f32]; 9],
    /// The low-pass two before and two after it.
    pub(crate) low: [&'a [f32]; 2],
}

/// Green at chroma sites: along each line the neighbouring greens, each corrected by the ratio of low-passes,
/// weighted against the gradient on its side; then the two lines by `direction`.
pub(crate) fn green(out: &mut [f32], low: &[f32], first: GreenLine<'_>, second: GreenLine<'_>, direction: &[f32]) {
    let len = out.len();
    let (low, direction) = (&low[..len], &direction[..len]);
    let [first, second] =
        [first, second].map(|l| GreenLine { samples: l.samples.map(|s| &s[..len]), low: l.low.map(|s| &s[..len]) });
    let estimate = |line: &GreenLine<'_>, k: usize| {
        let t: [f32; 9] = from_fn(|i| line.samples[i][k]);
        let near = (t[3] - t[5]).abs() + EPS;
        let before = near + (t[4] - t[2]).abs() + (t[3] - t[1]).abs() + (t[2] - t[0]).abs();
        let after = near + (t[4] - t[6]).abs() + (t[5] - t[7]).abs() + (t[6] - t[8]).abs();
        let corrected = |green: f32, far: f32| green * (1.0 + (low[k] - far) / (EPS + low[k] + far));
        blend(before, corrected(t[3], line.low[0][k]), after, corrected(t[5], line.low[1][k]))
    };
    for (k, v) in out.iter_mut().enumerate() {
        let (a, b) = (estimate(&first, k), estimate(&second, k));
        *v = a + direction[k] * (b - a);
    }
}

/// What [`chroma`] knows of one line through a site.
#[derive(Clone, Copy)]
pub(crate) struct ChromaLine<'a> {
    /// The colour wanted, at three before, one before, one after and three after.
    pub(crate) color: [&'a [f32]; 4],
    /// Green at two before, one before, one after and two after.
    pub(crate) green: [&'a [f32]; 4],
}

/// Red or blue: `green` at the site plus the difference of colours about it, along each line weighted against
/// the gradients of the colour and of green, then between the lines by `direction`.
pub(crate) fn chroma(out: &mut [f32], green: &[f32], first: ChromaLine<'_>, second: ChromaLine<'_>, direction: &[f32]) {
    let len = out.len();
    let (green, direction) = (&green[..len], &direction[..len]);
    let [first, second] =
        [first, second].map(|l| ChromaLine { color: l.color.map(|s| &s[..len]), green: l.green.map(|s| &s[..len]) });
    let estimate = |line: &ChromaLine<'_>, k: usize| {
        let c: [f32; 4] = from_fn(|i| line.color[i][k]);
        let g: [f32; 4] = from_fn(|i| line.green[i][k]);
        let near = (c[1] - c[2]).abs() + EPS;
        let before = near + (c[1] - c[0]).abs() + (green[k] - g[0]).abs();
        let after = near + (c[2] - c[3]).abs() + (green[k] - g[3]).abs();
        blend(before, c[1] - g[1], after, c[2] - g[2])
    };
    for (k, v) in out.iter_mut().enumerate() {
        let (a, b) = (estimate(&first, k), estimate(&second, k));
        *v = green[k] + (a + direction[k] * (b - a));
    }
}

/// The mean of two estimates, each weighted by the gradient on the other side.
#[inline]
fn blend(before_gradient: f32, before: f32, after_gradient: f32, after: f32) -> f32 {
    (after_gradient * before + before_gradient * after) / (before_gradient + after_gradient)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detail_ignores_slopes_and_alternating_colours() {
        let mut out = [1.0];
        let line: Vec<[f32; 1]> = (0..7).map(|i| [0.25 + 0.125 * i as f32]).collect();
        detail(&mut out, from_fn(|i| line[i].as_slice()));
        assert_eq!(out, [0.0]);
        let line: Vec<[f32; 1]> = (0..7).map(|i| [if i % 2 == 0 { 0.75 } else { 0.25 }]).collect();
        detail(&mut out, from_fn(|i| line[i].as_slice()));
        assert_eq!(out, [0.0]);
    }

    #[test]
    fn direction_points_along_the_line_without_detail() {
        let (zero, one): (&[f32], &[f32]) = (&[0.0], &[1.0]);
        let mut out = [9.0];
        direction(&mut out, [zero; 3], [one; 3]);
        assert!(out[0] < 1e-9);
        direction(&mut out, [one; 3], [zero; 3]);
        assert!(out[0] > 1.0 - 1e-6);
        direction(&mut out, [zero; 3], [zero; 3]);
        assert_eq!(out, [0.5]);
    }

    #[test]
    fn the_more_decided_direction_wins() {
        let mut out = [0.0];
        refine(&mut out, &[0.6], [&[0.1], &[0.1], &[0.2], &[0.2]]);
        assert!((out[0] - 0.15).abs() < 1e-6);
        refine(&mut out, &[0.9], [&[0.4], &[0.4], &[0.6], &[0.6]]);
        assert_eq!(out, [0.9]);
    }

    #[test]
    fn green_stays_between_nothing_and_twice_its_neighbours() {
        // A black low-pass on one side and a bright one on the other: the ratio is bounded.
        let (dark, bright, g): (&[f32], &[f32], &[f32]) = (&[0.0], &[4.0], &[0.5]);
        let mut out = [0.0];
        let line = GreenLine { samples: [g; 9], low: [dark; 2] };
        green(&mut out, bright, line, line, &[0.3]);
        assert!(out[0] > 0.99 && out[0] <= 1.0);
        let line = GreenLine { samples: [g; 9], low: [bright; 2] };
        green(&mut out, dark, line, line, &[0.3]);
        assert!(out[0] >= 0.0 && out[0] < 0.01);
    }
}
