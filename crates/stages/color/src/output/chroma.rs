//! Chroma compression: colourfulness follows the lightness that the tone scale took away.

use super::model::Model;
use super::tables::{self, ByDegree};
use super::tone::ToneScale;

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
    /// The achromatic response of the display's peak.
    limit: f32,
    /// The largest M of the reach gamut (AP1) at the display's white, by hue.
    reach: ByDegree,
}

impl Chroma {
    pub(super) fn new(peak: f32, tone: &ToneScale, scene: &Model) -> Self {
        let limit = scene.of_luminance(peak);
        let limit_j = scene.lightness(limit);
        Self {
            saturation: (EXPAND.0 - EXPAND.0 * EXPAND.1 * tone.log_peak).max(0.2),
            threshold: EXPAND_FROM / peak,
            compression: COMPRESS.0 + COMPRESS.0 * COMPRESS.1 * tone.log_peak,
            norm: (0.03379 * peak).powf(0.30596) - 0.45135,
            limit_j,
            limit,
            reach: tables::reach(scene, limit_j),
        }
    }

    /// The lightness of the display's peak.
    pub(super) fn limit_j(&self) -> f32 {
        self.limit_j
    }

    /// The largest M of the reach gamut at the display's white.
    #[inline(always)]
    pub(super) fn reach(&self, hue: f32) -> f32 {
        self.reach.at(hue)
    }

    /// The M of a pixel whose achromatic response `was` the tone scale made `now`, with lightness `j`;
    /// its colourfulness was `m`, its hue has the sine and cosine given.
    ///
    /// Lightness is a power of the response, so that what the Academy computes as that root of ratios of
    /// lightness is the ratio of the responses.
    #[inline(always)]
    pub(super) fn compress(&self, [was, now]: [f32; 2], j: f32, m: f32, reach: f32, [sin, cos]: [f32; 2]) -> f32 {
        let norm = self.norm * colourfulness(sin, cos);
        let per_norm = 1.0 / norm;
        let light = j * (1.0 / self.limit_j);
        let dark = (1.0 - light).max(0.0);
        let limit = now * (1.0 / self.limit) * reach * per_norm;
        let scaled = m * (now / was) * per_norm;
        let from = light.mul_add(light, self.threshold).sqrt();
        let expanded = limit - toe(limit - scaled, limit - 0.001, dark * self.saturation, from);
        let compressed = toe(expanded, limit, light * self.compression, dark) * norm;
        if m == 0.0 { 0.0 } else { compressed }
    }
}

/// How colourful a display is in the direction of a hue: a Fourier series fitted by the Academy.
#[inline(always)]
fn colourfulness(sin: f32, cos: f32) -> f32 {
    let (cos2, sin2) = ((2.0 * cos).mul_add(cos, -1.0), 2.0 * cos * sin);
    // By the angles' sums, from those of twice and once.
    let (cos3, sin3) = (cos2.mul_add(cos, -sin2 * sin), sin2.mul_add(cos, cos2 * sin));
    let even = cos.mul_add(11.34072, cos2.mul_add(16.46899, cos3.mul_add(7.88380, 77.12896)));
    sin.mul_add(14.66441, sin2.mul_add(-6.37224, sin3.mul_add(9.19364, even)))
}

/// A toe below `limit`: the identity there and above, slower near zero.
#[inline(always)]
fn toe(x: f32, limit: f32, k1: f32, k2: f32) -> f32 {
    let k2 = k2.max(0.001);
    let k1 = k1.mul_add(k1, k2 * k2).sqrt();
    let k3 = (limit + k1) / (limit + k2);
    let b = k3.mul_add(x, -k1);
    let below = 0.5 * (b + b.mul_add(b, 4.0 * k2 * k3 * x).sqrt());
    if x > limit { x } else { below }
}
