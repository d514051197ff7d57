//! Tables by hue, built once: how far the reach gamut goes, and the hull of the display's.
#![allow(clippy::needless_range_loop, reason = "lanes of several quantities, by their number")]

use super::hull::{Lines, SMOOTH, Slice};
use super::model::Model;
use rushes_core::simd::{Here, Linear};

/// Degrees of hue.
const DEGREES: usize = 360;
/// One corner for each of red, yellow, green, cyan, blue and magenta.
const CORNERS: usize = 6;
/// Steps and ends of the searches; part of the definition, because results are their last step.
const REACH_STEP: f32 = 50.0;
const REACH_END: f32 = 1300.0;
const REACH_ACCURACY: f32 = 1e-2;
const CORNER_ACCURACY: f32 = 1e-3;
const CUSP_ACCURACY: f32 = 1e-7;
const GAMMA_STEP: f32 = 0.4;
const GAMMA_END: f32 = 5.0;
const GAMMA_ACCURACY: f32 = 1e-5;
/// M of the cusps is a little larger than it is, for the smoothing to take away.
const CUSP_MARGIN: f32 = 0.27;

/// A point of the display's hull.
#[derive(Debug, Clone, Copy, Default)]
struct Cusp {
    hue: f32,
    j: f32,
    m: f32,
    /// Inverse exponent of the hull above the cusp.
    above: f32,
}

/// The display's cusps, by hue: nearly one a degree, with the corners of both gamuts among them.
#[derive(Debug, Clone)]
pub(super) struct Cusps {
    /// What a hue's place in the tables is: `slope * hue`, and from each bend on, as much more per degree.
    slope: f32,
    bends: Vec<(f32, f32)>,
    /// J, of 1 at the display's white, M, and the inverse exponent of the hull above.
    hull: Linear<3>,
}

impl Cusps {
    /// Of cusps in the order of their hues, the first at 0 and the last at 360.
    fn of(all: &[Cusp], limit_j: f32) -> Self {
        // Between the corners hues lie evenly, so that a few straight lines tell their places.
        let slope = |from: usize, to: usize| (to - from) as f64 / (f64::from(all[to].hue) - f64::from(all[from].hue));
        let straight = |from: usize, to: usize| {
            let slope = slope(from, to);
            let place = |i: usize| from as f64 + slope * (f64::from(all[i].hue) - f64::from(all[from].hue));
            (from..to).all(|i| (place(i) - i as f64).abs() < 1e-4)
        };
        let (mut from, mut slopes) = (0, Vec::new());
        while from + 1 < all.len() {
            let to = (from + 1..all.len()).take_while(|to| straight(from, *to)).last().unwrap_or(from + 1);
            slopes.push((all[from].hue, slope(from, to)));
            from = to;
        }
        let bends = slopes.windows(2).map(|w| (w[1].0, (w[1].1 - w[0].1) as f32)).collect();
        let hull: Vec<[f32; 3]> = all.iter().map(|c| [c.j / limit_j, c.m, c.above]).collect();
        Self { slope: slopes.first().map_or(1.0, |s| s.1) as f32, bends, hull: Linear::new(&hull) }
    }

    /// The slope of places before the first bend; bends, as the hue and what the slope grows by; the cusps by place.
    pub(super) fn parts(&self) -> (f32, &[(f32, f32)], &Linear<3>) {
        (self.slope, &self.bends, &self.hull)
    }

    /// J (1 at the display's white), M and the inverse exponent above, linear between the two nearest. Hues from 0 to 360.
    #[inline(always)]
    pub(super) fn at<const N: usize>(
        &self,
        here: Here,
        hues: &[f32; N],
        place: &mut [f32; N],
        out: &mut [[f32; N]; 3],
    ) {
        for i in 0..N {
            place[i] = hues[i] * self.slope;
        }
        for &(hue, more) in &self.bends {
            for i in 0..N {
                place[i] = (hues[i] - hue).max(0.0).mul_add(more, place[i]);
            }
        }
        for v in &mut *place {
            *v = v.max(0.0).min(360.0);
        }
        self.hull.at(here, place, out);
    }
}

