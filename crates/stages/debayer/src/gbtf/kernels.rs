//! Row kernels of GBTF. Every slice holds one sample per output sample and is at least as long as `out`.
//!
//! What is interpolated are *differences*, green less chroma: they change far less across a picture than the
//! colours do.

use rushes_core::simd::kernel;

/// Keeps weights finite where nothing changes (working values are about 0 to 1).
const FLAT: f32 = 1e-6;
/// The same for weights that are not squares.
const EVEN: f32 = 1e-4;

kernel! {
    /// The difference of green and chroma along a line of five, the colour that was not measured being the mean
    /// of its two neighbours and three quarters of what Hamilton and Adams add for the curvature of the colour
    /// that was. `sign` is 1 at chroma sites, -1 at green sites.
    pub(crate) fn difference(out: &mut [f32], line: [&[f32]; 5], sign: f32) {
        let len = out.len();
        let [b2, b1, at, a1, a2] = line.map(|s| &s[..len]);
        // 1/2 (b1 + a1) + 3/4 (2 at - b2 - a2) / 4 - at
        let [near, here, far] = [0.5, -0.625, -0.1875].map(|w: f32| w * sign);
        for (k, v) in out.iter_mut().enumerate() {
            *v = near * (b1[k] + a1[k]) + far * (b2[k] + a2[k]) + here * at[k];
        }
    }
}

kernel! {
    /// How much a difference changes along a line, summed over three lines side by side: the difference before
    /// a site and after it on each.
    pub(crate) fn change(out: &mut [f32], lines: [[&[f32]; 2]; 3]) {
        let len = out.len();
        let [[a, b], [c, d], [e, f]] = lines.map(|line| line.map(|s| &s[..len]));
        for (k, v) in out.iter_mut().enumerate() {
            *v = (a[k] - b[k]).abs() + (c[k] - d[k]).abs() + (e[k] - f[k]).abs();
        }
    }
}

/// What [`green`] knows of one line through a chroma site.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    /// The change of the difference from three before to three after the site.
    pub(crate) change: [&'a [f32]; 7],
    /// The difference from two before to two after it.
    pub(crate) difference: [&'a [f32]; 5],
}

kernel! {
    /// The difference and green at chroma sites, whose samples are `at`: the differences up, down, left and right of
    /// the site, each direction weighted by the inverse square of how much they change on its side.
    pub(crate) fn green(difference: &mut [f32], green: &mut [f32], at: &[f32], lines: [Line<'_>; 2]) {
        let len = difference.len();
        let (green, at) = (&mut green[..len], &at[..len]);
        let [[u3, u2, u1, vc, d1, d2, d3], [l3, l2, l1, hc, r1, r2, r3]] = lines.map(|line| line.change.map(|s| &s[..len]));
        let [[vb2, vb1, va, va1, va2], [hb2, hb1, ha, ha1, ha2]] = lines.map(|line| line.difference.map(|s| &s[..len]));
        for k in 0..len {
            let rest = [
                vc[k] + u1[k] + (u2[k] + u3[k]),
                vc[k] + d1[k] + (d2[k] + d3[k]),
                hc[k] + l1[k] + (l2[k] + l3[k]),
                hc[k] + r1[k] + (r2[k] + r3[k]),
            ]
            .map(|change| change * change + FLAT);
            let (v, h) = (3.0 * va[k], 3.0 * ha[k]);
            let sides = [
                v + 2.0 * vb1[k] + vb2[k],
                v + 2.0 * va1[k] + va2[k],
                h + 2.0 * hb1[k] + hb2[k],
                h + 2.0 * ha1[k] + ha2[k],
            ];
            let found = weighted(sides, rest) * (1.0 / 6.0);
            difference[k] = found;
            green[k] = at[k] + found;
        }
    }
}

/// What [`chroma`] knows of one direction from a site.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a> {
    /// The difference at the nearest site that has it, and at the one three times as far.
    pub(crate) difference: [&'a [f32]; 2],
    /// Green twice as far as the nearest.
    pub(crate) green: &'a [f32],
}

kernel! {
    /// A difference from four directions (opposite ones side by side), each weighted by the inverse of how much
    /// it and green change there. `green` is green at the site.
    pub(crate) fn chroma(out: &mut [f32], green: &[f32], sides: [Side<'_>; 4]) {
        let len = out.len();
        let green = &green[..len];
        let [[a1, a3], [b1, b3], [c1, c3], [d1, d3]] = sides.map(|side| side.difference.map(|s| &s[..len]));
        let [a2, b2, c2, d2] = sides.map(|side| &side.green[..len]);
        for (k, v) in out.iter_mut().enumerate() {
            let g = green[k];
            let near = [a1[k], b1[k], c1[k], d1[k]];
            let (first, second) = ((a1[k] - b1[k]).abs() + EVEN, (c1[k] - d1[k]).abs() + EVEN);
            let rest = [
                first + (a1[k] - a3[k]).abs() + (g - a2[k]).abs(),
                first + (b1[k] - b3[k]).abs() + (g - b2[k]).abs(),
                second + (c1[k] - c3[k]).abs() + (g - c2[k]).abs(),
                second + (d1[k] - d3[k]).abs() + (g - d2[k]).abs(),
            ];
            *v = weighted(near, rest);
        }
    }
}

kernel! {
    /// Chroma: green less the difference.
    pub(crate) fn less(out: &mut [f32], green: &[f32], difference: &[f32]) {
        for ((v, green), difference) in out.iter_mut().zip(green).zip(difference) {
            *v = green - difference;
        }
    }
}

/// The mean of four values, weighted by the inverses of `rest` (positive): one division for all.
#[inline(always)]
fn weighted([a, b, c, d]: [f32; 4], [ra, rb, rc, rd]: [f32; 4]) -> f32 {
    let (ab, cd) = (ra * rb, rc * rd);
    ((rb * a + ra * b) * cd + (rd * c + rc * d) * ab) / ((ra + rb) * cd + (rc + rd) * ab)
}

#[cfg(test)]
mod tests {
    use rushes_core::simd::Level;

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
        let line: Vec<[f32; 1]> = (0..5).map(|i| [i as f32 / 16.0 + if i % 2 == 1 { 0.25 } else { 0.0 }]).collect();
        let mut out = [9.0];
        difference(Level::Plain, &mut out, std::array::from_fn(|i| line[i].as_slice()), 1.0);
        assert!((out[0] - 0.25).abs() < 1e-6, "{}", out[0]);
    }

    #[test]
    fn the_side_without_change_decides() {
        let (still, moving): (&[f32], &[f32]) = (&[0.0], &[0.5]);
        let (good, bad): (&[f32], &[f32]) = (&[0.25], &[-0.75]);
        let quiet = Line { change: [still; 7], difference: [good; 5] };
        let busy = Line { change: [moving; 7], difference: [bad; 5] };
        let (mut difference, mut out) = ([0.0], [0.0]);
        green(Level::Plain, &mut difference, &mut out, &[0.5], [quiet, busy]);
        assert!((difference[0] - 0.25).abs() < 1e-5 && (out[0] - 0.75).abs() < 1e-5);
        green(Level::Plain, &mut difference, &mut out, &[0.5], [busy, quiet]);
        assert!((difference[0] - 0.25).abs() < 1e-5);
    }
}
