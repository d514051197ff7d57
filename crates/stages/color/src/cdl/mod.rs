//! ASC Color Decision List, version 1.2.

mod file;
mod stage;

pub use file::{parse_cdl, read_cdl};
pub use stage::{Cdl, CdlStyle};

use crate::approx::pow;

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
    #[inline(always)]
    pub fn apply(&self, pixel: [f32; 3], style: CdlStyle) -> [f32; 3] {
        let clamp = |v: f32| if style == CdlStyle::Clamp { v.clamp(0.0, 1.0) } else { v };
        let out = [0, 1, 2].map(|i: usize| {
            let lin = clamp(pixel[i] * self.slope[i] + self.offset[i]);
            // Exact where nothing is asked for.
            let power = if self.power[i] == 1.0 { lin } else { pow(lin, self.power[i]) };
            if lin > 0.0 { power } else { lin }
        });
        let luma = out[0] * LUMA[0] + out[1] * LUMA[1] + out[2] * LUMA[2];
        out.map(|v| clamp(luma + self.saturation * (v - luma)))
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
}

#[cfg(test)]
mod tests_golden;
