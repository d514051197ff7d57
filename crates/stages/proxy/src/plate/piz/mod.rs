//! PIZ blocks (OpenEXR file layout, "PIZ compression"): values are numbered, transformed by a wavelet, and coded by
//! Huffman's rule.

mod bits;
mod huffman;
mod wavelet;

use rushes_core::simd::Level;

use huffman::{Huffman, VALUES};

/// Compresses blocks of half floats, one after the other.
pub(super) struct Piz {
    width: usize,
    channels: usize,
    level: Level,
    /// 1 for each value that a block has.
    used: Box<[u8; VALUES]>,
    /// The number of each value among those of the block; 0 always has the number 0.
    numbers: Box<[u16; VALUES]>,
    /// The block, channel after channel.
    planes: Vec<u16>,
    /// For the wavelet.
    means: Vec<u16>,
    huffman: Huffman,
    coded: Vec<u8>,
}

impl std::fmt::Debug for Piz {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Piz")
    }
}

impl Piz {
    /// For lines of `width` samples in each of `channels`.
    pub(super) fn new(width: usize, channels: usize) -> Self {
        Self {
            width,
            channels,
            level: Level::current(),
            used: Box::new([0; VALUES]),
            numbers: Box::new([0; VALUES]),
            planes: Vec::new(),
            means: Vec::new(),
            huffman: Huffman::new(),
            coded: Vec::new(),
        }
    }

    /// Appends `block`, whole lines in native byte order with channels one after the other, as it stands in
    /// a file: little-endian but not compressed where that is no longer.
    pub(super) fn append(&mut self, block: &[u8], out: &mut Vec<u8>) {
        self.coded.clear();
        let most = self.number(block);
        self.deal(block);
        let plane = self.planes.len() / self.channels;
        self.means.resize(plane / 3, 0);
        for plane in self.planes.chunks_exact_mut(plane) {
            wavelet::transform(self.level, plane, self.width, most < 1 << 14, &mut self.means);
        }
        let size_at = self.coded.len();
        self.coded.extend_from_slice(&[0; 4]);
        self.huffman.append(self.level, &self.planes, &mut self.coded);
        // A block is at most 32 lines, which stay below 2 GiB.
        let size = (self.coded.len() - size_at - 4) as i32;
        self.coded[size_at..size_at + 4].copy_from_slice(&size.to_le_bytes());
        if self.coded.len() < block.len() {
            out.extend_from_slice(&self.coded);
        } else {
            let samples = block.as_chunks::<2>().0.iter();
            out.extend(samples.flat_map(|sample| u16::from_ne_bytes(*sample).to_le_bytes()));
        }
    }

    /// Numbers the values of a block from the least bits to the greatest, and writes which they are: a bit for each,
    /// in bytes from the first that is not 0 to the last. The bit of value 0 is never set. Gives the greatest number.
    fn number(&mut self, block: &[u8]) -> u16 {
        self.used.fill(0);
        for sample in block.as_chunks::<2>().0 {
            self.used[u16::from_ne_bytes(*sample) as usize] = 1;
        }
        self.used[0] = 0;
        let eights = self.used.as_chunks::<8>().0;
        let any = |eight: &[u8; 8]| *eight != [0; 8];
        let (first, last) = match (eights.iter().position(any), eights.iter().rposition(any)) {
            (Some(first), Some(last)) => (first, last),
            // Nothing but 0: OpenEXR's empty range.
            _ => (VALUES / 8 - 1, 0),
        };
        self.coded.extend_from_slice(&(first as u16).to_le_bytes());
        self.coded.extend_from_slice(&(last as u16).to_le_bytes());
        let mut most = 0;
        if first <= last {
            let numbers = self.numbers.as_chunks_mut::<8>().0;
            for (eight, numbers) in eights[first..=last].iter().zip(&mut numbers[first..=last]) {
                // The lowest bits of eight bytes, in the order of the bytes from the lowest bit on.
                let gathered = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
                self.coded.push(gathered as u8);
                for (used, number) in eight.iter().zip(numbers) {
                    most += u16::from(*used);
                    *number = most;
                }
            }
        }
        self.numbers[0] = 0;
        most
    }

    /// Numbers in place of samples, channel after channel.
    fn deal(&mut self, block: &[u8]) {
        let samples = block.as_chunks::<2>().0;
        self.planes.resize(samples.len(), 0);
        let plane = samples.len() / self.channels;
        for (y, line) in samples.chunks_exact(self.width * self.channels).enumerate() {
            for (c, line) in line.chunks_exact(self.width).enumerate() {
                let to = &mut self.planes[c * plane + y * self.width..][..self.width];
                for (to, sample) in to.iter_mut().zip(line) {
                    *to = self.numbers[u16::from_ne_bytes(*sample) as usize];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
