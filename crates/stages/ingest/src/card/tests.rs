use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rushes_core::media::{ClipFormat, ClipMedia, FrameRange};
use rushes_core::stage::{Batch, ClipContext};
use rushes_core::{ErrorKind, Result};
use tempfile::TempDir;

use super::understand;
use crate::Ingest;
use crate::container::tests::write::{movie, mxf, picture};

const DNG: &[u8] = b"II*\0\x08\0\0\0\x02\0\x12\xc6\x01\0\x04\0\0\0\x01\x04\0\0\x64\xc7\x0a\0\x01\0\0\0\0\0\0\0\0\0\0\0";
const JPEG: &[u8] = b"\xff\xd8\xff\xe0";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const R3D: &[u8] = b"\0\0\x04\x88RED2";

fn card(files: &[(&str, &[u8])]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    dir
}

fn ingest(root: &Path) -> Result<Batch> {
    understand(Batch::of(root), &Ingest::default(), &ClipContext::plain())
}

/// Name, format, media and sidecars of each clip, with paths below the root.
fn show(batch: &Batch) -> Vec<String> {
    let below = |p: &Path| p.strip_prefix(&batch.root).unwrap_or(p).display().to_string();
    let clips = batch.clips.iter().map(|c| {
        let media = match &c.media {
            ClipMedia::Sequence(s) => format!("{s}"),
            ClipMedia::Files(f) => f.iter().map(|p| below(p)).collect::<Vec<_>>().join("+"),
        };
        let mut line = format!("{} {:?} {media}", c.name, c.format);
        for s in &c.sidecars {
            line += &format!(" <{}", below(s));
        }
        line
    });
    clips.collect()
}

fn codes(batch: &Batch) -> BTreeMap<&str, usize> {
    let mut out = BTreeMap::new();
    batch.findings.iter().for_each(|f| *out.entry(f.code.as_str()).or_default() += 1);
    out
}

#[test]
fn a_run_of_dng_is_one_clip_with_its_gap_its_empty_frame_and_its_sound() {
    let dir = card(&[
        ("A001_C001/A001_C001_000001.dng", DNG),
        ("A001_C001/A001_C001_000002.dng", b""),
        ("A001_C001/A001_C001_000004.dng", DNG),
        ("A001_C001/A001_C001.wav", b"RIFF"),
        ("A001_C001/.DS_Store", b"x"),
        ("A001_C001/._A001_C001_000001.dng", b"x"),
        ("notes.pdf", b"%PDF"),
    ]);
    let b = ingest(dir.path()).unwrap();
    assert_eq!(show(&b), ["A001_C001 CinemaDng A001_C001_[000001-000002,000004-000004].dng <A001_C001/A001_C001.wav"]);
    assert_eq!(b.clips[0].range, FrameRange::new(1, 4));
    assert_eq!(b.clips[0].needs, None);
    assert_eq!(b.unclaimed.len(), 3, "{:?}", b.unclaimed);
    assert_eq!(codes(&b), [("files-unclaimed", 1)].into());
}

#[test]
fn single_files_keep_their_stem_and_have_one_frame() {
    let plain = &DNG[..22];
    let dir =
        card(&[("PCC4K_4to1.dng", DNG), ("still.dng", &[&plain[..8], b"\x01\0", &plain[10..], &[0; 4]].concat())]);
    let b = ingest(dir.path()).unwrap();
    assert_eq!(show(&b), ["PCC4K_4to1 CinemaDng PCC4K_4to1.dng", "still Dng still.dng"]);
    assert!(b.clips.iter().all(|c| c.range == FrameRange::new(0, 0)));
    let one = ingest(&dir.path().join("still.dng")).unwrap();
    assert_eq!(one.clips[0].name, "still");
}

#[test]
fn parts_of_a_take_are_one_clip_and_a_missing_part_is_found() {
    let take = |n: u32| format!("A001_C001_0101AB.RDC/A001_C001_0101AB_{n:03}.R3D");
    let (a, b, d) = (take(1), take(2), take(4));
    let dir = card(&[
        (&a, R3D),
        (&b, R3D),
        (&d, R3D),
        ("A001_C001_0101AB.RDC/A001_C001_0101AB.RMD", b"<x/>"),
        ("GOPR0007.MP4", &movie(&[picture(b"avc1", 3)], None)),
        ("GP010007.MP4", &movie(&[picture(b"avc1", 3)], None)),
        ("GOPR0007.THM", JPEG),
    ]);
    let batch = ingest(dir.path()).unwrap();
    assert_eq!(
        show(&batch),
        [
            format!("A001_C001_0101AB R3d {a}+{b}+{d} <A001_C001_0101AB.RDC/A001_C001_0101AB.RMD"),
            "GOPR0007 Mov GOPR0007.MP4+GP010007.MP4 <GOPR0007.THM".to_owned(),
        ]
    );
    assert_eq!(batch.clips[0].needs.as_ref().unwrap().backend, "filmlight");
    let f = batch.findings.iter().find(|f| f.code == "span-part-missing").unwrap();
    assert!(f.text.contains("part 3 is missing"), "{f}");
}

