//! Rows of floats as rows of halfs (IEEE 754 binary16).

#![allow(unsafe_code, reason = "instructions that convert eight or sixteen at once, looked for when the program runs")]

use super::Level;

/// Converts a row to half floats in native byte order, rounded to nearest, ties to even, over the samples
/// that `src` and `dst` both have. Gives the number of samples that were clipped.
///
/// Finite values beyond the range of half become ±65504: an infinity in their place would spread
/// through every filter in compositing. Infinities and NaN that come in go out as they are, for
/// they tell of a fault upstream. Every level gives the same bits.
///
/// ```
/// use rushes_core::simd::{Level, half_row};
/// let mut halfs = [[0; 2]; 3];
/// let clipped = half_row(Level::current(), &[0.18, -2.5, 1e6], &mut halfs);
/// assert_eq!((halfs.map(u16::from_ne_bytes), clipped), ([0x31c3, 0xc100, 0x7bff], 1));
/// ```
pub fn half_row(level: Level, src: &[f32], dst: &mut [[u8; 2]]) -> u64 {
    let n = src.len().min(dst.len());
    let (src, dst) = (&src[..n], &mut dst[..n]);
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the machine has the instructions.
        Level::Avx512 if level.is_here() => unsafe { avx512(src, dst) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Level::Avx2 if level.is_here() => unsafe { avx2(src, dst) },
        _ => plain(src, dst),
    }
}

/// The bits of the largest finite half, and of infinity, as floats.
const MOST: u32 = 0x477f_e000;
const INFINITE: u32 = 0x7f80_0000;

