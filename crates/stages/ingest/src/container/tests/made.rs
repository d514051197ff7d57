use std::io::Cursor;

use proptest::prelude::*;
use rushes_core::ErrorKind;
use rushes_core::media::{ClipFormat, Rate};

use super::super::*;
use super::write::{atom, dpx, key, klv, movie, mxf, picture};

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

#[test]
fn references_to_one_large_set_from_everywhere_end() {
    // 400 packages, each with a multiple descriptor that names a set of 100,000 items 4,000 times:
    // 160,000,000,000 looks, for a file of less than a megabyte.
    let id = |n: u64| [vec![b'U'; 8], n.to_be_bytes().to_vec()].concat();
    let items = |items: &[(u16, Vec<u8>)]| -> Vec<u8> {
        let one = |(tag, v): &(u16, Vec<u8>)| [&tag.to_be_bytes()[..], &(v.len() as u16).to_be_bytes(), v].concat();
        items.iter().flat_map(one).collect()
    };
    let mut large = vec![(0x3c0a, id(1))];
    large.extend(std::iter::repeat_n((0x4444, Vec::new()), 100_000));
    let named = [vec![0; 8], id(1).repeat(4_000)].concat();
    let partition = |kind| [6, 14, 43, 52, 2, 5, 1, 1, 13, 1, 2, 1, 1, kind, 4, 0];
    let mut file = klv(partition(2), &[0; 88]);
    file.extend(klv(key(0x99), &items(&large)));
    file.extend(klv(key(0x44), &items(&[(0x3c0a, id(2)), (0x3f01, named)])));
    for n in 0..400 {
        file.extend(klv(key(0x37), &items(&[(0x3c0a, id(100 + n)), (0x4701, id(2))])));
    }
    file.extend(klv(partition(3), &[0; 88]));
    let _ = facts(&file, ClipFormat::Mxf);
}
