//! Uncompressed samples: 16 bits in the file's byte order, fewer bits packed most significant bit
//! first (TIFF 6.0, BitsPerSample and FillOrder 1).

use super::tiff::ByteOrder;

/// Unpacks the first `out.len()` samples of a row of `bits` bits each, 8 to 16.
///
/// # Panics
/// When `packed` has fewer bytes than the samples take: the caller has checked the strip's length.
pub(crate) fn row(packed: &[u8], bits: u32, order: ByteOrder, out: &mut [u16]) {
    match (bits, order) {
        (8, _) => out.iter_mut().zip(packed).for_each(|(o, &b)| *o = u16::from(b)),
        (16, ByteOrder::Little) => {
            out.iter_mut().zip(packed.as_chunks::<2>().0).for_each(|(o, &b)| *o = u16::from_le_bytes(b));
        }
        (16, ByteOrder::Big) => {
            out.iter_mut().zip(packed.as_chunks::<2>().0).for_each(|(o, &b)| *o = u16::from_be_bytes(b));
        }
        (10, _) => groups::<5, 4>(packed, out, |b| {
            let v = u64::from_be_bytes([0, 0, 0, b[0], b[1], b[2], b[3], b[4]]);
            std::array::from_fn(|i| (v >> (30 - 10 * i)) as u16 & 0x3FF)
        }),
        (12, _) => groups::<3, 2>(packed, out, |b| {
            let (a, m, c) = (u16::from(b[0]), u16::from(b[1]), u16::from(b[2]));
            [a << 4 | m >> 4, (m & 15) << 8 | c]
        }),
        (14, _) => groups::<7, 4>(packed, out, |b| {
            let v = u64::from_be_bytes([0, b[0], b[1], b[2], b[3], b[4], b[5], b[6]]);
            std::array::from_fn(|i| (v >> (42 - 14 * i)) as u16 & 0x3FFF)
        }),
        _ => single(packed, bits, out),
    }
}

/// Whole groups of `BYTES` bytes and `SAMPLES` samples; the row's last, broken group one by one.
fn groups<const BYTES: usize, const SAMPLES: usize>(
    packed: &[u8],
    out: &mut [u16],
    split: impl Fn(&[u8; BYTES]) -> [u16; SAMPLES],
) {
    let (whole, rest) = out.as_chunks_mut::<SAMPLES>();
    let n = whole.len();
    for (o, b) in whole.iter_mut().zip(packed.as_chunks::<BYTES>().0) {
        *o = split(b);
    }
    single(&packed[n * BYTES..], (BYTES * 8 / SAMPLES) as u32, rest);
}

/// One sample after the other, of any number of bits up to 16.
fn single(packed: &[u8], bits: u32, out: &mut [u16]) {
    for (i, o) in out.iter_mut().enumerate() {
        let at = i * bits as usize;
        let mut word = [0u8; 4];
        let bytes = &packed[at / 8..(at + bits as usize).div_ceil(8)];
        word[..bytes.len()].copy_from_slice(bytes);
        *o = (u32::from_be_bytes(word) << (at % 8) >> (32 - bits)) as u16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Packs one bit at a time.
    fn pack(values: &[u16], bits: u32) -> Vec<u8> {
        let mut out = vec![0u8; (values.len() * bits as usize).div_ceil(8)];
        let all = values.iter().flat_map(|v| (0..bits).rev().map(move |b| v >> b & 1));
        for (i, bit) in all.enumerate() {
            out[i / 8] |= (bit as u8) << (7 - i % 8);
        }
        out
    }

    #[test]
    fn twelve_bits_are_packed_most_significant_bit_first() {
        let mut out = [0; 3];
        row(&[0x12, 0x34, 0x56, 0x78, 0x90], 12, ByteOrder::Little, &mut out);
        assert_eq!(out, [0x123, 0x456, 0x789]);
    }

    #[test]
    fn sixteen_bits_follow_the_byte_order_of_the_file() {
        let mut out = [0; 2];
        row(&[1, 2, 3, 4], 16, ByteOrder::Little, &mut out);
        assert_eq!(out, [0x201, 0x403]);
        row(&[1, 2, 3, 4], 16, ByteOrder::Big, &mut out);
        assert_eq!(out, [0x102, 0x304]);
    }

    proptest! {
        #[test]
        fn any_row_of_any_depth_comes_back(
            bits in 8u32..=16,
            values in proptest::collection::vec(any::<u16>(), 0..70),
        ) {
            let values: Vec<u16> = values.iter().map(|v| (u32::from(*v) & ((1 << bits) - 1)) as u16).collect();
            let mut out = vec![0; values.len()];
            row(&pack(&values, bits), bits, ByteOrder::Big, &mut out);
            prop_assert_eq!(out, values);
        }
    }
}
