//! Loops over rows of RCD. Every slice holds one sample per output sample and is at least as long as the first.
//!
//! A *line* is a sequence of samples through a site in one direction, given as slices in order.

use crate::ring::cut;
use crate::working::{leave, pair};

/// Keeps weights finite where nothing changes (working values are about 0 to 1).
const EPS: f32 = 1e-5;

/// The square of the high-pass filter `1 -3 -1 6 -1 -3 1` along a line of seven.
///
/// On a mosaic, neighbours have other colours. The filter's even taps add up to zero and so do its odd ones:
/// a constant difference of colours drops out, and it answers to detail alone.
#[inline(always)]
pub(super) fn detail(out: &mut [f32], [b3, b2, b1, at, a1, a2, a3]: [&[f32]; 7]) {
    let len = out.len();
    cut!(len; b3, b2, b1, at, a1, a2, a3);
    for k in 0..len {
        let outer = (b3[k] - b1[k]) + (a3[k] - a1[k]);
        let high = outer - 3.0 * (b2[k] + a2[k]) + 6.0 * at[k];
        out[k] = high * high;
    }
}

/// How far the picture runs along the second of two lines: near 0 where `first` has no detail (an edge runs
/// along it), near 1 where `second` has none.
#[inline(always)]
pub(super) fn direction(out: &mut [f32], [p0, p1, p2]: [&[f32]; 3], [q0, q1, q2]: [&[f32]; 3]) {
    let len = out.len();
    cut!(len; p0, p1, p2, q0, q1, q2);
    for k in 0..len {
        let a = (p0[k] + p2[k] + p1[k]).max(EPS * EPS);
        let b = (q0[k] + q2[k] + q1[k]).max(EPS * EPS);
        out[k] = a / (a + b);
    }
}

/// The low-pass filter `1 2 1 / 2 4 2 / 1 2 1`, over 4: the same mixture of colours at every site.
///
/// Not less than 0: ratios of it must stay bounded where noise takes dark samples below black.
#[inline(always)]
pub(super) fn low_pass(out: &mut [f32], centre: &[f32], [ea, eb, ec, ed]: [&[f32]; 4], [ca, cb, cc, cd]: [&[f32]; 4]) {
    let len = out.len();
    cut!(len; centre, ea, eb, ec, ed, ca, cb, cc, cd);
    for k in 0..len {
        let edges = (ea[k] + ed[k]) + (eb[k] + ec[k]);
        let corners = (ca[k] + cd[k]) + (cb[k] + cc[k]);
        out[k] = (centre[k] + 0.5 * edges + 0.25 * corners).max(0.0);
    }
}

/// Directions at sites, and at their four diagonal neighbours.
pub(super) type Directions<'a> = [&'a [f32]; 5];