#[test]
fn a_sony_card_has_its_metadata_thumbnail_and_proxy_as_sidecars() {
    let dir = card(&[
        ("XDROOT/Clip/C0001.MXF", &mxf("SONY", [4, 1, 2, 2, 1, 0x32, 0, 0])),
        ("XDROOT/Clip/C0001M01.XML", b"<x/>"),
        ("XDROOT/Thmbnl/C0001T01.JPG", JPEG),
        ("XDROOT/Sub/C0001S03.MP4", &movie(&[picture(b"avc1", 3)], None)),
        ("XDROOT/MEDIAPRO.XML", b"<x/>"),
    ]);
    let b = ingest(dir.path()).unwrap();
    assert_eq!(
        show(&b),
        [
            "C0001 SonyMxf XDROOT/Clip/C0001.MXF <XDROOT/Clip/C0001M01.XML <XDROOT/Sub/C0001S03.MP4 <XDROOT/Thmbnl/C0001T01.JPG"
        ]
    );
    assert_eq!(b.unclaimed, [dir.path().join("XDROOT/MEDIAPRO.XML")]);
}

#[test]
fn clips_of_one_name_get_names_of_their_own() {
    let dir = card(&[
        ("day1/A_001.dng", DNG),
        ("day1/A_002.dng", DNG),
        ("day2/a_001.dng", DNG),
        ("day2/a_002.dng", DNG),
        ("day3/x.mov", &movie(&[picture(b"apcn", 3)], None)),
        ("day3/x.dng", DNG),
    ]);
    let b = ingest(dir.path()).unwrap();
    let names: Vec<_> = b.clips.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["A_day1", "a_day2", "x_dng", "x_mov"]);
    assert_eq!(codes(&b), [("clip-name-clash", 2)].into());
}

#[test]
fn content_wins_over_the_extension_with_a_finding() {
    let dir = card(&[("a.mov", DNG), ("b.jpg", &movie(&[picture(b"apcn", 3)], None)), ("c", JPEG)]);
    let b = ingest(dir.path()).unwrap();
    let formats: Vec<_> = b.clips.iter().map(|c| c.format).collect();
    assert_eq!(formats, [ClipFormat::CinemaDng, ClipFormat::ProresMov, ClipFormat::Still]);
    assert_eq!(codes(&b), [("extension-mismatch", 3)].into());
    assert!(b.findings[0].text.contains("it is called .mov but its content is CinemaDNG"), "{}", b.findings[0]);
}

#[test]
fn other_paddings_and_far_numbers_are_clips_of_their_own() {
    let dir = card(&[
        ("a/f_0001.dng", DNG),
        ("a/f_0002.dng", DNG),
        ("a/f_002.dng", DNG),
        ("b/g_1.dng", DNG),
        ("b/g_2.dng", DNG),
        ("b/g_20240101123456.dng", DNG),
        ("c/img_01.png", PNG),
        ("c/img_02.png", PNG),
        ("c/img_04.png", PNG),
        ("c/img_08.png", PNG),
        ("c/img_09.png", PNG),
    ]);
    let b = ingest(dir.path()).unwrap();
    assert_eq!(
        show(&b),
        [
            "f_0001 CinemaDng f_[0001-0002].dng",
            "f_002 CinemaDng f_[002-002].dng",
            "g_1 CinemaDng g_[1-2].dng",
            "g_20240101123456 CinemaDng g_[20240101123456-20240101123456].dng",
            "img_01 Still img_[01-02].png",
            "img_04 Still c/img_04.png",
            "img_08 Still img_[08-09].png",
        ]
    );
}

