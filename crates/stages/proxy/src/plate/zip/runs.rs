//! Runs of equal bytes.

use super::blocks::RUN;

/// Replaces `tokens` with `bytes`, where [`RUN`] and a number stand for as many, 3 to 258, that are equal to the one
/// before them.
pub(super) fn find(bytes: &[u8], tokens: &mut Vec<u16>) {
    // Up to three are written at a time, of which as many stand as there are.
    tokens.resize(bytes.len() + 2, 0);
    let (mut at, mut n) = (0, 0);
    while let Some((byte, rest)) = bytes.get(at..).and_then(|rest| rest.split_first()) {
        let equal = equal(rest, *byte);
        let one = u16::from(*byte);
        let run = equal >= 3;
        let Some(three) = tokens.get_mut(n..).and_then(|tokens| tokens.first_chunk_mut::<3>()) else { break };
        *three = [one, if run { (RUN + equal) as u16 } else { one }, one];
        n += if run { 2 } else { 1 + equal };
        at += 1 + equal;
    }
    tokens.truncate(n);
}

/// How many bytes at the beginning are `byte`, up to 258.
#[inline(always)]
fn equal(bytes: &[u8], byte: u8) -> usize {
    let all = u64::from_ne_bytes([byte; 8]);
    let mut n = 0;
    while let Some(eight) = bytes.get(n..).and_then(|bytes| bytes.first_chunk::<8>()) {
        let unequal = u64::from_le_bytes(*eight) ^ all;
        if unequal > 0 {
            return (n + unequal.trailing_zeros() as usize / 8).min(258);
        }
        n += 8;
        if n > 258 {
            return 258;
        }
    }
    (n + bytes[n..].iter().take_while(|other| **other == byte).count()).min(258)
}
