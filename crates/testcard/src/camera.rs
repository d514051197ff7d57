//! The camera: ACES2065-1 light in, 12-bit codes under a Bayer filter out.

use rushes_color::idt::camera_transform;
use rushes_color::matrix::{apply, inverse};
use rushes_core::Result;
use rushes_core::media::{CalibratedIlluminant, CameraColor, Cfa, Matrix3, WhitePoint};

/// A made-up sensor with plausible numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Camera {
    /// The Bayer phase.
    pub cfa: Cfa,
    /// Black levels of the 2x2 pattern, code values.
    pub black: [f64; 4],
    /// The code value of a saturated photosite.
    pub white: u16,
    /// What its files state.
    pub color: CameraColor,
    /// ACES2065-1 to camera RGB, 1 at saturation.
    from_aces: Matrix3,
}

/// Electrons of a photosite at saturation: sets the shot noise.
const FULL_WELL: f64 = 24_000.0;

impl Camera {
    /// The camera with its white at `white` (CIE xy).
    ///
    /// # Errors
    /// When the white is not a colour.
    pub fn new(cfa: Cfa, black: [f64; 4], white: [f64; 2]) -> Result<Self> {
        let calibration = |light_source, color_matrix| CalibratedIlluminant {
            light_source,
            color_matrix,
            forward_matrix: None,
            camera_calibration: rushes_color::matrix::IDENTITY,
        };
        let mut color = CameraColor {
            calibrations: vec![
                calibration(17, [[0.92, -0.36, -0.03], [-0.42, 1.27, 0.16], [-0.06, 0.19, 0.66]]),
                calibration(21, [[0.75, -0.25, -0.06], [-0.40, 1.21, 0.20], [-0.08, 0.22, 0.57]]),
            ],
            analog_balance: [1.0; 3],
            // The sensor holds a stop and a half above a diffuse white.
            baseline_exposure: 1.5,
            as_shot: None,
        };
        let transform = camera_transform(&color, WhitePoint::Xy(white), 0.0)?;
        color.as_shot = Some(WhitePoint::Neutral(transform.neutral.map(|v| (v * 1e6).round() / 1e6)));
        // What the file states, rounded as it states it, is what the picture is made with.
        let stated = camera_transform(&color, color.as_shot.unwrap_or(WhitePoint::Xy(white)), 0.0)?;
        let from_aces = inverse(&stated.matrix).unwrap_or(rushes_color::matrix::IDENTITY);
        Ok(Self { cfa, black, white: 4095, color, from_aces })
    }

    /// The code of the photosite at `row`, `col` of the active area under `light` (ACES2065-1).
    /// `noise` is a random number of mean 0 and variance 1.
    pub fn code(&self, light: [f32; 3], row: usize, col: usize, noise: f64) -> u16 {
        let channel = self.cfa.color_at(row, col);
        let m = &self.from_aces[channel];
        let signal = (0..3).map(|i| m[i] * f64::from(light[i])).sum::<f64>().max(0.0);
        let noisy = signal + noise * (signal / FULL_WELL).sqrt();
        let black = self.black[(row & 1) * 2 + (col & 1)];
        let largest = self.black.iter().copied().fold(0.0, f64::max);
        let code = black + noisy * (f64::from(self.white) - largest);
        code.round().clamp(0.0, f64::from(self.white)) as u16
    }

    /// ACES2065-1 of the brightest neutral it can hold.
    pub fn clips_at(&self) -> f64 {
        self.color.baseline_exposure.exp2()
    }

    /// Camera RGB of a light, 1 at saturation.
    pub fn sees(&self, light: [f64; 3]) -> [f64; 3] {
        apply(&self.from_aces, light)
    }
}

/// CIE xy of daylight at 5,600 K on the daylight locus (CIE 15:2018, 4.1.2).
pub(crate) const DAYLIGHT: [f64; 2] = [0.3302, 0.3411];

/// CIE xy of a tungsten lamp at 3,200 K.
pub(crate) const TUNGSTEN: [f64; 2] = [0.4234, 0.3990];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whites_are_whites() {
        for white in [DAYLIGHT, TUNGSTEN] {
            let camera = Camera::new(Cfa::Rggb, [256.0; 4], white).unwrap();
            let grey = camera.sees([0.18; 3]);
            let Some(WhitePoint::Neutral(neutral)) = camera.color.as_shot else { panic!("no neutral") };
            for (g, n) in grey.iter().zip(neutral) {
                assert!((g / n - 0.18 / camera.clips_at()).abs() < 1e-6, "{grey:?} {neutral:?}");
            }
        }
    }

    #[test]
    fn black_and_white_are_where_the_file_says() {
        let camera = Camera::new(Cfa::Rggb, [255.5, 256.0, 256.25, 256.75], DAYLIGHT).unwrap();
        assert_eq!([(0, 0), (0, 1), (1, 1)].map(|(r, c)| camera.code([0.0; 3], r, c, 0.0)), [256, 256, 257]);
        assert_eq!(camera.code([100.0; 3], 0, 0, 0.0), 4095);
    }
}
