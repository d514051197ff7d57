//! SHA-512 and MD5 of several streams at once. One stream cannot use a wide register, because every
//! step needs the one before; eight or sixteen streams side by side can.
//!
//! The kernels are plain loops over lanes that the compiler turns into vector instructions where
//! it is told that there are some; the same loops without them are the reference.
#![allow(unsafe_code, reason = "functions compiled for instructions that were looked for")]

/// Streams below which one after the other is as fast.
pub(super) const FEWEST: usize = 3;
/// Streams that are digested side by side at most.
pub(super) const SHA512_LANES: usize = 8;
/// As [`SHA512_LANES`].
pub(super) const MD5_LANES: usize = 16;

/// Whether streams side by side are faster here than one after the other.
pub(super) fn worthwhile() -> bool {
    #[cfg(target_arch = "x86_64")]
    return has_avx512() || std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// SHA-512 (FIPS 180-4, section 6.4.2) of as many streams as there are states: each goes on by the
/// blocks of its data. All data have one length, a multiple of 128 bytes.
pub(super) fn sha512(states: &mut [[u64; 8]], data: &[&[u8]]) {
    #[cfg(target_arch = "x86_64")]
    {
        if has_avx512() {
            // SAFETY: the instructions were looked for.
            return in_groups(states, data, |words, data| unsafe { sha512_avx512(words, data) });
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: as above.
            return in_groups(states, data, |words, data| unsafe { sha512_avx2(words, data) });
        }
    }
    in_groups(states, data, sha512_lanes::<4>);
}

/// MD5 (RFC 1321, section 3.4), as [`sha512`]; the length is a multiple of 64 bytes.
pub(super) fn md5(states: &mut [[u32; 4]], data: &[&[u8]]) {
    #[cfg(target_arch = "x86_64")]
    {
        if has_avx512() {
            // SAFETY: the instructions were looked for.
            return in_groups(states, data, |words, data| unsafe { md5_avx512(words, data) });
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: as above.
            return in_groups(states, data, |words, data| unsafe { md5_avx2(words, data) });
        }
    }
    in_groups(states, data, md5_lanes::<4>);
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    use std::arch::is_x86_feature_detected;
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl")
}

// These are never part of their callers: where the compiler knows where the words come from, it takes
// the lanes apart.

#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[target_feature(enable = "avx512f,avx512vl")]
fn sha512_avx512(state: &mut [[u64; 8]; 8], data: &[&[u8]; 8]) {
    sha512_lanes(state, data);
}

// With sixteen registers more lanes than four would be kept in memory.
#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[target_feature(enable = "avx2")]
fn sha512_avx2(state: &mut [[u64; 4]; 8], data: &[&[u8]; 4]) {
    sha512_lanes(state, data);
}

#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[target_feature(enable = "avx512f,avx512vl")]
fn md5_avx512(state: &mut [[u32; 16]; 4], data: &[&[u8]; 16]) {
    md5_lanes(state, data);
}

#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[target_feature(enable = "avx2")]
fn md5_avx2(state: &mut [[u32; 16]; 4], data: &[&[u8]; 16]) {
    md5_lanes(state, data);
}

/// Puts the words of `N` states side by side, lets `lanes` go over the data, and takes them apart.
/// Lanes without a stream go over the data of another, for nothing.
fn in_groups<W: Copy + Default, const S: usize, const N: usize>(
    states: &mut [[W; S]],
    data: &[&[u8]],
    lanes: impl Fn(&mut [[W; N]; S], &[&[u8]; N]),
) {
    for (states, data) in states.chunks_mut(N).zip(data.chunks(N)) {
        let Some(last) = data.last() else { continue };
        let mut of_lanes = [*last; N];
        of_lanes[..data.len()].copy_from_slice(data);
        let mut words = [[W::default(); N]; S];
        for (lane, state) in states.iter().enumerate() {
            for (word, of_state) in words.iter_mut().zip(state) {
                word[lane] = *of_state;
            }
        }
        lanes(&mut words, &of_lanes);
        for (lane, state) in states.iter_mut().enumerate() {
            for (word, of_state) in words.iter().zip(state) {
                *of_state = word[lane];
            }
        }
    }
}

#[inline(always)]
fn each<W: Copy + Default, const N: usize>(f: impl Fn(usize) -> W) -> [W; N] {
    let mut out = [W::default(); N];
    #[allow(clippy::needless_range_loop, reason = "compilers see lanes in this form")]
    for lane in 0..N {
        out[lane] = f(lane);
    }
    out
}

// Each of these is small, because compilers see lanes in small loops only.

#[inline(always)]
fn add<const N: usize>(a: [u64; N], b: [u64; N]) -> [u64; N] {
    each(|i| a[i].wrapping_add(b[i]))
}

/// The capital sigmas of FIPS 180-4, section 4.1.3.
#[inline(always)]
fn turned<const N: usize>(v: [u64; N], a: u32, b: u32, c: u32) -> [u64; N] {
    each(|i| v[i].rotate_right(a) ^ v[i].rotate_right(b) ^ v[i].rotate_right(c))
}

/// The small sigmas of the same section.
#[inline(always)]
fn spread<const N: usize>(v: [u64; N], a: u32, b: u32, c: u32) -> [u64; N] {
    each(|i| v[i].rotate_right(a) ^ v[i].rotate_right(b) ^ (v[i] >> c))
}

#[inline(always)]
fn sha512_lanes<const N: usize>(state: &mut [[u64; N]; 8], data: &[&[u8]; N]) {
    let blocks = data.iter().map(|d| d.len() / 128).min().unwrap_or(0);
    for block in 0..blocks {
        let mut w = [[0u64; N]; 16];
        for (lane, data) in data.iter().enumerate() {
            let (words, _) = data[block * 128..block * 128 + 128].as_chunks::<8>();
            for (w, word) in w.iter_mut().zip(words) {
                w[lane] = u64::from_be_bytes(*word);
            }
        }
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
        for (sixteenth, k) in SHA512_K.as_chunks::<16>().0.iter().enumerate() {
            #[allow(clippy::needless_range_loop, reason = "`t` counts the steps, and `k` is one of their parts")]
            for t in 0..16 {
                if sixteenth > 0 {
                    let (s0, s1) = (spread(w[(t + 1) % 16], 1, 8, 7), spread(w[(t + 14) % 16], 19, 61, 6));
                    w[t] = add(add(w[t], s0), add(w[(t + 9) % 16], s1));
                }
                let choose = each(|i| (e[i] & f[i]) ^ (!e[i] & g[i]));
                let t1 = add(add(add(h, turned(e, 14, 18, 41)), add(choose, [k[t]; N])), w[t]);
                let most = each(|i| (a[i] & b[i]) | (c[i] & (a[i] | b[i])));
                let t2 = add(turned(a, 28, 34, 39), most);
                (h, g, f, e) = (g, f, e, add(d, t1));
                (d, c, b, a) = (c, b, a, add(t1, t2));
            }
        }
        for (state, now) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *state = each(|i| state[i].wrapping_add(now[i]));
        }
    }
}

