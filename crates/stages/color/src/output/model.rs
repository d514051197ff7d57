//! Lightness J, colourfulness M, hue h: the colour appearance model of ACES 2.
//!
//! A simplification of CAM16 (C. Li et al., 2017) after Hellwig and Fairchild (2022), for one set
//! of viewing conditions: adapting luminance and background fixed, discounted illuminant.

use crate::matrix::{self, apply_f32, diagonal, inverse, mul, rgb_to_xyz, scale};
use rushes_core::media::Matrix3;
use rushes_core::simd::math::{degrees, pow};

/// Luminance of a display's reference white, nits.
const REFERENCE: f64 = 100.0;
/// The cone space's primaries and white, CIE xy.
const CONES: [[f64; 2]; 4] = [[0.8336, 0.1735], [2.3854, -1.4659], [0.087, -0.125], [0.333, 0.333]];
/// Adapting luminance, cd/m2.
const ADAPTING: f64 = 100.0;
/// Relative luminance of the background.
const BACKGROUND: f64 = 20.0;
/// Surround: the exponent's factor c and the chromatic induction factor Nc.
const SURROUND_C: f64 = 0.59;
const SURROUND_NC: f64 = 0.9;
/// Offset and scale of the cone response.
pub(super) const OFFSET: f32 = 27.13;
const SCALE: f64 = 400.0;
/// The exponent of the cone response.
pub(super) const POWER: f32 = 0.42;

/// The model for one RGB space.
#[derive(Debug, Clone)]
pub(super) struct Model {
    to_cones: [[f32; 3]; 3],
    from_cones: [[f32; 3]; 3],
    to_aab: [[f32; 3]; 3],
    from_aab: [[f32; 3]; 3],
    /// Exponent of J, and its inverse.
    exponent: f32,
    inverse_exponent: f32,
    /// Level of adaptation for a luminance of 1 nit.
    adaptation: f32,
    /// Cone response of white.
    white: f32,
}

/// The exponent of J, c times z.
pub(super) fn exponent() -> f64 {
    SURROUND_C * (1.48 + (BACKGROUND / REFERENCE).sqrt())
}

impl Model {
    /// For the space with these primaries and white (CIE xy of red, green, blue, white); RGB
    /// (1, 1, 1) is its white at 100 nits.
    pub(super) fn new(chromaticities: [[f64; 2]; 4]) -> Self {
        let k = 1.0 / (5.0 * ADAPTING + 1.0);
        let k4 = k.powi(4);
        let level = 0.2 * k4 * (5.0 * ADAPTING) + 0.1 * (1.0 - k4).powi(2) * (5.0 * ADAPTING).cbrt();
        let adaptation = level / REFERENCE;

        let to_xyz = rgb_to_xyz(chromaticities);
        let xyz_to_cones = invert(&rgb_to_xyz(CONES));
        let plain = mul(&xyz_to_cones, &to_xyz);
        // Each cone is scaled so that white gives the same response in all three.
        let white_cones = matrix::apply(&plain, [REFERENCE; 3]);
        let gains = white_cones.map(|v| adaptation * REFERENCE / v);
        let to_cones = scale(&mul(&diagonal(gains), &plain), REFERENCE);

        let white = respond(level as f32);
        let opponent: Matrix3 =
            [[2.0, 1.0, 1.0 / 20.0], [1.0, -12.0 / 11.0, 1.0 / 11.0], [1.0 / 9.0, 1.0 / 9.0, -2.0 / 9.0]];
        let achromatic_white = SCALE * f64::from(white) * opponent[0].iter().sum::<f64>();
        let chromatic = SCALE * 43.0 * SURROUND_NC;
        let to_aab = mul(&diagonal([SCALE / achromatic_white, chromatic, chromatic]), &opponent);

        Self {
            to_cones: matrix::to_f32(&to_cones),
            from_cones: matrix::to_f32(&invert(&to_cones)),
            to_aab: matrix::to_f32(&to_aab),
            from_aab: matrix::to_f32(&invert(&to_aab)),
            exponent: exponent() as f32,
            inverse_exponent: (1.0 / exponent()) as f32,
            adaptation: adaptation as f32,
            white,
        }
    }

    /// RGB to cones and back, responses to achromatic and opponent ones and back.
    pub(super) fn matrices(&self) -> [[[f32; 3]; 3]; 4] {
        [self.to_cones, self.from_cones, self.to_aab, self.from_aab]
    }

    /// Achromatic response (1 for white) and the two opponent responses.
    #[inline(always)]
    pub(super) fn to_aab(&self, rgb: [f32; 3]) -> [f32; 3] {
        self.opponent(self.cones(rgb).map(of_cone))
    }

    /// What the cones get of RGB.
    #[inline(always)]
    pub(super) fn cones(&self, rgb: [f32; 3]) -> [f32; 3] {
        apply_f32(&self.to_cones, rgb)
    }

    /// Achromatic and opponent responses of the cones'.
    #[inline(always)]
    pub(super) fn opponent(&self, responses: [f32; 3]) -> [f32; 3] {
        apply_f32(&self.to_aab, responses)
    }

