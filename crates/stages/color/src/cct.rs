//! The ACEScct curve (S-2016-001, 4.4.1), over AP1 primaries.

#![allow(clippy::excessive_precision, reason = "constants are written as the standard prints them")]

use rushes_core::simd::kernel;
use rushes_core::simd::math::{exp2, log2};

use crate::matrix::apply_f32;

const A: f32 = 10.540_237_741_654_5;
const B: f32 = 0.072_905_534_195_835_5;
/// Linear light up to this is encoded by a straight line.
const BREAK: f32 = 0.007_812_5;
/// The code value of [`BREAK`].
const BREAK_CODE: f32 = 0.155_251_141_552_511;

/// Linear light to ACEScct. What is no number stays so.
#[inline(always)]
pub fn encode(v: f32) -> f32 {
    let log = (log2(v) + 9.72) * (1.0 / 17.52);
    if v > BREAK { log } else { A * v + B }
}

/// ACEScct to linear light. Not limited above, so that it inverts [`encode`] everywhere.
#[inline(always)]
pub fn decode(v: f32) -> f32 {
    let power = exp2(v * 17.52 - 9.72);
    if v > BREAK_CODE { power } else { (v - B) * (1.0 / A) }
}

kernel! {
    /// Rows of linear red, green and blue to ACEScct, by way of `to_ap1`.
    pub fn encode_rows(to_ap1: &[[f32; 3]; 3], from: [&[f32]; 3], to: [&mut [f32]; 3]) {
        let ([r, g, b], [to_r, to_g, to_b]) = (from, to);
        for (((((&r, &g), &b), to_r), to_g), to_b) in r.iter().zip(g).zip(b).zip(to_r).zip(to_g).zip(to_b) {
            let [r, g, b] = apply_f32(to_ap1, [r, g, b]);
            [*to_r, *to_g, *to_b] = [encode(r), encode(g), encode(b)];
        }
    }
}

kernel! {
    /// Rows in ACEScct to linear light, in place, and from AP1 by `from_ap1`.
    pub fn decode_rows(from_ap1: &[[f32; 3]; 3], rows: [&mut [f32]; 3]) {
        let [r, g, b] = rows;
        for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
            [*r, *g, *b] = apply_f32(from_ap1, [decode(*r), decode(*g), decode(*b)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn grey_and_the_break_have_their_published_codes() {
        // OpenColorIO 2.6: ACEScct of 0.18.
        assert!((encode(0.18) - 0.413_588_5).abs() < 1e-6);
        assert!((encode(BREAK) - BREAK_CODE).abs() < 1e-6);
        assert!((encode(0.0) - B).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn decode_undoes_encode(v in -1.0f32..1000.0) {
            let back = decode(encode(v));
            prop_assert!((back - v).abs() <= 4e-6 * v.abs().max(0.1), "{} {}", v, back);
        }
    }
}
