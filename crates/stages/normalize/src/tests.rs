use std::path::{Path, PathBuf};

use rushes_core::media::{Clip, ClipFormat, ClipMedia, FileSequence, FrameRange, Rate, Severity};
use rushes_core::stage::{Batch, ClipStage, StageInfo};
use rushes_testcard::{Card, CardSpec};

use crate::{Normalize, schema};

fn sequence(folder: &Path, frames: FrameRange, present: Vec<FrameRange>) -> Clip {
    let first = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let first = first.filter(|n| n.ends_with(".dng")).min().unwrap();
    let stem = first.trim_end_matches(".dng");
    let prefix = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    let media = FileSequence {
        folder: folder.to_owned(),
        prefix: prefix.to_owned(),
        padding: stem.len() - prefix.len(),
        suffix: ".dng".into(),
        present,
    };
    let mut clip = Clip::new("clip", ClipFormat::CinemaDng, ClipMedia::Sequence(media));
    clip.range = Some(frames);
    clip
}

fn run(stage: &Normalize, root: &Path, clip: Clip) -> Batch {
    let batch = Batch { root: root.to_owned(), clips: vec![clip], ..Batch::default() };
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(stage.run(batch, &rushes_core::stage::ClipContext::plain()))
        .unwrap()
}

fn range(first: i64, last: i64) -> FrameRange {
    FrameRange::new(first, last).unwrap()
}

/// Makes `tag` unknown in all files of a folder.
fn forget(folder: &Path, tag: u16) {
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|e| e != "dng") {
            continue;
        }
        let mut bytes = std::fs::read(&path).unwrap();
        let entries = u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
        let at = (0..entries).map(|i| 10 + i * 12).find(|&at| bytes[at..at + 2] == tag.to_le_bytes());
        if let Some(at) = at {
            bytes[at..at + 2].copy_from_slice(&65_000u16.to_le_bytes());
            std::fs::write(&path, bytes).unwrap();
        }
    }
}

fn card() -> (tempfile::TempDir, PathBuf, Card) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("card");
    let card = Card::write(&root, CardSpec::tiny()).unwrap();
    (dir, root, card)
}

#[test]
fn every_fact_of_a_cinema_frame_has_its_tag_and_file() {
    let (_dir, root, card) = card();
    let truth = &card.clips[0];
    let all = range(0, truth.frames - 1);
    let batch = run(&Normalize::default(), &root, sequence(&truth.folder, all, vec![all]));
    assert!(batch.findings.is_empty(), "{:?}", batch.findings);
    let m = &batch.clips[0].metadata;
    assert_eq!(m.start_timecode.as_ref().unwrap().value, truth.start);
    assert_eq!(m.rate.as_ref().unwrap().value, Rate::FPS_23_976);
    let reel = m.reel.as_ref().unwrap();
    assert_eq!((reel.value.as_str(), reel.origin.tag.as_str()), ("A001", "IFD0:ReelName (51081)"));
    assert_eq!(root.join(&reel.origin.file), truth.path(0));
    assert_eq!(m.make.as_ref().unwrap().value, "Rushes");
    assert_eq!(m.compression.as_ref().unwrap().value, "none");
    assert_eq!(m.bits_per_sample.as_ref().unwrap().value, 12);
    assert!(m.color.is_some() && m.levels.is_some() && m.cfa.is_some() && m.lens_model.is_some());
    let verbatim = &batch.clips[0].verbatim.0;
    assert!(verbatim.iter().any(|f| f.origin.tag == "IFD0:FrameRate (51044)" && f.value.contains('/')));
}

#[test]
fn the_timecode_is_that_of_the_first_frame_of_the_range() {
    let (_dir, root, card) = card();
    let truth = &card.clips[0];
    // Frame 0 is asked for but only 2 and those after are there; and a range within the clip.
    let last = truth.frames - 1;
    let late = run(&Normalize::default(), &root, sequence(&truth.folder, range(0, last), vec![range(2, last)]));
    assert_eq!(late.clips[0].metadata.start_timecode.as_ref().unwrap().value, truth.start);
    let part = run(&Normalize::default(), &root, sequence(&truth.folder, range(3, last), vec![range(0, last)]));
    assert_eq!(part.clips[0].metadata.start_timecode.as_ref().unwrap().value, truth.start.offset(3));
}

