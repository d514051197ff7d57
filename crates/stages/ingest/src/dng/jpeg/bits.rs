//! Entropy-coded bits and Huffman tables (ITU-T T.81, annexes C and F).

use rushes_core::Result;

use super::super::tiff::bad;

/// Bits looked up at once; longer codes take the slow path.
const LOOKUP: u32 = 9;

/// A Huffman table.
#[derive(Debug, Clone)]
pub(super) struct Huffman {
    /// For each next `LOOKUP` bits: length of the code in the high byte (0: longer), its value in the low.
    lookup: Vec<u16>,
    /// For each length: the first code after those of this length, left-aligned in 16 bits.
    limit: [u32; 17],
    /// For each length: index of its first value less its first code.
    base: [i32; 17],
    /// How many codes there are of each length, 1 to 16.
    counts: [u8; 16],
    values: Vec<u8>,
}

impl Huffman {
    /// From the number of codes of each length, 1 to 16, and their values.
    pub(super) fn new(counts: &[u8; 16], values: &[u8]) -> Result<Self> {
        let mut table = Self {
            lookup: vec![0; 1 << LOOKUP],
            limit: [0; 17],
            base: [0; 17],
            counts: *counts,
            values: values.to_vec(),
        };
        let (mut code, mut at) = (0u32, 0usize);
        for (len, &count) in (1u32..).zip(counts) {
            let count = usize::from(count);
            table.base[len as usize] = at as i32 - code as i32;
            if code as usize + count > 1 << len {
                return Err(bad("a JPEG Huffman table has more codes than there can be"));
            }
            for &v in values.iter().skip(at).take(count) {
                if len <= LOOKUP {
                    let (first, n) = ((code << (LOOKUP - len)) as usize, 1 << (LOOKUP - len));
                    table.lookup[first..first + n].fill((len as u16) << 8 | u16::from(v));
                }
                code += 1;
            }
            at += count;
            table.limit[len as usize] = code << (16 - len);
            code <<= 1;
        }
        Ok(table)
    }

    /// Length and value of the code that the 16 bits `next` begin with; `None` when it is not in the table.
    #[inline]
    pub(super) fn find(&self, next: u32) -> Option<(u32, u8)> {
        let hit = self.lookup[(next >> (16 - LOOKUP)) as usize];
        if hit != 0 {
            return Some((u32::from(hit >> 8), hit as u8));
        }
        let len = (LOOKUP + 1..=16).find(|&l| next < self.limit[l as usize])?;
        let at = self.base[len as usize] + (next >> (16 - len)) as i32;
        let value = usize::try_from(at).ok().and_then(|i| self.values.get(i)).copied()?;
        Some((len, value))
    }

    /// Every code with its length and value, the shortest first.
    pub(super) fn codes(&self) -> impl Iterator<Item = (u32, u32, u8)> {
        let lengths = (1u32..).zip(&self.counts).flat_map(|(len, n)| std::iter::repeat_n(len, usize::from(*n)));
        // A code is the one before it and one more, with zeros behind it up to its length.
        let codes = lengths.scan((0u32, 0u32), |(next, last), len| {
            let code = *next << (len - *last);
            (*next, *last) = (code + 1, len);
            Some((code, len))
        });
        codes.zip(&self.values).map(|((code, len), value)| (code, len, *value))
    }

    /// True when `other` has the same codes for the same values.
    pub(super) fn equals(&self, other: &Self) -> bool {
        self.counts == other.counts && self.values == other.values
    }

    /// True when a value lies above `max`.
    pub(super) fn exceeds(&self, max: u8) -> bool {
        self.values.iter().any(|&v| v > max)
    }
}

/// The value of `k` (1 to 16) bits as T.81's EXTEND gives it (F.2.2.1).
#[inline]
fn extended(bits: u32, k: u32) -> i32 {
    let v = bits as i32;
    if v < 1 << (k - 1) { v - (1 << k) + 1 } else { v }
}

/// Entropy-coded data, most significant bit first, without stuffed bytes; stops at a marker.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    /// The low `n` bits are the next ones.
    acc: u64,
    n: u32,
    /// Zeros put after the end of the data, the last of the `n`.
    padding: u64,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0, acc: 0, n: 0, padding: 0 }
    }

    /// Makes sure that 32 bits are there: a code of 16 and as many bits behind it.
    #[inline]
    pub(super) fn refill(&mut self) {
        if self.n >= 32 {
            return;
        }
        if let Some(next) = self.data.get(self.at..).and_then(|rest| rest.first_chunk::<4>()) {
            let next = u32::from_be_bytes(*next);
            // A byte of ones is one of zeros in the complement: subtracting one borrows from above it.
            if (!next).wrapping_sub(0x0101_0101) & next & 0x8080_8080 == 0 {
                self.acc = self.acc << 32 | u64::from(next);
                self.n += 32;
                self.at += 4;
                return;
            }
        }
        self.refill_slowly();
    }

    #[cold]
    fn refill_slowly(&mut self) {
        while self.n <= 48 {
            let byte = match (self.data.get(self.at), self.data.get(self.at + 1)) {
                (Some(0xFF), Some(0)) => {
                    self.at += 2;
                    0xFF
                }
                (Some(&b), _) if b != 0xFF => {
                    self.at += 1;
                    b
                }
                // A marker, or the end.
                _ => {
                    self.padding += 8;
                    0
                }
            };
            self.acc = self.acc << 8 | u64::from(byte);
            self.n += 8;
        }
    }

    /// True when bits were taken that are not in the data.
    #[inline]
    pub(super) fn exhausted(&self) -> bool {
        self.padding > u64::from(self.n)
    }

    /// The next `k` bits, 1 to 16, after [`Bits::refill`].
    #[inline]
    pub(super) fn take(&mut self, k: u32) -> u32 {
        self.n -= k;
        (self.acc >> self.n) as u32 & ((1 << k) - 1)
    }

    /// The next value of `table`, after [`Bits::refill`]; `None` for a code that is not in it.
    #[inline]
    pub(super) fn decode(&mut self, table: &Huffman) -> Option<u8> {
        let (len, value) = table.find((self.acc >> (self.n - 16)) as u32 & 0xFFFF)?;
        self.n -= len;
        Some(value)
    }

    /// The value of `k` (1 to 16) further bits as T.81's EXTEND gives it.
    #[inline]
    pub(super) fn extend(&mut self, k: u32) -> i32 {
        extended(self.take(k), k)
    }

    /// Steps over a restart marker.
    pub(super) fn restart(&mut self) -> Result<()> {
        self.n = 0;
        self.padding = 0;
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
