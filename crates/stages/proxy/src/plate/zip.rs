//! Deflated blocks (OpenEXR file layout, "ZIP compression").

use libdeflater::{CompressionLvl, Compressor};

/// Compresses blocks, one after the other.
pub(super) struct Zip {
    compressor: Compressor,
    /// The block's bytes in the order they are compressed in.
    sorted: Vec<u8>,
}

impl std::fmt::Debug for Zip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Zip")
    }
}

/// OpenEXR's own default (ImfStandardAttributes, zipCompressionLevel), with the library it uses.
const LEVEL: i32 = 4;

impl Zip {
    pub(super) fn new() -> Self {
        let level = CompressionLvl::new(LEVEL).unwrap_or_default();
        Self { compressor: Compressor::new(level), sorted: Vec::new() }
    }

    /// Appends `block`, little-endian lines, as it stands in a file: a block that does not shrink is left as it is.
    pub(super) fn append(&mut self, block: &[u8], out: &mut Vec<u8>) {
        // All first bytes of samples, then all second ones; of each, the difference to the one before, about 128.
        self.sorted.resize(block.len(), 0);
        let (first, second) = self.sorted.split_at_mut(block.len().div_ceil(2));
        let (pairs, last) = block.as_chunks::<2>();
        for ((pair, a), b) in pairs.iter().zip(&mut *first).zip(second) {
            (*a, *b) = (pair[0], pair[1]);
        }
        if let (Some(to), Some(last)) = (first.last_mut(), last.first()) {
            *to = *last;
        }
        let mut before = 0;
        for (i, byte) in self.sorted.iter_mut().enumerate() {
            let here = *byte;
            if i > 0 {
                *byte = here.wrapping_sub(before).wrapping_add(128);
            }
            before = here;
        }
        // No room for more than is worth it.
        let at = out.len();
        out.resize(at + block.len().saturating_sub(1), 0);
        match self.compressor.zlib_compress(&self.sorted, &mut out[at..]) {
            Ok(n) => out.truncate(at + n),
            Err(_) => {
                out.truncate(at);
                out.extend_from_slice(block);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a reader does.
    fn restored(stored: &[u8], len: usize) -> Vec<u8> {
        if stored.len() == len {
            return stored.to_vec();
        }
        let mut sorted = vec![0; len];
        let n = libdeflater::Decompressor::new().zlib_decompress(stored, &mut sorted).unwrap();
        assert_eq!(n, len);
        for i in 1..len {
            sorted[i] = sorted[i].wrapping_add(sorted[i - 1]).wrapping_sub(128);
        }
        let (first, second) = sorted.split_at(len.div_ceil(2));
        (0..len).map(|i| if i % 2 == 0 { first[i / 2] } else { second[i / 2] }).collect()
    }

    proptest! {
        #[test]
        fn blocks_come_back(block in prop::collection::vec(0u8..12, 1..400), noise: Vec<u8>) {
            let mut zip = Zip::new();
            for block in [block, noise] {
                let mut stored = Vec::new();
                zip.append(&block, &mut stored);
                prop_assert!(stored.len() <= block.len());
                prop_assert_eq!(restored(&stored, block.len()), block);
            }
        }
    }
}
