//! Curves of one number by tables: the polynomials' coefficients are taken from registers, where a machine can, by the
//! leading bits of the number.
//!
//! A general power takes a logarithm and an exponential, 38 instructions. When the exponent is known beforehand,
//! `x = m * 2^e` gives `x^p = m^p * (2^p)^e`: the first factor is a short polynomial for each eighth of an octave, the second
//! one of 32 numbers. That is some 15 instructions, and more exact, because no error of a logarithm is multiplied.

#![allow(
    unsafe_code,
    reason = "instructions that take lanes from registers, called where the level says they are there"
)]

use super::{Here, Level};

/// Numbers to a power that is known beforehand: from 2^(`top` - 32) up to 2^`top`, to 4e-7 of the result for exponents from 0
/// to 2.5. Smaller numbers, negative ones and NaN give 0; larger ones make no sense.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub struct Power {
    /// Powers of the numbers from 1 to 2 by their eighth, coefficients of the distance from its middle; twice, because
    /// sixteen lanes are chosen from.
    parts: [[f32; 16]; 4],
    /// Powers of 2^e by the lowest five bits of the number that stands for e in a float; products of the next two.
    whole: [f32; 32],
    /// By its lowest three bits, and by the three above them.
    ones: [f32; 8],
    eights: [f32; 8],
    least: f32,
}

/// A smooth curve through pieces of a quarter of an octave, from 2^(`top` - 16) up to 2^`top`: five coefficients a piece.
/// Smaller numbers, negative ones and NaN give 0; larger ones make no sense.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub struct Curve {
    pieces: [[f32; 64]; 5],
    least: f32,
}

/// The bits of 1, and the middles of the pieces above it.
const ONE: u32 = 0x3f80_0000;
const EIGHTH: f32 = 1.0 + 1.0 / 16.0;
const QUARTER: f32 = 1.0 + 1.0 / 8.0;

impl Power {
    /// For the exponent `p`.
    pub fn new(p: f64, top: i32) -> Self {
        Self::scaled(1.0, p, top)
    }

    /// For the exponent `p`, the result times `factor`.
    pub fn scaled(factor: f64, p: f64, top: i32) -> Self {
        let mut parts = [[0.0; 16]; 4];
        for i in 0..16 {
            let middle = 1.0 + (f64::from(i % 8) + 0.5) / 8.0;
            let fitted = fit::<4>(1.0 / 16.0, |t| (middle + t).powf(p));
            parts.iter_mut().zip(fitted).for_each(|(part, c)| part[i as usize] = c as f32);
        }
        // Exponents e are stood for by e + 127. Those that are meant begin at `low`; what is below, modulo 32 and 64, comes
        // after them.
        let low = top - 32 + 127;
        let ones: [f32; 8] = std::array::from_fn(|i| (i as f64 * p).exp2() as f32);
        let eights: [f32; 8] = std::array::from_fn(|i| {
            let (i, first) = (i as i32, low.div_euclid(8));
            let eight = first + (i - first).rem_euclid(8);
            (factor * (f64::from(eight * 8 - 127) * p).exp2()) as f32
        });
        let whole = std::array::from_fn(|i| {
            let e = (low + (i as i32 - low).rem_euclid(32)) as usize;
            ones[e % 8] * eights[e / 8 % 8]
        });
        Self { parts, whole, ones, eights, least: f64::from(top - 32).exp2() as f32 }
    }

    /// Raises a number.
    #[inline(always)]
    pub fn of(&self, x: f32) -> f32 {
        let bits = x.to_bits();
        let piece = (bits >> 20) as usize % 16;
        let t = f32::from_bits(bits & 0x000f_ffff | ONE) - EIGHTH;
        let [c0, c1, c2, c3] = self.parts.each_ref().map(|c| c[piece]);
        let v = c3.mul_add(t, c2).mul_add(t, c1).mul_add(t, c0);
        let v = v * self.whole[(bits >> 23) as usize % 32];
        if x >= self.least { v } else { 0.0 }
    }

    /// All that [`Power::of`] works with, for machines that compute it elsewhere: 8 constants of the polynomials, 8
    /// coefficients of t, of its square, and of its cube; 32 powers of 2^e by the lowest five bits of a float's exponent;
    /// the smallest number that is raised.
    pub fn numbers(&self) -> impl Iterator<Item = f32> {
        let parts = self.parts.iter().flat_map(|part| &part[..8]);
        parts.chain(&self.whole).chain([&self.least]).copied()
    }

