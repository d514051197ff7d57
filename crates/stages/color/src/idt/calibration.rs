//! The matrix from a camera's calibration and a white.

use rushes_core::media::{CalibratedIlluminant, CameraColor, Matrix3, WhitePoint};
use rushes_core::{Error, ErrorKind, Result};

use super::temperature::xy_to_kelvin;
use crate::aces::{self, XYZ_TO_AP0};
use crate::matrix::{apply, bradford, diagonal, inverse, mul, scale, xy_to_xyz, xyz_to_xy};

/// The white of the profile connection space (ICC.1:2022, 7.2.16).
const D50_XYZ: [f64; 3] = [0.9642, 1.0, 0.8249];

/// How a camera's values become ACES2065-1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CameraTransform {
    /// Camera RGB to AP0, exposure included.
    pub matrix: Matrix3,
    /// What a neutral of the take is in camera RGB, its largest value 1: the brightest white the
    /// camera can tell from a clipped one.
    pub neutral: [f64; 3],
    /// The white of the take, CIE xy.
    pub white: [f64; 2],
    /// Its correlated colour temperature, kelvin.
    pub kelvin: f64,
}

/// The transform of a camera for the white of a take. A neutral at the largest value that does
/// not clip becomes AP0 (1, 1, 1) times two to the power of BaselineExposure plus `stops`.
///
/// # Errors
/// When there is no calibration, or it or the white makes no sense.
pub fn camera_transform(color: &CameraColor, white: WhitePoint, stops: f64) -> Result<CameraTransform> {
    let calibrations = Calibrations::of(color)?;
    let xy = match white {
        WhitePoint::Xy(xy) => xy,
        WhitePoint::Neutral(neutral) => calibrations.white_of(neutral)?,
    };
    if !(xy[0].is_finite() && xy[1].is_finite() && xy[0] > 0.0 && xy[1] > 0.0 && xy[0] + xy[1] < 1.0) {
        return Err(bad(format!("the white {xy:?} is not a colour")));
    }
    let at = calibrations.at(xy);
    let to_camera = at.xyz_to_camera();
    let mut neutral = apply(&to_camera, xy_to_xyz(xy));
    let largest = neutral.iter().copied().fold(f64::MIN, f64::max);
    if !largest.is_finite() || neutral.iter().any(|v| v / largest < 1e-3) {
        return Err(bad(format!("the white {xy:?} is {neutral:?} in camera values")));
    }
    neutral = neutral.map(|v| v / largest);

    let to_d50 = match at.forward {
        Some(forward) => {
            // Rows sum to the D50 white, as those of a well-made file nearly do.
            let sums = apply(&forward, [1.0; 3]);
            if sums.iter().any(|v| v.abs() < 1e-6) {
                return Err(bad("the ForwardMatrix takes white to black".into()));
            }
            let forward = mul(&diagonal([0, 1, 2].map(|i| D50_XYZ[i] / sums[i])), &forward);
            let reference = invert(&mul(&diagonal(at.analog_balance), &at.calibration), "CameraCalibration")?;
            let white = apply(&reference, neutral);
            if white.iter().any(|v| v.abs() < 1e-6) {
                return Err(bad("the CameraCalibration takes the white to zero".into()));
            }
            mul(&forward, &mul(&diagonal(white.map(|v| 1.0 / v)), &reference))
        }
        None => {
            let to_xyz = invert(&to_camera, "ColorMatrix")?;
            let d50 = xyz_to_xy(D50_XYZ).unwrap_or(xy);
            // The neutral's Y becomes 1.
            scale(&mul(&bradford(xy, d50), &to_xyz), largest)
        }
    };
    let d50 = xyz_to_xy(D50_XYZ).unwrap_or(aces::WHITE);
    let to_ap0 = mul(&XYZ_TO_AP0, &bradford(d50, aces::WHITE));
    let gain = (color.baseline_exposure + stops).exp2();
    if !gain.is_finite() {
        return Err(bad(format!("an exposure of {} stops", color.baseline_exposure + stops)));
    }
    let matrix = scale(&mul(&to_ap0, &to_d50), gain);
    Ok(CameraTransform { matrix, neutral, white: xy, kelvin: xy_to_kelvin(xy) })
}

/// One or two calibrations, the warmer first.
struct Calibrations<'a> {
    first: &'a CalibratedIlluminant,
    second: Option<&'a CalibratedIlluminant>,
    kelvin: (f64, f64),
    analog_balance: [f64; 3],
}

/// A calibration at some white.
struct Calibration {
    color: Matrix3,
    forward: Option<Matrix3>,
    calibration: Matrix3,
    analog_balance: [f64; 3],
}

