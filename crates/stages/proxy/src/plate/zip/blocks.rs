//! Blocks of deflate (RFC 1951) with codes of their own, of bytes and of runs.

use rushes_core::simd::{Level, kernel};

use super::super::lengths::Lengths;

/// What a block holds.
#[derive(Clone, Copy)]
pub(super) enum Tokens<'a> {
    /// Each byte for itself.
    Bytes(&'a [u8]),
    /// As [`super::runs::find`] gives them.
    Runs(&'a [u16]),
}

/// The token that ends a block.
const END: usize = 256;
/// This and a number from 3 to 258 is the token of as many bytes that are equal to the last one.
pub(super) const RUN: usize = 254;
const TOKENS: usize = RUN + 258 + 1;
/// Values that have codes: bytes, the end, and lengths of runs, some of which share one.
const VALUES: usize = 286;
/// Bytes that are touched beyond the last bit.
const SLACK: usize = 8;

/// Four codes and up to seven bits that wait fit into a word of 64.
const LONGEST: usize = 14;
/// What deflate allows for the codes that lengths of codes are written in.
const LONGEST_OF_LENGTHS: usize = 7;
/// The order in which the codes of lengths are described (RFC 1951, 3.2.7), as far as lengths up to 14 need it.
const ORDER: [u8; 18] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1];

/// Writes blocks, one after the other.
pub(super) struct Blocks {
    /// Neighbours are counted apart: one count would wait for the other where they are equal.
    counts: [[u32; TOKENS]; 4],
    /// What stands for each token, its first bit lowest, and in the lowest five bits how many bits it has.
    codes: [u32; TOKENS],
    lengths: Lengths,
}

impl Blocks {
    pub(super) fn new() -> Self {
        Self { counts: [[0; TOKENS]; 4], codes: [0; TOKENS], lengths: Lengths::new() }
    }