#[test]
fn what_holds_no_clip_is_an_error_with_advice() {
    let missing = ingest(Path::new("/no/such/card")).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(missing.to_string().contains("card is mounted"), "{missing}");
    let empty = ingest(card(&[]).path()).unwrap_err();
    assert!(empty.to_string().contains("the folder is empty"), "{empty}");
    let other = card(&[("a.txt", b"x"), ("b.txt", b"y"), ("c.xml", b"<")]);
    let e = ingest(other.path()).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::NotFound);
    assert!(e.to_string().contains("no camera files found; 3 files were looked at: 2 .txt, 1 .xml"), "{e}");
    let e = ingest(&other.path().join("a.txt")).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Unsupported);
    let zero = card(&[("a.dng", b"")]);
    let e = ingest(&zero.path().join("a.dng")).unwrap_err();
    assert!(e.to_string().contains("the file is empty; copy it from the card again"), "{e}");
    let e = ingest(zero.path()).unwrap_err();
    assert!(e.to_string().contains("the file is empty"), "{e}");
}

#[cfg(unix)]
#[test]
fn links_pipes_and_depth_do_no_harm() {
    let dir = card(&[("a/b/c/x.dng", DNG)]);
    std::os::unix::fs::symlink(dir.path(), dir.path().join("a/loop")).unwrap();
    std::os::unix::fs::symlink("nowhere", dir.path().join("a/broken.dng")).unwrap();
    // A socket stands for everything whose reading might never end.
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("a/socket.dng")).unwrap();
    let b = ingest(dir.path()).unwrap();
    assert_eq!(show(&b), ["x CinemaDng a/b/c/x.dng"]);
    assert_eq!(codes(&b), [("file-unreadable", 1), ("files-unclaimed", 1), ("folder-seen", 1)].into());
    let shallow =
        understand(Batch::of(dir.path()), &Ingest { max_depth: 1, ..Ingest::default() }, &ClipContext::plain())
            .unwrap_err();
    assert!(shallow.to_string().contains("raise max_depth"), "{shallow}");
}

#[test]
fn twenty_thousand_frames_are_looked_at_quickly() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..20_000 {
        fs::write(dir.path().join(format!("A_{n:06}.dng")), DNG).unwrap();
    }
    let start = std::time::Instant::now();
    let b = ingest(dir.path()).unwrap();
    assert_eq!(b.clips.len(), 1);
    assert_eq!(b.clips[0].range, FrameRange::new(0, 19_999));
    // Less than a second where it was measured; a loop over pairs would take minutes.
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    eprintln!("20,000 frames in {:?}", start.elapsed());
}

#[test]
fn the_shared_footage_becomes_clips() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/footage");
    if !root.exists() {
        eprintln!("SKIPPED: {} is not here", root.display());
        return;
    }
    let seq = ingest(&root.join("raw/cinemadng-seq-derived")).unwrap();
    assert_eq!(show(&seq), ["A001_08010155_C001 CinemaDng A001_08010155_C001_[000000-000015].dng"]);
    let dpx = ingest(&root.join("sequences")).unwrap();
    let want = [
        "8bit Dpx 8bit.[00000000-00000002].dpx",
        "E012_P001_L000002_log Dpx E012_P001_L000002_log.[0001-0002].dpx",
        "dpx_missing_second Dpx [000001-000001,000003-000010].dpx",
        "northlight_tc_mode_mismatch Dpx dpx_headers/northlight_tc_mode_mismatch.dpx",
    ];
    assert_eq!(show(&dpx), want);
    let derived = ingest(&root.join("raw/dng-derived")).unwrap();
    assert_eq!(derived.clips.len(), 24, "{:?}", show(&derived));
    // Everything there is, damaged files included: no panic, and nothing lost.
    let all = ingest(&root).unwrap();
    let in_clips: usize = all
        .clips
        .iter()
        .map(|c| {
            c.sidecars.len()
                + match &c.media {
                    ClipMedia::Sequence(s) => s.frames().count(),
                    ClipMedia::Files(f) => f.len(),
                }
        })
        .sum();
    let mut files = 0;
    let mut folders = vec![root];
    while let Some(f) = folders.pop() {
        for e in fs::read_dir(f).unwrap().map(|e| e.unwrap().path()) {
            if e.is_dir() { folders.push(e) } else { files += 1 }
        }
    }
    assert_eq!(in_clips + all.unclaimed.len(), files);
    let names: std::collections::HashSet<_> = all.clips.iter().map(|c| c.name.to_lowercase()).collect();
    assert_eq!(names.len(), all.clips.len());
}
