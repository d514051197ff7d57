//! Movies written and read back.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};

use proptest::prelude::*;
use rushes_core::media::{Orientation, Rate, Timecode};

use super::super::coding::Coding;
use super::super::facts::MovieFacts;
use super::{MovWriter, read};

fn facts(rate: Rate, start: Option<Timecode>) -> MovieFacts {
    MovieFacts {
        width: 1920,
        height: 1080,
        frames: 5,
        rate,
        timecode: start,
        reel: Some("A001C002_200101_R1AB".into()),
        clip: "A001_C002".into(),
        make: Some("Maker".into()),
        model: Some("Modell ü".into()),
        scene: None,
        take: None,
        pixel_aspect: Some((2, 1)),
        orientation: Orientation::Normal,
        coding: Coding::Bt709,
    }
}

fn movie(facts: &MovieFacts, frames: u8) -> Vec<u8> {
    let mut w = MovWriter::new(Cursor::new(Vec::new()), facts.clone()).unwrap();
    for n in 0..frames {
        w.append(&vec![n; 10 + usize::from(n)]).unwrap();
    }
    w.finish().unwrap().into_inner()
}

fn start(label: &str, rate: Rate) -> Timecode {
    Timecode::parse(label, rate).unwrap()
}

#[test]
fn what_is_written_is_read_back_at_every_rate() {
    let all = [
        (Rate::FPS_23_976, "23:59:59:23"),
        (Rate::FPS_24, "01:00:00:00"),
        (Rate::FPS_25, "10:11:12:24"),
        (Rate::FPS_29_97, "01:00:59;29"),
        (Rate::FPS_29_97, "00:01:00:00"),
        (Rate::FPS_30, "00:00:00:01"),
        (Rate::FPS_47_952, "02:02:02:47"),
        (Rate::FPS_48, "02:02:02:47"),
        (Rate::FPS_50, "20:00:00:49"),
        (Rate::FPS_59_94, "13:59:59;59"),
        (Rate::FPS_59_94, "13:59:59:59"),
        (Rate::FPS_60, "00:00:00:00"),
    ];
    for (rate, label) in all {
        let facts = facts(rate, Some(start(label, rate)));
        let bytes = movie(&facts, 41);
        let found = read(&mut Cursor::new(&bytes), bytes.len() as u64).unwrap();
        assert_eq!(found.timecode, facts.timecode, "{label} at {rate}");
        assert_eq!(found.timecode.map(|t| t.to_string()).as_deref(), Some(label));
        assert_eq!((found.rate, found.frames), (Some(rate), 41));
        assert_eq!((&found.codec, found.width, found.height), (b"apco", 1920, 1080));
        assert_eq!((found.reel, found.color), (facts.reel, Some([1, 1, 1])));
        assert_eq!(found.pixel_aspect, Some((2, 1)));
    }
}

#[test]
fn without_timecode_there_is_no_track_that_claims_midnight() {
    let bytes = movie(&facts(Rate::FPS_24, None), 3);
    let found = read(&mut Cursor::new(&bytes), bytes.len() as u64).unwrap();
    assert_eq!((found.timecode, found.reel, found.frames), (None, None, 3));
    assert!(!bytes.windows(4).any(|w| w == b"tmcd"));
    assert!(bytes.windows(20).any(|w| w == b"A001C002_200101_R1AB"), "the reel is still in the metadata");
}

#[test]
fn the_boxes_stand_where_players_look_for_them() {
    let bytes = movie(&facts(Rate::FPS_24, Some(start("01:00:00:00", Rate::FPS_24))), 30);
    let kinds = |bytes: &[u8]| {
        let (mut at, mut kinds) = (0, Vec::new());
        while at + 8 <= bytes.len() {
            let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
            kinds.push((String::from_utf8_lossy(&bytes[at + 4..at + 8]).into_owned(), at + 8..at + size));
            at += size;
        }
        kinds
    };
    let names = |k: &[(String, std::ops::Range<usize>)]| k.iter().map(|k| k.0.clone()).collect::<Vec<_>>();
    let top = kinds(&bytes);
    assert_eq!(names(&top), ["ftyp", "wide", "mdat", "moov"]);
    assert_eq!(top[3].1.end, bytes.len());
    let moov = &bytes[top[3].1.clone()];
    let inner = kinds(moov);
    assert_eq!(names(&inner), ["mvhd", "trak", "trak", "udta", "meta"]);
    let trak = |n: usize| kinds(&moov[inner[n].1.clone()]);
    assert_eq!(names(&trak(1)), ["tkhd", "edts", "tref", "mdia"]);
    assert_eq!(names(&trak(2)), ["tkhd", "edts", "mdia"]);
    // The frame number of 01:00:00:00 at 24 is the first thing in the media data.
    assert_eq!(bytes[top[2].1.start..][..4], 86_400u32.to_be_bytes());
}

