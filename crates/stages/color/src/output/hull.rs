//! The geometry of gamut compression in the plane of one hue: lines from a focus on the J axis,
//! and where they leave the gamut.

use std::f32::consts::LOG10_2;

use crate::pow::{log2, pow};

/// How much the two parts of the hull are smoothed into each other at the cusp.
pub(super) const SMOOTH: f32 = 0.12;

/// The hull of a display's gamut in the plane of a hue, and the focus of the lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slice {
    /// J and M of the cusp, the most colourful point.
    pub(super) cusp: [f32; 2],
    /// Inverse exponents of the hull's curve below and above the cusp.
    pub(super) below: f32,
    pub(super) above: f32,
    /// J of the focus.
    pub(super) focus: f32,
    /// J from which lines become flatter.
    pub(super) threshold: f32,
}

/// What is the same for all hues.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines {
    /// J of the display's white.
    pub(super) limit_j: f32,
    /// J of middle grey on the display.
    pub(super) mid_j: f32,
    /// How far away the focus is.
    pub(super) distance: f32,
}

/// A line of compression: where it meets the J axis, and its slope dJ/dM.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub(super) axis: f32,
    pub(super) slope: f32,
    /// Where the line of the same steepness through the cusp meets the axis.
    pub(super) cusp_axis: f32,
}

impl Lines {
    /// The focus of a hue whose cusp has lightness `cusp_j`: between the cusp and middle grey.
    #[inline(always)]
    pub(super) fn focus(&self, cusp_j: f32) -> f32 {
        mix(cusp_j, self.mid_j, (1.3 - cusp_j / self.limit_j).min(1.0))
    }

    /// From which J lines become flatter.
    #[inline(always)]
    pub(super) fn threshold(&self, cusp_j: f32) -> f32 {
        mix(cusp_j, self.limit_j, 0.3)
    }

    /// The line through J and M.
    #[inline(always)]
    pub(super) fn through(&self, slice: &Slice, j: f32, m: f32) -> Line {
        let gain = self.gain(j, slice.threshold);
        let axis = self.meets_axis(j, m, slice.focus, gain);
        let room = if axis < slice.focus { axis } else { self.limit_j - axis };
        Line {
            axis,
            slope: room * (axis - slice.focus) / (slice.focus * gain),
            cusp_axis: self.meets_axis(slice.cusp[0], slice.cusp[1], slice.focus, gain),
        }
    }

    #[inline(always)]
    fn gain(&self, j: f32, threshold: f32) -> f32 {
        let gain = self.limit_j * self.distance;
        let flatter = log2((self.limit_j - threshold) / (self.limit_j - j).max(0.0001)) * LOG10_2;
        gain * if j > threshold { flatter * flatter + 1.0 } else { 1.0 }
    }

    /// J at which the line through `j` and `m` meets the axis: a root of a quadratic, because the
    /// slope depends on where it meets.
    #[inline(always)]
    fn meets_axis(&self, j: f32, m: f32, focus: f32, gain: f32) -> f32 {
        let scaled = m / gain;
        let a = scaled / focus;
        // Below the focus, then above it.
        let b = 1.0 - scaled;
        let below = 2.0 * j / (b + (b * b + 4.0 * a * j).sqrt());
        let b = -(1.0 + scaled + self.limit_j * a);
        let c = self.limit_j * scaled + j;
        let above = -2.0 * c / (b - (b * b - 4.0 * a * c).sqrt());
        if j < focus { below } else { above }
    }

    /// M at which `line` leaves the hull.
    #[inline(always)]
    pub(super) fn leaves(&self, slice: &Slice, line: &Line) -> f32 {
        let [cusp_j, cusp_m] = slice.cusp;
        let lower = meets_curve(line.axis, line.slope, slice.below, cusp_j, cusp_m, line.cusp_axis);
        // The part above the cusp, upside down.
        let flip = |j: f32| self.limit_j - j;
        let upper = meets_curve(flip(line.axis), -line.slope, slice.above, flip(cusp_j), cusp_m, flip(line.cusp_axis));
        smooth_min(lower, upper, SMOOTH * cusp_m)
    }
}

/// M at which a line meets the curve `J = j_max * (M / m_max) ^ (1 / inverse)`, nearly: the line
/// is moved along the axis as the curve bends, and the curve taken for its chord.
#[inline(always)]
pub(super) fn meets_curve(axis: f32, slope: f32, inverse: f32, j_max: f32, m_max: f32, reference: f32) -> f32 {
    let moved = reference * pow(axis / reference, inverse);
    moved * m_max / (j_max - slope * m_max)
}

/// The smaller of two, rounded off where they come within `width` of each other.
#[inline(always)]
fn smooth_min(a: f32, b: f32, width: f32) -> f32 {
    let h = (width - (a - b).abs()).max(0.0) / width;
    a.min(b) - h * h * h * width / 6.0
}

#[inline(always)]
fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}
