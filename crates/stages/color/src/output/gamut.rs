//! Gamut compression: M is brought into the display's hull along lines to a focus.

use super::hull::{Lines, Slice, meets_curve};
use super::model::{Model, exponent};
use super::tables::{self, Cusp, Cusps};
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
            mid_j: scene.lightness(tone.grey * 100.0),
            distance: DISTANCE.0 + DISTANCE.0 * DISTANCE.1 * tone.log_peak,
        };
        let below = 1.0 / (BELOW.0 + BELOW.1 * tone.log_peak);
        let cusps = tables::cusps(peak, tone.brightest, scene, display, &lines, below);
        Self { lines, below, inverse_exponent: (1.0 / exponent()) as f32, cusps }
    }

    /// The display's cusp at a hue, 0 to 360.
    pub(super) fn cusp(&self, hue: f32) -> Cusp {
        self.cusps.at(hue)
    }

    /// J and M inside the display's gamut, for a pixel whose hue has the cusp `[j, m, above]`;
    /// `reach` is the largest M that has to come in, at the display's white.
    #[inline(always)]
    pub(super) fn compress(&self, j: f32, m: f32, cusp: [f32; 3], reach: f32) -> [f32; 2] {
        let limit_j = self.lines.limit_j;
        let slice = Slice {
            cusp: [cusp[0], cusp[1]],
            below: self.below,
            above: cusp[2],
            focus: self.lines.focus(cusp[0]),
            threshold: self.lines.threshold(cusp[0]),
        };
        let line = self.lines.through(&slice, j, m);
        let hull = self.lines.leaves(&slice, &line);
        let reach = meets_curve(line.axis, line.slope, self.inverse_exponent, limit_j, reach, limit_j);
        let inside = remap(m, hull, reach);
        // Black, greys, whites and what has no room in the display have no colour.
        let coloured = j > 0.0 && m > 0.0 && j <= limit_j && hull > 0.0;
        [if coloured { line.axis + inside * line.slope } else { j.max(0.0) }, if coloured { inside } else { 0.0 }]
    }
}

/// M from a threshold to `reach` into what is left below `hull`, by a Reinhard curve.
#[inline(always)]
fn remap(m: f32, hull: f32, reach: f32) -> f32 {
    let part = (hull / reach).max(THRESHOLD);
    let threshold = part * hull;
    let (over, room, span) = (m - threshold, hull - threshold, reach - threshold);
    let scale = span / (span / room - 1.0);
    let remapped = threshold + scale * (over / scale) / (1.0 + over / scale);
    if m <= threshold || part >= 1.0 { m } else { remapped }
}
