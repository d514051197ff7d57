use exr::compression::Compression;
use exr::meta::BlockDescription;
use exr::meta::attribute::{ChannelDescription, IntegerBounds, LineOrder, SampleType, Text};
use exr::meta::header::Header;
use proptest::prelude::*;

use super::*;

/// A file of PIZ blocks for the crate `exr`, and where in it a block of the first `lines` lines lies.
fn described(width: usize, channels: usize, lines: usize) -> (Header, IntegerBounds) {
    let channel = |name: &&str| ChannelDescription::new(*name, SampleType::F16, false);
    let list = ["A", "B", "G", "R"][..channels].iter().map(channel).collect();
    let header = Header::new(Text::from(""), (width, lines), list);
    let header = header.with_encoding(Compression::PIZ, BlockDescription::ScanLines, LineOrder::Increasing);
    (header, IntegerBounds::new((0, 0), (width, lines)))
}

fn bytes(samples: &[u16]) -> Vec<u8> {
    samples.iter().flat_map(|s| s.to_ne_bytes()).collect()
}

/// Compresses, after some other block, and checks that the crate `exr` reads the same samples, that every level
/// writes the same bytes, and that they are hardly more than those of the crate: where several sets of codes are
/// equally short, runs and the table may differ by some bits.
fn stored(samples: &[u16], width: usize, channels: usize) -> Vec<u8> {
    let block = bytes(samples);
    let lines = samples.len() / width / channels;
    let mut all = Level::available().map(|level| {
        let mut piz = Piz { level, ..Piz::new(width, channels) };
        piz.append(&bytes(&vec![0x3c00; width * channels]), &mut Vec::new());
        let mut out = vec![9];
        piz.append(&block, &mut out);
        out.split_off(1)
    });
    let stored = all.next().unwrap();
    assert!(all.all(|other| other == stored));
    let (header, section) = described(width, channels, lines);
    let theirs = Compression::PIZ.compress_image_section_to_le(&header, block.clone(), section).unwrap();
    assert!(stored.len() <= theirs.len() + 8, "{} bytes, not {}", stored.len(), theirs.len());
    let read = Compression::PIZ.decompress_image_section_from_le(&header, stored.clone(), section, true).unwrap();
    assert!(read == block, "other samples come back");
    stored
}

#[test]
fn one_value_takes_next_to_nothing() {
    for value in [0, 1, 0x3c00, 0x7c00, 0x7e01, 0xffff] {
        for (width, lines, channels) in [(1, 1, 1), (3, 1, 1), (1, 32, 1), (257, 1, 1), (640, 32, 3)] {
            let stored = stored(&vec![value; width * lines * channels], width, channels);
            assert!(stored.len() <= 2 * width * lines * channels && stored.len() < 1200, "{} bytes", stored.len());
        }
    }
}

#[test]
fn more_values_than_14_bits_hold_keep_their_16() {
    // Every value there is, once; the wavelet leaves little of a ramp.
    let ramp: Vec<u16> = (0..=u16::MAX).collect();
    assert!(stored(&ramp, 2048, 1).len() < 40_000);
    let less: Vec<u16> = (0..1 << 16).map(|i| ((i / 4 * 3) & 0x3fff) as u16).collect();
    assert!(stored(&less, 512, 4).len() < 40_000);
}

#[test]
fn runs_of_every_length_come_back() {
    // Lines that the wavelet leaves as they are: one alone.
    let mut samples = Vec::new();
    for n in (1..20).chain(250..262).chain(510..518) {
        samples.extend(std::iter::repeat_n(7, n));
        samples.extend([1, 2, 3, 1, 1, 1, 1, 1, 2]);
    }
    let width = samples.len();
    stored(&samples, width, 1);
    samples.extend(std::iter::repeat_n(7, width));
    stored(&samples, width, 2);
}

#[test]
fn noise_is_stored_as_it_is() {
    let mut state = 1u32;
    let samples: Vec<u16> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as u16
    })
    .take(100 * 32)
    .collect();
    let little: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
    assert_eq!(stored(&samples, 100, 1), little);
}

proptest! {
    #[test]
    fn blocks_come_back(
        width in 1usize..80,
        lines in 1usize..=32,
        channels in 1usize..=4,
        step in 0u16..300,
        grain in prop_oneof![Just(1u16), 2u16..6, 6u16..900, Just(u16::MAX)],
        seeds in prop::collection::vec(any::<u16>(), 40),
        plain in 0usize..100,
    ) {
        let sample = |i: usize| {
            let (x, y) = (i % width, i / width / channels);
            let noise = seeds[(i * 7 + y) % seeds.len()] % grain;
            // A part without grain, as clipped or black pictures have.
            let noise = if x * 100 < plain * width { 0 } else { noise };
            step.wrapping_mul((x + 2 * y) as u16).wrapping_add(noise)
        };
        let samples: Vec<u16> = (0..width * lines * channels).map(sample).collect();
        let stored = stored(&samples, width, channels);
        prop_assert!(stored.len() <= 2 * samples.len());
    }

    #[test]
    fn any_bits_come_back(samples in prop::collection::vec(any::<u16>(), 1..300)) {
        stored(&samples, samples.len(), 1);
    }
}
