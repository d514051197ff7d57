//! Bits into bytes, most significant first.

/// Adds bits to a vector of bytes.
pub(super) struct BitWriter {
    out: Vec<u8>,
    /// The last `count` bits of it are to be written.
    held: u64,
    count: u32,
}

impl BitWriter {
    pub(super) fn new(out: Vec<u8>) -> Self {
        Self { out, held: 0, count: 0 }
    }

    /// Adds the lowest `len` bits of `bits`, 32 at most; those above are 0.
    #[inline(always)]
    pub(super) fn put(&mut self, bits: u32, len: u32) {
        debug_assert!(len <= 32 && u64::from(bits) < 1 << len);
        self.held = self.held << len | u64::from(bits);
        self.count += len;
        if self.count >= 32 {
            self.count -= 32;
            self.out.extend_from_slice(&((self.held >> self.count) as u32).to_be_bytes());
        }
    }

    /// Fills the last byte with zeros, and gives the number of bytes.
    pub(super) fn align(&mut self) -> usize {
        let bytes = self.count.div_ceil(8);
        let last = (self.held << ((64 - self.count) % 64)).to_be_bytes();
        self.out.extend_from_slice(if self.count == 0 { &[] } else { &last[..bytes as usize] });
        (self.held, self.count) = (0, 0);
        self.out.len()
    }

    /// The bytes, of which the last was filled.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.align();
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_come_out_in_order(parts in prop::collection::vec((any::<u32>(), 0u32..=32), 0..50)) {
            let mut writer = BitWriter::new(vec![7]);
            let mut text = String::new();
            for &(bits, len) in &parts {
                let bits = (u64::from(bits) & ((1 << len) - 1)) as u32;
                writer.put(bits, len);
                (0..len).rev().for_each(|b| text.push(if bits >> b & 1 == 1 { '1' } else { '0' }));
            }
            while !text.len().is_multiple_of(8) {
                text.push('0');
            }
            let bytes = writer.finish();
            let got: String = bytes[1..].iter().map(|b| format!("{b:08b}")).collect();
            prop_assert_eq!(got, text);
        }
    }
}
