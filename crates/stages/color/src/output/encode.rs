//! Display light to code values.

use rushes_core::simd::math::{log2, pow};
use rushes_core::simd::{Curve, Here, Power};

/// The least luminance, of 1,000 nits, that the inverse OOTF of HLG tells from others, as in OpenColorIO: its slope
/// has no end towards black, where it would raise what is left of a colour without luminance. (There 1e-4 where
/// 1,000 nits are 3 to the power of 1.2.)
const DARKEST: f32 = 1e-4 / 3.737_192_8;

/// How a display decodes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Decoding {
    /// A power of light: this one, the other way round.
    Power(f64),
    /// The perceptual quantizer: ITU-R BT.2100-3, table 4.
    Pq,
    /// Hybrid log-gamma for a display of 1,000 nits: BT.2100-3, table 5, with a system gamma of 1.2.
    Hlg,
}

/// Display light to code values, with its tables. Light is linear, 1 at 100 nits.
#[derive(Debug, Clone)]
pub(super) enum Encoding {
    Power(Box<Power>),
    /// Light to the power of m1, of 1 at 10,000 nits, and what the code value is of that.
    Pq(Box<(Power, Curve)>),
    Hlg,
}

impl Encoding {
    /// For light up to `white`.
    pub(super) fn new(decoding: Decoding, white: f32) -> Self {
        let top = Power::top(white.into());
        match decoding {
            Decoding::Power(power) => Self::Power(Box::new(Power::new(1.0 / power, top))),
            Decoding::Pq => Self::Pq(Box::new((Power::scaled(0.01f64.powf(M1), M1, top), Curve::new(1, pq_of_power)))),
            Decoding::Hlg => Self::Hlg,
        }
    }

    /// Encodes `N` pixels.
    #[inline(always)]
    pub(super) fn encode<const N: usize>(&self, here: Here, planes: [&mut [f32; N]; 3]) {
        let [r, g, b] = planes;
        match self {
            Self::Power(power) => {
                for plane in [r, g, b] {
                    power.raise(here, plane);
                    // A power of 1 may be the next number above it.
                    each(plane, |v| v.min(1.0));
                }
            }
            Self::Pq(tables) => {
                let (power, curve) = &**tables;
                for plane in [r, g, b] {
                    power.raise(here, plane);
                    curve.map(here, plane);
                    each(plane, |v| v.max(0.0).min(1.0));
                }
            }
            Self::Hlg => {
                for i in 0..N {
                    // Of 1,000 nits.
                    let [red, green, blue] = [r[i], g[i], b[i]].map(|v| v * 0.1);
                    let luminance = 0.2627 * red + 0.6780 * green + 0.0593 * blue;
                    let scene = pow(luminance.max(DARKEST), (1.0 - 1.2) / 1.2);
                    [r[i], g[i], b[i]] = [red, green, blue].map(|v| v * scene);
                }
                for plane in [r, g, b] {
                    each(plane, hlg);
                }
            }
        }
    }
}

#[inline(always)]
fn each<const N: usize>(plane: &mut [f32; N], f: impl Fn(f32) -> f32) {
    for v in plane {
        *v = f(*v);
    }
}

/// BT.2100-3, table 4: the inverse EOTF is `pq_of_power(light ^ M1)`.
const M1: f64 = 2610.0 / 16384.0;

fn pq_of_power(p: f64) -> f64 {
    let (m2, c1, c2, c3) = (2523.0 / 4096.0 * 128.0, 3424.0 / 4096.0, 2413.0 / 4096.0 * 32.0, 2392.0 / 4096.0 * 32.0);
    ((c1 + c2 * p) / (1.0 + c3 * p)).powf(m2)
}

/// The OETF, of scene light 0 to 1.
#[inline(always)]
fn hlg(scene: f32) -> f32 {
    const A: f32 = 0.178_832_77;
    const B: f32 = 0.284_668_92;
    const C: f32 = 0.559_910_7;
    const PER_LOG2: f32 = A * std::f32::consts::LN_2;
    let log = log2((12.0 * scene - B).max(f32::MIN_POSITIVE)).mul_add(PER_LOG2, C);
    if scene > 1.0 / 12.0 { log.min(1.0) } else { (3.0 * scene).max(0.0).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_levels_have_their_code_values() {
        // ITU-R BT.2408-7, table 1: 203 nits is 58 % PQ; BT.2100: 10,000 nits is 1. ST 2084: 100 nits is 0.508.
        for (light, code) in [(0.0, 0.0), (1.0, 0.508_078), (2.03, 0.580_689), (10.0, 0.751_827), (100.0, 1.0)] {
            let mut planes = [[light]; 3];
            Encoding::new(Decoding::Pq, 100.0).encode(Here::PLAIN, planes.each_mut());
            assert!((planes[1][0] - code).abs() < 2e-6, "{light}: {}", planes[1][0]);
        }
        // Both parts of HLG meet at one half; 1 is 1.
        for (scene, code) in [(0.0, 0.0), (1.0 / 12.0, 0.5), (1.0 / 12.0 + 1e-7, 0.5), (1.0, 1.0)] {
            assert!((hlg(scene) - code).abs() < 1e-5, "{scene}: {}", hlg(scene));
        }
        // BT.2408-7, table 1: 203 nits on a display of 1,000 is 75 % HLG.
        let mut white = [[2.03f32], [2.03], [2.03]];
        Encoding::new(Decoding::Hlg, 10.0).encode(Here::PLAIN, white.each_mut());
        assert!((white[0][0] - 0.75).abs() < 1e-3, "{}", white[0][0]);
    }
}
