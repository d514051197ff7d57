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
    /// Green at chroma sites: along each of two lines the neighbouring greens, corrected by the ratio of low-passes and
    /// weighted against the gradient on their side; then between the lines by `direction`. `low` is the low-pass at
    /// the site.
    pub(crate) fn green(out: &mut [f32], low: &[f32], lines: [GreenLine<'_>; 2], direction: &[f32]) {
        let len = out.len();
        let (low, direction) = (&low[..len], &direction[..len]);
        let [[vb4, vb3, vb2, vb1, at, va1, va2, va3, va4], [hb4, hb3, hb2, hb1, _, ha1, ha2, ha3, ha4]] =
            lines.map(|line| line.samples.map(|s| &s[..len]));
        let [[vlb, vla], [hlb, hla]] = lines.map(|line| line.low.map(|s| &s[..len]));
        for (k, v) in out.iter_mut().enumerate() {
            let vertical = along(
                low[k],
                at[k],
                [vb4[k], vb3[k], vb2[k], vb1[k], vlb[k]],
                [va4[k], va3[k], va2[k], va1[k], vla[k]],
            );
            let horizontal = along(
                low[k],
                at[k],
                [hb4[k], hb3[k], hb2[k], hb1[k], hlb[k]],
                [ha4[k], ha3[k], ha2[k], ha1[k], hla[k]],
            );
            *v = between(vertical, horizontal, direction[k]);
        }
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

kernel! {
    /// Red or blue: along each of two lines the differences to green on either side, weighted against the gradients
    /// of the colour and of green; between the lines by `direction`; and the green at the site.
    pub(crate) fn chroma(out: &mut [f32], green: &[f32], lines: [ChromaLine<'_>; 2], direction: &[f32]) {
        let len = out.len();
        let (green, direction) = (&green[..len], &direction[..len]);
        let [[pc3, pc1, pd1, pd3], [qc3, qc1, qd1, qd3]] = lines.map(|line| line.color.map(|s| &s[..len]));
        let [[pg2, pg1, ph1, ph2], [qg2, qg1, qh1, qh2]] = lines.map(|line| line.green.map(|s| &s[..len]));
        for (k, v) in out.iter_mut().enumerate() {
            let g = green[k];
            let first = difference(g, [pc3[k], pc1[k], pd1[k], pd3[k]], [pg2[k], pg1[k], ph1[k], ph2[k]]);
            let second = difference(g, [qc3[k], qc1[k], qd1[k], qd3[k]], [qg2[k], qg1[k], qh1[k], qh2[k]]);
            *v = g + between(first, second, direction[k]);
        }
    }
}

// Estimates are fractions until the last step, so that each sample takes one division.

/// Green along one line. Before and after the site: the samples four, three, two and one away, and the
/// low-pass two away.
#[inline(always)]
fn along(low: f32, at: f32, before: [f32; 5], after: [f32; 5]) -> (f32, f32) {
    let ([b4, b3, b2, b1, low_b], [a4, a3, a2, a1, low_a]) = (before, after);
    let near = (b1 - a1).abs() + EPS;
    let gradient_b = near + (at - b2).abs() + (b1 - b3).abs() + (b2 - b4).abs();
    let gradient_a = near + (at - a2).abs() + (a1 - a3).abs() + (a2 - a4).abs();
    // A neighbouring green is brought here by 1 + (low - low_there) / (EPS + low + low_there).
    let here = EPS + low;
    let (sum_b, sum_a, twice) = (here + low_b, here + low_a, here + low);
    let green = gradient_a * b1 * sum_a + gradient_b * a1 * sum_b;
    (green * twice, (gradient_b + gradient_a) * sum_b * sum_a)
}

/// Red or blue less green along one line: the colour three and one before, one and three after; green two and
/// one before, one and two after.
#[inline(always)]
fn difference(green: f32, [c3, c1, d1, d3]: [f32; 4], [g2, g1, h1, h2]: [f32; 4]) -> (f32, f32) {
    let near = (c1 - d1).abs() + EPS;
    let before = near + (c1 - c3).abs() + (green - g2).abs();
    let after = near + (d1 - d3).abs() + (green - h2).abs();
    (after * (c1 - g1) + before * (d1 - h1), before + after)
}

/// Between two fractions: the first where `direction` is 0, the second where it is 1.
#[inline(always)]
fn between(first: (f32, f32), second: (f32, f32), direction: f32) -> f32 {
    let first_part = (1.0 - direction) * first.0 * second.1;
    (first_part + direction * second.0 * first.1) / (first.1 * second.1)
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
        green(Level::Plain, &mut out, bright, [line; 2], &[0.5]);
        assert!(out[0] > 0.99 && out[0] <= 1.000_001);
        let line = GreenLine { samples: [g; 9], low: [bright; 2] };
        green(Level::Plain, &mut out, dark, [line; 2], &[0.5]);
        assert!(out[0] >= 0.0 && out[0] < 0.01);
    }
}
