//! Elementary functions without branches or calls, to be used in kernels and turned into vectors. Powers whose
//! exponent is known beforehand are cheaper by a table ([`Power`](super::Power)).
//!
//! Products and sums are fused, which is one rounding and one instruction; on x86-64 below AVX2 it is a call
//! of the platform's function, slow and equal to the last bit.
//!
//! Polynomials were fitted for the smallest largest error (R. Remez, 1934) with mpmath 1.3; each
//! states what is left.
#![allow(clippy::manual_clamp, reason = "`max` and `min` drop NaN, `clamp` keeps it")]
#![allow(clippy::excessive_precision, reason = "coefficients are written as they were fitted")]

use std::f32::consts::LN_2;

/// One and a half times 2^23, beside which a mantissa of 24 bits has no room for a part: adding it rounds to
/// a whole number, which then stands in the lowest bits.
pub(super) const WHOLE: f32 = 12_582_912.0;

/// `x` to the power of `p`, to 2e-6 of the result for results from 1e-30 to 1e30. Zero for
/// zero, negative numbers and NaN.
#[inline(always)]
pub fn pow(x: f32, p: f32) -> f32 {
    let v = exp2(p * log2(x));
    if x > 0.0 { v } else { 0.0 }
}

/// Binary logarithm of a positive number, to 1e-7 or the last bit.
#[inline(always)]
pub fn log2(x: f32) -> f32 {
    // x = m * 2^e with m within a factor of the square root of 2 around 1.
    let bits = x.to_bits();
    let e = (bits.wrapping_sub(0x3f35_04f3) as i32) >> 23;
    let m = f32::from_bits(bits.wrapping_sub((e << 23) as u32));
    // log2(1 + t) / t for t from -0.293 to 0.414; times t, 7e-9.
    let t = m - 1.0;
    let series = polynomial(
        t,
        [
            1.442_694_87,
            -0.721_347_13,
            0.480_922_53,
            -0.360_721_2,
            0.287_656_67,
            -0.238_519_43,
            0.217_379_4,
            -0.210_303_42,
            0.125_412_49,
        ],
    );
    t.mul_add(series, e as f32)
}

/// Two to the power of `y`, limited to normal numbers; 1e-7 of the result.
#[inline(always)]
pub fn exp2(y: f32) -> f32 {
    let y = y.max(-126.0).min(127.0);
    let whole = y + WHOLE;
    let part = y - (whole - WHOLE);
    // 2^f for f from -0.5 to 0.5; 2e-9.
    let v = polynomial(part, [1.0, LN_2, 0.240_226_52, 0.055_503_27, 0.009_617_994_5, 0.001_340_043, 0.000_154_780_22]);
    f32::from_bits(v.to_bits().wrapping_add(whole.to_bits() << 23))
}

/// The angle of (`x`, `y`) in degrees, 0 to 360; 2e-5 degrees. 0 for (0, 0).
#[inline(always)]
pub fn degrees(y: f32, x: f32) -> f32 {
    let (ax, ay) = (x.abs(), y.abs());
    degrees_of(ax.min(ay) / ax.max(ay).max(f32::MIN_POSITIVE), y, x)
}

/// As [`degrees`], where the smaller of the two is `ratio` of the larger, without signs.
#[inline(always)]
pub fn degrees_of(ratio: f32, y: f32, x: f32) -> f32 {
    // The arc tangent of a ratio from 0 to 1, over the ratio; 4e-8 of an eighth of a circle.
    let series = polynomial(
        ratio * ratio,
        [
            0.999_999_34,
            -0.333_298_6,
            0.199_465_66,
            -0.139_086_29,
            0.096_421_955,
            -0.055_912_3,
            0.021_862_94,
            -0.004_054_562,
        ],
    );
    let eighth = ratio * series * 57.295_78;
    let quarter = if y.abs() > x.abs() { 90.0 - eighth } else { eighth };
    let half = if x < 0.0 { 180.0 - quarter } else { quarter };
    if y < 0.0 { 360.0 - half } else { half }
}