impl<'a> Calibrations<'a> {
    /// The first two calibrations whose illuminants differ; a third (DNG 1.6) is not used.
    fn of(color: &'a CameraColor) -> Result<Self> {
        let first = color.calibrations.first().ok_or_else(|| {
            Error::new(ErrorKind::MissingFact, "the camera's colour matrix is not known")
                .doing("making the input transform")
                .advice("DNG: ColorMatrix1 (50721) is missing; no honest colours can be made without it")
        })?;
        let kelvin = |c: &CalibratedIlluminant| light_source_kelvin(c.light_source);
        let second = color.calibrations.get(1);
        let pair = second.and_then(|s| Some((kelvin(first)?, kelvin(s)?, s))).filter(|(a, b, _)| a != b);
        let (first, second, kelvin) = match pair {
            Some((a, b, s)) if a < b => (first, Some(s), (a, b)),
            Some((a, b, s)) => (s, Some(first), (b, a)),
            // An illuminant without a temperature cannot be interpolated: the first one stands.
            None => (first, None, (0.0, 0.0)),
        };
        Ok(Self { first, second, kelvin, analog_balance: color.analog_balance })
    }

    /// Interpolated linearly in reciprocal temperature, the nearest beyond either end.
    fn at(&self, xy: [f64; 2]) -> Calibration {
        let (a, b) = (self.first, self.second.unwrap_or(self.first));
        let weight = if self.second.is_some() {
            let (warm, cold) = self.kelvin;
            let t = xy_to_kelvin(xy).clamp(warm, cold);
            (1.0 / t - 1.0 / cold) / (1.0 / warm - 1.0 / cold)
        } else {
            1.0
        };
        let mix = |m: &Matrix3, n: &Matrix3| {
            let mut mixed = *m;
            for (row, other) in mixed.iter_mut().zip(n) {
                for (v, o) in row.iter_mut().zip(other) {
                    *v = weight * *v + (1.0 - weight) * o;
                }
            }
            mixed
        };
        let forward = match (&a.forward_matrix, &b.forward_matrix) {
            (Some(m), Some(n)) => Some(mix(m, n)),
            (one, other) => one.or(*other),
        };
        Calibration {
            color: mix(&a.color_matrix, &b.color_matrix),
            forward,
            calibration: mix(&a.camera_calibration, &b.camera_calibration),
            analog_balance: self.analog_balance,
        }
    }

    /// CIE xy of the camera's neutral, by iteration from D50.
    fn white_of(&self, neutral: [f64; 3]) -> Result<[f64; 2]> {
        if neutral.iter().any(|v| !v.is_finite() || *v <= 0.0) {
            return Err(bad(format!("the neutral {neutral:?} is not a white")));
        }
        let mut xy = [0.3457, 0.3585];
        for step in 0..30 {
            let to_xyz = invert(&self.at(xy).xyz_to_camera(), "ColorMatrix")?;
            let next = xyz_to_xy(apply(&to_xyz, neutral)).ok_or_else(|| bad("the neutral is black".into()))?;
            if (next[0] - xy[0]).abs() + (next[1] - xy[1]).abs() < 1e-7 {
                return Ok(next);
            }
            // Two whites that lead to each other: the one between them.
            xy = if step == 29 { [(xy[0] + next[0]) / 2.0, (xy[1] + next[1]) / 2.0] } else { next };
        }
        Ok(xy)
    }
}

impl Calibration {
    fn xyz_to_camera(&self) -> Matrix3 {
        mul(&diagonal(self.analog_balance), &mul(&self.calibration, &self.color))
    }
}

/// The temperature of an EXIF LightSource (EXIF 3.0, table 6), as the DNG SDK takes them.
fn light_source_kelvin(code: u16) -> Option<f64> {
    Some(match code {
        3 | 17 => 2850.0,
        24 => 3200.0,
        23 => 5000.0,
        1 | 4 | 9 | 18 | 20 => 5500.0,
        10 | 19 | 21 => 6500.0,
        11 | 22 => 7500.0,
        12 => 6400.0,
        13 => 5050.0,
        2 | 14 => 4150.0,
        15 => 3525.0,
        16 => 2925.0,
        _ => return None,
    })
}

fn invert(m: &Matrix3, what: &str) -> Result<Matrix3> {
    inverse(m).ok_or_else(|| bad(format!("the {what} has no inverse")))
}

