//! The differences of a lossless JPEG, row by row (ITU-T T.81, annex H).
//!
//! One code after the other: each begins where the last ended, and no machine can look at two at once. What
//! counts is the way from one to the next: a shift, a look-up, a shift. All that mispredicted branches would
//! add is kept off it: stuffed bytes are taken out before (a row's worth at a time), bits are refilled without
//! asking whether there is room, and the look-up gives the lengths of code and difference, not the difference.

use rushes_core::simd::kernel;

use super::super::tiff::bad;
use super::bits::Huffman;
use rushes_core::Result;

/// Bits looked up at once. Longer codes, and the category 16 that has no bits, take the slow path.
const LOOKUP: u32 = 11;

/// For each next [`LOOKUP`] bits the length of the code there and of the difference behind it.
#[derive(Debug, Clone)]
pub(super) struct Codes<'a> {
    /// In the low byte both together (0: take the slow path), in the high byte the difference's.
    lengths: Box<[u16; 1 << LOOKUP]>,
    /// Bits of the longest code with its difference.
    longest: u32,
    huffman: &'a Huffman,
    long_16: bool,
}

impl<'a> Codes<'a> {
    /// `long_16` as in [`super::lossless::decode`].
    pub(super) fn new(huffman: &'a Huffman, long_16: bool) -> Self {
        let mut lengths = Box::new([0; 1 << LOOKUP]);
        for (next, entry) in (0u32..).zip(lengths.iter_mut()) {
            match huffman.find(next << (16 - LOOKUP)) {
                Some((len, category)) if len <= LOOKUP && (category < 16 || long_16) => {
                    *entry = u16::from(category) << 8 | (len as u16 + u16::from(category));
                }
                _ => {}
            }
        }
        Self { lengths, longest: huffman.longest(), huffman, long_16 }
    }

    /// Length of the code and its difference, of the difference alone, and what is added to it, for the 16 bits `next`.
    #[cold]
    #[inline(never)]
    fn slowly(&self, next: u32) -> Option<(u32, u32, u16)> {
        let (len, category) = self.huffman.find(next)?;
        Some(if category == 16 && !self.long_16 {
            (len, 0, 0x8000)
        } else {
            (len + u32::from(category), u32::from(category), 0)
        })
    }
}

/// Entropy-coded data without stuffed bytes.
pub(super) struct Unstuffed<'a> {
    data: &'a [u8],
    at: usize,
    /// `filled` bytes, and zeros behind them.
    bytes: Vec<u8>,
    filled: usize,
    /// Bits of `bytes` that were taken.
    taken: usize,
    /// Bytes that a row takes at most, and those that are read beyond where it ends.
    row: usize,
}

impl<'a> Unstuffed<'a> {
    /// For rows of `samples`.
    pub(super) fn new(data: &'a [u8], samples: usize) -> Self {
        // A code of 16 bits and as many behind it. The first may begin within a byte, and eight are read at once.
        let row = samples * 4 + 9;
        Self { data, at: 0, bytes: vec![0; 4 * row], filled: 0, taken: 0, row }
    }

    /// Makes sure that a row's bytes are there, as far as the data go.
    fn fill(&mut self) {
        if self.taken / 8 + self.row <= self.filled {
            return;
        }
        let used = (self.taken / 8).min(self.filled);
        self.bytes.copy_within(used..self.filled, 0);
        (self.filled, self.taken) = (self.filled - used, self.taken % 8);
        let room = self.bytes.len() - self.row;
        while self.filled < room {
            let rest = &self.data[self.at..];
            let rest = &rest[..rest.len().min(room - self.filled)];
            let plain = memchr::memchr(0xFF, rest).unwrap_or(rest.len());
            self.bytes[self.filled..self.filled + plain].copy_from_slice(&rest[..plain]);
            (self.filled, self.at) = (self.filled + plain, self.at + plain);
            if plain < rest.len() {
                // A marker ends the data; a byte of ones is followed by one of zeros.
                if self.data.get(self.at + 1) != Some(&0) {
                    break;
                }
                self.bytes[self.filled] = 0xFF;
                (self.filled, self.at) = (self.filled + 1, self.at + 2);
            } else if rest.len() < room - self.filled || rest.is_empty() {
                break;
            }
        }
        self.bytes[self.filled..].fill(0);
    }

