//! What two codes of a lossless JPEG, one behind the other, say about the bits they begin.

use super::bits::Huffman;

/// Bits looked up at once. Longer codes, and the category 16 that has no bits, take the slow path.
pub(super) const LOOKUP: u32 = 12;

/// What the next [`LOOKUP`] bits hold: a sample, or two where the first ends and the second's code lies within them.
/// 0 where the code is too long, or none at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry(u32);

impl Entry {
    /// One sample that takes `len` bits, of which the last `k` are its difference.
    fn one(len: u32, k: u32, next: u32) -> Self {
        Self(len | k << 7 | next << LOOKUP)
    }

    /// Two that take `len` bits, of which the last `k` are the second's difference. The first's is added by
    /// [`Entry::after`].
    fn two(len: u32, k: u32, next: u32) -> Self {
        Self(1 << 6 | Self::one(len, k, next).0)
    }

    fn after(self, first: u16) -> Self {
        Self(self.0 | u32::from(first) << 16)
    }

    #[inline(always)]
    pub(super) fn is_slow(self) -> bool {
        self.0 == 0
    }

    /// Bits of all, in the low six bits; what is above them is not for shifts to mind.
    #[inline(always)]
    pub(super) fn len(self) -> u32 {
        self.0
    }

    /// Samples before the last: 0 or 1.
    #[inline(always)]
    pub(super) fn second(self) -> usize {
        (self.0 >> 6 & 1) as usize
    }

    /// Bits of the last difference, 0 to 16.
    #[inline(always)]
    pub(super) fn k(self) -> u32 {
        self.0 >> 7 & 31
    }

    /// Where the table of the component after those taken begins.
    #[inline(always)]
    pub(super) fn next(self) -> usize {
        (self.0 & 3 << LOOKUP) as usize
    }

    /// The difference of the first of two.
    #[inline(always)]
    pub(super) fn first(self) -> u16 {
        (self.0 >> 16) as u16
    }
}

/// Entries for one component after the other, or one set for all where they share a Huffman table.
#[derive(Debug)]
pub(super) struct TwoCodes<'a> {
    entries: Vec<Entry>,
    /// The Huffman table of each set.
    tables: Vec<&'a Huffman>,
    long_16: bool,
}

impl<'a> TwoCodes<'a> {
    /// For components with these tables, at most four; `long_16` as in [`super::lossless::decode`].
    pub(super) fn new(mut tables: Vec<&'a Huffman>, long_16: bool) -> Self {
        if tables.windows(2).all(|t| t[0].equals(t[1])) {
            tables.truncate(1);
        }
        let mut entries = vec![Entry(0); tables.len() << LOOKUP];
        let n = tables.len();
        for (i, set) in entries.chunks_exact_mut(1 << LOOKUP).enumerate() {
            let after = |samples: usize| ((i + samples) % n) as u32;
            let codes = |table: &'a Huffman| {
                let codes = table.codes().map(|(code, len, k)| (code, len, u32::from(k)));
                codes.filter(move |&(_, len, k)| len <= LOOKUP && (k < 16 || long_16))
            };
            for (code, len, k) in codes(tables[i]) {
                let all = &mut set[(code << (LOOKUP - len)) as usize..][..1 << (LOOKUP - len)];
                all.fill(Entry::one(len + k, k, after(1)));
                let Some(left) = LOOKUP.checked_sub(len + k) else { continue };
                // For each difference the same codes may follow in the bits that are left.
                for (second, len_2, k_2) in codes(tables[(i + 1) % n]).take_while(|c| c.1 <= left) {
                    let both = Entry::two(len + k + len_2 + k_2, k_2, after(2));
                    for (bits, all) in (0..1u32 << k).zip(all.chunks_exact_mut(1 << left)) {
                        let two = both.after(extended(bits, k));
                        all[(second << (left - len_2)) as usize..][..1 << (left - len_2)].fill(two);
                    }
                }
            }
        }
        Self { entries, tables, long_16 }
    }

    /// For each component, or all, one after the other, what the next [`LOOKUP`] bits hold.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// For the 16 bits `next`, read with set `set`: length of the code and its difference, of the difference alone, and
    /// what is added to it. `None` for a code that is not in the table.
    #[cold]
    #[inline(never)]
    pub(super) fn slowly(&self, set: usize, next: u32) -> Option<(u32, u32, u16)> {
        let (len, k) = self.tables[set].find(next)?;
        Some(if k == 16 && !self.long_16 { (len, 0, 0x8000) } else { (len + u32::from(k), u32::from(k), 0) })
    }

    /// Where the entries of the component after that of set `set` begin.
    pub(super) fn after(&self, set: usize) -> usize {
        ((set + 1) % self.tables.len()) << LOOKUP
    }
}

/// The difference that `k` (0 to 16) bits mean (T.81, F.2.2.1, EXTEND): one that begins with 0 is negative.
#[inline(always)]
pub(super) fn extended(bits: u32, k: u32) -> u16 {
    let all = (1 << k) - 1;
    let below = if 2 * bits > all { 0 } else { all };
    bits.wrapping_sub(below) as u16
}
