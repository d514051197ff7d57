//! What two codes of a lossless JPEG, one behind the other, say about the bits they begin.

use super::bits::Huffman;

/// Bits looked up at once. Longer codes, and the category 16 that has no bits, take the slow path.
pub(super) const LOOKUP: u32 = 12;

/// What the next [`LOOKUP`] bits hold: a sample, or two where the first ends and the second's code lies within them.
/// Each part is a byte or two of its own, because a load costs less than cutting it out.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Entry {
    /// In the low six bits those that all take; above them the number of the component after. 0 where the code is too
    /// long, or none at all.
    pub(super) len: u8,
    /// 64 less the bits of the last difference, 0 for none, and [`TWO`].
    pub(super) last: u8,
    /// The difference of the first of two.
    pub(super) first: u16,
}

/// What [`Entry::last`] has besides when there are two.
const TWO: u8 = 1 << 7;

/// All ones of as many bits as [`Entry::last`] says.
const ALL: [u16; 256] = {
    let mut all = [0; 256];
    let mut k = 0;
    while k <= 16 {
        let last = (64 - k) % 64;
        all[last] = ((1u32 << k) - 1) as u16;
        all[last | TWO as usize] = all[last];
        k += 1;
    }
    all
};

impl Entry {
    fn new(len: u32, k: u32, after: usize) -> Self {
        Self { len: (len as usize | after << 6) as u8, last: last(k), first: 0 }
    }

    /// Samples before the last: 0 or 1.
    #[inline(always)]
    pub(super) fn before(self) -> usize {
        usize::from(self.last >> 7)
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
        let mut entries = vec![Entry::default(); n.next_power_of_two() << LOOKUP];
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
                    both.last |= TWO;
                    for (bits, all) in (0..1u64 << k).zip(all.chunks_exact_mut(1 << left)) {
                        both.first = extended(bits, last(k));
                        all[(second << (left - len_2)) as usize..][..1 << (left - len_2)].fill(both);
                    }
                }
            }
        }
        Self { entries, tables, long_16 }
    }

    /// For each component, or for all, one after the other, what the next [`LOOKUP`] bits hold; `None` when they are not
    /// `N`, 2^[`LOOKUP`] times 1, 2 or 4.
    pub(super) fn entries<const N: usize>(&self) -> Option<&[Entry; N]> {
        self.entries.as_array()
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

/// The difference that the last bits of `bits` mean, as many as `last` says ([`Entry::last`]; T.81, F.2.2.1, EXTEND): one
/// that begins with 0 is negative.
#[inline(always)]
pub(super) fn extended(bits: u64, last: u8) -> u16 {
    let all = ALL[usize::from(last)];
    // No branch, and nothing that compilers make one of: it would be guessed wrong every other time.
    let positive = (bits.wrapping_shl(u32::from(last)) as i64 >> 63) as u16;
    (bits as u16 & all).wrapping_sub(all & !positive)
}

/// `k` bits as [`Entry::last`] has them.
#[inline(always)]
pub(super) fn last(k: u32) -> u8 {
    (k.wrapping_neg() & 63) as u8
}
