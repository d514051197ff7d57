//! Huffman codes of 16-bit samples, and the stream they stand in.
//!
//! A stream begins with five words of 32 bits, little-endian: the least value that comes, the pseudo-value of runs
//! (one above the greatest), the bytes of the table, the bits of the codes, and a reserved one. Then come the table,
//! which holds the lengths of the codes, and the codes, highest bits first.

use rushes_core::simd::{Level, kernel};

use super::super::lengths::{LONGEST, Lengths};
use super::bits::Bits;

/// One for each value of 16 bits.
pub(super) const VALUES: usize = 1 << 16;

/// Codes samples, block after block.
pub(super) struct Huffman {
    /// Samples that lie side by side are counted apart: one count would wait for the other where they are equal.
    counts: [Box<[u32; VALUES]>; 2],
    /// For each value that comes, and the pseudo-value of runs, its code, and in the lowest [`LENGTH_BITS`] the
    /// length of it.
    codes: Box<[u32; VALUES + 1]>,
    /// Values that come, rising, the pseudo-value of runs behind them; and how often.
    values: Vec<(u32, u32)>,
    lengths: Lengths,
}

const LENGTH_BITS: u32 = 5;
const LENGTH: u32 = (1 << LENGTH_BITS) - 1;
const _: () = assert!(LONGEST < 1 << LENGTH_BITS && LONGEST + LENGTH_BITS as usize <= 32);

/// The length of a code that stands in front of `n` zeros of the table, 6 to 261 of them, counted in 8 bits from 6.
const MANY_ZEROS: u64 = 63;
const MANY: u64 = 6;
/// The one that stands for two zeros; the next ones for three, four and five.
const TWO_ZEROS: u64 = 59;

impl Huffman {
    pub(super) fn new() -> Self {
        let zeros = || Box::new([0; VALUES]);
        let lengths = Lengths::new();
        let codes = Box::new([0; VALUES + 1]);
        Self { counts: [zeros(), zeros()], codes, values: Vec::new(), lengths }
    }

    /// Appends the stream of `samples`, at least one and less than 2^30, to `out`.
    pub(super) fn append(&mut self, level: Level, samples: &[u16], out: &mut Vec<u8>) {
        let [even, odd] = &mut self.counts;
        count(samples, even, odd);
        self.values.clear();
        gather(level, even, odd, &mut self.values);
        let (first, run) = match (self.values.first(), self.values.last()) {
            (Some(first), Some(last)) => (first.0, last.0 + 1),
            _ => return,
        };
        self.values.push((run, 1));

        let codes = &mut self.codes;
        let of_length =
            self.lengths.find(LONGEST, self.values.iter().copied(), |value, len| codes[value as usize] = len as u32);
        // The longest codes are the least; codes of a length rise with their values.
        let mut next = [0u32; LONGEST + 1];
        let mut code = 0;
        for (next, n) in next.iter_mut().zip(of_length).rev() {
            *next = code;
            code = (code + n) >> 1;
        }
        let mut bits_needed = 0u64;
        for (value, times) in &self.values {
            let code = &mut codes[*value as usize];
            let len = *code as usize;
            bits_needed += u64::from(*times) * len as u64;
            *code |= next[len] << LENGTH_BITS;
            next[len] += 1;
        }

        let head = out.len();
        let table = head + 20;
        // A value takes 6 bits of the table, zeros before it 14, and 14 more for each 261 of them; runs only
        // shorten the codes.
        let zeros = 2 * VALUES.div_ceil(MANY as usize + 255);
        let most = table + 3 * self.values.len() + zeros + (bits_needed / 8) as usize + 2 * Bits::SLACK;
        out.resize(most, 0);
        let mut bits = Bits::new(&mut out[table..]);
        let mut expected = first;
        for (value, _) in &self.values {
            let mut zeros = u64::from(value - expected);
            while zeros > 0 {
                let here = zeros.min(MANY + 255);
                match here {
                    1 => bits.put(0, 6),
                    2..MANY => bits.put(TWO_ZEROS + here - 2, 6),
                    _ => bits.put(MANY_ZEROS << 8 | (here - MANY), 14),
                }
                zeros -= here;
            }
            bits.put(u64::from(codes[*value as usize] & LENGTH), 6);
            expected = value + 1;
        }
        let table_bytes = bits.written().div_ceil(8) as usize;
        let data = table + table_bytes;
        let data_bits = encode(level, samples, codes, codes[run as usize], &mut out[data..]);
        for (word, at) in [first, run, table_bytes as u32, data_bits as u32].into_iter().zip((head..).step_by(4)) {
            out[at..at + 4].copy_from_slice(&word.to_le_bytes());
        }
        out.truncate(data + data_bits.div_ceil(8) as usize);
    }
}