#[test]
fn a_damaged_first_frame_is_passed_over_and_a_clip_of_nothing_else_is_a_finding() {
    let (_dir, root, card) = card();
    let truth = &card.clips[0];
    let all = range(0, truth.frames - 1);
    std::fs::write(truth.path(0), b"").unwrap();
    let batch = run(&Normalize::default(), &root, sequence(&truth.folder, all, vec![all]));
    assert_eq!(batch.clips[0].metadata.start_timecode.as_ref().unwrap().value, truth.start);
    for f in all.iter() {
        std::fs::write(truth.path(f), b"").unwrap();
    }
    let batch = run(&Normalize::default(), &root, sequence(&truth.folder, all, vec![all]));
    let [finding] = &batch.findings[..] else { panic!("{:?}", batch.findings) };
    assert_eq!(
        (finding.code.as_str(), finding.severity, finding.frame),
        ("header-unreadable", Severity::Error, Some(0))
    );
    assert!(finding.text.contains("empty"), "{}", finding.text);
}

#[test]
fn what_is_missing_is_a_finding_and_never_a_guess() {
    let (_dir, root, card) = card();
    let truth = &card.clips[0];
    let all = range(0, truth.frames - 1);
    for (tag, code) in [
        (51081, "reel-missing"),
        (50728, "white-missing"),
        (50721, "matrix-missing"),
        (51044, "rate-missing"),
        (51043, "timecode-missing"),
    ] {
        forget(&truth.folder, tag);
        // One calibration of two is left.
        forget(&truth.folder, if tag == 50721 { 50722 } else { tag });
        let batch = run(&Normalize::default(), &root, sequence(&truth.folder, all, vec![all]));
        assert!(batch.findings.iter().any(|f| f.code == code), "{code}: {:?}", batch.findings);
    }
    let batch = run(&Normalize::default(), &root, sequence(&truth.folder, all, vec![all]));
    let m = &batch.clips[0].metadata;
    assert!(m.rate.is_none() && m.start_timecode.is_none() && m.reel.is_none() && m.color.is_none());
    assert_eq!(batch.findings.len(), 5);
}

#[test]
fn what_the_files_do_not_state_can_be_given() {
    let (_dir, root, card) = card();
    let truth = &card.clips[0];
    let all = range(0, truth.frames - 1);
    forget(&truth.folder, 51044);
    let without = run(&Normalize::default(), &root, sequence(&truth.folder, all, vec![all]));
    let text = &without.findings.iter().find(|f| f.code == "timecode-missing").unwrap().text;
    assert!(text.contains("10:11:59:18") && text.contains("without a frame rate"), "{text}");
    let stage = Normalize { rate: Some(Rate::FPS_25), reel: Some("X9".into()), timecode: Some("01:00:00:00".into()) };
    let with = run(&stage, &root, sequence(&truth.folder, all, vec![all]));
    let m = &with.clips[0].metadata;
    assert_eq!(m.rate.as_ref().unwrap().origin.tag, "parameter");
    let tc = m.start_timecode.as_ref().unwrap().value;
    assert_eq!((tc.to_string().as_str(), tc.rate()), ("10:11:59:18", Rate::FPS_25));
    assert_eq!(m.reel.as_ref().unwrap().value, "A001", "what a file states holds");
    assert_eq!(stage.params(), serde_json::json!({ "rate": "25/1", "reel": "X9", "timecode": "01:00:00:00" }));
    // Without either in the file, the parameters hold; a label that does not exist is told.
    forget(&truth.folder, 51043);
    forget(&truth.folder, 51081);
    let given = run(&stage, &root, sequence(&truth.folder, all, vec![all]));
    let m = &given.clips[0].metadata;
    assert_eq!(m.reel.as_ref().unwrap().value, "X9");
    assert_eq!(m.start_timecode.as_ref().unwrap().value.to_string(), "01:00:00:00");
    let odd = Normalize { timecode: Some("01:00:00:99".into()), ..stage };
    let odd = run(&odd, &root, sequence(&truth.folder, all, vec![all]));
    assert!(odd.findings.iter().any(|f| f.code == "timecode-missing" && f.text.contains("01:00:00:99")));
}

