//! The differences of a lossless JPEG, row by row (ITU-T T.81, annex H).
//!
//! One code after the other: each begins where the last ended, and no machine can look at two at once. What
//! counts is the way from one to the next: a shift, a look-up, a shift. So a look-up takes two samples where it
//! can ([`TwoCodes`]), and all that mispredicted branches would add is kept off the way: stuffed bytes are taken
//! out before (a row's worth at a time), bits are refilled without asking whether there is room, and samples are
//! written as if they were two, whether they are or not.

use rushes_core::Result;
use rushes_core::simd::{Level, kernel};

use super::super::tiff::bad;
use super::two_codes::{Entry, LOOKUP, TwoCodes, extended};

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

    /// Decodes the differences of a row, modulo 2^16 (T.81, table H.2), components side by side.
    /// False at a code that is in no table.
    pub(super) fn row(&mut self, level: Level, codes: &TwoCodes<'_>, row: &mut [u16]) -> bool {
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
    fn decode(codes: &TwoCodes<'_>, bytes: &[u8], skip: u32, row: &mut [u16]) -> Option<usize> {
        let mut bits = Taking { bytes, at: 0, acc: 0, n: 0 };
        bits.refill()?;
        bits.drop(skip);
        bits.row(codes, row)?;
        Some(bits.at * 8 - (bits.n & 63) as usize)
    }
}

/// Bits on their way out.
struct Taking<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The next bits from the top down; how many are counted say the low six bits of `n`. Those behind are right or 0.
    acc: u64,
    n: u32,
}

impl Taking<'_> {
    /// At least 56 bits are there after this, which two look-ups never take.
    #[inline(always)]
    fn refill(&mut self) -> Option<()> {
        let next = u64::from_be_bytes(*self.bytes.get(self.at..)?.first_chunk()?);
        self.acc |= next.wrapping_shr(self.n);
        self.at += ((63 - (self.n & 63)) >> 3) as usize;
        self.n |= 56;
        Some(())
    }

    /// Takes bits, as many as the low six bits of `len` say.
    #[inline(always)]
    fn drop(&mut self, len: u32) {
        self.acc = self.acc.wrapping_shl(len);
        self.n = self.n.wrapping_sub(len);
    }

    #[inline(always)]
    fn row(&mut self, codes: &TwoCodes<'_>, mut row: &mut [u16]) -> Option<()> {
        let entries = codes.entries();
        let mut set = 0;
        while row.len() >= 4 {
            self.refill()?;
            let entry = self.next(entries, set)?;
            if entry.is_slow() {
                (row, set) = self.slowly(codes, set, row)?;
                continue;
            }
            (row, set) = self.take(entry, row)?;
            let entry = self.next(entries, set)?;
            if entry.is_slow() {
                (row, set) = self.slowly(codes, set, row)?;
                continue;
            }
            (row, set) = self.take(entry, row)?;
        }
        while !row.is_empty() {
            self.refill()?;
            let entry = self.next(entries, set)?;
            (row, set) =
                if entry.is_slow() || row.len() < 2 { self.slowly(codes, set, row)? } else { self.take(entry, row)? };
        }
        Some(())
    }

    #[inline(always)]
    fn next(&self, entries: &[Entry], set: usize) -> Option<Entry> {
        entries.get((self.acc >> (64 - LOOKUP)) as usize | set).copied()
    }

    /// Writes the one or two samples of `entry` into `row`, and says what is left of it and whose entries come next.
    #[inline(always)]
    fn take<'r>(&mut self, entry: Entry, row: &'r mut [u16]) -> Option<(&'r mut [u16], usize)> {
        let bits = self.acc.wrapping_shr(entry.len().wrapping_neg());
        let k = entry.k();
        let bits = bits as u32 & ((1 << k) - 1);
        self.drop(entry.len());
        let second = entry.second();
        *row.get_mut(0)? = entry.first();
        *row.get_mut(second)? = extended(bits, k);
        Some((row.get_mut(1 + second..)?, entry.next()))
    }

    /// One sample without the entries.
    #[inline(always)]
    fn slowly<'r>(&mut self, codes: &TwoCodes<'_>, set: usize, row: &'r mut [u16]) -> Option<(&'r mut [u16], usize)> {
        self.refill()?;
        let set = set >> LOOKUP;
        let (len, k, more) = codes.slowly(set, (self.acc >> 48) as u32)?;
        let bits = (self.acc >> 1 >> (63 - len)) as u32 & ((1 << k) - 1);
        self.drop(len);
        *row.get_mut(0)? = extended(bits, k).wrapping_add(more);
        Some((row.get_mut(1..)?, codes.after(set)))
    }
}