#[test]
fn a_reader_refuses_what_contradicts_itself() {
    let good = movie(&facts(Rate::FPS_24, Some(start("01:00:00:00", Rate::FPS_24))), 5);
    let error = |bytes: &[u8]| read(&mut Cursor::new(bytes), bytes.len() as u64).unwrap_err().to_string();
    assert!(error(&good[..good.len() - 1]).contains("claims"));
    assert!(error(&good[..40]).contains("claims"));
    assert!(error(b"").contains("no movie box"));
    let stsz = good.windows(4).position(|w| w == b"stsz").unwrap();
    let mut long = good.clone();
    long[stsz + 16..stsz + 20].copy_from_slice(&1_000_000u32.to_be_bytes());
    assert!(error(&long).contains("outside the media data"), "{}", error(&long));
    let mut many = good;
    many[stsz + 12..stsz + 16].copy_from_slice(&u32::MAX.to_be_bytes());
    assert!(error(&many).contains("cut off"), "{}", error(&many));
}

/// A file that keeps small writes and takes large ones for zeros.
#[derive(Default)]
struct Sparse {
    kept: BTreeMap<u64, Vec<u8>>,
    at: u64,
    len: u64,
}

impl Write for Sparse {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() < 1 << 20 {
            self.kept.insert(self.at, bytes.to_vec());
        }
        self.at += bytes.len() as u64;
        self.len = self.len.max(self.at);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Start(at) = to else { return Err(io::ErrorKind::Unsupported.into()) };
        self.at = at;
        Ok(at)
    }
}

impl Read for Sparse {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = out.len().min((self.len - self.at) as usize);
        for (i, b) in out[..n].iter_mut().enumerate() {
            let at = self.at + i as u64;
            // The write that covers the byte and starts last: later patches win.
            *b = self
                .kept
                .range(..=at)
                .rev()
                .find_map(|(from, bytes)| bytes.get(usize::try_from(at - from).ok()?))
                .copied()
                .unwrap_or(0);
        }
        self.at += n as u64;
        Ok(n)
    }
}

#[test]
fn a_movie_beyond_four_gibibytes_has_wide_sizes_and_positions() {
    let facts = facts(Rate::FPS_24, Some(start("01:00:00:00", Rate::FPS_24)));
    let mut w = MovWriter::new(Sparse::default(), facts.clone()).unwrap();
    let packet = vec![0u8; 64 << 20];
    for _ in 0..80 {
        w.append(&packet).unwrap();
    }
    let mut file = w.finish().unwrap();
    let len = file.len;
    assert!(len > 5 << 30);
    let found = read(&mut file, len).unwrap();
    assert_eq!((found.frames, found.timecode, found.reel), (80, facts.timecode, facts.reel));
    assert!(file.kept.values().any(|b| b.windows(4).any(|w| w == b"co64")));
}

#[test]
fn equal_facts_and_packets_give_equal_bytes() {
    let facts = facts(Rate::FPS_59_94, Some(start("00:59:59;59", Rate::FPS_59_94)));
    assert_eq!(movie(&facts, 70), movie(&facts, 70));
    // Creation and modification times of mvhd.
    let bytes = movie(&facts, 1);
    let mvhd = bytes.windows(4).position(|w| w == b"mvhd").unwrap();
    assert_eq!(bytes[mvhd + 8..mvhd + 16], [0; 8]);
}

proptest! {
    #[test]
    fn damaged_movies_give_an_answer(edits in proptest::collection::vec((0usize..2000, any::<u8>()), 1..8), cut in 0usize..2000) {
        let mut bytes = movie(&facts(Rate::FPS_24, Some(start("01:00:00:00", Rate::FPS_24))), 5);
        for (at, value) in edits {
            let n = bytes.len();
            bytes[at % n] = value;
        }
        bytes.truncate(bytes.len().saturating_sub(cut % 7 * cut));
        let _ = read(&mut Cursor::new(&bytes), bytes.len() as u64);
    }
}
