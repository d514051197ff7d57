//! Deflated blocks (OpenEXR file layout, "ZIP compression").

mod blocks;
mod repeats;
mod runs;

use libdeflater::{CompressionLvl, Compressor, adler32};
use rushes_core::simd::{Level, kernel};

use blocks::{Blocks, Tokens};
use repeats::Repeats;

/// Compresses blocks, one after the other.
pub(super) struct Zip {
    level: Level,
    compressor: Compressor,
    repeats: Repeats,
    blocks: Blocks,
    /// The block's bytes in the order they are compressed in.
    sorted: Vec<u8>,
    tokens: Vec<u16>,
}

impl std::fmt::Debug for Zip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Zip")
    }
}

/// OpenEXR's own default (ImfStandardAttributes, zipCompressionLevel), with the library it uses.
const LEVEL: i32 = 4;

/// Half a block that is worth codes of its own, some 100 bytes.
const WORTH_CODES: usize = 8 << 10;

impl Zip {
    pub(super) fn new() -> Self {
        Self {
            level: Level::current(),
            compressor: Compressor::new(CompressionLvl::new(LEVEL).unwrap_or_default()),
            repeats: Repeats::new(),
            blocks: Blocks::new(),
            sorted: Vec::new(),
            tokens: Vec::new(),
        }
    }

    /// Appends `block`, little-endian lines, as it stands in a file: a block that does not shrink is left as it is.
    pub(super) fn append(&mut self, block: &[u8], out: &mut Vec<u8>) {
        self.sorted.resize(block.len(), 0);
        let (first, second) = self.sorted.split_at_mut(block.len().div_ceil(2));
        sort(self.level, block, first, second);
        let at = out.len();
        if self.grain(out) {
            return;
        }
        // No room for more than is worth it.
        out.resize(at + block.len().saturating_sub(1), 0);
        match self.compressor.zlib_compress(&self.sorted, &mut out[at..]) {
            Ok(n) => out.truncate(at + n),
            Err(_) => {
                out.truncate(at);
                out.extend_from_slice(block);
            }
        }
    }

    /// Appends a block with grain: low bytes each for itself, high ones with nothing but runs of equal
    /// steps looked for. Other repetitions, which libdeflate spends most of its time on, are chance there. Gives false,
    /// and appends nothing, where low bytes repeat, and where the block would not shrink.
    fn grain(&mut self, out: &mut Vec<u8>) -> bool {
        let (first, second) = self.sorted.split_at(self.sorted.len().div_ceil(2));
        if first.len() < WORTH_CODES || self.repeats.are_in(self.level, first) {
            return false;
        }
        runs::find(second, &mut self.tokens);
        let at = out.len();
        // RFC 1950: deflate with a window of 32 KiB, compressed fast.
        out.extend_from_slice(&[0x78, 0x5e]);
        let parts = [Tokens::Bytes(first), Tokens::Runs(&self.tokens)];
        let appended = self.blocks.append(self.level, &parts, self.sorted.len(), out);
        out.extend_from_slice(&adler32(&self.sorted).to_be_bytes());
        let shrunk = appended && out.len() - at < self.sorted.len();
        if !shrunk {
            out.truncate(at);
        }
        shrunk
    }
}

kernel! {
    /// All first bytes of samples, then all second ones; of each, the difference to the one before, about 128.
    fn sort(block: &[u8], first: &mut [u8], second: &mut [u8]) {
        let (pairs, last) = block.as_chunks::<2>();
        let step = |before: u8, here: u8| here.wrapping_sub(before).wrapping_add(128);
        let n = pairs.len();
        let (evens, odds) = (&mut first[..n], &mut second[..n]);
        for i in 1..n {
            evens[i] = step(pairs[i - 1][0], pairs[i][0]);
            odds[i] = step(pairs[i - 1][1], pairs[i][1]);
        }
        // The ends, where one series follows the other.
        let end = last.first().or(pairs.last().map(|[even, _]| even));
        if let (Some([even, odd]), Some(end)) = (pairs.first(), end) {
            (first[0], second[0]) = (*even, step(*end, *odd));
        }
        if let Some(last) = last.first() {
            first[n] = pairs.last().map_or(*last, |[even, _]| step(*even, *last));
        }
    }
}

#[cfg(test)]
mod tests;
