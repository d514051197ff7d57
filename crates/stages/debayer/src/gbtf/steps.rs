//! Loops over rows of GBTF. Every slice holds one sample per output sample.
//!
//! What is interpolated are *differences*, green less chroma: they change far less across a picture than the
//! colours do.

use crate::ring::cut;
use crate::working::{leave, pair};

/// Keeps weights finite where nothing changes (working values are about 0 to 1).
const FLAT: f32 = 1e-6;
/// The same for weights that are not squares.
const EVEN: f32 = 1e-4;

/// The difference of green and chroma along a line of five, the colour that was not measured being the mean
/// of its two neighbours and three quarters of what Hamilton and Adams add for the curvature of the colour
/// that was. `sign` is 1 at chroma sites, -1 at green sites.
#[inline(always)]
fn difference([b2, b1, at, a1, a2]: [f32; 5], sign: f32) -> f32 {
    // 1/2 (b1 + a1) + 3/4 (2 at - b2 - a2) / 4 - at
    let (near, here, far) = (0.5 * sign, -0.625 * sign, -0.1875 * sign);
    near * (b1 + a1) + far * (b2 + a2) + here * at
}

/// Differences along columns: lines go down.
#[inline(always)]
pub(super) fn difference_v(out: &mut [f32], [b2, b1, at, a1, a2]: [&[f32]; 5], sign: f32) {
    let len = out.len();
    cut!(len; b2, b1, at, a1, a2);
    for k in 0..len {
        out[k] = difference([b2[k], b1[k], at[k], a1[k], a2[k]], sign);
    }
}

/// Differences along a row, at its even and its odd columns. `row` are its samples from two columns before the even
/// ones to three after.
#[inline(always)]
pub(super) fn difference_h(
    even: &mut [f32],
    odd: &mut [f32],
    [s0, s1, s2, s3, s4, s5]: [&[f32]; 6],
    [sign, other]: [f32; 2],
) {
    let len = even.len();
    assert!(odd.len() == len);
    cut!(len; s0, s1, s2, s3, s4, s5);
    for k in 0..len {
        even[k] = difference([s0[k], s1[k], s2[k], s3[k], s4[k]], sign);
        odd[k] = difference([s1[k], s2[k], s3[k], s4[k], s5[k]], other);
    }
}

/// How much differences change along columns, summed over three columns side by side: the difference above a site
/// and below it in each. For even and odd columns, from one column before the even ones to two after.
#[inline(always)]
pub(super) fn change_v(
    even: &mut [f32],
    odd: &mut [f32],
    [a0, a1, a2, a3]: [&[f32]; 4],
    [b0, b1, b2, b3]: [&[f32]; 4],
) {
    let len = even.len();
    assert!(odd.len() == len);
    cut!(len; a0, a1, a2, a3, b0, b1, b2, b3);
    for k in 0..len {
        let (c0, c1) = ((a0[k] - b0[k]).abs(), (a1[k] - b1[k]).abs());
        let (c2, c3) = ((a2[k] - b2[k]).abs(), (a3[k] - b3[k]).abs());
        even[k] = c0 + c1 + c2;
        odd[k] = c1 + c2 + c3;
    }
}

/// How much differences change along rows, summed over three rows: the row above the last (`sums` holds it and
/// the one before), and the last, whose differences before and after each site are `line`.
#[inline(always)]
pub(super) fn change_h(out: &mut [f32], sums: &mut [f32], last: &mut [f32], [before, after]: [&[f32]; 2]) {
    let len = out.len();
    assert!(sums.len() == len && last.len() == len);
    cut!(len; before, after);
    for k in 0..len {
        let change = (before[k] - after[k]).abs();
        out[k] = sums[k] + change;
        sums[k] = last[k] + change;
        last[k] = change;
    }
}