fn plain(src: &[f32], dst: &mut [[u8; 2]]) -> u64 {
    let mut clipped = 0;
    for (src, dst) in src.chunks(256).zip(dst.chunks_mut(256)) {
        let mut here = 0u32;
        for (v, half) in src.iter().zip(dst) {
            let bits = v.to_bits();
            let (sign, abs) = (bits >> 16 & 0x8000, bits & 0x7fff_ffff);
            let out = abs > MOST && abs < INFINITE;
            here += u32::from(out);
            let abs = if out { MOST } else { abs };
            // Below the normal halfs the sum with a half leaves the rounded mantissa in the lowest bits.
            let small = (f32::from_bits(abs) + 0.5).to_bits().wrapping_sub(0.5f32.to_bits());
            // The exponent is biased by 15 instead of 127; adding just under half of the last place rounds.
            let normal = abs.wrapping_sub(112 << 23).wrapping_add(0xfff + (abs >> 13 & 1)) >> 13;
            let nan = 0x7e00 | (abs >> 13 & 0x3ff);
            let finite = if abs < 0x3880_0000 { small } else { normal };
            let whole = if abs < INFINITE { finite } else { 0x7c00 };
            let whole = if abs > INFINITE { nan } else { whole };
            *half = ((whole | sign) as u16).to_ne_bytes();
        }
        clipped += u64::from(here);
    }
    clipped
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn avx512(src: &[f32], dst: &mut [[u8; 2]]) -> u64 {
    use std::arch::x86_64::*;
    let (from, rest) = src.as_chunks::<16>();
    let (to, last) = dst.as_chunks_mut::<16>();
    let mut clipped = 0;
    for (from, to) in from.iter().zip(to) {
        // SAFETY: sixteen floats are read and sixteen halfs written where the arrays lie; neither
        // needs an alignment.
        unsafe {
            let v = _mm512_loadu_si512(from.as_ptr().cast());
            let abs = _mm512_and_si512(v, _mm512_set1_epi32(0x7fff_ffff));
            let out = _mm512_mask_cmplt_epu32_mask(
                _mm512_cmpgt_epu32_mask(abs, _mm512_set1_epi32(MOST as i32)),
                abs,
                _mm512_set1_epi32(INFINITE as i32),
            );
            // The sign with the bits of the largest half.
            let most = _mm512_or_si512(_mm512_andnot_si512(abs, v), _mm512_set1_epi32(MOST as i32));
            let v = _mm512_mask_mov_epi32(v, out, most);
            clipped += u64::from(out.count_ones());
            let halfs = _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(_mm512_castsi512_ps(v));
            _mm256_storeu_si256(to.as_mut_ptr().cast(), halfs);
        }
    }
    clipped + plain(rest, last)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,f16c,popcnt")]
fn avx2(src: &[f32], dst: &mut [[u8; 2]]) -> u64 {
    use std::arch::x86_64::*;
    let (from, rest) = src.as_chunks::<8>();
    let (to, last) = dst.as_chunks_mut::<8>();
    let mut clipped = 0;
    for (from, to) in from.iter().zip(to) {
        // SAFETY: eight floats are read and eight halfs written where the arrays lie; neither
        // needs an alignment.
        unsafe {
            let v = _mm256_loadu_si256(from.as_ptr().cast());
            let abs = _mm256_and_si256(v, _mm256_set1_epi32(0x7fff_ffff));
            // Without a sign, signed comparisons do.
            let out = _mm256_and_si256(
                _mm256_cmpgt_epi32(abs, _mm256_set1_epi32(MOST as i32)),
                _mm256_cmpgt_epi32(_mm256_set1_epi32(INFINITE as i32), abs),
            );
            let most = _mm256_or_si256(_mm256_andnot_si256(abs, v), _mm256_set1_epi32(MOST as i32));
            let v = _mm256_blendv_epi8(v, most, out);
            clipped += u64::from(_mm256_movemask_ps(_mm256_castsi256_ps(out)).count_ones());
            let halfs = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(_mm256_castsi256_ps(v));
            _mm_storeu_si128(to.as_mut_ptr().cast(), halfs);
        }
    }
    clipped + plain(rest, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halfs(level: Level, src: &[f32]) -> (Vec<u16>, u64) {
        let mut dst = vec![[0; 2]; src.len()];
        let clipped = half_row(level, src, &mut dst);
        (dst.into_iter().map(u16::from_ne_bytes).collect(), clipped)
    }

    #[test]
    fn halfs_are_rounded_to_even_and_clipped_at_their_range() {
        // numpy 2.4.6: np.array([...], np.float32).astype(np.float16).view(np.uint16)
        let (h, clipped) =
            halfs(Level::Plain, &[0.18, 1.0, -2.5, 1.0 + 1.0 / 2048.0, 1.0 + 3.0 / 2048.0, 6.0e-8, 65504.0, -0.0]);
        assert_eq!(h, [0x31c3, 0x3c00, 0xc100, 0x3c00, 0x3c02, 0x0001, 0x7bff, 0x8000]);
        assert_eq!(clipped, 0);
        let (h, clipped) = halfs(Level::Plain, &[65505.0, 70000.0, -1e30, f32::INFINITY, f32::NEG_INFINITY]);
        assert_eq!((h, clipped), (vec![0x7bff, 0x7bff, 0xfbff, 0x7c00, 0xfc00], 3));
        assert_eq!(halfs(Level::Plain, &[f32::NAN]).0[0] & 0x7e00, 0x7e00);
    }

    /// The value of a half, by the formula of the standard.
    fn value(half: u16) -> f32 {
        let (exponent, mantissa) = (i32::from(half >> 10 & 31), f32::from(half & 0x3ff));
        let abs = match exponent {
            0 => mantissa * 2f32.powi(-24),
            31 if mantissa == 0.0 => f32::INFINITY,
            31 => f32::NAN,
            e => (1.0 + mantissa / 1024.0) * 2f32.powi(e - 15),
        };
        if half & 0x8000 == 0 { abs } else { -abs }
    }

    #[test]
    fn every_half_survives_at_every_level_in_rows_of_any_length() {
        let all: Vec<f32> = (0..=u16::MAX).map(value).collect();
        for level in Level::available() {
            for len in [1, 15, 16, 17, 255, 256, 257, 65536] {
                let (h, clipped) = halfs(level, &all[..len]);
                assert_eq!(clipped, 0);
                for (half, v) in h.iter().zip(&all) {
                    assert!(value(*half).to_bits() == v.to_bits() || v.is_nan(), "{level}: {v}");
                }
            }
        }
    }

    #[test]
    fn every_level_gives_the_same_bits() {
        // A walk over all floats, coarse, with odd mantissas: subnormals, ties and NaN among them.
        let all: Vec<f32> = (0..=u32::MAX).step_by(40_503).map(f32::from_bits).collect();
        let ties = (0..2000u16).map(|h| f32::midpoint(value(h), value(h + 1)));
        let all: Vec<f32> = all.into_iter().chain(ties).collect();
        let want = halfs(Level::Plain, &all);
        assert!(want.1 > 0);
        for level in Level::available() {
            assert!(halfs(level, &all) == want, "{level}");
        }
    }
}
