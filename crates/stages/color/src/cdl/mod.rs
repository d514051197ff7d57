//! ASC Color Decision List, version 1.2.

mod file;
mod stage;

pub use file::{parse_cdl, read_cdl};
pub use stage::{Cdl, CdlStyle};

use rushes_core::simd::math::pow;
use rushes_core::simd::{Level, kernel};

/// The ten numbers of a correction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correction {
    /// Slope of red, green and blue; 0 or more.
    pub slope: [f32; 3],
    /// Offset of red, green and blue.
    pub offset: [f32; 3],
    /// Power of red, green and blue; more than 0.
    pub power: [f32; 3],
    /// Saturation; 0 or more.
    pub saturation: f32,
}

/// Luma weights (ASC CDL 1.2, section "Saturation": those of ITU-R BT.709).
const LUMA: [f32; 3] = [0.2126, 0.7152, 0.0722];

impl Correction {
    /// One pixel in the working space: `(in * slope + offset) ^ power`, then saturation around
    /// the luma. Clamped to 0..1 after the offset and at the end where `style` says so; without
    /// clamping, values below 0 skip the power.
    pub fn apply(&self, pixel: [f32; 3], style: CdlStyle) -> [f32; 3] {
        let [mut r, mut g, mut b] = pixel.map(|v| [v]);
        self.rows(Level::Plain, style, [&mut r, &mut g, &mut b]);
        [r[0], g[0], b[0]]
    }

    /// As [`Correction::apply`], rows of red, green and blue in place.
    pub fn rows(&self, level: Level, style: CdlStyle, rows: [&mut [f32]; 3]) {
        let [r, g, b] = rows;
        let limits = if style == CdlStyle::Clamp { [0.0, 1.0] } else { [f32::NEG_INFINITY, f32::INFINITY] };
        for (i, row) in [&mut *r, &mut *g, &mut *b].into_iter().enumerate() {
            let numbers = [self.slope[i], self.offset[i], self.power[i]];
            // Exact, and nothing to do, where nothing is asked for.
            let step = if self.power[i] == 1.0 { slope_offset } else { slope_offset_power };
            step(level, numbers, limits, row);
        }
        if self.saturation != 1.0 {
            saturate(level, self.saturation, limits, [r, g, b]);
        }
    }
}

kernel! {
    fn slope_offset_power(numbers: [f32; 3], limits: [f32; 2], row: &mut [f32]) {
        let ([slope, offset, power], [low, high]) = (numbers, limits);
        for v in row {
            let lin = limited(*v * slope + offset, low, high);
            let raised = pow(lin, power);
            *v = if lin > 0.0 { raised } else { lin };
        }
    }
}

kernel! {
    fn slope_offset(numbers: [f32; 3], limits: [f32; 2], row: &mut [f32]) {
        let ([slope, offset, _], [low, high]) = (numbers, limits);
        for v in row {
            *v = limited(*v * slope + offset, low, high);
        }
    }
}

/// Without the check of the limits that `clamp` makes for each sample; NaN, which tells of a fault upstream, stays.
#[inline(always)]
fn limited(v: f32, low: f32, high: f32) -> f32 {
    let v = if v < low { low } else { v };
    if v > high { high } else { v }
}

kernel! {
    fn saturate(saturation: f32, limits: [f32; 2], rows: [&mut [f32]; 3]) {
        let ([r, g, b], [low, high]) = (rows, limits);
        for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
            let luma = *r * LUMA[0] + *g * LUMA[1] + *b * LUMA[2];
            *r = limited(luma + saturation * (*r - luma), low, high);
            *g = limited(luma + saturation * (*g - luma), low, high);
            *b = limited(luma + saturation * (*b - luma), low, high);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corrections_agree_with_opencolorio() {
        // OpenColorIO 2.6.0, CDLTransform with styles CDL_ASC and CDL_NO_CLAMP.
        let c = Correction {
            slope: [1.35, 1.1, 0.71],
            offset: [0.05, -0.23, 0.11],
            power: [0.93, 0.81, 1.27],
            saturation: 1.239,
        };
        for (pixel, style, want) in super::tests_golden::GOLDEN {
            let got = c.apply(pixel, style);
            for (g, w) in got.iter().zip(want) {
                assert!((g - w).abs() < 2e-6 * w.abs().max(1.0), "{pixel:?} {style:?}: {got:?}, not {want:?}");
            }
        }
    }

    #[test]
    fn what_is_not_a_number_stays_so() {
        let c = Correction { slope: [1.1; 3], offset: [0.0; 3], power: [0.9; 3], saturation: 1.0 };
        for style in [CdlStyle::Clamp, CdlStyle::NoClamp] {
            assert!(c.apply([f32::NAN, 0.5, 0.5], style)[0].is_nan(), "{style:?}");
        }
    }
}

#[cfg(test)]
mod tests_golden;