/// What [`green`] knows of one line through a chroma site.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    /// The change of the difference from three before to three after the site.
    pub(super) change: [&'a [f32]; 7],
    /// The difference from two before to two after it.
    pub(super) difference: [&'a [f32]; 5],
}

/// The difference and green at chroma sites, whose samples are `at`: the differences up, down, left and right of
/// the site, each direction weighted by the inverse square of how much they change on its side.
#[inline(always)]
pub(super) fn green(difference: &mut [f32], green: &mut [f32], at: &[f32], lines: [Line<'_>; 2]) {
    let len = difference.len();
    assert!(green.len() == len);
    cut!(len; at);
    let [[u3, u2, u1, vc, d1, d2, d3], [l3, l2, l1, hc, r1, r2, r3]] = [lines[0].change, lines[1].change];
    cut!(len; u3, u2, u1, vc, d1, d2, d3, l3, l2, l1, hc, r1, r2, r3);
    let [[vb2, vb1, va, va1, va2], [hb2, hb1, ha, ha1, ha2]] = [lines[0].difference, lines[1].difference];
    cut!(len; vb2, vb1, va, va1, va2, hb2, hb1, ha, ha1, ha2);
    for k in 0..len {
        let up = vc[k] + u1[k] + (u2[k] + u3[k]);
        let down = vc[k] + d1[k] + (d2[k] + d3[k]);
        let left = hc[k] + l1[k] + (l2[k] + l3[k]);
        let right = hc[k] + r1[k] + (r2[k] + r3[k]);
        let (v, h) = (3.0 * va[k], 3.0 * ha[k]);
        let sides = [
            v + 2.0 * vb1[k] + vb2[k],
            v + 2.0 * va1[k] + va2[k],
            h + 2.0 * hb1[k] + hb2[k],
            h + 2.0 * ha1[k] + ha2[k],
        ];
        let rest = [up * up + FLAT, down * down + FLAT, left * left + FLAT, right * right + FLAT];
        let found = weighted(sides, rest) * (1.0 / 6.0);
        difference[k] = found;
        green[k] = at[k] + found;
    }
}

/// What is known of the four directions from a site, opposite ones side by side.
#[derive(Clone, Copy)]
pub(super) struct Sides<'a> {
    /// The difference at the nearest sites that have it, and at those three times as far.
    pub(super) near: [&'a [f32]; 4],
    pub(super) far: [&'a [f32]; 4],
}

/// The difference of green and the opposite colour at chroma sites. `green` is green at the site, `beside` in the four
/// directions twice as far as the nearest that have the difference.
#[inline(always)]
pub(super) fn opposite(out: &mut [f32], green: &[f32], beside: [&[f32]; 4], sides: Sides<'_>) {
    let len = out.len();
    let Sides { near: [a1, b1, c1, d1], far: [a3, b3, c3, d3] } = sides;
    let [a2, b2, c2, d2] = beside;
    cut!(len; green, a1, b1, c1, d1, a2, b2, c2, d2, a3, b3, c3, d3);
    for k in 0..len {
        let changes = changes(green[k], [a2[k], b2[k], c2[k], d2[k]]);
        out[k] = between([a1[k], b1[k], c1[k], d1[k]], [a3[k], b3[k], c3[k], d3[k]], changes);
    }
}

/// What [`finish`] knows of a row.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    /// Green and the difference of the opposite colour, at chroma sites.
    pub(super) green: &'a [f32],
    pub(super) opposite: &'a [f32],
    /// Green at green sites, and two away from them.
    pub(super) at: &'a [f32],
    pub(super) beside: [&'a [f32]; 4],
    /// Differences around green sites: of the colour that is measured in the row, and in the column.
    pub(super) of_row: Sides<'a>,
    pub(super) of_column: Sides<'a>,
}

/// Puts a row together whose chroma sites are at columns of parity `P`: planes of their colour, of green, and of the
/// other. `gains` are those of the two colours on the way back to samples.
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
    let Row { green, opposite, at, beside: [g0, g1, g2, g3], of_row, of_column } = row;
    let Sides { near: [a1, b1, c1, d1], far: [a3, b3, c3, d3] } = of_row;
    let Sides { near: [e1, f1, h1, i1], far: [e3, f3, h3, i3] } = of_column;
    cut!(len; samples, green, opposite, at, g0, g1, g2, g3);
    cut!(len; a1, b1, c1, d1, a3, b3, c3, d3, e1, f1, h1, i1, e3, f3, h3, i3);
    for k in 0..len {
        let g = at[k];
        let changes = changes(g, [g0[k], g1[k], g2[k], g3[k]]);
        let of_row = g - between([a1[k], b1[k], c1[k], d1[k]], [a3[k], b3[k], c3[k], d3[k]], changes);
        let of_column = g - between([e1[k], f1[k], h1[k], i1[k]], [e3[k], f3[k], h3[k], i3[k]], changes);
        // There and back again is not exact: measured samples are taken from the input.
        own[k] = pair::<P>(samples[k][P], leave::<SQRT>(of_row, gains[0]));
        middle[k] = pair::<P>(leave::<SQRT>(green[k], 1.0), samples[k][1 - P]);
        other[k] = pair::<P>(leave::<SQRT>(green[k] - opposite[k], gains[1]), leave::<SQRT>(of_column, gains[1]));
    }
}

/// How much green changes in four directions.
#[inline(always)]
fn changes(green: f32, [a, b, c, d]: [f32; 4]) -> [f32; 4] {
    [(green - a).abs(), (green - b).abs(), (green - c).abs(), (green - d).abs()]
}

/// A difference from four directions, each weighted by the inverse of how much it (near and far) and green (`changes`)
/// change there.
#[inline(always)]
fn between([a, b, c, d]: [f32; 4], far: [f32; 4], changes: [f32; 4]) -> f32 {
    let (one, two) = ((a - b).abs() + EVEN, (c - d).abs() + EVEN);
    let rest = [
        one + (a - far[0]).abs() + changes[0],
        one + (b - far[1]).abs() + changes[1],
        two + (c - far[2]).abs() + changes[2],
        two + (d - far[3]).abs() + changes[3],
    ];
    weighted([a, b, c, d], rest)
}

/// The mean of four values, weighted by the inverses of `rest` (positive): one division for all.
#[inline(always)]
fn weighted([a, b, c, d]: [f32; 4], [ra, rb, rc, rd]: [f32; 4]) -> f32 {
    let (ab, cd) = (ra * rb, rc * rd);
    ((rb * a + ra * b) * cd + (rd * c + rc * d) * ab) / ((ra + rb) * cd + (rc + rd) * ab)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_inverses() {
        assert_eq!(weighted([1.0, 2.0, 3.0, 4.0], [1.0; 4]), 2.5);
        // 1, 1/2, 1/4 and 1/4 of the weight.
        assert_eq!(weighted([1.0, 2.0, 4.0, 8.0], [1.0, 2.0, 4.0, 4.0]), 2.5);
        assert!((weighted([0.0, 0.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1e-6]) - 1.0).abs() < 1e-5);
    }

    #[test]
    fn a_constant_difference_is_found_on_any_slope() {
        // Chroma rises by 1/16 a site, and green is 1/4 over it.
        let line = std::array::from_fn(|i| i as f32 / 16.0 + if i % 2 == 1 { 0.25 } else { 0.0 });
        let found = difference(line, 1.0);
        assert!((found - 0.25).abs() < 1e-6, "{found}");
    }

    #[test]
    fn the_side_without_change_decides() {
        let (still, moving): (&[f32], &[f32]) = (&[0.0], &[0.5]);
        let (good, bad): (&[f32], &[f32]) = (&[0.25], &[-0.75]);
        let quiet = Line { change: [still; 7], difference: [good; 5] };
        let busy = Line { change: [moving; 7], difference: [bad; 5] };
        let (mut difference, mut out) = ([0.0], [0.0]);
        green(&mut difference, &mut out, &[0.5], [quiet, busy]);
        assert!((difference[0] - 0.25).abs() < 1e-5 && (out[0] - 0.75).abs() < 1e-5);
        green(&mut difference, &mut out, &[0.5], [busy, quiet]);
        assert!((difference[0] - 0.25).abs() < 1e-5);
    }
}
