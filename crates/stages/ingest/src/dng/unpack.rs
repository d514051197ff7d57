//! Uncompressed samples: 16 bits in the file's byte order, fewer bits packed most significant bit
//! first (TIFF 6.0, BitsPerSample and FillOrder 1).

use rushes_core::simd::{Level, kernel};

use super::tiff::ByteOrder;

/// Unpacks the first `out.len()` samples of a row of `bits` bits each, 8 to 16.
///
/// # Panics
/// When `packed` has fewer bytes than the samples take: the caller has checked the strip's length.
pub(crate) fn row(packed: &[u8], bits: u32, order: ByteOrder, out: &mut [u16]) {
    row_at(Level::current(), packed, bits, order, out);
}

fn row_at(level: Level, packed: &[u8], bits: u32, order: ByteOrder, out: &mut [u16]) {
    // Whole groups of bytes; what is left of the row's last, broken group comes one by one.
    let (bytes, samples) = match (bits, order) {
        (8, _) => return eight(level, packed, out),
        (16, ByteOrder::Little) => return sixteen_little(level, packed, out),
        (16, ByteOrder::Big) => return sixteen_big(level, packed, out),
        (10, _) => (5, 4),
        (12, _) => (3, 2),
        (14, _) => (7, 4),
        _ => return single(packed, bits, out),
    };
    let groups = out.len() / samples;
    let (whole, rest) = out.split_at_mut(groups * samples);
    match bits {
        10 => ten(level, packed, whole),
        12 => twelve(level, packed, whole),
        _ => fourteen(level, packed, whole),
    }
    single(&packed[groups * bytes..], bits, rest);
}

kernel! {
    fn eight(packed: &[u8], out: &mut [u16]) {
        for (out, byte) in out.iter_mut().zip(packed) {
            *out = u16::from(*byte);
        }
    }
}

kernel! {
    fn sixteen_little(packed: &[u8], out: &mut [u16]) {
        for (out, word) in out.iter_mut().zip(packed.as_chunks::<2>().0) {
            *out = u16::from_le_bytes(*word);
        }
    }
}

kernel! {
    fn sixteen_big(packed: &[u8], out: &mut [u16]) {
        for (out, word) in out.iter_mut().zip(packed.as_chunks::<2>().0) {
            *out = u16::from_be_bytes(*word);
        }
    }
}

kernel! {
    fn ten(packed: &[u8], out: &mut [u16]) {
        for (out, b) in out.as_chunks_mut::<4>().0.iter_mut().zip(packed.as_chunks::<5>().0) {
            let v = u64::from_be_bytes([0, 0, 0, b[0], b[1], b[2], b[3], b[4]]);
            *out = [(v >> 30) as u16, (v >> 20) as u16 & 0x3FF, (v >> 10) as u16 & 0x3FF, v as u16 & 0x3FF];
        }
    }
}

kernel! {
    fn twelve(packed: &[u8], out: &mut [u16]) {
        for (out, b) in out.as_chunks_mut::<2>().0.iter_mut().zip(packed.as_chunks::<3>().0) {
            let (a, m, c) = (u16::from(b[0]), u16::from(b[1]), u16::from(b[2]));
            *out = [a << 4 | m >> 4, (m & 15) << 8 | c];
        }
    }
}

kernel! {
    fn fourteen(packed: &[u8], out: &mut [u16]) {
        for (out, b) in out.as_chunks_mut::<4>().0.iter_mut().zip(packed.as_chunks::<7>().0) {
            let v = u64::from_be_bytes([0, b[0], b[1], b[2], b[3], b[4], b[5], b[6]]);
            *out = [(v >> 42) as u16, (v >> 28) as u16 & 0x3FFF, (v >> 14) as u16 & 0x3FFF, v as u16 & 0x3FFF];
        }
    }
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
            for level in Level::available() {
                out.fill(0);
                row_at(level, &pack(&values, bits), bits, ByteOrder::Big, &mut out);
                prop_assert_eq!(&out, &values, "{}", level);
            }
        }
    }
}