/// The largest M that `gamut` holds at lightness `j`, by degree of hue; the first is repeated at the end.
pub(super) fn reach(gamut: &Model, j: f32) -> Linear<1> {
    let mut table: Vec<f32> = (0..DEGREES)
        .map(|hue| {
            let outside = |m: f32| gamut.jmh_to_rgb([j, m, hue as f32]).iter().any(|v| *v < 0.0);
            let (mut low, mut high) = (0.0, REACH_STEP);
            while high < REACH_END && !outside(high) {
                low = high;
                high += REACH_STEP;
            }
            bisect(&mut low, &mut high, REACH_ACCURACY, outside);
            high
        })
        .collect();
    table.push(table[0]);
    Linear::new(&table.into_iter().map(|m| [m]).collect::<Vec<_>>())
}

/// The cusps of `display` at `peak` nits.
pub(super) fn cusps(peak: f32, brightest: f32, reach: &Model, display: &Model, lines: &Lines, below: f32) -> Cusps {
    let top = peak / 100.0;
    let corners: Vec<([f32; 3], [f32; 3])> = (0..CORNERS)
        .map(|i| {
            let rgb = corner(i).map(|v| v * top);
            (rgb, display.to_jmh(rgb))
        })
        .collect();
    let mut fixed: Vec<f32> = corners.iter().map(|c| c.1[2]).collect();
    fixed.extend(reach_hues(reach, lines.limit_j, brightest));
    fixed.sort_by(f32::total_cmp);
    fixed.dedup();

    let mut table: Vec<Cusp> = hues(&fixed)
        .into_iter()
        .map(|hue| {
            let [j, m] = cusp(display, &corners, hue);
            let m = m * (1.0 + CUSP_MARGIN * SMOOTH);
            Cusp { hue, j, m, above: upper_gamma(display, lines, [j, m], hue, below, top) }
        })
        .collect();
    table.push(Cusp { hue: 360.0 + table[0].hue, ..table[0] });
    Cusps::of(&table, lines.limit_j)
}

/// Red, yellow, green, cyan, blue, magenta.
fn corner(i: usize) -> [f32; 3] {
    [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0], [1.0, 0.0, 1.0]][i]
}

/// The hues of the reach gamut's corners at lightness `j`.
fn reach_hues(reach: &Model, j: f32, brightest: f32) -> Vec<f32> {
    let target = reach.achromatic(j);
    (0..CORNERS)
        .map(|i| {
            let scaled = |v: f32| corner(i).map(|c| c * v);
            let (mut low, mut high) = (0.0, brightest);
            bisect(&mut low, &mut high, CORNER_ACCURACY, |v| reach.to_aab(scaled(v))[0] >= target);
            reach.to_jmh(scaled(high))[2]
        })
        .collect()
}

/// 360 hues, one a degree, moved so that each hue of `fixed` (in order) is among them.
fn hues(fixed: &[f32]) -> Vec<f32> {
    // Where each fixed hue goes: its nearest degree; never the first, which is 0; no two the same.
    let mut at: Vec<usize> = Vec::with_capacity(fixed.len());
    for hue in fixed {
        let least = at.last().copied().unwrap_or(usize::from(fixed[0] != 0.0));
        let mut i = (hue.round() as usize).clamp(least, DEGREES - 1);
        let n = at.len();
        if n > 0 && at[n - 1] == i {
            if n > 1 && at[n - 2] + 1 != at[n - 1] {
                at[n - 1] -= 1;
            } else {
                i += 1;
            }
        }
        at.push(i.min(DEGREES - 1));
    }
    let mut hues = Vec::with_capacity(DEGREES);
    let (mut from, mut low) = (0, 0.0);
    for (to, high) in at.into_iter().chain([DEGREES]).zip(fixed.iter().copied().chain([360.0])) {
        let n = to.saturating_sub(from);
        hues.extend((0..n).map(|i| low + i as f32 * ((high - low) / n as f32)));
        (from, low) = (to, high);
    }
    hues
}