fn bad(what: String) -> Error {
    Error::new(ErrorKind::BadMedia, what)
        .doing("making the input transform")
        .advice("the camera's calibration contradicts itself: state the white with the `white` parameter, or leave the clip out")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::IDENTITY;
    use proptest::prelude::*;

    /// The Blackmagic Pocket Cinema Camera 4K's, from a CinemaDNG of it.
    fn camera(forward: bool) -> CameraColor {
        let rows = |m: [f64; 9]| [[m[0], m[1], m[2]], [m[3], m[4], m[5]], [m[6], m[7], m[8]]];
        let one = |light_source, color, fm| CalibratedIlluminant {
            light_source,
            color_matrix: rows(color),
            forward_matrix: forward.then_some(rows(fm)),
            camera_calibration: IDENTITY,
        };
        CameraColor {
            calibrations: vec![
                one(
                    17,
                    [0.94953, -0.45496, 0.02829, -0.35699, 1.32274, 0.19503, -0.04625, 0.15492, 0.73498],
                    [0.40018, 0.46878, 0.09517, 0.03209, 0.99278, -0.02487, -0.00228, -0.45168, 1.2794],
                ),
                one(
                    21,
                    [0.68795, -0.24747, -0.04866, -0.39256, 1.20114, 0.15793, -0.08916, 0.20063, 0.58148],
                    [0.61439, 0.34862, 0.00112, 0.20367, 0.95223, -0.1559, 0.01959, -0.22077, 1.02661],
                ),
            ],
            analog_balance: [1.0; 3],
            baseline_exposure: 0.0,
            as_shot: None,
        }
    }

    fn neutral_is_achromatic(color: &CameraColor, white: WhitePoint) -> CameraTransform {
        let t = camera_transform(color, white, 0.0).unwrap();
        let aces = apply(&t.matrix, t.neutral);
        for v in aces {
            assert!((v - 1.0).abs() < 1e-5, "{white:?}: {aces:?}");
        }
        t
    }

    proptest! {
        // From 2500 K: warmer whites with this much green lie beyond the spectrum and are refused.
        #[test]
        fn a_neutral_is_achromatic_whatever_the_white(kelvin in 2500.0f64..12_000.0, tint in -40.0f64..40.0, forward: bool) {
            let xy = super::super::kelvin_to_xy(kelvin, tint);
            let t = neutral_is_achromatic(&camera(forward), WhitePoint::Xy(xy));
            // The same white, stated as what the camera saw.
            let again = neutral_is_achromatic(&camera(forward), WhitePoint::Neutral(t.neutral));
            prop_assert!((again.white[0] - xy[0]).abs() < 1e-4 && (again.white[1] - xy[1]).abs() < 1e-4);
        }
    }

    #[test]
    fn beyond_the_calibrations_the_nearest_one_stands() {
        let warm = camera(true);
        let only = |i: usize| CameraColor { calibrations: vec![warm.calibrations[i].clone()], ..warm.clone() };
        for (kelvin, i) in [(2000.0, 0), (2850.0, 0), (6600.0, 1), (9000.0, 1)] {
            let xy = WhitePoint::Xy(super::super::kelvin_to_xy(kelvin, 0.0));
            let (both, one) = (camera_transform(&warm, xy, 0.0).unwrap(), camera_transform(&only(i), xy, 0.0).unwrap());
            for (a, b) in both.matrix.iter().flatten().zip(one.matrix.iter().flatten()) {
                assert!((a - b).abs() < 2e-3, "{kelvin} K");
            }
        }
    }

    #[test]
    fn the_order_of_the_calibrations_does_not_matter() {
        let (a, mut b) = (camera(true), camera(true));
        b.calibrations.reverse();
        let white = WhitePoint::Neutral([0.4533, 1.0, 0.53]);
        assert_eq!(camera_transform(&a, white, 0.0).unwrap(), camera_transform(&b, white, 0.0).unwrap());
    }

    #[test]
    fn analog_balance_and_calibration_are_undone() {
        let mut color = camera(true);
        let white = WhitePoint::Xy([0.3457, 0.3585]);
        let plain = camera_transform(&color, white, 0.0).unwrap();
        color.analog_balance = [2.0, 1.0, 1.5];
        for c in &mut color.calibrations {
            c.camera_calibration = diagonal([0.9, 1.0, 1.1]);
        }
        let t = neutral_is_achromatic(&color, white);
        // A camera with these gains sees the same scene with other numbers.
        let gains = [1.8, 1.0, 1.65];
        let largest = [0, 1, 2].map(|i| plain.neutral[i] * gains[i]).into_iter().fold(0.0, f64::max);
        let scene = [0.2, 0.5, 0.3];
        let (a, b) = (apply(&plain.matrix, scene), apply(&t.matrix, [0, 1, 2].map(|i| scene[i] * gains[i])));
        for (a, b) in a.iter().zip(b) {
            assert!((a * largest - b).abs() < 1e-9);
        }
    }

    #[test]
    fn exposure_is_in_stops() {
        let mut color = camera(false);
        let white = WhitePoint::Neutral([0.4533, 1.0, 0.53]);
        let plain = camera_transform(&color, white, 0.0).unwrap();
        color.baseline_exposure = 2.0;
        let t = camera_transform(&color, white, -1.0).unwrap();
        for (a, b) in plain.matrix.iter().flatten().zip(t.matrix.iter().flatten()) {
            assert!((2.0 * a - b).abs() < 1e-12);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        let good = camera(true);
        let neutral = WhitePoint::Neutral([0.5, 1.0, 0.5]);
        let none = CameraColor { calibrations: Vec::new(), ..good.clone() };
        assert_eq!(camera_transform(&none, neutral, 0.0).unwrap_err().kind(), ErrorKind::MissingFact);
        let mut flat = camera(false);
        flat.calibrations.iter_mut().for_each(|c| c.color_matrix = [[1.0; 3]; 3]);
        for (color, white, stops) in [
            (&flat, neutral, 0.0),
            (&good, WhitePoint::Neutral([0.0, 1.0, 1.0]), 0.0),
            (&good, WhitePoint::Neutral([f64::NAN, 1.0, 1.0]), 0.0),
            (&good, WhitePoint::Xy([0.9, 0.9]), 0.0),
            (&good, neutral, f64::INFINITY),
        ] {
            assert!(camera_transform(color, white, stops).is_err());
        }
    }
}
