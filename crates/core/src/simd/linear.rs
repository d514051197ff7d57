//! Several quantities by tables of one number, linear between whole numbers.

#![allow(unsafe_code, reason = "instructions that gather pairs, called where the level says they are there")]

use super::math::split;
use super::{Here, Level};

/// Places in a table: a power of two, so that none is outside it.
const PLACES: usize = 512;

/// `K` quantities at places from 0 to 511, linear between whole ones. A value lies beside its difference from the next, so
/// that one look brings both.
#[derive(Debug, Clone)]
pub struct Linear<const K: usize> {
    tables: Box<[[[f32; 2]; PLACES]; K]>,
}

impl<const K: usize> Linear<K> {
    /// Of values at 0, 1, 2 ...; what is beyond the last makes no sense, and neither do values after the 512th.
    pub fn new(values: &[[f32; K]]) -> Self {
        let mut tables = Box::new([[[0.0; 2]; PLACES]; K]);
        for (k, table) in tables.iter_mut().enumerate() {
            let next = values.iter().skip(1).chain(values.last());
            for ((pair, value), next) in table.iter_mut().zip(values).zip(next) {
                *pair = [value[k], next[k] - value[k]];
            }
        }
        Self { tables }
    }

    /// The values at 0, 1, 2 ... to 511, for machines that look them up elsewhere.
    pub fn values(&self) -> impl Iterator<Item = [f32; K]> {
        (0..PLACES).map(|at| self.tables.each_ref().map(|table| table[at][0]))
    }

    /// The quantities at one place, 0 or more.
    #[inline(always)]
    pub fn of(&self, place: f32) -> [f32; K] {
        let (at, part) = split(place, PLACES as u32 - 1);
        self.tables.each_ref().map(|table| {
            let [value, difference] = table[at % PLACES];
            difference.mul_add(part, value)
        })
    }

    /// The quantities at each place, as [`Linear::of`] gives them.
    #[inline(always)]
    pub fn at<const N: usize>(&self, here: Here, places: &[f32; N], out: &mut [[f32; N]; K]) {
        let done = match here.level() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `here` says that the machine has the instructions.
            Level::Avx512 => unsafe { self.avx512(places, out) },
            _ => 0,
        };
        for i in done..N {
            for (out, v) in out.iter_mut().zip(self.of(places[i])) {
                out[i] = v;
            }
        }
    }

    /// How many were done, from the first on.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    fn avx512<const N: usize>(&self, places: &[f32; N], out: &mut [[f32; N]; K]) -> usize {
        use std::arch::x86_64::*;
        const WHOLE: f32 = super::math::WHOLE;
        let (lanes, _) = places.as_chunks::<16>();
        for (i, x) in lanes.iter().enumerate() {
            // SAFETY: the loads and stores are of sixteen numbers that are there; what is gathered lies at one of 512 places of
            // a table of as many pairs.
            unsafe {
                let x = _mm512_loadu_ps(x.as_ptr());
                let whole = _mm512_add_ps(_mm512_sub_ps(x, _mm512_set1_ps(0.5)), _mm512_set1_ps(WHOLE));
                let part = _mm512_sub_ps(x, _mm512_sub_ps(whole, _mm512_set1_ps(WHOLE)));
                let at = _mm512_and_si512(_mm512_castps_si512(whole), _mm512_set1_epi32(PLACES as i32 - 1));
                let (low, high) = (_mm512_castsi512_si256(at), _mm512_extracti64x4_epi64::<1>(at));
                let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
                let odd = _mm512_or_si512(even, _mm512_set1_epi32(1));
                for (table, out) in self.tables.iter().zip(out.iter_mut()) {
                    let low = _mm512_castpd_ps(_mm512_i32gather_pd::<8>(low, table.as_ptr().cast()));
                    let high = _mm512_castpd_ps(_mm512_i32gather_pd::<8>(high, table.as_ptr().cast()));
                    let value = _mm512_permutex2var_ps(low, even, high);
                    let difference = _mm512_permutex2var_ps(low, odd, high);
                    let v = _mm512_fmadd_ps(difference, part, value);
                    _mm512_storeu_ps(out[i * 16..i * 16 + 16].as_mut_ptr(), v);
                }
            }
        }
        lanes.len() * 16
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::kernel;

    kernel! {
        fn looked_up[here](table: &Linear<2>, places: &[f32; 100], out: &mut [[f32; 100]; 2]) {
            table.at(here, places, out);
        }
    }

    #[test]
    fn it_is_linear_between_whole_numbers_at_every_level() {
        let table = Linear::new(&std::array::from_fn::<_, 361, _>(|i| [(i * i) as f32, -(i as f32)]));
        let places = std::array::from_fn(|i| i as f32 * 3.59);
        for level in Level::available() {
            let mut out = [[0.0; 100]; 2];
            looked_up(level, &table, &places, &mut out);
            for (i, x) in places.iter().enumerate() {
                assert_eq!([out[0][i], out[1][i]], table.of(*x), "{level}: {x}");
                let (n, part) = (x.floor(), x.fract());
                assert!((out[0][i] - (n * n + part * (2.0 * n + 1.0))).abs() < 0.05, "{x}: {}", out[0][i]);
                assert!((out[1][i] + x).abs() < 1e-4, "{x}: {}", out[1][i]);
            }
        }
    }
}