/// What [`green`] knows of one line through a chroma site.
#[derive(Clone, Copy)]
pub(super) struct GreenLine<'a> {
    /// The samples from four before to four after the site.
    pub(super) samples: [&'a [f32]; 9],
    /// The low-pass two before and two after it.
    pub(super) low: [&'a [f32]; 2],
}

/// Green at chroma sites: along each of two lines the neighbouring greens, corrected by the ratio of low-passes and
/// weighted against the gradient on their side; then between the lines by direction. `low` is the low-pass at
/// the site.
#[inline(always)]
pub(super) fn green(out: &mut [f32], low: &[f32], lines: [GreenLine<'_>; 2], directions: Directions<'_>) {
    let len = out.len();
    let [GreenLine { samples: v, low: [vlb, vla] }, GreenLine { samples: h, low: [hlb, hla] }] = lines;
    let [vb4, vb3, vb2, vb1, at, va1, va2, va3, va4] = v;
    let [hb4, hb3, hb2, hb1, _, ha1, ha2, ha3, ha4] = h;
    let [d0, d1, d2, d3, d4] = directions;
    cut!(len; low, vlb, vla, hlb, hla, d0, d1, d2, d3, d4);
    cut!(len; vb4, vb3, vb2, vb1, at, va1, va2, va3, va4, hb4, hb3, hb2, hb1, ha1, ha2, ha3, ha4);
    for k in 0..len {
        let vertical =
            along(low[k], at[k], [vb4[k], vb3[k], vb2[k], vb1[k], vlb[k]], [va4[k], va3[k], va2[k], va1[k], vla[k]]);
        let horizontal =
            along(low[k], at[k], [hb4[k], hb3[k], hb2[k], hb1[k], hlb[k]], [ha4[k], ha3[k], ha2[k], ha1[k], hla[k]]);
        out[k] = between(vertical, horizontal, refined(d0[k], [d1[k], d2[k], d3[k], d4[k]]));
    }
}

/// What is known of one line through a site.
#[derive(Clone, Copy)]
pub(super) struct ChromaLine<'a> {
    /// The colour wanted, at three before, one before, one after and three after.
    pub(super) color: [&'a [f32]; 4],
    /// Green at two before, one before, one after and two after.
    pub(super) green: [&'a [f32]; 4],
}

/// The opposite colour at chroma sites: along each of two lines the differences to green on either side, weighted
/// against the gradients of the colour and of green; between the lines by direction; and the green at the site.
#[inline(always)]
pub(super) fn opposite(out: &mut [f32], green: &[f32], lines: [ChromaLine<'_>; 2], directions: Directions<'_>) {
    let len = out.len();
    let [p, q] = lines;
    let ([pc3, pc1, pd1, pd3], [pg2, pg1, ph1, ph2]) = (p.color, p.green);
    let ([qc3, qc1, qd1, qd3], [qg2, qg1, qh1, qh2]) = (q.color, q.green);
    let [d0, d1, d2, d3, d4] = directions;
    cut!(len; green, d0, d1, d2, d3, d4);
    cut!(len; pc3, pc1, pd1, pd3, pg2, pg1, ph1, ph2, qc3, qc1, qd1, qd3, qg2, qg1, qh1, qh2);
    for k in 0..len {
        let g = green[k];
        let first = difference(g, [pc3[k], pc1[k], pd1[k], pd3[k]], [pg2[k], pg1[k], ph1[k], ph2[k]]);
        let second = difference(g, [qc3[k], qc1[k], qd1[k], qd3[k]], [qg2[k], qg1[k], qh1[k], qh2[k]]);
        out[k] = g + between(first, second, refined(d0[k], [d1[k], d2[k], d3[k], d4[k]]));
    }
}

/// What [`finish`] knows of a row.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    /// Green and the opposite colour at chroma sites.
    pub(super) green: &'a [f32],
    pub(super) opposite: &'a [f32],
    /// Green at green sites, and along the column and the row, as in [`ChromaLine`].
    pub(super) at: &'a [f32],
    pub(super) column: [&'a [f32]; 4],
    pub(super) row: [&'a [f32]; 4],
    /// The colour that is measured in the row, along column and row, and the one that is measured in the column.
    pub(super) own: [[&'a [f32]; 4]; 2],
    pub(super) other: [[&'a [f32]; 4]; 2],
    /// At green sites.
    pub(super) directions: Directions<'a>,
}

/// Puts a row together whose chroma sites are at columns of parity `P`, from what [`opposite`] does at green sites:
/// planes of their colour, of green, and of the other. `gains` are those of the two colours on the way back to
/// samples.
#[inline(always)]
pub(super) fn finish<const P: usize, const SQRT: bool>(
    own: &mut [[f32; 2]],
    middle: &mut [[f32; 2]],
    other: &mut [[f32; 2]],
    samples: &[[f32; 2]],
    row: Row<'_>,
    gains: [f32; 2],
) {
    let len = own.len();
    assert!(middle.len() == len && other.len() == len);
    let (green, opposite, at) = (row.green, row.opposite, row.at);
    let ([pg2, pg1, ph1, ph2], [qg2, qg1, qh1, qh2]) = (row.column, row.row);
    let [[a3, a1, b1, b3], [c3, c1, d1, d3]] = row.own;
    let [[e3, e1, f1, f3], [h3, h1, i1, i3]] = row.other;
    let [r0, r1, r2, r3, r4] = row.directions;
    cut!(len; samples, green, opposite, at, r0, r1, r2, r3, r4, pg2, pg1, ph1, ph2, qg2, qg1, qh1, qh2);
    cut!(len; a3, a1, b1, b3, c3, c1, d1, d3, e3, e1, f1, f3, h3, h1, i1, i3);
    for k in 0..len {
        let g = at[k];
        let (column, row) = ([pg2[k], pg1[k], ph1[k], ph2[k]], [qg2[k], qg1[k], qh1[k], qh2[k]]);
        let direction = refined(r0[k], [r1[k], r2[k], r3[k], r4[k]]);
        let first = difference(g, [a3[k], a1[k], b1[k], b3[k]], column);
        let second = difference(g, [c3[k], c1[k], d1[k], d3[k]], row);
        let of_row = g + between(first, second, direction);
        let first = difference(g, [e3[k], e1[k], f1[k], f3[k]], column);
        let second = difference(g, [h3[k], h1[k], i1[k], i3[k]], row);
        let of_column = g + between(first, second, direction);
        // There and back again is not exact: measured samples are taken from the input.
        own[k] = pair::<P>(samples[k][P], leave::<SQRT>(of_row, gains[0]));
        middle[k] = pair::<P>(leave::<SQRT>(green[k], 1.0), samples[k][1 - P]);
        other[k] = pair::<P>(leave::<SQRT>(opposite[k], gains[1]), leave::<SQRT>(of_column, gains[1]));
    }
}

/// The direction at a site or, where that is more decided, the mean of its four diagonal neighbours.
#[inline(always)]
fn refined(here: f32, [a, b, c, d]: [f32; 4]) -> f32 {
    let around = ((a + d) + (b + c)) * 0.25;
    if (0.5 - here).abs() < (0.5 - around).abs() { around } else { here }
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
    use super::*;

    fn row<const N: usize>(values: &[[f32; 1]; N]) -> [&[f32]; N] {
        std::array::from_fn(|i| values[i].as_slice())
    }

    #[test]
    fn detail_ignores_slopes_and_alternating_colours() {
        let mut out = [1.0];
        detail(&mut out, row(&std::array::from_fn(|i| [0.25 + 0.125 * i as f32])));
        assert_eq!(out, [0.0]);
        detail(&mut out, row(&std::array::from_fn(|i| [if i % 2 == 0 { 0.75 } else { 0.25 }])));
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
        assert!((refined(0.6, [0.1, 0.1, 0.2, 0.2]) - 0.15).abs() < 1e-6);
        assert_eq!(refined(0.9, [0.4, 0.4, 0.6, 0.6]), 0.9);
    }

    #[test]
    fn green_stays_between_nothing_and_twice_its_neighbours() {
        // A black low-pass on one side and a bright one on the other: the ratio is bounded.
        let (dark, bright, g): (&[f32], &[f32], &[f32]) = (&[0.0], &[4.0], &[0.5]);
        let mut out = [0.0];
        let line = GreenLine { samples: [g; 9], low: [dark; 2] };
        green(&mut out, bright, [line; 2], [g; 5]);
        assert!(out[0] > 0.99 && out[0] <= 1.000_001);
        let line = GreenLine { samples: [g; 9], low: [bright; 2] };
        green(&mut out, dark, [line; 2], [g; 5]);
        assert!(out[0] >= 0.0 && out[0] < 0.01);
    }
}
