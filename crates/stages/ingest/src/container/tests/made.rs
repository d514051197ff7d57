use std::io::Cursor;

use proptest::prelude::*;
use rushes_core::ErrorKind;
use rushes_core::media::{ClipFormat, Rate};

use super::super::*;
use super::write::{atom, dpx, movie, mxf, picture};

fn facts(bytes: &[u8], format: ClipFormat) -> rushes_core::Result<Option<ContainerFacts>> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clip");
    std::fs::write(&path, bytes).unwrap();
    container_facts(&path, format)
}

#[test]
fn a_movie_gives_timecode_reel_rate_size_and_codec() {
    // 00:01:00;02 is frame 1800 of drop-frame counting.
    let f = facts(&movie(&[picture(b"apco", 48)], Some((1800, 1))), ClipFormat::ProresMov).unwrap().unwrap();
    assert_eq!(f.timecode.unwrap().value.to_string(), "00:01:00;02");
    assert_eq!(f.reel.unwrap().value, "A001");
    assert_eq!(f.rate.unwrap().value, Rate::FPS_23_976);
    assert_eq!((f.width.unwrap().value, f.height.unwrap().value, f.frames.unwrap().value), (640, 360, 48));
    assert_eq!(f.codec.unwrap().value, "ProRes 422 Proxy (apco)");
}

#[test]
fn a_counter_track_is_no_timecode() {
    let f = facts(&movie(&[picture(b"apcn", 1)], Some((7, 8))), ClipFormat::ProresMov).unwrap().unwrap();
    assert_eq!(f.timecode, None);
}

#[test]
fn a_movie_without_its_header_says_so() {
    let e = facts(&atom(b"mdat", &[0; 100]), ClipFormat::Mov).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::BadMedia);
    assert!(e.to_string().contains("no moov atom"), "{e}");
}

#[test]
fn an_mxf_gives_maker_timecode_and_both_fields() {
    let f = facts(&mxf("ARRI", [14, 0x17, 0, 0, 0, 0, 0, 0]), ClipFormat::ArriMxf).unwrap().unwrap();
    assert_eq!(f.timecode.unwrap().value.to_string(), "10:00:00:00");
    assert_eq!((f.width.unwrap().value, f.height.unwrap().value, f.frames.unwrap().value), (1920, 1080, 50));
    assert_eq!(f.maker.unwrap().value, "ARRI");
    assert_eq!(f.rate.unwrap().value, Rate::FPS_25);
}

#[test]
fn a_dpx_knows_how_long_it_must_be() {
    let whole = dpx(16, 4, 0x01020304);
    let h = DpxHeader::parse(&whole[..2048], whole.len() as u64).unwrap();
    // 16 pixels of three samples are 16 words.
    assert_eq!(h.needed, Some(2048 + 16 * 4 * 4));
    assert!(h.check_complete().is_ok());
    assert_eq!(h.facts.timecode.unwrap().value.to_string(), "01:02:03:04");
    let cut = DpxHeader::parse(&whole[..2048], 2100).unwrap();
    assert_eq!(cut.check_complete().unwrap_err().kind(), ErrorKind::BadMedia);
    assert_eq!(DpxHeader::parse(&whole[..100], 100).unwrap_err().kind(), ErrorKind::BadMedia);
}

fn all(bytes: &[u8]) {
    let input = || Input::new(Cursor::new(bytes), BUDGET).unwrap();
    let _ = Movie::read(&mut input());
    let _ = Mxf::read(&mut input());
    let _ = DpxHeader::parse(bytes, bytes.len() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damage_neither_panics_nor_hangs(at in 0usize..3000, with in proptest::collection::vec(any::<u8>(), 1..9), cut in 0usize..3000) {
        for mut bytes in [
            movie(&[picture(b"aprn", 3)], Some((0, 0))),
            mxf("Sony", [4, 1, 2, 2, 1, 0x32, 0, 0]),
            dpx(5, 3, 0),
        ] {
            let at = at % bytes.len();
            for (b, w) in bytes[at..].iter_mut().zip(&with) {
                *b = *w;
            }
            all(&bytes);
            all(&bytes[..cut % bytes.len()]);
        }
    }
}
