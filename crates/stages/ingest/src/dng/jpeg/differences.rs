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
    /// `filled` bytes, and zeros behind them, `most` of them.
    bytes: Vec<u8>,
    filled: usize,
    /// Bits of `bytes` that were taken.
    taken: usize,
    /// Bytes that the samples taken at once are at most, and those that are read beyond their end.
    most: usize,
}

impl<'a> Unstuffed<'a> {
    /// For at most `samples` at once.
    pub(super) fn new(data: &'a [u8], samples: usize) -> Self {
        // A code of 16 bits and as many behind it. The first may begin within a byte, and eight are read at once.
        let most = samples * 4 + 9;
        Self { data, at: 0, bytes: vec![0; 4 * most], filled: 0, taken: 0, most }
    }

    /// Makes sure that [`Self::most`] bytes are there, as far as the data go.
    fn fill(&mut self) {
        if self.taken / 8 + self.most <= self.filled {
            return;
        }
        let used = (self.taken / 8).min(self.filled);
        self.bytes.copy_within(used..self.filled, 0);
        (self.filled, self.taken) = (self.filled - used, self.taken % 8);
        let room = self.bytes.len() - self.most;
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
        let end = (self.filled + self.most).min(self.bytes.len());
        self.bytes[self.filled..end].fill(0);
    }

    /// Decodes the differences of rows, modulo 2^16 (T.81, table H.2), components side by side.
    /// False at a code that is in no table.
    pub(super) fn take(&mut self, level: Level, codes: &TwoCodes<'_>, rows: &mut [u16]) -> bool {
        self.fill();
        let (from, skip) = (self.taken / 8, self.taken % 8);
        match decode(level, codes, &self.bytes[from..], skip as u32, rows) {
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
        match codes.shared() {
            Some(entries) => bits.row(codes, |next, _| Some(&entries[next]), row)?,
            None => bits.row(codes, |next, set| codes.entries().get(next | set), row)?,
        }
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

    /// `entry` gives what the next bits hold of a component whose entries begin at a place.
    #[inline(always)]
    fn row<'e>(
        &mut self,
        codes: &TwoCodes<'_>,
        entry: impl Fn(usize, usize) -> Option<&'e Entry>,
        row: &mut [u16],
    ) -> Option<()> {
        let (mut at, mut set) = (0, 0);
        while at < row.len() {
            // Two look-ups make four samples at most.
            while let Some(out) = row.get_mut(at..).and_then(|row| row.first_chunk_mut::<4>()) {
                self.refill()?;
                let e = entry(self.next(), set)?;
                if e.is_slow() {
                    break;
                }
                out[0] = e.first;
                let last = e.before();
                (out[last], set) = self.take(e);
                at += last + 1;
                let e = entry(self.next(), set)?;
                if e.is_slow() {
                    break;
                }
                out[last + 1] = e.first;
                let last = last + 1 + e.before();
                (out[last], set) = self.take(e);
                at += e.before() + 1;
            }
            let Some(out) = row.get_mut(at..).filter(|out| !out.is_empty()) else { break };
            self.refill()?;
            let e = entry(self.next(), set)?;
            if e.is_slow() || e.before() >= out.len() {
                (out[0], set) = self.slowly(codes, set)?;
                at += 1;
            } else {
                out[0] = e.first;
                (out[e.before()], set) = self.take(e);
                at += e.before() + 1;
            }
        }
        Some(())
    }

    #[inline(always)]
    fn next(&self) -> usize {
        (self.acc >> (64 - LOOKUP)) as usize
    }

    /// The last sample of `entry`, and where the entries of the component after it begin.
    #[inline(always)]
    fn take(&mut self, entry: &Entry) -> (u16, usize) {
        let last = entry.last(self.acc.wrapping_shr(entry.len().wrapping_neg()));
        self.drop(entry.len());
        (last, entry.after())
    }

    /// One sample without the entries, and where those of the component after it begin.
    #[inline(always)]
    fn slowly(&mut self, codes: &TwoCodes<'_>, set: usize) -> Option<(u16, usize)> {
        let i = set >> LOOKUP & 3;
        let (len, k, more) = codes.slowly(i, (self.acc >> 48) as u32)?;
        let difference = extended(self.acc.wrapping_shr(len.wrapping_neg()), 64 - k);
        self.drop(len);
        Some((difference.wrapping_add(more), codes.after(i) << LOOKUP))
    }
}
