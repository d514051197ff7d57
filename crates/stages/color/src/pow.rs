//! Powers of positive numbers, fast and inlined: the ACES output transform takes some twenty of
//! them for each pixel, and the general function of the platform is most of its time.

use std::f32::consts::LN_2;

/// `x` to the power of `p`, to 2e-6 of the result for results from 1e-30 to 1e30. Zero for
/// zero, negative numbers and NaN.
#[inline(always)]
pub(crate) fn pow(x: f32, p: f32) -> f32 {
    if x > 0.0 { exp2(p * log2(x)) } else { 0.0 }
}

/// Binary logarithm of a positive number.
#[inline(always)]
pub(crate) fn log2(x: f32) -> f32 {
    // x = m * 2^e with m within a factor of the square root of 2 around 1.
    let bits = x.to_bits();
    let e = (bits.wrapping_sub(0x3f35_04f3) as i32) >> 23;
    let m = f32::from_bits(bits.wrapping_sub((e << 23) as u32));
    // ln m = 2 atanh t, by its series to t^9: what is left out is below 4e-10.
    let t = (m - 1.0) / (m + 1.0);
    let t2 = t * t;
    let series = 1.0 + t2 * (1.0 / 3.0 + t2 * (1.0 / 5.0 + t2 * (1.0 / 7.0 + t2 * (1.0 / 9.0))));
    e as f32 + t * series * (2.0 / LN_2)
}

/// Two to the power of `y`, limited to normal numbers.
#[inline(always)]
fn exp2(y: f32) -> f32 {
    let y = y.clamp(-126.0, 127.0);
    let whole = (y + if y < 0.0 { -0.5 } else { 0.5 }) as i32;
    // e^f for |f| below 0.35, by its series to f^7: what is left out is below 6e-9.
    let f = (y - whole as f32) * LN_2;
    let f2 = f * f;
    let even = 1.0 + f2 * (1.0 / 2.0 + f2 * (1.0 / 24.0 + f2 * (1.0 / 720.0)));
    let odd = f * (1.0 + f2 * (1.0 / 6.0 + f2 * (1.0 / 120.0 + f2 * (1.0 / 5040.0))));
    (even + odd) * f32::from_bits(((whole + 127) as u32) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_power(x in 1e-12f32..1e12, p in -2.5f32..2.5) {
            let (v, w) = (f64::from(pow(x, p)), f64::from(x).powf(f64::from(p)));
            prop_assert!((v / w - 1.0).abs() < 8e-6, "{} ^ {} = {}, not {}", x, p, v, w);
        }

        #[test]
        fn anything_is_an_answer(x in proptest::num::f32::ANY, p in proptest::num::f32::NORMAL) {
            prop_assert!(pow(x, p) >= 0.0);
        }
    }

    #[test]
    fn the_ends_are_what_they_are() {
        assert_eq!(pow(0.0, 0.42), 0.0);
        assert_eq!(pow(-1.0, 2.0), 0.0);
        assert_eq!(pow(f32::NAN, 2.0), 0.0);
        assert_eq!(pow(1.0, 123.0), 1.0);
    }
}