#[inline(always)]
fn md5_lanes<const N: usize>(state: &mut [[u32; N]; 4], data: &[&[u8]; N]) {
    const SHIFTS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    let blocks = data.iter().map(|d| d.len() / 64).min().unwrap_or(0);
    for block in 0..blocks {
        let mut w = [[0u32; N]; 16];
        for (lane, data) in data.iter().enumerate() {
            let (words, _) = data[block * 64..block * 64 + 64].as_chunks::<4>();
            for (w, word) in w.iter_mut().zip(words) {
                w[lane] = u32::from_le_bytes(*word);
            }
        }
        let [mut a, mut b, mut c, mut d] = *state;
        for step in 0..64 {
            let (at, mixed): (usize, [u32; N]) = match step / 16 {
                0 => (step, each(|i| (b[i] & c[i]) | (!b[i] & d[i]))),
                1 => ((5 * step + 1) % 16, each(|i| (d[i] & b[i]) | (!d[i] & c[i]))),
                2 => ((3 * step + 5) % 16, each(|i| b[i] ^ c[i] ^ d[i])),
                _ => ((7 * step) % 16, each(|i| c[i] ^ (b[i] | !d[i]))),
            };
            let (t, word, shift) = (MD5_T[step], w[at], SHIFTS[step / 16][step % 4]);
            let sum: [u32; N] = each(|i| {
                let sum = a[i].wrapping_add(mixed[i]).wrapping_add(word[i]).wrapping_add(t);
                sum.rotate_left(shift).wrapping_add(b[i])
            });
            (a, d, c, b) = (d, c, b, sum);
        }
        for (state, now) in state.iter_mut().zip([a, b, c, d]) {
            *state = each(|i| state[i].wrapping_add(now[i]));
        }
    }
}

