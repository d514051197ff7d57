//! What two codes of a lossless JPEG, one behind the other, say about the bits they begin.

use super::bits::Huffman;

/// Bits looked up at once. Longer codes, and the category 16 that has no bits, take the slow path.
pub(super) const LOOKUP: u32 = 12;

/// What the next [`LOOKUP`] bits hold: a sample, or two where the first ends and the second's code lies within them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Entry {
    /// From the lowest up: six bits for the bits that all take; six for 64 less those of the last difference, 0 for none;
    /// two for the number of the component after; one, and the highest, which is set when there are two samples.
    /// 0 where the code is too long, or none at all.
    parts: u16,
    /// The difference of the first of two.
    pub(super) first: u16,
}

/// The highest of [`Entry::parts`].
const TWO: u16 = 1 << 15;

/// All ones of as many bits as the byte from bit 6 on of [`Entry::parts`] says.
const ALL: [u16; 256] = {
    let mut all = [0; 256];
    let mut i = 0;
    while i < 256 {
        let k = (64 - i % 64) % 64;
        all[i] = if k <= 16 { ((1u32 << k) - 1) as u16 } else { 0 };
        i += 1;
    }
    all
};

impl Entry {
    fn new(len: u32, k: u32, after: usize) -> Self {
        Self { parts: (len | ((64 - k) % 64) << 6) as u16 | (after as u16) << LOOKUP, first: 0 }
    }

    #[inline(always)]
    pub(super) fn is_slow(self) -> bool {
        self.parts == 0
    }

    /// Bits of all, in the low six bits; what is above them is not for shifts to mind.
    #[inline(always)]
    pub(super) fn len(self) -> u32 {
        u32::from(self.parts)
    }

    /// The last difference, whose bits are the last of `bits`.
    #[inline(always)]
    pub(super) fn last(self, bits: u64) -> u16 {
        extended(bits, u32::from(self.parts >> 6))
    }

    /// Samples before the last: 0 or 1.
    #[inline(always)]
    pub(super) fn before(self) -> usize {
        usize::from(self.parts >> 15)
    }

    /// Where the entries of the component after begin.
    #[inline(always)]
    pub(super) fn after(self) -> usize {
        usize::from(self.parts) & 3 << LOOKUP
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
        let n = tables.len();
        let mut entries = vec![Entry::default(); n << LOOKUP];
        for (i, set) in entries.chunks_exact_mut(1 << LOOKUP).enumerate().take(n) {
            let after = |samples: usize| (i + samples) % n;
            let codes = |table: &'a Huffman| {
                let codes = table.codes().map(|(code, len, k)| (code, len, u32::from(k)));
                codes.filter(move |&(_, len, k)| len <= LOOKUP && (k < 16 || long_16))
            };
            for (code, len, k) in codes(tables[i]) {
                let all = &mut set[(code << (LOOKUP - len)) as usize..][..1 << (LOOKUP - len)];
                all.fill(Entry::new(len + k, k, after(1)));
                let Some(left) = LOOKUP.checked_sub(len + k) else { continue };
                // For each difference the same codes may follow in the bits that are left.
                for (second, len_2, k_2) in codes(tables[(i + 1) % n]).take_while(|c| c.1 <= left) {
                    let mut both = Entry::new(len + k + len_2 + k_2, k_2, after(2));
                    both.parts |= TWO;
                    for (bits, all) in (0..1u64 << k).zip(all.chunks_exact_mut(1 << left)) {
                        both.first = extended(bits, 64 - k);
                        all[(second << (left - len_2)) as usize..][..1 << (left - len_2)].fill(both);
                    }
                }
            }
        }
        Self { entries, tables, long_16 }
    }

    /// What the next [`LOOKUP`] bits hold, when all components share a table.
    pub(super) fn shared(&self) -> Option<&[Entry; 1 << LOOKUP]> {
        self.entries.as_array()
    }

    /// The same for each component, one after the other.
    #[inline(always)]
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// For the 16 bits `next`, which component `i` reads: length of the code and its difference, of the difference
    /// alone, and what is added to it. `None` for a code that is not in the table.
    #[cold]
    #[inline(never)]
    pub(super) fn slowly(&self, i: usize, next: u32) -> Option<(u32, u32, u16)> {
        let (len, k) = self.tables[i].find(next)?;
        Some(if k == 16 && !self.long_16 { (len, 0, 0x8000) } else { (len + u32::from(k), u32::from(k), 0) })
    }

    /// The component after `i`.
    pub(super) fn after(&self, i: usize) -> usize {
        if i + 1 < self.tables.len() { i + 1 } else { 0 }
    }
}

/// The difference that the last bits of `bits` mean, 64 less as many as the low six bits of `less` say (T.81, F.2.2.1,
/// EXTEND): one that begins with 0 is negative.
#[inline(always)]
pub(super) fn extended(bits: u64, less: u32) -> u16 {
    let all = ALL[less as usize & 0xFF];
    // No branch, and nothing that compilers make one of: it would be guessed wrong every other time.
    let positive = (bits.wrapping_shl(less) as i64 >> 63) as u16;
    (bits as u16 & all).wrapping_sub(all & !positive)
}
