//! Gamut compression: M is brought into the display's hull along lines to a focus.
#![allow(clippy::needless_range_loop, reason = "lanes of several quantities, by their number")]

use std::f32::consts::LOG10_2;

use super::hull::{LEAST_ROOM, Lines, mix, smooth_min};
use super::model::Model;
use super::tables::{self, Cusps};
use super::tone::ToneScale;
use rushes_core::simd::math::{exp2, log2};
use rushes_core::simd::{Here, Power};

/// Distance of the focus at 100 nits, and its growth with the logarithm of the peak.
const DISTANCE: (f32, f32) = (1.35, 1.75);
/// Exponent of the hull below the cusp at 100 nits, and its growth.
const BELOW: (f32, f32) = (1.14, 0.07);
/// The part of the hull from which M is compressed, at least.
const THRESHOLD: f32 = 0.75;

/// What compresses J and M into a display's gamut. J is 1 at the display's white here, so that it need not be divided by.
#[derive(Debug, Clone)]
pub(super) struct Gamut {
    /// J of middle grey on the display.
    mid_j: f32,
    /// The gain of M along the lines, where they are steep.
    gain: f32,
    /// The least room above that lines are made flatter by.
    least_room: f32,
    below: Power<4>,
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
        Self {
            mid_j: lines.mid_j / limit_j,
            gain: limit_j * lines.distance,
            least_room: LEAST_ROOM / limit_j,
            // Of J over that of a cusp.
            below: Power::new(f64::from(below), 8),
            cusps: tables::cusps(peak, tone.brightest, scene, display, &lines, below),
        }
    }

    /// The display's cusps at hues, 0 to 360: their J, M and inverse exponents above.
    #[inline(always)]
    pub(super) fn cusps<const N: usize>(&self, here: Here, hues: &[f32; N]) -> [[f32; N]; 3] {
        self.cusps.at(here, hues)
    }

    /// J and M inside the display's gamut, for pixels whose hues have the cusps `[j, m, above]`;
    /// `reach` is the largest M that has to come in, at the display's white; `achromatic` raises J to the inverse of its exponent.
    #[inline(always)]
    pub(super) fn compress<const N: usize>(
        &self,
        here: Here,
        [j, m]: [&mut [f32; N]; 2],
        [cusp_j, cusp_m, above]: &[[f32; N]; 3],
        reach: &[f32; N],
        achromatic: &Power<4>,
    ) {
        let zero = [0.0; N];
        let (mut axis, mut slope, mut cusp_axis) = (zero, zero, zero);
        // Towards the axis from the line through the cusp: below, and from white.
        let (mut lower, mut upper) = (zero, zero);
        for i in 0..N {
            let focus = mix(cusp_j[i], self.mid_j, (1.3 - cusp_j[i]).min(1.0));
            let threshold = mix(cusp_j[i], 1.0, 0.3);
            let flatter = log2((1.0 - threshold) / (1.0 - j[i]).max(self.least_room)) * LOG10_2;
            let gain = self.gain * if j[i] > threshold { flatter.mul_add(flatter, 1.0) } else { 1.0 };
            let per_both = 1.0 / (gain * focus);
            let (per_gain, per_focus) = (focus * per_both, gain * per_both);
            let line = Axis { focus, per_focus };
            let (over, under) = line.meets(j[i], m[i] * per_gain);
            let (cusp_over, cusp_under) = line.meets(cusp_j[i], cusp_m[i] * per_gain);
            let per_both_under = 1.0 / (under * cusp_under);
            axis[i] = over * (cusp_under * per_both_under);
            cusp_axis[i] = cusp_over * (under * per_both_under);
            let room = if axis[i] < focus { axis[i] } else { 1.0 - axis[i] };
            slope[i] = room * (axis[i] - focus) * per_both;
        }
        for i in 0..N {
            let per_both = 1.0 / (cusp_axis[i] * (1.0 - cusp_axis[i]));
            lower[i] = axis[i] * ((1.0 - cusp_axis[i]) * per_both);
            upper[i] = (1.0 - axis[i]) * (cusp_axis[i] * per_both);
        }
        self.below.raise(here, &mut lower);
        for i in 0..N {
            let bent = exp2(above[i] * log2(upper[i]));
            upper[i] = if upper[i] > 0.0 { bent } else { 0.0 };
        }
        let mut far = axis;
        achromatic.raise(here, &mut far);
        for i in 0..N {
            // Where the line, moved as the curves bend, leaves their chords.
            let below = slope[i].mul_add(-cusp_m[i], cusp_j[i]);
            let over = slope[i].mul_add(cusp_m[i], 1.0 - cusp_j[i]);
            let lower = lower[i] * cusp_axis[i] * cusp_m[i] / below;
            let upper = upper[i] * (1.0 - cusp_axis[i]) * cusp_m[i] / over;
            let hull = smooth_min(lower, upper, cusp_m[i]);
            let inside = remap(m[i], hull, [far[i] * reach[i], slope[i].mul_add(-reach[i], 1.0)]);
            // Black, greys, whites and what has no room in the display have no colour.
            let coloured = j[i] > 0.0 && m[i] > 0.0 && j[i] <= 1.0 && hull > 0.0;
            j[i] = if coloured { inside.mul_add(slope[i], axis[i]) } else { j[i].max(0.0) };
            m[i] = if coloured { inside } else { 0.0 };
        }
    }
}

/// A J axis of 1, with the focus of the lines that meet it.
#[derive(Clone, Copy)]
struct Axis {
    focus: f32,
    per_focus: f32,
}

impl Axis {
    /// Where the line through J and a colourfulness meets the axis ([`Lines::through`] has the reasons), as a fraction. The
    /// colourfulness is `scaled` by the gain.
    #[inline(always)]
    fn meets(self, j: f32, scaled: f32) -> (f32, f32) {
        let a = scaled * self.per_focus;
        let below = j < self.focus;
        let b = if below { 1.0 - scaled } else { -(a + 1.0 + scaled) };
        let c = if below { -j } else { scaled + j };
        let root = b.mul_add(b, -4.0 * a * c).sqrt();
        (-2.0 * c, b + if below { root } else { -root })
    }
}

/// M from a threshold to a reach into what is left below `hull`, by a Reinhard curve. The reach is a fraction.
#[inline(always)]
fn remap(m: f32, hull: f32, [reach, under]: [f32; 2]) -> f32 {
    let part = (hull * under / reach).max(THRESHOLD);
    let threshold = part * hull;
    let (over, room, span) = (m - threshold, hull - threshold, threshold.mul_add(-under, reach));
    // over / (1 + over / scale), where scale = span / (span / room - 1), and `under` times span is the span.
    let top = over * span * room;
    let remapped = threshold + top / over.mul_add(room.mul_add(-under, span), span * room);
    if m <= threshold || part >= 1.0 { m } else { remapped }
}
