//! What samples are averaged as.

use rushes_core::simd::kernel;
use rushes_core::simd::math::split;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What samples are averaged as. Filters with negative lobes subtract a part of what is bright from what lies
/// beside it; of scene-linear light that is more than there is, and a black rim.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScaleDomain {
    /// As they are.
    #[default]
    AsIs,
    /// As the logarithm of `1 + 128 |x|`, with the sign of x, for scene-linear pictures: straight near black, so that
    /// noise about it keeps its mean, and a stop is a stop from a few stops below grey on. Within a stop it
    /// is straight, as floats are: light of about the same strength is averaged as light.
    Log,
}

/// What an x of 1 is multiplied with: below its inverse the curve is nearly straight.
const TIMES: f32 = 128.0;

/// The bits of 1.0, and what a bit of the exponent is worth.
const ONE: u32 = 1f32.to_bits();
const STOP: f32 = 8_388_608.0;

kernel! {
    /// Scene-linear samples as what is averaged: the number of the octave of `1 + 128 |x|`, and the place in it from 0
    /// to 1 (which is what the bits of a float say).
    pub(super) fn enter(from: &[f32], to: &mut [f32]) {
        for (to, &v) in to.iter_mut().zip(from) {
            let bits = TIMES.mul_add(v.abs(), 1.0).to_bits().wrapping_sub(ONE) as i32;
            *to = (bits as f32 * (1.0 / STOP)).copysign(v);
        }
    }
}

kernel! {
    /// Averages as scene-linear samples.
    pub(super) fn leave(row: &mut [f32]) {
        for v in row {
            // `split` may give the octave below, and a place of 1 in it: the same light.
            let (octave, place) = split(v.abs().min(126.0), 127);
            let light = (1.0 + place) * f32::from_bits(ONE + ((octave as u32) << 23));
            *v = ((light - 1.0) * (1.0 / TIMES)).copysign(*v);
        }
    }
}

#[cfg(test)]
mod tests {
    use rushes_core::simd::Level;

    use super::*;

    #[test]
    fn leaving_undoes_entering() {
        let samples = [-2.0f32, -0.01, 0.0, 1e-5, 0.18, 1.0, 16.0, 60_000.0];
        for level in Level::available() {
            let mut row = [9.0; 8];
            enter(level, &samples, &mut row);
            assert!(row.windows(2).all(|w| w[0] < w[1]));
            leave(level, &mut row);
            for (v, w) in row.iter().zip(samples) {
                assert!((v - w).abs() <= 4e-6 * w.abs() + 2e-9, "{level}: {v}, not {w}");
            }
        }
    }
}