    /// Decodes the differences of a row, modulo 2^16 (T.81, table H.2), `codes.len()` components side by side.
    /// False at a code that is in no table.
    pub(super) fn row(&mut self, level: rushes_core::simd::Level, codes: &[Codes<'_>], row: &mut [u16]) -> bool {
        self.fill();
        let (from, skip) = (self.taken / 8, self.taken % 8);
        match decode(level, codes, &self.bytes[from..], skip as u32, row) {
            Some(taken) => {
                self.taken = from * 8 + taken;
                true
            }
            None => false,
        }
    }

    /// True when bits were taken that are not in the data.
    pub(super) fn exhausted(&self) -> bool {
        self.taken > self.filled * 8
    }

    /// Steps over a restart marker.
    pub(super) fn restart(&mut self) -> Result<()> {
        (self.filled, self.taken) = (0, 0);
        while self.data.get(self.at) == Some(&0xFF) && self.data.get(self.at + 1) == Some(&0xFF) {
            self.at += 1;
        }
        match self.data.get(self.at..self.at + 2) {
            Some(&[0xFF, 0xD0..=0xD7]) => {
                self.at += 2;
                Ok(())
            }
            _ => Err(bad("a JPEG restart marker is missing")),
        }
    }
}

kernel! {
    /// The differences in `bytes` from bit `skip` (less than 8) on, and how many bits they and `skip` are.
    fn decode(codes: &[Codes<'_>], bytes: &[u8], skip: u32, row: &mut [u16]) -> Option<usize> {
        let mut bits = Taking { bytes, at: 0, acc: 0, n: 0 };
        bits.refill()?;
        bits.drop(skip);
        let two = codes.iter().all(|c| 2 * c.longest <= FILLED);
        match codes {
            [a] if two && row.len().is_multiple_of(2) => bits.pairs([a, a], row),
            [a] => bits.one_by_one([a], row),
            [a, b] if two => bits.pairs([a, b], row),
            [a, b] => bits.one_by_one([a, b], row),
            [a, b, c] => bits.one_by_one([a, b, c], row),
            [a, b, c, d] => bits.one_by_one([a, b, c, d], row),
            _ => None,
        }
    }
}

/// Bits that are there after a refill, at least.
const FILLED: u32 = 56;

/// Bits on their way out.
struct Taking<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The next bits from the top down, `n` of them counted; those behind are right or 0.
    acc: u64,
    n: u32,
}

impl Taking<'_> {
    #[inline(always)]
    fn refill(&mut self) -> Option<()> {
        let next = u64::from_be_bytes(*self.bytes.get(self.at..)?.first_chunk()?);
        self.acc |= next >> self.n;
        self.at += ((63 - self.n) >> 3) as usize;
        self.n |= FILLED;
        Some(())
    }

    #[inline(always)]
    fn drop(&mut self, n: u32) {
        self.acc <<= n;
        self.n -= n;
    }

    /// Two components, or a row of one in which two samples are taken after one refill.
    #[inline(always)]
    fn pairs(mut self, [a, b]: [&Codes<'_>; 2], row: &mut [u16]) -> Option<usize> {
        for pair in row.as_chunks_mut::<2>().0 {
            self.refill()?;
            *pair = [self.next(a)?, self.next(b)?];
        }
        self.taken()
    }

    #[inline(always)]
    fn one_by_one<const N: usize>(mut self, codes: [&Codes<'_>; N], row: &mut [u16]) -> Option<usize> {
        for pixel in row.as_chunks_mut::<N>().0 {
            for (out, codes) in pixel.iter_mut().zip(codes) {
                self.refill()?;
                *out = self.next(codes)?;
            }
        }
        self.taken()
    }

    /// The next difference, when its bits are there.
    #[inline(always)]
    fn next(&mut self, codes: &Codes<'_>) -> Option<u16> {
        let entry = codes.lengths[(self.acc >> (64 - LOOKUP)) as usize];
        let (both, k, more) = match entry {
            0 => codes.slowly((self.acc >> 48) as u32)?,
            entry => (u32::from(entry & 0xFF), u32::from(entry >> 8), 0),
        };
        // T.81's EXTEND (F.2.2.1): a difference that begins with 0 is negative.
        let coded = self.acc << (both - k);
        let bits = (coded >> 1 >> (63 - k)) as u16;
        let negative = !(coded as i64 >> 63) as u16;
        let all = ((1u32 << k) - 1) as u16;
        self.drop(both);
        Some(bits.wrapping_sub(all & negative).wrapping_add(more))
    }

    #[inline(always)]
    fn taken(&self) -> Option<usize> {
        Some(self.at * 8 - self.n as usize)
    }
}
