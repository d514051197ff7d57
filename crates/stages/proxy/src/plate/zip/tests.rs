use proptest::prelude::*;

use super::*;

/// What a reader does.
fn restored(stored: &[u8], len: usize) -> Vec<u8> {
    if stored.len() == len {
        return stored.to_vec();
    }
    let mut sorted = vec![0; len];
    let n = libdeflater::Decompressor::new().zlib_decompress(stored, &mut sorted).unwrap();
    assert_eq!(n, len);
    for i in 1..len {
        sorted[i] = sorted[i].wrapping_add(sorted[i - 1]).wrapping_sub(128);
    }
    let (first, second) = sorted.split_at(len.div_ceil(2));
    (0..len).map(|i| if i % 2 == 0 { first[i / 2] } else { second[i / 2] }).collect()
}

fn stored(zip: &mut Zip, block: &[u8]) -> Vec<u8> {
    let mut out = vec![9];
    zip.append(block, &mut out);
    out.split_off(1)
}

/// Samples as halfs have them: `kinds` high bytes, low bytes of all kinds that seldom repeat.
fn grainy(len: usize, kinds: u32, lows: u32) -> Vec<u8> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 16
    };
    (0..len).map(|i| if i % 2 == 0 { next() % lows } else { next() % kinds } as u8).collect()
}

#[test]
fn grain_is_stored_without_repetitions() {
    for (len, amount) in [(40_000, 300), (40_001, 97), (200_000, 60), (2 * WORTH_CODES, 1000)] {
        // A ramp of halfs under grain of so many steps.
        let noise = grainy(2 * len, 256, 256);
        let noise = noise.as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes) % amount);
        let ramp = (0x3400u16..).flat_map(|value| [value; 16]).zip(noise);
        let mut block: Vec<u8> = ramp.take(len.div_ceil(2)).flat_map(|(v, noise)| (v + noise).to_le_bytes()).collect();
        block.truncate(len);
        let mut all = Level::available().map(|level| stored(&mut Zip { level, ..Zip::new() }, &block));
        let stored = all.next().unwrap();
        assert!(all.all(|other| other == stored));
        assert!(restored(&stored, len) == block);
        let mut zip = Zip::new();
        zip.append(&block, &mut Vec::new());
        let mut whole = vec![0; 2 * len];
        let whole = zip.compressor.zlib_compress(&zip.sorted, &mut whole).unwrap();
        // Of real plates it is 1 to 3 % less. Here high bytes go to and fro between two or three values, and whoever
        // looks for repetitions learns that no step up follows another.
        assert!(stored.len() < whole + whole / 50, "{} bytes, {whole} in one", stored.len());
        assert!(zip.grain(&mut Vec::new()));
    }
}

#[test]
fn what_repeats_is_not_taken_for_grain() {
    let line = grainy(12_000, 3, 256);
    let mut again = line.repeat(6);
    let mut zip = Zip::new();
    assert!(stored(&mut zip, &again).len() < line.len() + 400);
    // A part of twenty is flat, a ramp, or a pattern.
    for part in [[7, 7], [7, 8], [9, 7]] {
        again = grainy(400_000, 3, 256);
        for (i, pair) in again[..20_000].as_chunks_mut::<2>().0.iter_mut().enumerate() {
            pair[0] = if part[0] < part[1] { i as u8 } else { part[i % 2] };
        }
        let stored = stored(&mut zip, &again);
        assert!(restored(&stored, again.len()) == again);
        assert!(!zip.grain(&mut Vec::new()), "{part:?}");
    }
    // A ramp of two steps all over, not one string of which need be looked for.
    again = (0..80_000u32).map(|i| if i % 2 == 0 { (i / 2 * 3 / 2) as u8 } else { 60 }).collect();
    assert!(stored(&mut zip, &again).len() < 1000);
}

#[test]
fn noise_is_stored_as_it_is() {
    let noise = grainy(100_000, 256, 256);
    assert!(stored(&mut Zip::new(), &noise) == noise);
}

proptest! {
    #[test]
    fn blocks_come_back(
        block in prop::collection::vec(0u8..12, 1..400),
        noise: Vec<u8>,
        len in 0usize..40_000,
        kinds in 1u32..9,
        lows in 1u32..257,
        flat in 0usize..3000,
    ) {
        let mut zip = Zip::new();
        let mut with_runs = grainy(40_000, kinds, lows);
        with_runs[7001..][..2 * flat].as_chunks_mut::<2>().0.iter_mut().for_each(|pair| pair[0] = 5);
        for block in [block, noise, grainy(len, kinds, lows), with_runs] {
            let stored = stored(&mut zip, &block);
            prop_assert!(stored.len() <= block.len());
            prop_assert!(restored(&stored, block.len()) == block);
        }
    }
}

#[test]
fn runs_of_every_length_come_back() {
    // Steps between high bytes: runs around those that have values of their own, and at the end.
    let lengths = (1..40).chain(64..70).chain(125..140).chain(250..265).chain([515, 516, 517, 518, 774]);
    let mut high: Vec<u8> = Vec::new();
    for n in lengths {
        let last = high.last().copied().unwrap_or(0);
        high.extend(std::iter::repeat_n(last.wrapping_add(3), 2));
        high.extend((1..=n).map(|i| (i as u8).wrapping_mul(2).wrapping_add(last)));
    }
    let low = grainy(2 * high.len(), 1, 256);
    let block: Vec<u8> = high.iter().zip(low.as_chunks::<2>().0).flat_map(|(high, low)| [low[0], *high]).collect();
    for block in [&block[..], &block[..block.len() - 700]] {
        let mut out = Vec::new();
        let mut zip = Zip::new();
        zip.append(&grainy(30_000, 4, 99), &mut Vec::new());
        zip.append(block, &mut out);
        assert!(restored(&out, block.len()) == block);
        out.clear();
        assert!(block.len() < 2 * WORTH_CODES || zip.grain(&mut out));
    }
}
