//! Files made to do harm: an error or a value, never a panic, a hang or a large allocation.

use std::io::Cursor;

use proptest::prelude::*;

use super::super::decode;
use super::super::header::Header;
use super::build::{Dng, fraction};
use super::source::whole_frame;

fn try_all(bytes: &[u8]) {
    if let Ok(header) = Header::parse(bytes) {
        let _ = header.signature();
        let _ = header.check_complete(bytes.len() as u64);
        let _ = decode::working_bytes(&header);
        let _ = decode::samples(&header, &mut Cursor::new(bytes), true);
        let _ = whole_frame(&header, bytes);
    }
}

fn samples() -> Vec<Vec<u8>> {
    let cinema = Dng { segment: (0, 4), ..Dng::new(32, 16, 12) }
        .with(51043, 1, &[0x14, 0x55, 0x01, 0x08, 0, 0, 0, 0])
        .with(51044, 10, &[fraction(24, 1)])
        .with(50712, 3, &[0, 100, 200, 300])
        .with(50829, 4, &[2, 2, 12, 30])
        .with(50721, 10, &[fraction(1, 2); 9]);
    let lossless = Dng { segment: (16, 16), lossless: true, big: true, ..Dng::new(32, 16, 16) };
    vec![cinema.bytes(), lossless.bytes(), Dng { samples: 3, values: vec![7; 192], ..Dng::new(8, 8, 16) }.bytes()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..600), big: bool) {
        try_all(&bytes);
        let head: &[u8] = if big { b"MM\0*\0\0\0\x08" } else { b"II*\0\x08\0\0\0" };
        try_all(&[head, &bytes[..]].concat());
    }

    #[test]
    fn mutated_headers(which in 0usize..3, changes in proptest::collection::vec((0usize..900, any::<u8>()), 1..6), cut in 0usize..2000) {
        let mut bytes = samples().swap_remove(which);
        let n = bytes.len();
        for (at, value) in changes {
            bytes[at % n] = value;
        }
        bytes.truncate(n.saturating_sub(cut));
        try_all(&bytes);
    }
}

#[test]
fn a_loop_of_directories_is_named() {
    let mut bytes = Dng::new(8, 8, 8).bytes();
    let count = u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
    let next = 10 + count * 12;
    bytes[next..next + 4].copy_from_slice(&8u32.to_le_bytes());
    assert!(Header::parse(&bytes).unwrap_err().to_string().contains("loop"));
    // A SubIFD that is its own parent.
    let bytes = Dng::new(8, 8, 8).with(330, 4, &[8]).bytes();
    assert!(Header::parse(&bytes).unwrap_err().to_string().contains("loop"));
}

#[test]
fn a_size_the_file_cannot_hold_is_refused_before_allocation() {
    for (w, h, word) in [(49_000u64, 10_000u64, "pixels take"), (60_000, 60_000, "million"), (0, 5, "0x5")] {
        let bytes = Dng::new(8, 8, 8).with(256, 4, &[w]).with(257, 4, &[h]).with(278, 4, &[h]).bytes();
        let e = Header::parse(&bytes).and_then(|h| h.check_decodable()).unwrap_err();
        // RowsPerStrip stays 8, so many strips are missing.
        assert!(e.to_string().contains(word) || e.to_string().contains("strips"), "{e}");
    }
    let bytes = Dng { lossless: true, segment: (16, 16), ..Dng::new(16, 16, 16) }
        .with(256, 4, &[40_000])
        .with(257, 4, &[10_000])
        .bytes();
    assert!(Header::parse(&bytes).and_then(|h| h.check_decodable()).is_err());
}

#[test]
fn a_count_larger_than_the_file_is_an_error_only_for_a_tag_that_is_needed() {
    let mut bytes = Dng::new(8, 8, 8).with(50712, 3, &[1; 20]).text(51081, "REEL NAME").bytes();
    let count_of = |bytes: &[u8], tag: u16| bytes.windows(2).position(|w| w == tag.to_le_bytes()).unwrap() + 4;
    let at = count_of(&bytes, 51081);
    bytes[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    let header = Header::parse(&bytes).unwrap();
    assert!(header.shot.reel.is_none() && header.remarks.iter().any(|r| r.contains("ReelName")));
    let at = count_of(&bytes, 50712);
    bytes[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(Header::parse(&bytes).unwrap_err().to_string().contains("LinearizationTable"));
}

#[test]
fn empty_and_tiny_files_are_named() {
    assert!(Header::parse(&[]).unwrap_err().to_string().contains("empty"));
    assert!(Header::parse(b"II*").unwrap_err().to_string().contains("3 bytes"));
    assert!(Header::parse(b"GIF89a......").unwrap_err().to_string().contains("neither II nor MM"));
    assert!(Header::parse(b"II*\0\xff\xff\xff\x7f").unwrap_err().to_string().contains("IFD0 should be at"));
}