    /// Appends a stream of one block for each of `parts`, less than 2^30 tokens, to `out`. Gives false
    /// where it takes more than about `most` bytes; what was appended is then of no use.
    pub(super) fn append(&mut self, level: Level, parts: &[Tokens<'_>], most: usize, out: &mut Vec<u8>) -> bool {
        let begin = out.len();
        let mut to = Bits { at: begin, pending: 0, n: 0 };
        for (i, part) in parts.iter().enumerate() {
            match part {
                Tokens::Bytes(bytes) => count(bytes, &mut self.counts),
                Tokens::Runs(tokens) => count(tokens, &mut self.counts),
            }
            let bits = self.describe(i + 1 == parts.len(), &mut to, out);
            if to.at - begin + bits as usize / 8 > most {
                return false;
            }
            out.resize(to.at + bits as usize / 8 + 2 * SLACK, 0);
            to = match part {
                Tokens::Bytes(bytes) => encode_bytes(level, bytes, &self.codes, out, to),
                Tokens::Runs(tokens) => encode_runs(level, tokens, &self.codes, out, to),
            };
            to.code(self.codes[END], out);
        }
        out.truncate(to.at + usize::from(to.n > 0));
        true
    }

    /// Makes codes for what was counted, forgets the counts, and writes the head of the block. Gives the bits that
    /// all codes of the block will take.
    fn describe(&mut self, last: bool, to: &mut Bits, out: &mut Vec<u8>) -> u64 {
        let mut times: [u32; TOKENS] = std::array::from_fn(|token| self.counts.iter().map(|n| n[token]).sum());
        times[END] = 1;
        self.counts = [[0; TOKENS]; 4];
        let mut of_values = [0; VALUES];
        (0..).zip(times).for_each(|(token, n)| of_values[value(token).0] += n);
        let mut codes = [0; VALUES];
        assign(&mut self.lengths, LONGEST, &of_values, &mut codes);
        let mut bits = 0;
        for ((token, n), entry) in (0..).zip(times).zip(&mut self.codes) {
            let (value, more, len_of_more) = value(token);
            let (code, len) = (codes[value] >> 5, codes[value] & 31);
            *entry = (code | more << len) << 5 | (len + len_of_more);
            bits += u64::from(n) * u64::from(*entry & 31);
        }

        // Distances: of the two codes that make them a whole set, the first, 0, says that the last byte is meant.
        let values = codes.iter().rposition(|code| *code > 0).map_or(END, |value| value) + 1;
        let lengths = || codes[..values].iter().map(|code| *code as usize & 31).chain([1, 1]);
        let mut of_lengths = [0; 19];
        lengths().for_each(|len| of_lengths[len] += 1);
        let mut codes_of_lengths = [0; 19];
        assign(&mut self.lengths, LONGEST_OF_LENGTHS, &of_lengths, &mut codes_of_lengths);
        out.resize(to.at + (17 + 3 * ORDER.len() + LONGEST_OF_LENGTHS * (VALUES + 2)) / 8 + 2 * SLACK, 0);
        to.put(0b100 | u64::from(last), 3, out);
        to.put((values - END - 1) as u64, 5, out);
        to.put(1, 5, out);
        to.put(ORDER.len() as u64 - 4, 4, out);
        ORDER.iter().for_each(|len| to.put(u64::from(codes_of_lengths[*len as usize] & 31), 3, out));
        lengths().for_each(|len| to.code(codes_of_lengths[len], out));
        bits
    }
}

/// The value that stands for a token, and what follows its code and in how many bits (RFC 1951, 3.2.5): for
/// a run what its value leaves open of its length, and the distance.
fn value(token: usize) -> (usize, u32, u32) {
    const SHORTEST: usize = RUN + 3;
    match token {
        ..SHORTEST => (token, 0, 0),
        _ if token + 1 == TOKENS => (VALUES - 1, 0, 1),
        _ => {
            let length = token - SHORTEST;
            let open = length.max(4).ilog2() - 2;
            let value = END + 1 + 4 * open as usize + (length >> open);
            (value, length as u32 & ((1 << open) - 1), open + 1)
        }
    }
}

/// Gives each value that comes a code, its first bit lowest, over its length; at least two do.
fn assign(lengths: &mut Lengths, longest: usize, counts: &[u32], codes: &mut [u32]) {
    let counted = (0..).zip(counts).filter(|(_, n)| **n > 0).map(|(value, n)| (value, *n));
    let of_length = lengths.find(longest, counted, |value, len| codes[value as usize] = len as u32);
    // Shorter codes are less; codes of a length rise with their values (RFC 1951, 3.2.2).
    let mut next = [0u32; LONGEST + 1];
    for len in 2..=longest {
        next[len] = (next[len - 1] + of_length[len - 1]) << 1;
    }
    for code in codes.iter_mut().filter(|code| **code > 0) {
        let next = &mut next[*code as usize];
        *code |= next.reverse_bits() >> (32 - *code) << 5;
        *next += 1;
    }
}

fn count<T: Copy>(tokens: &[T], counts: &mut [[u32; TOKENS]; 4])
where
    usize: From<T>,
{
    let (fours, last) = tokens.as_chunks::<4>();
    for four in fours {
        for (counts, token) in counts.iter_mut().zip(four) {
            counts[usize::from(*token)] += 1;
        }
    }
    last.iter().for_each(|token| counts[0][usize::from(*token)] += 1);
}

/// Where the next bits go, lowest first.
#[derive(Clone, Copy)]
struct Bits {
    at: usize,
    /// Bits that are not a whole byte yet, and how many: 0 to 7.
    pending: u64,
    n: u32,
}

impl Bits {
    /// Writes the lowest `len` bits of `bits`, at most 56; the others are 0. Eight bytes are written each time, and
    /// the place moves on by the whole ones: there is no branch to guess. Beyond the end of `out` nothing is.
    #[inline(always)]
    fn put(&mut self, bits: u64, len: u32, out: &mut [u8]) {
        let pending = self.pending | bits << self.n;
        let n = self.n + len;
        if let Some(out) = out.get_mut(self.at..).and_then(|out| out.first_chunk_mut::<SLACK>()) {
            *out = pending.to_le_bytes();
        }
        self.at += (n >> 3) as usize;
        self.pending = pending >> (n & !7);
        self.n = n & 7;
    }

    #[inline(always)]
    fn code(&mut self, code: u32, out: &mut [u8]) {
        self.put(u64::from(code >> 5), code & 31, out);
    }
}

#[inline(always)]
fn both(a: u32, b: u32) -> (u64, u32) {
    (u64::from(a >> 5) | u64::from(b >> 5) << (a & 31), (a & 31) + (b & 31))
}

kernel! {
    fn encode_bytes(bytes: &[u8], codes: &[u32; TOKENS], out: &mut [u8], to: Bits) -> Bits {
        let mut to = to;
        let (fours, last) = bytes.as_chunks::<4>();
        for four in fours {
            let [a, b, c, d] = four.map(|byte| codes[byte as usize]);
            let ((ab, ab_len), (cd, cd_len)) = (both(a, b), both(c, d));
            to.put(ab | cd << ab_len, ab_len + cd_len, out);
        }
        last.iter().for_each(|byte| to.code(codes[*byte as usize], out));
        to
    }
}

kernel! {
    fn encode_runs(tokens: &[u16], codes: &[u32; TOKENS], out: &mut [u8], to: Bits) -> Bits {
        let mut to = to;
        let (twos, last) = tokens.as_chunks::<2>();
        for [a, b] in twos {
            let (bits, len) = both(codes[*a as usize], codes[*b as usize]);
            to.put(bits, len, out);
        }
        last.iter().for_each(|token| to.code(codes[*token as usize], out));
        to
    }
}
