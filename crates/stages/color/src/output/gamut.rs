//! Gamut compression: M is brought into the display's hull along lines to a focus.
#![allow(clippy::needless_range_loop, reason = "lanes of several quantities, by their number")]

use std::f32::consts::LOG10_2;

use super::hull::{LEAST_ROOM, Lines, mix, smooth_min};
use super::lanes::Lanes;
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
    below: Power,
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

    /// J of middle grey, the gain of M, and the least room above.
    pub(super) fn numbers(&self) -> [f32; 3] {
        [self.mid_j, self.gain, self.least_room]
    }

    /// The power of the hull below the cusps, and the cusps.
    pub(super) fn hull(&self) -> (&Power, &Cusps) {
        (&self.below, &self.cusps)
    }

    /// Finds the cusps of the display at the lanes' hues.
    #[inline(always)]
    pub(super) fn cusps<const N: usize>(&self, here: Here, lanes: &mut Lanes<N>) {
        self.cusps.at(here, &lanes.hue, &mut lanes.axis, &mut lanes.cusp);
    }

    /// Brings J and M into the display's gamut; `achromatic` raises J to the inverse of its exponent.
    #[inline(always)]
    pub(super) fn compress<const N: usize>(&self, here: Here, lanes: &mut Lanes<N>, achromatic: &Power) {
        let Lanes {
            j,
            m,
            cusp: [cusp_j, cusp_m, above],
            reach,
            axis,
            slope,
            cusp_axis,
            lower,
            upper,
            far,
            hue: hull,
            ..
        } = lanes;
        let focus = |j: f32| mix(j, self.mid_j, (1.3 - j).min(1.0));
        // Long chains of operations are cut, so that several of them fit into the window of the core. First the gain of M.
        for i in 0..N {
            let threshold = mix(cusp_j[i], 1.0, 0.3);
            let flatter = log2((1.0 - threshold) / (1.0 - j[i]).max(self.least_room)) * LOG10_2;
            slope[i] = self.gain * if j[i] > threshold { flatter.mul_add(flatter, 1.0) } else { 1.0 };
        }
        // Where the lines through J and M and through the cusp meet the axis, as fractions.
        for i in 0..N {
            let focus = focus(cusp_j[i]);
            let lines = Axis { focus, both: slope[i] * focus };
            (lower[i], axis[i]) = lines.meets(j[i], m[i]);
            (upper[i], cusp_axis[i]) = lines.meets(cusp_j[i], cusp_m[i]);
        }
        for i in 0..N {
            let focus = focus(cusp_j[i]);
            let both = slope[i] * focus;
            let (over, under, cusp_over, cusp_under) = (lower[i], axis[i], upper[i], cusp_axis[i]);
            // What is left to white; and one division for all.
            let (rest, cusp_rest) = (under - over, cusp_under - cusp_over);
            let (unders, overs) = (under * cusp_under, cusp_over * cusp_rest);
            let per_all = 1.0 / (unders * overs * both);
            let per_lines = per_all * both;
            let per_unders = overs * per_lines;
            axis[i] = over * cusp_under * per_unders;
            far[i] = axis[i];
            cusp_axis[i] = cusp_over * under * per_unders;
            let room = if axis[i] < focus { axis[i] } else { 1.0 - axis[i] };
            slope[i] = room * (axis[i] - focus) * (per_all * (unders * overs));
            // J over that of the cusp's line: below, and from white.
            let per_ratios = per_lines * (cusp_under * cusp_under);
            // Far from it, but the power's table ends at 256.
            let ratio = over * cusp_rest * per_ratios;
            lower[i] = if ratio > 255.0 { 255.0 } else { ratio };
            upper[i] = rest * cusp_over * per_ratios;
        }
        self.below.raise(here, lower);
        for i in 0..N {
            let bent = exp2(above[i] * log2(upper[i]));
            upper[i] = if upper[i] > 0.0 { bent } else { 0.0 };
        }
        achromatic.raise(here, far);
        for i in 0..N {
            // Where the line, moved as the curves bend, leaves their chords.
            let below = slope[i].mul_add(-cusp_m[i], cusp_j[i]);
            let over = slope[i].mul_add(cusp_m[i], 1.0 - cusp_j[i]);
            let square = cusp_m[i] * cusp_m[i];
            let both = below * over;
            let per_all = 1.0 / (both * square);
            let per_both = per_all * square * cusp_m[i];
            let lower = lower[i] * cusp_axis[i] * (over * per_both);
            let upper = upper[i] * (1.0 - cusp_axis[i]) * (below * per_both);
            hull[i] = smooth_min(lower, upper, cusp_m[i], per_all * both);
        }
        for i in 0..N {
            let hull = hull[i];
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
    /// The focus times the gain of M.
    both: f32,
}

impl Axis {
    /// Where the line through J and M meets the axis ([`Lines::through`] has the reasons), as a fraction: the quadratic is
    /// multiplied by focus and gain instead of divided.
    #[inline(always)]
    fn meets(self, j: f32, m: f32) -> (f32, f32) {
        let below = j < self.focus;
        let scaled = m * self.focus;
        let b = if below { self.both - scaled } else { -(m + self.both + scaled) };
        let c = if below { -j * self.both } else { self.both.mul_add(j, scaled) };
        let root = b.mul_add(b, -4.0 * m * c).sqrt();
        // Not by `below`: the compiler would make two ways of it, and compute both of them.
        (-2.0 * c, b - root.copysign(j - self.focus))
    }
}

/// M from a threshold to a reach into what is left below `hull`, by a Reinhard curve. The reach is a fraction, and everything
/// multiplied by its numerator until the only division.
#[inline(always)]
fn remap(m: f32, hull: f32, [reach, under]: [f32; 2]) -> f32 {
    let (scaled, reached) = (hull * reach, hull * under);
    let threshold = hull * reached.max(THRESHOLD * reach);
    let (over, room, span) =
        (m.mul_add(reach, -threshold), scaled - threshold, threshold.mul_add(-under, reach * reach));
    // over / (1 + over / scale), where scale = span / (span / room - 1), and `under` times span is the span.
    let bend = over.mul_add(room.mul_add(-under, span), span * room);
    let remapped = (over * span).mul_add(room, threshold * bend) / (bend * reach);
    if over <= 0.0 || reached >= reach { m } else { remapped }
}