#[test]
fn parameters_are_read_strictly() {
    let read = |s: &str| serde_json::from_str::<Normalize>(s);
    assert_eq!(read("{}").unwrap(), Normalize::default());
    assert_eq!(read(r#"{"rate":"23.976"}"#).unwrap().rate, Some(Rate::FPS_23_976));
    assert_eq!(read(&Normalize::default().params().to_string()).unwrap(), Normalize::default());
    assert!(read(r#"{"rates":"24"}"#).is_err());
    assert!(read(r#"{"rate":"abc"}"#).is_err());
}

#[test]
fn the_schema_describes_the_facts_and_accepts_a_clip() {
    let schema = schema();
    let metadata = &schema["$defs"]["CameraMetadata"]["properties"];
    for field in ["start_timecode", "reel", "rate", "color", "levels", "lens_model"] {
        assert!(metadata[field].is_object(), "{field}");
    }
    assert!(schema["properties"]["metadata"].is_object());
}

#[test]
fn the_footage_beside_the_checkout_is_described_as_exiftool_and_ffprobe_do() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/footage");
    if !shared.is_dir() {
        eprintln!("SKIPPED: there is no {}", shared.display());
        return;
    }
    let one = |file: &str, format| {
        let path = shared.join(file);
        let clip = Clip::new("clip", format, ClipMedia::Files(vec![path]));
        run(&Normalize::default(), &shared, clip)
    };
    let bmd = one("raw/genuine/Blackmagic_PCC4K_4to1.dng", ClipFormat::CinemaDng);
    let m = &bmd.clips[0].metadata;
    assert_eq!(m.model.as_ref().unwrap().value, "Blackmagic Pocket Cinema Camera 4K");
    assert_eq!(m.model.as_ref().unwrap().origin.tag, "IFD0:UniqueCameraModel (50708)");
    assert_eq!(m.start_timecode.as_ref().unwrap().value.to_string(), "08:01:55:14");
    assert_eq!(m.rate.as_ref().unwrap().value, Rate::FPS_30);
    assert_eq!(m.serial_number.as_ref().unwrap().value, "f6845270-68de-40e7-9688-2492e35e94c0");
    assert_eq!(bmd.findings.iter().map(|f| f.code.as_str()).collect::<Vec<_>>(), ["reel-missing"]);

    let gpr = one("raw/genuine/GoPro_HERO6_GOPR0024.gpr", ClipFormat::Gpr);
    let m = &gpr.clips[0].metadata;
    assert_eq!((m.iso.as_ref().unwrap().value, m.exposure_time.as_ref().unwrap().value), (100.0, (1, 455)));
    assert_eq!((m.f_stop.as_ref().unwrap().value, m.focal_length.as_ref().unwrap().value), (2.8, 3.0));
    assert_eq!(m.compression.as_ref().unwrap().value, "VC-5");
    assert_eq!(m.recorded_at.as_ref().unwrap().value, "2016:01:01 23:07:27");

    let mov = one("containers/dnxhr444_tc00471007.mov", ClipFormat::Mov);
    let m = &mov.clips[0].metadata;
    assert_eq!(m.start_timecode.as_ref().unwrap().value.to_string(), "00:47:10:07");
    let exr = one("exr/ScanLines_Carrots.exr", ClipFormat::Exr);
    assert!(exr.clips[0].metadata.stored_size.is_some() && !exr.clips[0].verbatim.0.is_empty());
    let mlv = one("raw/genuine/Canon_5D3_MagicLantern_M19-0333-cut.mlv", ClipFormat::Mlv);
    let m = &mlv.clips[0].metadata;
    assert_eq!(mlv.clips[0].range, Some(range(0, 0)));
    assert_eq!(m.rate.as_ref().unwrap().value, Rate::FPS_59_94);
    assert_eq!((m.iso.as_ref().unwrap().value, m.white_balance_kelvin.as_ref().unwrap().value), (3500.0, 5800.0));
    assert_eq!(m.lens_model.as_ref().unwrap().origin.tag, "LENS:lensName");
    let codes: Vec<_> = mlv.findings.iter().map(|f| f.code.as_str()).collect();
    assert_eq!(codes, ["timecode-missing", "reel-missing", "white-missing"]);
    let cut = one("raw/dng-derived-damaged/s2_header_only.dng", ClipFormat::Dng);
    assert_eq!(cut.findings[0].code, "header-unreadable");
}