    /// The first power of two that is above a number, for `top`.
    pub fn top(most: f64) -> i32 {
        most.log2().floor() as i32 + 1
    }

    /// Raises each number of a row, as [`Power::of`] does.
    #[inline(always)]
    pub fn raise(&self, here: Here, row: &mut [f32]) {
        match here.level() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => {
                let (lanes, rest) = row.as_chunks_mut();
                // SAFETY: `here` says that the machine has the instructions.
                unsafe { self.avx512(lanes) };
                rest.iter_mut().for_each(|v| *v = self.of(*v));
            }
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => {
                let (lanes, rest) = row.as_chunks_mut();
                // SAFETY: as above.
                unsafe { self.avx2(lanes) };
                rest.iter_mut().for_each(|v| *v = self.of(*v));
            }
            _ => row.iter_mut().for_each(|v| *v = self.of(*v)),
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    fn avx512(&self, row: &mut [[f32; 16]]) {
        use std::arch::x86_64::*;
        // SAFETY: all loads and stores are of arrays of their size; none needs an alignment.
        unsafe {
            let parts = self.parts.each_ref().map(|part| _mm512_loadu_ps(part.as_ptr()));
            let low = _mm512_loadu_ps(self.whole.as_ptr());
            let high = _mm512_loadu_ps(self.whole[16..].as_ptr());
            for lanes in row {
                let x = _mm512_loadu_ps(lanes.as_ptr());
                let bits = _mm512_castps_si512(x);
                let piece = _mm512_srli_epi32::<20>(bits);
                // Mantissa or one: bits & mask | one.
                let (mask, one) = (_mm512_set1_epi32(0x000f_ffff), _mm512_set1_epi32(ONE as i32));
                let t = _mm512_castsi512_ps(_mm512_ternarylogic_epi32::<0xea>(bits, mask, one));
                let t = _mm512_sub_ps(t, _mm512_set1_ps(EIGHTH));
                let mut v = _mm512_permutexvar_ps(piece, parts[3]);
                for part in parts[..3].iter().rev() {
                    v = _mm512_fmadd_ps(v, t, _mm512_permutexvar_ps(piece, *part));
                }
                let whole = _mm512_permutex2var_ps(low, _mm512_srli_epi32::<23>(bits), high);
                let sound = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(x, _mm512_set1_ps(self.least));
                _mm512_storeu_ps(lanes.as_mut_ptr(), _mm512_maskz_mul_ps(sound, v, whole));
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn avx2(&self, row: &mut [[f32; 8]]) {
        use std::arch::x86_64::*;
        // SAFETY: as above; of sixteen coefficients the first eight are read.
        unsafe {
            let parts = self.parts.each_ref().map(|part| _mm256_loadu_ps(part.as_ptr()));
            let ones = _mm256_loadu_ps(self.ones.as_ptr());
            let eights = _mm256_loadu_ps(self.eights.as_ptr());
            for lanes in row {
                let x = _mm256_loadu_ps(lanes.as_ptr());
                let bits = _mm256_castps_si256(x);
                let piece = _mm256_srli_epi32::<20>(bits);
                let t = _mm256_and_si256(bits, _mm256_set1_epi32(0x000f_ffff));
                let t = _mm256_castsi256_ps(_mm256_or_si256(t, _mm256_set1_epi32(ONE as i32)));
                let t = _mm256_sub_ps(t, _mm256_set1_ps(EIGHTH));
                let mut v = _mm256_permutevar8x32_ps(parts[3], piece);
                for part in parts[..3].iter().rev() {
                    v = _mm256_fmadd_ps(v, t, _mm256_permutevar8x32_ps(*part, piece));
                }
                let one = _mm256_permutevar8x32_ps(ones, _mm256_srli_epi32::<23>(bits));
                let eight = _mm256_permutevar8x32_ps(eights, _mm256_srli_epi32::<26>(bits));
                let v = _mm256_mul_ps(v, _mm256_mul_ps(one, eight));
                let sound = _mm256_cmp_ps::<_CMP_GE_OQ>(x, _mm256_set1_ps(self.least));
                _mm256_storeu_ps(lanes.as_mut_ptr(), _mm256_and_ps(v, sound));
            }
        }
    }
}

impl Curve {
    /// Of a function that is smooth over each quarter of an octave.
    pub fn new(top: i32, f: impl Fn(f64) -> f64) -> Self {
        let low = 4 * (top - 16 + 127);
        let mut pieces = [[0.0; 64]; 5];
        for i in 0..64 {
            let at = low + (i - low).rem_euclid(64);
            let unit = f64::from(at / 4 - 127).exp2();
            let middle = 1.0 + (f64::from(at % 4) + 0.5) / 4.0;
            let fitted = fit::<5>(1.0 / 8.0, |t| f((middle + t) * unit));
            pieces.iter_mut().zip(fitted).for_each(|(piece, c)| piece[i as usize] = c as f32);
        }
        Self { pieces, least: f64::from(top - 16).exp2() as f32 }
    }

    /// The curve at a number.
    #[inline(always)]
    pub fn of(&self, x: f32) -> f32 {
        let bits = x.to_bits();
        let piece = (bits >> 21) as usize % 64;
        let t = f32::from_bits(bits & 0x001f_ffff | ONE) - QUARTER;
        let [c0, c1, c2, c3, c4] = self.pieces.each_ref().map(|c| c[piece]);
        let v = c4.mul_add(t, c3).mul_add(t, c2).mul_add(t, c1).mul_add(t, c0);
        if x >= self.least { v } else { 0.0 }
    }

    /// All that [`Curve::of`] works with, for machines that compute it elsewhere: 64 constants of the polynomials by the
    /// lowest four bits of a float's exponent and the first two of its mantissa, as many coefficients of each power of t up
    /// to the fourth; the smallest number that has a place.
    pub fn numbers(&self) -> impl Iterator<Item = f32> {
        self.pieces.as_flattened().iter().chain([&self.least]).copied()
    }

    /// The curve at each number of a row, in its place.
    #[inline(always)]
    pub fn map(&self, here: Here, row: &mut [f32]) {
        match here.level() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => {
                let (lanes, rest) = row.as_chunks_mut();
                // SAFETY: `here` says that the machine has the instructions.
                unsafe { self.avx512(lanes) };
                rest.iter_mut().for_each(|v| *v = self.of(*v));
            }
            // Elsewhere the compiler gathers.
            _ => row.iter_mut().for_each(|v| *v = self.of(*v)),
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    fn avx512(&self, row: &mut [[f32; 16]]) {
        use std::arch::x86_64::*;
        // SAFETY: all loads and stores are of arrays of sixteen; none needs an alignment.
        unsafe {
            for lanes in row {
                let x = _mm512_loadu_ps(lanes.as_ptr());
                let bits = _mm512_castps_si512(x);
                let piece = _mm512_srli_epi32::<21>(bits);
                let upper = _mm512_test_epi32_mask(piece, _mm512_set1_epi32(32));
                let choose = |c: &[f32; 64]| {
                    let [a, b, c, d] = [0, 16, 32, 48].map(|i| _mm512_loadu_ps(c[i..].as_ptr()));
                    let low = _mm512_permutex2var_ps(a, piece, b);
                    _mm512_mask_mov_ps(low, upper, _mm512_permutex2var_ps(c, piece, d))
                };
                let (mask, one) = (_mm512_set1_epi32(0x001f_ffff), _mm512_set1_epi32(ONE as i32));
                let t = _mm512_castsi512_ps(_mm512_ternarylogic_epi32::<0xea>(bits, mask, one));
                let t = _mm512_sub_ps(t, _mm512_set1_ps(QUARTER));
                let mut v = choose(&self.pieces[4]);
                for piece in self.pieces[..4].iter().rev() {
                    v = _mm512_fmadd_ps(v, t, choose(piece));
                }
                let sound = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(x, _mm512_set1_ps(self.least));
                _mm512_storeu_ps(lanes.as_mut_ptr(), _mm512_maskz_mov_ps(sound, v));
            }
        }
    }
}

/// Coefficients of the polynomial that meets `f` at the zeros of Chebyshev's polynomial over ±`half`, which leaves
/// little more than the best one.
fn fit<const TERMS: usize>(half: f64, f: impl Fn(f64) -> f64) -> [f64; TERMS] {
    let node = |k: usize| half * ((k as f64 + 0.5) / TERMS as f64 * std::f64::consts::PI).cos();
    // Newton's divided differences, then powers of t.
    let mut differences: [f64; TERMS] = std::array::from_fn(|k| f(node(k)));
    for order in 1..TERMS {
        for k in (order..TERMS).rev() {
            differences[k] = (differences[k] - differences[k - 1]) / (node(k) - node(k - order));
        }
    }
    let mut c = [0.0; TERMS];
    for k in (0..TERMS).rev() {
        // c = c * (t - node(k)) + differences[k]
        for i in (1..TERMS).rev() {
            c[i] = c[i - 1] - node(k) * c[i];
        }
        c[0] = differences[k] - node(k) * c[0];
    }
    c
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::kernel;

    kernel! {
        fn raised[here](power: &Power, curve: &Curve, row: &mut [f32], curved: &mut [f32]) {
            power.raise(here, row);
            curve.map(here, curved);
        }
    }

    #[test]
    fn powers_are_powers() {
        for (p, top) in [(0.42, 12), (1.0 / 0.42, 3), (1.0 / 2.4, 1), (1.137, 8), (0.159, 1)] {
            let power = Power::new(p, top);
            let (low, high) = (f32::exp2((top - 32) as f32), f32::exp2(top as f32));
            for i in 0..200_000 {
                let x = low * (high / low).powf(i as f32 / 200_000.0);
                let want = f64::from(x).powf(p);
                let v = power.of(x);
                assert!(x >= high || (f64::from(v) / want - 1.0).abs() < 4e-7, "{x} ^ {p}: {v}, not {want}");
            }
            assert_eq!([0.0, -1.0, low * 0.99, f32::NAN].map(|v| power.of(v)), [0.0; 4]);
        }
    }

    #[test]
    fn curves_are_what_they_were_fitted_to() {
        let curve = Curve::new(4, |x| x * x / (x + 0.3));
        for i in 0..100_000 {
            let x = 15.99 * 2f32.powf(-i as f32 / 6300.0);
            let (v, want) = (f64::from(curve.of(x)), f64::from(x).powi(2) / (f64::from(x) + 0.3));
            assert!((v / want - 1.0).abs() < 3e-7, "{x}: {v}, not {want}");
        }
        assert_eq!([0.0, -1.0, 2e-4, f32::NAN].map(|v| curve.of(v)), [0.0; 4]);
    }

    #[test]
    fn the_numbers_are_all_there_is() {
        let (power, curve) = (Power::new(0.42, 12), Curve::new(12, f64::sqrt));
        let (p, c): (Vec<f32>, Vec<f32>) = (power.numbers().collect(), curve.numbers().collect());
        assert_eq!((p.len(), c.len()), (65, 321));
        let horner = |t: f32, c: &[f32]| c.iter().rev().fold(0.0, |v: f32, c| v.mul_add(t, *c));
        for x in (0..0x4580_0000).step_by(100_003).map(f32::from_bits) {
            let bits = x.to_bits();
            let eighth = (bits >> 20) as usize % 8;
            let v = horner(f32::from_bits(bits & 0x000f_ffff | ONE) - EIGHTH, &[0, 8, 16, 24].map(|k| p[k + eighth]));
            let raised = if x >= p[64] { v * p[32 + (bits >> 23) as usize % 32] } else { 0.0 };
            let quarter = (bits >> 21) as usize % 64;
            let coefficients = [0, 64, 128, 192, 256].map(|k| c[k + quarter]);
            let v = horner(f32::from_bits(bits & 0x001f_ffff | ONE) - QUARTER, &coefficients);
            let curved = if x >= c[320] { v } else { 0.0 };
            assert_eq!((raised, curved), (power.of(x), curve.of(x)), "{x}");
        }
    }

    #[test]
    fn every_level_gives_the_same_bits() {
        let (power, curve) = (Power::new(0.42, 12), Curve::new(12, f64::sqrt));
        let row: Vec<f32> = (0..u32::MAX).step_by(100_003).map(f32::from_bits).chain([1.0; 7]).collect();
        for level in Level::available() {
            let (mut raises, mut curves) = (row.clone(), row.clone());
            raised(level, &power, &curve, &mut raises, &mut curves);
            // Numbers that make no sense are whatever they are.
            for ((x, v), c) in row.iter().zip(raises).zip(curves).filter(|((x, _), _)| **x < 4096.0 || x.is_nan()) {
                assert_eq!(
                    (v.to_bits(), c.to_bits()),
                    (power.of(*x).to_bits(), curve.of(*x).to_bits()),
                    "{level}: {x}"
                );
            }
        }
    }
}