/// FIPS 180-4, section 4.2.3: of the cube roots of the first eighty primes, the first 64 bits after
/// the point.
#[rustfmt::skip]
const SHA512_K: [u64; 80] = [
    0x428a_2f98_d728_ae22, 0x7137_4491_23ef_65cd, 0xb5c0_fbcf_ec4d_3b2f, 0xe9b5_dba5_8189_dbbc,
    0x3956_c25b_f348_b538, 0x59f1_11f1_b605_d019, 0x923f_82a4_af19_4f9b, 0xab1c_5ed5_da6d_8118,
    0xd807_aa98_a303_0242, 0x1283_5b01_4570_6fbe, 0x2431_85be_4ee4_b28c, 0x550c_7dc3_d5ff_b4e2,
    0x72be_5d74_f27b_896f, 0x80de_b1fe_3b16_96b1, 0x9bdc_06a7_25c7_1235, 0xc19b_f174_cf69_2694,
    0xe49b_69c1_9ef1_4ad2, 0xefbe_4786_384f_25e3, 0x0fc1_9dc6_8b8c_d5b5, 0x240c_a1cc_77ac_9c65,
    0x2de9_2c6f_592b_0275, 0x4a74_84aa_6ea6_e483, 0x5cb0_a9dc_bd41_fbd4, 0x76f9_88da_8311_53b5,
    0x983e_5152_ee66_dfab, 0xa831_c66d_2db4_3210, 0xb003_27c8_98fb_213f, 0xbf59_7fc7_beef_0ee4,
    0xc6e0_0bf3_3da8_8fc2, 0xd5a7_9147_930a_a725, 0x06ca_6351_e003_826f, 0x1429_2967_0a0e_6e70,
    0x27b7_0a85_46d2_2ffc, 0x2e1b_2138_5c26_c926, 0x4d2c_6dfc_5ac4_2aed, 0x5338_0d13_9d95_b3df,
    0x650a_7354_8baf_63de, 0x766a_0abb_3c77_b2a8, 0x81c2_c92e_47ed_aee6, 0x9272_2c85_1482_353b,
    0xa2bf_e8a1_4cf1_0364, 0xa81a_664b_bc42_3001, 0xc24b_8b70_d0f8_9791, 0xc76c_51a3_0654_be30,
    0xd192_e819_d6ef_5218, 0xd699_0624_5565_a910, 0xf40e_3585_5771_202a, 0x106a_a070_32bb_d1b8,
    0x19a4_c116_b8d2_d0c8, 0x1e37_6c08_5141_ab53, 0x2748_774c_df8e_eb99, 0x34b0_bcb5_e19b_48a8,
    0x391c_0cb3_c5c9_5a63, 0x4ed8_aa4a_e341_8acb, 0x5b9c_ca4f_7763_e373, 0x682e_6ff3_d6b2_b8a3,
    0x748f_82ee_5def_b2fc, 0x78a5_636f_4317_2f60, 0x84c8_7814_a1f0_ab72, 0x8cc7_0208_1a64_39ec,
    0x90be_fffa_2363_1e28, 0xa450_6ceb_de82_bde9, 0xbef9_a3f7_b2c6_7915, 0xc671_78f2_e372_532b,
    0xca27_3ece_ea26_619c, 0xd186_b8c7_21c0_c207, 0xeada_7dd6_cde0_eb1e, 0xf57d_4f7f_ee6e_d178,
    0x06f0_67aa_7217_6fba, 0x0a63_7dc5_a2c8_98a6, 0x113f_9804_bef9_0dae, 0x1b71_0b35_131c_471b,
    0x28db_77f5_2304_7d84, 0x32ca_ab7b_40c7_2493, 0x3c9e_be0a_15c9_bebc, 0x431d_67c4_9c10_0d4c,
    0x4cc5_d4be_cb3e_42b6, 0x597f_299c_fc65_7e2a, 0x5fcb_6fab_3ad6_faec, 0x6c44_198c_4a47_5817,
];

/// RFC 1321, section 3.4: 2^32 times the sine of 1 to 64, without sign.
#[rustfmt::skip]
const MD5_T: [u32; 64] = [
    0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee,
    0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501,
    0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be,
    0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821,
    0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa,
    0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8,
    0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed,
    0xa9e3_e905, 0xfcef_a3f8, 0x676f_02d9, 0x8d2a_4c8a,
    0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c,
    0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70,
    0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05,
    0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665,
    0xf429_2244, 0x432a_ff97, 0xab94_23a7, 0xfc93_a039,
    0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1,
    0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1,
    0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn streams(count: usize, bytes: usize) -> Vec<Vec<u8>> {
        (0..count).map(|s| (0..bytes).map(|i| (i * 31 + s * 7 + (i >> 8)) as u8).collect()).collect()
    }

    /// Every number of streams, with whatever instructions this machine has and without them, against
    /// another implementation.
    #[test]
    fn streams_side_by_side_are_as_one_after_the_other() {
        for count in 1..=17 {
            let data = streams(count, 128 * 5);
            let data: Vec<&[u8]> = data.iter().map(Vec::as_slice).collect();
            let mut want = vec![[1u64; 8]; count];
            for (state, data) in want.iter_mut().zip(&data) {
                sha2::block_api::compress512(state, data.as_chunks().0);
            }
            let mut got = vec![[1u64; 8]; count];
            sha512(&mut got, &data);
            assert_eq!(got, want, "{count}");
            let mut plain = vec![[1u64; 8]; count];
            in_groups(&mut plain, &data, sha512_lanes::<4>);
            assert_eq!(plain, want, "{count}");

            let mut want = vec![[1u32; 4]; count];
            for (state, data) in want.iter_mut().zip(&data) {
                md5::block_api::compress(state, data.as_chunks().0);
            }
            let mut got = vec![[1u32; 4]; count];
            super::md5(&mut got, &data);
            assert_eq!(got, want, "{count}");
            let mut plain = vec![[1u32; 4]; count];
            in_groups(&mut plain, &data, md5_lanes::<4>);
            assert_eq!(plain, want, "{count}");
        }
    }
}