    /// RGB of achromatic and opponent responses.
    #[inline(always)]
    pub(super) fn to_rgb(&self, aab: [f32; 3]) -> [f32; 3] {
        self.rgb(self.responses(aab).map(to_cone))
    }

    /// The cones' responses of achromatic and opponent ones.
    #[inline(always)]
    pub(super) fn responses(&self, aab: [f32; 3]) -> [f32; 3] {
        apply_f32(&self.from_aab, aab)
    }

    /// RGB of what the cones get.
    #[inline(always)]
    pub(super) fn rgb(&self, cones: [f32; 3]) -> [f32; 3] {
        apply_f32(&self.from_cones, cones)
    }

    /// J, M and h (degrees, 0 to 360) of RGB; zero for black and below.
    pub(super) fn to_jmh(&self, rgb: [f32; 3]) -> [f32; 3] {
        let [a, p, q] = self.to_aab(rgb);
        if a <= 0.0 {
            return [0.0; 3];
        }
        [self.lightness(a), (p * p + q * q).sqrt(), degrees(q, p)]
    }

    /// RGB of J, M and h.
    pub(super) fn jmh_to_rgb(&self, [j, m, h]: [f32; 3]) -> [f32; 3] {
        let (sin, cos) = h.to_radians().sin_cos();
        self.to_rgb([self.achromatic(j), m * cos, m * sin])
    }

    /// The lightness of an achromatic response.
    #[inline(always)]
    pub(super) fn lightness(&self, achromatic: f32) -> f32 {
        100.0 * pow(achromatic, self.exponent)
    }

    /// The achromatic response of a lightness.
    #[inline(always)]
    pub(super) fn achromatic(&self, j: f32) -> f32 {
        pow(j * 0.01, self.inverse_exponent)
    }

    /// The achromatic response that a tone scale, of luminances in nits, makes of one.
    pub(super) fn toned(&self, tone: impl Fn(f64) -> f64, achromatic: f64) -> f64 {
        let (white, adaptation, power) = (f64::from(self.white), f64::from(self.adaptation), f64::from(POWER));
        let offset = f64::from(OFFSET);
        let v = white * achromatic;
        let nits = (offset * v / (1.0 - v)).powf(power.recip()) / adaptation;
        let p = (tone(nits) * adaptation).powf(power);
        p / (offset + p) / white
    }

    /// The achromatic response of a luminance in nits.
    #[inline(always)]
    pub(super) fn of_luminance(&self, nits: f32) -> f32 {
        respond(nits * self.adaptation) * (1.0 / self.white)
    }
}

/// Response of a cone to a stimulus of either sign.
#[inline(always)]
pub(super) fn of_cone(v: f32) -> f32 {
    respond(v.abs()).copysign(v)
}

/// The stimulus of a response of either sign.
#[inline(always)]
pub(super) fn to_cone(v: f32) -> f32 {
    unrespond(v.abs()).copysign(v)
}

/// Response of a cone to a positive stimulus (CAM16's, without its offset).
#[inline(always)]
fn respond(v: f32) -> f32 {
    let p = pow(v, POWER);
    p / (OFFSET + p)
}

/// The stimulus of a positive response; responses near saturation count as 0.99.
#[inline(always)]
fn unrespond(v: f32) -> f32 {
    let v = v.min(0.99);
    pow(OFFSET * v / (1.0 - v), 1.0 / POWER)
}

fn invert(m: &Matrix3) -> Matrix3 {
    // Spaces with primaries on a line do not occur: all are constants of this crate.
    inverse(m).unwrap_or(matrix::IDENTITY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rushes_core::media::ColorSpace;

    proptest! {
        #[test]
        fn rgb_survives_the_model(rgb in proptest::array::uniform3(0.001f32..8.0)) {
            let model = Model::new(ColorSpace::AcesCg.chromaticities());
            let back = model.jmh_to_rgb(model.to_jmh(rgb));
            for (v, w) in back.iter().zip(rgb) {
                prop_assert!((v - w).abs() < 2e-3 * w.max(1.0), "{:?} {:?}", rgb, back);
            }
        }

        #[test]
        fn luminance_and_lightness_agree(nits in 0.01f32..1000.0) {
            let model = Model::new(ColorSpace::Aces2065_1.chromaticities());
            let response = model.of_luminance(nits);
            let back = model.achromatic(model.lightness(response));
            prop_assert!((back - response).abs() < 1e-5 * response, "{} {}", response, back);
            let toned = model.toned(|nits| 2.0 * nits, response.into());
            prop_assert!((toned / f64::from(model.of_luminance(2.0 * nits)) - 1.0).abs() < 1e-5, "{} {}", response, toned);
        }
    }

    #[test]
    fn white_is_100_and_has_no_colour() {
        let model = Model::new(ColorSpace::Rec709Display.chromaticities());
        let [j, m, _] = model.to_jmh([1.0; 3]);
        assert!((j - 100.0).abs() < 1e-3 && m < 1e-3, "{j} {m}");
    }
}
