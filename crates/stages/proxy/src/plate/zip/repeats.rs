//! Whether bytes repeat.

use rushes_core::simd::{Level, kernel};

/// Looks for strings that came before, at some of all places.
pub(super) struct Repeats {
    /// Where strings were seen last, by their hash.
    seen: Box<[u32; 1 << SEEN_BITS]>,
}

const SEEN_BITS: u32 = 13;
/// Bytes that are compared. Shorter repetitions save hardly anything where bytes take seven bits each.
const STRING: usize = 5;
/// As far back as deflate can refer to.
const WINDOW: usize = 32 << 10;
/// One in so many strings is looked for. Which, their first four bytes decide, so that repetitions are found at any
/// distance.
const ONE_IN: usize = 64;
/// One repetition in so many that were looked for is enough. In pictures with grain there is hardly one in 10,000.
const ENOUGH: usize = 128;

impl Repeats {
    pub(super) fn new() -> Self {
        Self { seen: Box::new([0; 1 << SEEN_BITS]) }
    }

    /// Whether to look for repetitions in `bytes`.
    pub(super) fn are_in(&mut self, level: Level, bytes: &[u8]) -> bool {
        self.seen.fill(u32::MAX);
        let (looked_for, found, short) = look(level, bytes, &mut self.seen);
        // Where few of the strings that are looked for come, some others come again and again.
        let missing = looked_for * ONE_IN < bytes.len() / 4 * 3;
        missing || found * ENOUGH > looked_for || short * ENOUGH > bytes.len()
    }
}

kernel! {
    /// Gives how many strings were looked for, how many found, and at how many places the same two bytes come twice
    /// at once.
    fn look(bytes: &[u8], seen: &mut [u32; 1 << SEEN_BITS]) -> (usize, usize, usize) {
        const SIDE: usize = 32;
        let (mut looked_for, mut found, mut short) = (0, 0, 0);
        let mut at = 0;
        while let Some(group) = bytes.get(at..).and_then(|rest| rest.first_chunk::<{ SIDE + STRING }>()) {
            let mut picked = [0u8; SIDE];
            let mut twice = 0u32;
            for i in 0..SIDE {
                let four = u32::from_le_bytes([group[i], group[i + 1], group[i + 2], group[i + 3]]);
                picked[i] = u8::from(hash(four) < u32::MAX / ONE_IN as u32);
                twice += u32::from(four == four.rotate_left(16));
            }
            short += twice as usize;
            for (eight, picked) in (0..).step_by(8).zip(picked.as_chunks::<8>().0) {
                let mut picked = u64::from_le_bytes(*picked);
                while picked > 0 {
                    let i = eight + picked.trailing_zeros() as usize / 8;
                    picked &= picked - 1;
                    let string = &group[i..i + STRING];
                    let four = u32::from_le_bytes([string[0], string[1], string[2], string[3]]);
                    // The highest bits of the hash are those of all that are looked for.
                    let place = hash(four ^ u32::from(string[4]) << 12) >> 8 & ((1 << SEEN_BITS) - 1);
                    let before = std::mem::replace(&mut seen[place as usize], (at + i) as u32) as usize;
                    let near = before < at + i && at + i - before <= WINDOW;
                    found += usize::from(near && bytes.get(before..before + STRING) == Some(string));
                    looked_for += 1;
                }
            }
            at += SIDE;
        }
        (looked_for, found, short)
    }
}

#[inline(always)]
fn hash(four: u32) -> u32 {
    four.wrapping_mul(0x9e37_79b1)
}
