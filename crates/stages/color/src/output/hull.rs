//! The geometry of gamut compression in the plane of one hue: lines from a focus on the J axis,
//! and where they leave the gamut.

use std::f32::consts::LOG10_2;

use rushes_core::simd::math::{exp2, log2};

/// How much the two parts of the hull are smoothed into each other at the cusp.
pub(super) const SMOOTH: f32 = 0.12;

/// The least room between J and the display's white that makes lines flatter.
pub(super) const LEAST_ROOM: f32 = 0.0001;

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
        mix(cusp_j, self.mid_j, (1.3 - cusp_j * (1.0 / self.limit_j)).min(1.0))
    }

    /// From which J lines become flatter.
    #[inline(always)]
    pub(super) fn threshold(&self, cusp_j: f32) -> f32 {
        mix(cusp_j, self.limit_j, 0.3)
    }

    /// The line through J and M.
    #[inline(always)]
    pub(super) fn through(&self, slice: &Slice, j: f32, m: f32) -> Line {
        let (per_gain, per_focus) = (1.0 / self.gain(j, slice.threshold), 1.0 / slice.focus);
        let meets = |j, m| self.meets_axis(j, m * per_gain, slice.focus, per_focus);
        let axis = meets(j, m);
        let room = if axis < slice.focus { axis } else { self.limit_j - axis };
        Line {
            axis,
            slope: room * (axis - slice.focus) * (per_focus * per_gain),
            cusp_axis: meets(slice.cusp[0], slice.cusp[1]),
        }
    }

    #[inline(always)]
    fn gain(&self, j: f32, threshold: f32) -> f32 {
        let gain = self.limit_j * self.distance;
        let room = (self.limit_j - j).max(LEAST_ROOM);
        let flatter = (log2(self.limit_j - threshold) - log2(room)) * LOG10_2;
        gain * if j > threshold { flatter * flatter + 1.0 } else { 1.0 }
    }

    /// J at which the line through `j` and a colourfulness meets the axis: a root of a quadratic, because
    /// the slope depends on where it meets. The colourfulness is `scaled` by the gain.
    #[inline(always)]
    fn meets_axis(&self, j: f32, scaled: f32, focus: f32, per_focus: f32) -> f32 {
        let a = scaled * per_focus;
        // Below the focus a x^2 + b x - j = 0, above it a x^2 + b x + c = 0.
        let below = j < focus;
        let b_above = -self.limit_j.mul_add(a, 1.0 + scaled);
        let c_above = self.limit_j.mul_add(scaled, j);
        let b = if below { 1.0 - scaled } else { b_above };
        let c = if below { -j } else { c_above };
        let root = b.mul_add(b, -4.0 * a * c).sqrt();
        -2.0 * c / (b + if below { root } else { -root })
    }

    /// M at which `line` leaves the hull.
    pub(super) fn leaves(&self, slice: &Slice, line: &Line) -> f32 {
        let cusp_m = slice.cusp[1];
        smooth_min(self.leaves_below(slice, line), self.leaves_above(slice, line), cusp_m, 1.0 / (cusp_m * cusp_m))
    }

    /// M at which `line` leaves the part of the hull below the cusp.
    #[inline(always)]
    fn leaves_below(&self, slice: &Slice, line: &Line) -> f32 {
        let [cusp_j, cusp_m] = slice.cusp;
        meets_curve(line.axis, line.slope, slice.below, cusp_j, cusp_m, line.cusp_axis)
    }

    /// M at which `line` leaves the part of the hull above the cusp: as below, upside down.
    #[inline(always)]
    fn leaves_above(&self, slice: &Slice, line: &Line) -> f32 {
        let [cusp_j, cusp_m] = slice.cusp;
        let flip = |j: f32| self.limit_j - j;
        meets_curve(flip(line.axis), -line.slope, slice.above, flip(cusp_j), cusp_m, flip(line.cusp_axis))
    }
}

/// M at which a line meets the curve `J = j_max * (M / m_max) ^ (1 / inverse)`, nearly: the line
/// is moved along the axis as the curve bends, and the curve taken for its chord.
#[inline(always)]
fn meets_curve(axis: f32, slope: f32, inverse: f32, j_max: f32, m_max: f32, reference: f32) -> f32 {
    let bent = exp2(inverse * (log2(axis) - log2(reference)));
    let moved = reference * if axis > 0.0 { bent } else { 0.0 };
    moved * m_max / slope.mul_add(-m_max, j_max)
}

/// The smaller of two M, rounded off near the cusp, which has `cusp_m`; `per_square` is 1 over its square.
#[inline(always)]
pub(super) fn smooth_min(a: f32, b: f32, cusp_m: f32, per_square: f32) -> f32 {
    let near = (SMOOTH * cusp_m - (a - b).abs()).max(0.0);
    a.min(b) - near * near * near * per_square * (1.0 / (6.0 * SMOOTH * SMOOTH))
}

#[inline(always)]
pub(super) fn mix(a: f32, b: f32, t: f32) -> f32 {
    (b - a).mul_add(t, a)
}
