//! Rows of floats as rows of halfs.

use half::f16;
use half::slice::HalfFloatSliceExt;

/// Converts a row to half floats (round to nearest, ties to even) in native byte order; `dst` has
/// two bytes a sample. Gives the number of samples that were clipped.
///
/// Finite values beyond the range of half become ±65504: an infinity in their place would spread
/// through every filter in compositing. Infinities and NaN that come in go out as they are, for
/// they tell of a fault upstream.
pub(crate) fn half_row(src: &[f32], dst: &mut [u8]) -> u64 {
    const MAX: f32 = 65504.0;
    let mut clipped = 0u64;
    let (mut wide, mut narrow) = ([0f32; 256], [f16::ZERO; 256]);
    for (src, dst) in src.chunks(256).zip(dst.chunks_mut(512)) {
        let (wide, narrow) = (&mut wide[..src.len()], &mut narrow[..src.len()]);
        let mut over = 0u32;
        for (w, &v) in wide.iter_mut().zip(src) {
            let out = (v.abs() > MAX) & v.is_finite();
            over += u32::from(out);
            *w = if out { MAX.copysign(v) } else { v };
        }
        clipped += u64::from(over);
        narrow.convert_from_f32_slice(wide);
        for (d, h) in dst.chunks_exact_mut(2).zip(narrow.iter()) {
            d.copy_from_slice(&h.to_bits().to_ne_bytes());
        }
    }
    clipped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halfs(src: &[f32]) -> (Vec<u16>, u64) {
        let mut dst = vec![0u8; src.len() * 2];
        let clipped = half_row(src, &mut dst);
        (dst.chunks_exact(2).map(|b| u16::from_ne_bytes([b[0], b[1]])).collect(), clipped)
    }

    #[test]
    fn halfs_are_rounded_to_even_and_clipped_at_their_range() {
        // numpy 2.4.6: np.array([...], np.float32).astype(np.float16).view(np.uint16)
        let (h, clipped) = halfs(&[0.18, 1.0, -2.5, 1.0 + 1.0 / 2048.0, 1.0 + 3.0 / 2048.0, 6.0e-8, 65504.0, -0.0]);
        assert_eq!(h, [0x31c3, 0x3c00, 0xc100, 0x3c00, 0x3c02, 0x0001, 0x7bff, 0x8000]);
        assert_eq!(clipped, 0);
        let (h, clipped) = halfs(&[65505.0, 70000.0, -1e30, f32::INFINITY, f32::NEG_INFINITY]);
        assert_eq!((h, clipped), (vec![0x7bff, 0x7bff, 0xfbff, 0x7c00, 0xfc00], 3));
        assert!(f16::from_bits(halfs(&[f32::NAN]).0[0]).is_nan());
    }

    #[test]
    fn every_half_survives_in_rows_of_any_length() {
        let all: Vec<f32> = (0..=u16::MAX).map(|b| f16::from_bits(b).to_f32()).collect();
        for len in [1, 255, 256, 257, 65536] {
            let (h, clipped) = halfs(&all[..len]);
            assert_eq!(clipped, 0);
            for (bits, &v) in h.iter().zip(&all) {
                assert!(f16::from_bits(*bits).to_f32().to_bits() == v.to_bits() || v.is_nan(), "{v}");
            }
        }
    }
}
