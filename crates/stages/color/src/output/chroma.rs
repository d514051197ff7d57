//! Chroma compression: colourfulness follows the lightness that the tone scale took away.

use super::model::{Model, exponent};
use super::tables::{self, ByDegree};
use super::tone::ToneScale;
use crate::pow::pow;

/// Compression at 100 nits and its growth with the logarithm of the peak.
const COMPRESS: (f32, f32) = (2.4, 3.3);
/// Expansion at 100 nits and its decrease with the logarithm of the peak.
const EXPAND: (f32, f32) = (1.3, 0.69);
/// Where the expansion begins, for a peak of 1 nit.
const EXPAND_FROM: f32 = 0.5;

/// What compresses M.
#[derive(Debug, Clone)]
pub(super) struct Chroma {
    saturation: f32,
    threshold: f32,
    compression: f32,
    norm: f32,
    limit_j: f32,
    inverse_exponent: f32,
    /// The largest M of the reach gamut (AP1) at the display's white, by hue.
    reach: ByDegree,
}

impl Chroma {
    pub(super) fn new(peak: f32, tone: &ToneScale, scene: &Model) -> Self {
        let limit_j = scene.lightness(peak);
        Self {
            saturation: (EXPAND.0 - EXPAND.0 * EXPAND.1 * tone.log_peak).max(0.2),
            threshold: EXPAND_FROM / peak,
            compression: COMPRESS.0 + COMPRESS.0 * COMPRESS.1 * tone.log_peak,
            norm: (0.03379 * peak).powf(0.30596) - 0.45135,
            limit_j,
            inverse_exponent: (1.0 / exponent()) as f32,
            reach: tables::reach(scene, limit_j),
        }
    }

    /// The lightness of the display's peak.
    pub(super) fn limit_j(&self) -> f32 {
        self.limit_j
    }

    /// The largest M of the reach gamut at the display's white.
    pub(super) fn reach(&self, hue: f32) -> f32 {
        self.reach.at(hue)
    }

    /// The M that goes with tone-mapped lightness `j`, for a pixel that had lightness `was_j` and
    /// colourfulness `m`.
    #[inline(always)]
    pub(super) fn compress(&self, was_j: f32, m: f32, j: f32, reach: f32, sin: f32, cos: f32) -> f32 {
        let norm = self.norm * colourfulness(sin, cos);
        let light = j / self.limit_j;
        let dark = (1.0 - light).max(0.0);
        let limit = pow(light, self.inverse_exponent) * reach / norm;
        let scaled = m * pow(j / was_j, self.inverse_exponent) / norm;
        let expanded =
            limit - toe(limit - scaled, limit - 0.001, dark * self.saturation, (light * light + self.threshold).sqrt());
        let compressed = toe(expanded, limit, light * self.compression, dark) * norm;
        if m == 0.0 { 0.0 } else { compressed }
    }
}

/// How colourful a display is in the direction of a hue: a Fourier series fitted by the Academy.
#[inline(always)]
fn colourfulness(sin: f32, cos: f32) -> f32 {
    let (cos2, sin2) = (2.0 * cos * cos - 1.0, 2.0 * cos * sin);
    let (cos3, sin3) = (4.0 * cos * cos * cos - 3.0 * cos, 3.0 * sin - 4.0 * sin * sin * sin);
    11.34072 * cos + 16.46899 * cos2 + 7.88380 * cos3 + 14.66441 * sin - 6.37224 * sin2 + 9.19364 * sin3 + 77.12896
}

/// A toe below `limit`: the identity there and above, slower near zero.
#[inline(always)]
fn toe(x: f32, limit: f32, k1: f32, k2: f32) -> f32 {
    let k2 = k2.max(0.001);
    let k1 = (k1 * k1 + k2 * k2).sqrt();
    let k3 = (limit + k1) / (limit + k2);
    let b = k3 * x - k1;
    let below = 0.5 * (b + (b * b + 4.0 * k2 * k3 * x).sqrt());
    if x > limit { x } else { below }
}