/// J and M of the display's cusp at a hue: along the edge of the RGB cube between two corners.
fn cusp(display: &Model, corners: &[([f32; 3], [f32; 3])], hue: f32) -> [f32; 2] {
    // Corners in the order of hue, with the last before the first and the first after the last.
    let mut around: Vec<([f32; 3], [f32; 3])> = corners.to_vec();
    let first = (0..CORNERS).min_by(|a, b| corners[*a].1[2].total_cmp(&corners[*b].1[2])).unwrap_or(0);
    around.rotate_left(first);
    let (mut before, mut after) = (around[CORNERS - 1], around[0]);
    before.1[2] -= 360.0;
    after.1[2] += 360.0;
    around.insert(0, before);
    around.push(after);

    let upper = around.iter().position(|c| c.1[2] > hue).unwrap_or(CORNERS + 1).max(1);
    let ((rgb_a, jmh_a), (rgb_b, jmh_b)) = (around[upper - 1], around[upper]);
    if jmh_a[2] == hue {
        return [jmh_a[0], jmh_a[1]];
    }
    let on_edge = |t: f32| {
        let rgb = [0, 1, 2].map(|i| rgb_a[i] + (rgb_b[i] - rgb_a[i]) * t);
        display.to_jmh(rgb)
    };
    let beyond = |t: f32| {
        let h = on_edge(t)[2];
        // Across 0 degrees the hue jumps: a hue outside the edge's range lies on its near side.
        if h < jmh_a[2] {
            true
        } else if h >= jmh_b[2] {
            false
        } else {
            h > hue
        }
    };
    let (mut low, mut high) = (0.0, 1.0);
    bisect(&mut low, &mut high, CUSP_ACCURACY, beyond);
    let [j, m, _] = on_edge((low + high) / 2.0);
    [j, m]
}

/// The inverse exponent of the hull's upper part at a hue: the smallest exponent (in steps of the
/// search) with which five test points on the hull lie outside the display's gamut.
fn upper_gamma(display: &Model, lines: &Lines, cusp: [f32; 2], hue: f32, below: f32, top: f32) -> f32 {
    let mut slice = Slice { cusp, below, above: 1.0, focus: lines.focus(cusp[0]), threshold: lines.threshold(cusp[0]) };
    let tests = [0.01f32, 0.1, 0.5, 0.8, 0.99].map(|t| {
        let j = cusp[0] + (lines.limit_j - cusp[0]) * t;
        lines.through(&slice, j, cusp[1])
    });
    let mut fits = |gamma: f32| {
        slice.above = 1.0 / gamma;
        tests.iter().all(|line| {
            let m = lines.leaves(&slice, line);
            display.jmh_to_rgb([line.axis + line.slope * m, m, hue]).iter().any(|v| *v > top)
        })
    };
    let (mut low, mut high) = (0.0, GAMMA_STEP);
    while high < GAMMA_END && !fits(high) {
        low = high;
        high += GAMMA_STEP;
    }
    bisect(&mut low, &mut high, GAMMA_ACCURACY, fits);
    1.0 / high
}

/// Narrows `low..high` to `accuracy` around where `beyond` becomes true.
fn bisect(low: &mut f32, high: &mut f32, accuracy: f32, mut beyond: impl FnMut(f32) -> bool) {
    while *high - *low > accuracy {
        let middle = (*high + *low) / 2.0;
        if middle == *low || middle == *high {
            return; // single precision has nothing between them
        }
        if beyond(middle) {
            *high = middle;
        } else {
            *low = middle;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_hues_are_among_the_360() {
        let fixed = [0.4, 27.3, 27.4, 100.0, 359.9];
        let all = hues(&fixed);
        assert_eq!(all.len(), DEGREES);
        assert_eq!(all[0], 0.0);
        assert!(all.windows(2).all(|w| w[0] < w[1]), "{all:?}");
        for f in fixed {
            assert!(all.contains(&f), "{f}");
        }
    }
}
