//! Chroma compression: colourfulness follows the lightness that the tone scale took away.

use super::lanes::Lanes;
use super::model::Model;
use super::tables;
use super::tone::ToneScale;
use rushes_core::simd::{Here, Linear};

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
    /// The achromatic response of the display's peak.
    limit: f32,
    /// The largest M of the reach gamut (AP1) at the display's white, by hue.
    reach: Linear<1>,
}

impl Chroma {
    /// For a display whose peak has the achromatic response `limit` and the lightness `limit_j`.
    pub(super) fn new(peak: f32, tone: &ToneScale, scene: &Model, [limit, limit_j]: [f32; 2]) -> Self {
        Self {
            saturation: (EXPAND.0 - EXPAND.0 * EXPAND.1 * tone.log_peak).max(0.2),
            threshold: EXPAND_FROM / peak,
            compression: COMPRESS.0 + COMPRESS.0 * COMPRESS.1 * tone.log_peak,
            norm: (0.03379 * peak).powf(0.30596) - 0.45135,
            limit,
            reach: tables::reach(scene, limit_j),
        }
    }

    /// Saturation, threshold, compression, norm, and the achromatic response of the display's peak.
    pub(super) fn numbers(&self) -> [f32; 5] {
        [self.saturation, self.threshold, self.compression, self.norm, self.limit]
    }

    /// The largest M of the reach gamut at the display's white, by degree of hue.
    pub(super) fn reaches(&self) -> &Linear<1> {
        &self.reach
    }

    /// The largest M of the reach gamut at the display's white, of hues from 0 to 360.
    #[inline(always)]
    pub(super) fn reach<const N: usize>(&self, here: Here, hues: &[f32; N], out: &mut [f32; N]) {
        self.reach.at(here, hues, std::array::from_mut(out));
    }

    /// Compresses M where the tone scale multiplied an achromatic response by `ratio` and so made `now`, with lightness `j` (1
    /// at the display's white).
    ///
    /// Lightness is a power of the response, so that what the Academy computes as that root of ratios of
    /// lightness is the ratio of the responses. And what it divides by a norm before the toes and multiplies by after them
    /// stays as it is here: instead, what bends the toes is multiplied.
    #[inline(always)]
    pub(super) fn compress<const N: usize>(&self, lanes: &mut Lanes<N>) {
        let Lanes {
            ratio, now, j, m, reach, p, q, axis: expand, slope: from, cusp_axis: compress, lower: norm, ..
        } = lanes;
        for i in 0..N {
            let (light, dark) = (j[i], (1.0 - j[i]).max(0.0));
            let square = light.mul_add(light, self.threshold);
            from[i] = square.sqrt();
            let part = dark * self.saturation;
            expand[i] = part.mul_add(part, square).sqrt();
            let (part, dark) = (light * self.compression, dark.max(0.001));
            compress[i] = part.mul_add(part, dark * dark).sqrt();
            norm[i] = self.norm * colourfulness(q[i], p[i]);
        }
        for i in 0..N {
            let (norm, dark) = (norm[i], (1.0 - j[i]).max(0.001));
            let limit = now[i] * (1.0 / self.limit) * reach[i];
            let expand = Bend { limit: norm.mul_add(-0.001, limit), k1: expand[i] * norm, k2: from[i] * norm };
            let compress = Bend { limit, k1: compress[i] * norm, k2: dark * norm };
            // One division for both.
            let (of_expand, of_compress) = (expand.limit + expand.k2, compress.limit + compress.k2);
            let per_both = 1.0 / (of_expand * of_compress);
            let expanded = limit - expand.toe(m[i].mul_add(-ratio[i], limit), of_compress * per_both);
            let compressed = compress.toe(expanded, of_expand * per_both);
            m[i] = if m[i] == 0.0 { 0.0 } else { compressed };
        }
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
struct Bend {
    limit: f32,
    /// The root of the sum of the squares of the Academy's k1 and k2.
    k1: f32,
    k2: f32,
}

impl Bend {
    /// The toe at `x`, where `per` is 1 over the sum of limit and k2.
    #[inline(always)]
    fn toe(&self, x: f32, per: f32) -> f32 {
        let k3 = (self.limit + self.k1) * per;
        let b = k3.mul_add(x, -self.k1);
        let below = 0.5 * (b + b.mul_add(b, 4.0 * self.k2 * k3 * x).sqrt());
        if x > self.limit { x } else { below }
    }
}
