//! Gamut compression: M is brought into the display's hull along lines to a focus.
#![allow(clippy::needless_range_loop, reason = "lanes of several quantities, by their number")]

use super::hull::{Line, Lines, Slice, meets_curve, smooth_min};
use super::model::{Model, exponent};
use super::tables::{self, Cusps};
use super::tone::ToneScale;

/// Distance of the focus at 100 nits, and its growth with the logarithm of the peak.
const DISTANCE: (f32, f32) = (1.35, 1.75);
/// Exponent of the hull below the cusp at 100 nits, and its growth.
const BELOW: (f32, f32) = (1.14, 0.07);
/// The part of the hull from which M is compressed, at least.
const THRESHOLD: f32 = 0.75;

/// What compresses J and M into a display's gamut.
#[derive(Debug, Clone)]
pub(super) struct Gamut {
    lines: Lines,
    below: f32,
    inverse_exponent: f32,
    cusps: Cusps,
}

impl Gamut {
    pub(super) fn new(peak: f32, tone: &ToneScale, scene: &Model, display: &Model, limit_j: f32) -> Self {
        let lines = Lines {
            limit_j,
            mid_j: scene.lightness(scene.of_luminance(tone.grey * 100.0)),
            distance: DISTANCE.0 + DISTANCE.0 * DISTANCE.1 * tone.log_peak,
        };
        let below = 1.0 / (BELOW.0 + BELOW.1 * tone.log_peak);
        let cusps = tables::cusps(peak, tone.brightest, scene, display, &lines, below);
        Self { lines, below, inverse_exponent: (1.0 / exponent()) as f32, cusps }
    }

    /// The display's cusps at hues, 0 to 360: their J, M and inverse exponents above.
    #[inline(always)]
    pub(super) fn cusps<const N: usize>(&self, hues: &[f32; N]) -> [[f32; N]; 3] {
        self.cusps.at::<N>(hues)
    }

    /// J and M inside the display's gamut, for pixels whose hues have the cusps `[j, m, above]`;
    /// `reach` is the largest M that has to come in, at the display's white.
    #[inline(always)]
    pub(super) fn compress<const N: usize>(
        &self,
        j: &mut [f32; N],
        m: &mut [f32; N],
        cusp: &[[f32; N]; 3],
        reach: &[f32; N],
    ) {
        let limit_j = self.lines.limit_j;
        let zero = [0.0; N];
        let (mut focus, mut threshold) = (zero, zero);
        for i in 0..N {
            (focus[i], threshold[i]) = (self.lines.focus(cusp[0][i]), self.lines.threshold(cusp[0][i]));
        }
        let slice = |i: usize| Slice {
            cusp: [cusp[0][i], cusp[1][i]],
            below: self.below,
            above: cusp[2][i],
            focus: focus[i],
            threshold: threshold[i],
        };
        let (mut axis, mut slope, mut cusp_axis) = (zero, zero, zero);
        for i in 0..N {
            let line = self.lines.through(&slice(i), j[i], m[i]);
            (axis[i], slope[i], cusp_axis[i]) = (line.axis, line.slope, line.cusp_axis);
        }
        let line = |i: usize| Line { axis: axis[i], slope: slope[i], cusp_axis: cusp_axis[i] };
        let (mut lower, mut upper, mut far) = (zero, zero, zero);
        for i in 0..N {
            lower[i] = self.lines.leaves_below(&slice(i), &line(i));
        }
        for i in 0..N {
            upper[i] = self.lines.leaves_above(&slice(i), &line(i));
        }
        for i in 0..N {
            far[i] = meets_curve(axis[i], slope[i], self.inverse_exponent, limit_j, reach[i], limit_j);
        }
        for i in 0..N {
            let hull = smooth_min(lower[i], upper[i], cusp[1][i]);
            let inside = remap(m[i], hull, far[i]);
            // Black, greys, whites and what has no room in the display have no colour.
            let coloured = j[i] > 0.0 && m[i] > 0.0 && j[i] <= limit_j && hull > 0.0;
            j[i] = if coloured { inside.mul_add(slope[i], axis[i]) } else { j[i].max(0.0) };
            m[i] = if coloured { inside } else { 0.0 };
        }
    }
}

/// M from a threshold to `reach` into what is left below `hull`, by a Reinhard curve.
#[inline(always)]
fn remap(m: f32, hull: f32, reach: f32) -> f32 {
    let part = (hull / reach).max(THRESHOLD);
    let threshold = part * hull;
    let (over, room, span) = (m - threshold, hull - threshold, reach - threshold);
    // over / (1 + over / scale), where scale = span / (span / room - 1).
    let top = over * span * room;
    let remapped = threshold + top / over.mul_add(span - room, span * room);
    if m <= threshold || part >= 1.0 { m } else { remapped }
}