fn count(samples: &[u16], even: &mut [u32; VALUES], odd: &mut [u32; VALUES]) {
    let (twos, last) = samples.as_chunks::<2>();
    for two in twos {
        even[two[0] as usize] += 1;
        odd[two[1] as usize] += 1;
    }
    for sample in last {
        even[*sample as usize] += 1;
    }
}

kernel! {
    /// Appends what was counted, and forgets it.
    fn gather(even: &mut [u32; VALUES], odd: &mut [u32; VALUES], values: &mut Vec<(u32, u32)>) {
        const SIDE: usize = 16;
        let (even, odd) = (even.as_chunks_mut::<SIDE>().0, odd.as_chunks_mut::<SIDE>().0);
        for (group, (even, odd)) in even.iter_mut().zip(odd).enumerate() {
            let mut sums = [0; SIDE];
            for ((sum, even), odd) in sums.iter_mut().zip(&*even).zip(&*odd) {
                *sum = *even + *odd;
            }
            if sums == [0; SIDE] {
                continue;
            }
            (*even, *odd) = ([0; SIDE], [0; SIDE]);
            let here = sums.iter().enumerate().filter(|(_, sum)| **sum > 0);
            values.extend(here.map(|(i, sum)| ((group * SIDE + i) as u32, *sum)));
        }
    }
}

kernel! {
    /// Writes the codes of `samples` and gives the bits they take. Equal samples in a row, up to 256, become one
    /// code, the code of runs and the number of those that follow in 8 bits, where that is shorter than their codes.
    fn encode(samples: &[u16], codes: &[u32; VALUES + 1], run: u32, to: &mut [u8]) -> u64 {
        let mut bits = Bits::new(to);
        let mut rest = samples;
        while !rest.is_empty() {
            // Fewer than four are never shorter as a run: the code of runs comes once and is among the longest.
            let apart = until_four(rest);
            let (twos, last) = rest[..apart].as_chunks::<2>();
            for two in twos {
                let [a, b] = two.map(|sample| codes[sample as usize]);
                let (a_len, b_len) = (a & LENGTH, b & LENGTH);
                bits.put(u64::from(a >> LENGTH_BITS) << b_len | u64::from(b >> LENGTH_BITS), a_len + b_len);
            }
            for sample in last {
                let code = codes[*sample as usize];
                bits.put(u64::from(code >> LENGTH_BITS), code & LENGTH);
            }
            rest = &rest[apart..];
            let Some((first, others)) = rest.split_first() else { break };
            let following = others.iter().take(255).take_while(|other| *other == first).count();
            let code = codes[*first as usize];
            let (len, code) = (code & LENGTH, u64::from(code >> LENGTH_BITS));
            let run_len = run & LENGTH;
            bits.put(code, len);
            if len + run_len + 8 < len * following as u32 {
                bits.put(u64::from(run >> LENGTH_BITS) << 8 | following as u64, run_len + 8);
            } else {
                (0..following).for_each(|_| bits.put(code, len));
            }
            rest = &others[following..];
        }
        bits.written()
    }
}

/// The number of samples before the first four that are equal.
#[inline(always)]
fn until_four(samples: &[u16]) -> usize {
    const SIDE: usize = 64;
    let mut at = 0;
    while let Some(group) = samples[at..].first_chunk::<{ SIDE + 3 }>() {
        let mut found = 0;
        for i in 0..SIDE {
            let unequal = (group[i] ^ group[i + 1]) | (group[i] ^ group[i + 2]) | (group[i] ^ group[i + 3]);
            found |= u16::from(unequal == 0);
        }
        if found > 0 {
            break;
        }
        at += SIDE;
    }
    let four = samples[at..].windows(4).position(|four| four[1..].iter().all(|other| *other == four[0]));
    four.map_or(samples.len(), |four| at + four)
}