/// The whole number at or just below a number from 0 to 4 million, and what is above it: from 0 to 1,
/// which itself may come out for a whole number. The number is for a table: below `mask`, which is
/// one less than a power of two.
#[inline(always)]
pub fn split(x: f32, mask: u32) -> (usize, f32) {
    let whole = (x - 0.5) + WHOLE;
    ((whole.to_bits() & mask) as usize, x - (whole - WHOLE))
}

/// The whole number below a number and what is above it. Of numbers below 0, and NaN, those of 0; of numbers above `most`,
/// which is at most a million, those of `most`.
#[inline(always)]
#[allow(unsafe_code, reason = "the conversion that checks its argument takes five instructions")]
pub fn floor(x: f32, most: f32) -> (u32, f32) {
    // The same for all numbers of a row; comparisons with NaN are false.
    let most = if most < 1e6 { most } else { 1e6 };
    let most = if most > 0.0 { most } else { 0.0 };
    let x = if x > 0.0 { x } else { 0.0 };
    let x = if x < most { x } else { most };
    // SAFETY: it is from 0 to a million.
    let whole: i32 = unsafe { x.to_int_unchecked() };
    (whole as u32, x - whole as f32)
}

/// By Horner's rule; the constant comes first.
#[inline(always)]
fn polynomial<const N: usize>(x: f32, c: [f32; N]) -> f32 {
    let mut v = c[N - 1];
    let mut i = N - 1;
    while i > 0 {
        i -= 1;
        v = v.mul_add(x, c[i]);
    }
    v
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_power(x in 1e-12f32..1e12, p in -2.5f32..2.5) {
            let w = f64::from(x).powf(f64::from(p));
            let v = pow(x, p);
            prop_assert!((f64::from(v) / w - 1.0).abs() < 8e-6, "{} ^ {} = {}, not {}", x, p, v, w);
        }

        #[test]
        fn anything_is_an_answer(x in proptest::num::f32::ANY, p in proptest::num::f32::NORMAL) {
            prop_assert!(pow(x, p) >= 0.0);
        }

        #[test]
        fn it_is_the_angle(x in -10.0f32..10.0, y in -10.0f32..10.0) {
            let want = f64::from(y).atan2(f64::from(x)).to_degrees().rem_euclid(360.0);
            let v = degrees(y, x);
            let off = (f64::from(v) - want).abs();
            prop_assert!(off.min(360.0 - off) < 4e-5, "{} {}: {}, not {}", x, y, v, want);
            prop_assert!((0.0..=360.0).contains(&v));
        }

        #[test]
        fn a_number_is_its_whole_and_its_part(x in 0.0f32..511.0) {
            let (whole, part) = split(x, 511);
            prop_assert!((whole as f32 + part - x).abs() < 4e-5 && (0.0..=1.0).contains(&part), "{}: {} {}", x, whole, part);
        }
    }

    #[test]
    fn floors_stay_in_their_range() {
        for (x, most, want) in [
            (2.75, 32.0, (2, 0.75)),
            (32.0, 32.0, (32, 0.0)),
            (-1.0, 32.0, (0, 0.0)),
            (f32::INFINITY, 32.0, (32, 0.0)),
            (f32::NAN, 32.0, (0, 0.0)),
            (f32::MAX, f32::NAN, (1_000_000, 0.0)),
            (5.0, -3.0, (0, 0.0)),
        ] {
            assert_eq!(floor(x, most), want, "{x} {most}");
        }
    }

    #[test]
    fn the_ends_are_what_they_are() {
        assert_eq!(pow(0.0, 0.42), 0.0);
        assert_eq!(pow(-1.0, 2.0), 0.0);
        assert_eq!(pow(f32::NAN, 2.0), 0.0);
        assert!((pow(1.0, 123.0) - 1.0).abs() < 2e-7);
        assert_eq!(degrees(0.0, 0.0), 0.0);
        assert_eq!(split(0.0, 511).0 as f32 + split(0.0, 511).1, 0.0);
    }
}
