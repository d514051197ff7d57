//! Writes a sample report, to look at and to measure.
//!
//!     cargo run --release -p rushes-report --example sample -- OUT [CLIPS [STILLS]]
//!
//! OUT gets the folders `stills` and `report`. CLIPS is 12 unless told. STILLS is a folder of JPEG
//! or PNG pictures to show instead of painted ones. Everything in it is made up, faults included.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use rushes_core::ErrorKind;
use rushes_core::media::{CameraMetadata, ClipFormat, Digest, Finding, FrameRange, Origin, Rate, Sourced, Timecode};
use rushes_core::run::{Failure, Outcome, UnitReport};
use rushes_core::stage::OutputFile;
use rushes_report::{ClipSection, Level, Link, Report, Still, Verified};
use serde_json::{Value, json};

/// Painted pictures there are at most; more clips show them again.
const SCENES: usize = 24;

/// Why a clip is skipped, in the planner's words.
const BRAW: &str = "needs filmlight: Blackmagic RAW is decoded with Blackmagic Design's own library only, which a FilmLight server \
                    has: name one (`--filmlight` of the command, `Job::filmlight` of the library), or transcode the clip with \
                    Blackmagic Design's tool";

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1);
    let out = PathBuf::from(args.next().ok_or("usage: sample OUT [CLIPS [STILLS]]")?);
    let clips: usize = args.next().map_or(Ok(12), |n| n.to_string_lossy().parse())?;
    let stills = match args.next() {
        Some(folder) => found(&PathBuf::from(folder))?,
        None => painted(&out, clips.min(SCENES))?,
    };
    if stills.is_empty() {
        return Err("there are no pictures in that folder".into());
    }
    Ok(rushes_report::write(&report(clips, &stills)?, &out)?)
}

fn found(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = std::fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<Result<Vec<_>, _>>()?;
    files.retain(|f| f.extension().is_some_and(|e| e == "jpg" || e == "png"));
    files.sort();
    Ok(files)
}

/// Three stills for each scene: the sun sinks from the first to the last.
fn painted(out: &Path, scenes: usize) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    std::fs::create_dir_all(out.join("stills"))?;
    let mut files = Vec::new();
    for scene in 0..scenes {
        for moment in 0..3 {
            let name = PathBuf::from(format!("stills/scene {scene:02} {moment}.jpg"));
            let (w, h) = if scene % 5 == 4 { (960, 402) } else { (960, 540) };
            let rgb: Vec<u8> = (0..w * h)
                .flat_map(|i| paint(scene as f32, moment as f32, (i % w) as f32 / w as f32, (i / w) as f32 / h as f32))
                .collect();
            jpeg_encoder::Encoder::new_file(out.join(&name), 92)?.encode(
                &rgb,
                w as u16,
                h as u16,
                jpeg_encoder::ColorType::Rgb,
            )?;
            files.push(name);
        }
    }
    Ok(files)
}

fn paint(scene: f32, moment: f32, x: f32, y: f32) -> [u8; 3] {
    let (hue, dusk) = (scene * 0.7, moment * 0.12 + (scene * 0.37).fract() * 0.4);
    let sky = [0.35 + 0.5 * y * (1.0 + hue.sin() * 0.4), 0.5 + 0.25 * y, 0.78 - 0.35 * y].map(|v| v * (1.0 - dusk));
    let sun = ((x - 0.3 - (scene * 0.21).fract() * 0.4).powi(2) * 3.2 + (y - 0.3 - moment * 0.08).powi(2)).sqrt();
    let glow = (0.09 / (sun + 0.02)).min(1.4);
    let hill = 0.62 + 0.08 * (x * 9.0 + hue).sin() + 0.03 * (x * 31.0 + hue * 3.0).sin();
    let grain = ((x * 977.0 + y * 1999.0 + scene).sin() * 43758.5).fract().abs() * 0.03;
    let color = if y > hill {
        let depth = (y - hill) * 1.6;
        [0.16 + 0.1 * hue.cos().abs() + depth * 0.3, 0.2 + depth * 0.35, 0.1 + depth * 0.1].map(|v| v * (1.0 - dusk))
    } else {
        [sky[0] + glow, sky[1] + glow * 0.85, sky[2] + glow * 0.55]
    };
    color.map(|v| ((v + grain).clamp(0.0, 1.0) * 255.0) as u8)
}

fn sourced<T>(value: T, file: &str, tag: &str) -> Option<Sourced<T>> {
    Some(Sourced { value, origin: Origin { file: file.into(), tag: tag.into() } })
}

fn metadata(i: usize, name: &str, reel: &str) -> CameraMetadata {
    let rate = [Rate::FPS_23_976, Rate::FPS_25, Rate::FPS_29_97][i / 7 % 3];
    let start = i64::from(rate.nominal()) * (36_000 + i as i64 * 97) + i as i64 % 20;
    let file = format!("{reel}_R1AB/{name}/{name}_000000.dng");
    let of = file.as_str();
    let mut m = CameraMetadata {
        make: sourced("Blackmagic Design".into(), of, "IFD0:Make (271)"),
        model: sourced(["Pocket Cinema Camera 6K", "URSA Mini Pro 12K"][i % 2].into(), of, "IFD0:Model (272)"),
        reel: sourced(reel.into(), of, "IFD0:ReelName (51081)"),
        start_timecode: Timecode::from_frames(start, rate, rate.can_drop())
            .ok()
            .and_then(|t| sourced(t, of, "IFD0:TimeCodes (51043)")),
        rate: sourced(rate, of, "IFD0:FrameRate (51044)"),
        stored_size: sourced((6144, 3456), of, "SubIFD0:ImageWidth (256)"),
        bits_per_sample: sourced(12, of, "SubIFD0:BitsPerSample (258)"),
        compression: sourced("lossless JPEG".into(), of, "SubIFD0:Compression (259)"),
        iso: sourced([400.0, 800.0, 3200.0][i % 3], of, "Exif:ISOSpeedRatings (34855)"),
        shutter_angle: sourced(172.8, of, "Exif:ExposureTime (33434) \u{d7} FrameRate"),
        white_balance_kelvin: sourced([5600.0, 3200.0][i / 4 % 2], of, "XMP crs:Temperature"),
        ..CameraMetadata::default()
    };
    if i % 4 != 3 {
        m.lens_model = sourced("Sigma 18-35mm T2 High Speed Zoom".into(), of, "Exif:LensModel (42036)");
        m.focal_length = sourced([18.0, 24.0, 35.0][i % 3], of, "Exif:FocalLength (37386)");
        m.t_stop = sourced(2.8, "A001_R1AB/report.csv", "column T-stop");
    }
    m
}

fn report(clips: usize, stills: &[PathBuf]) -> Result<Report, Box<dyn Error>> {
    let mut r = Report {
        title: "Day 12, cards A001 to B004".into(),
        workflow: "dailies".into(),
        input: "/Volumes/SHUTTLE_07/20261123".into(),
        tool: "rushes 0.1.0".into(),
        when: Some("23 November 2026, 19:42 UTC".into()),
        links: ["manifest.json", "lineage.json"].map(|f| Link { text: f.into(), path: f.into() }).into(),
        ..Report::default()
    };
    let mut bytes = 0;
    for i in 0..clips {
        let reel = format!("{}{:03}", ["A", "B"][i / 5 % 2], 1 + i / 10);
        let name = match i {
            5 => "B001C006 <script>alert('x')</script> & \u{202e}gnp.txt".to_owned(),
            _ => format!("{reel}C{:03}_261123_R1AB", 1 + i),
        };
        let frames = 48 + (i as i64 * 131) % 1900;
        let range = FrameRange::new(0, frames - 1);
        let mut clip = ClipSection {
            range,
            files: frames as u64 + 2,
            bytes: frames as u64 * 14_313_216 + 12_000,
            metadata: metadata(i, &name, &reel),
            ..ClipSection::new(name.clone(), ClipFormat::CinemaDng)
        };
        for (at, frame) in [0, (frames - 1) / 2, frames - 1].into_iter().enumerate() {
            let path = stills[(i * 3 + at) % stills.len()].clone();
            clip.stills.push(Still { frame, path });
        }
        match i % 97 {
            2 => clip.stills[1].path = "stills/was-deleted.jpg".into(),
            7 => {
                clip.stills.clear();
                clip.format = ClipFormat::Braw;
                clip.skipped = Some(BRAW.into());
                r.findings
                    .push(Finding::error("clip-skipped", BRAW).clip(&name).path(format!("{reel}_R1AB/{name}.braw")));
            }
            _ => {}
        }
        bytes += clip.bytes;
        if clip.skipped.is_none() {
            r.units.push(unit(i, &name, frames, &mut r.findings)?);
        }
        r.clips.push(clip);
    }
    r.findings.insert(0, Finding::info("files-unclaimed", "2 files belong to no clip: NOTES.TXT, ._LUT.cube"));
    r.verified = vec![
        Verified {
            what: "camera originals".into(),
            level: Level::MhlVerified,
            algorithms: "xxh64".into(),
            files: r.clips.iter().map(|c| c.files).sum(),
            bytes,
            failed: 0,
            detail: "ascmhl/0001_A001_2026-11-23.mhl of the camera department, 2 generations".into(),
        },
        Verified {
            what: "copy at /Volumes/RAID_A".into(),
            level: Level::ReadBack,
            algorithms: "xxh64, md5".into(),
            files: r.clips.iter().map(|c| c.files).sum(),
            bytes,
            failed: 1,
            detail: "A001C003_261123_R1AB_000017.dng came back different: copy it again before the card is wiped"
                .into(),
        },
        Verified {
            what: "outputs".into(),
            level: Level::Streamed,
            algorithms: "xxh64".into(),
            files: r.units.iter().map(|u| u.outputs.len() as u64).sum(),
            bytes: r.units.iter().flat_map(|u| &u.outputs).map(|o| o.bytes).sum(),
            ..Verified::default()
        },
    ];
    Ok(r)
}

fn unit(i: usize, clip: &str, frames: i64, findings: &mut Vec<Finding>) -> Result<UnitReport, Box<dyn Error>> {
    // Long sequences would only make the sample slow to build: the page joins them anyway.
    let shown = frames.min(60);
    let file = |role: &str, path: String, bytes, first, last| OutputFile {
        role: role.into(),
        digest: Digest::xxh64(path.as_bytes()),
        path,
        bytes,
        frames: FrameRange { first, last },
    };
    let mut outputs: Vec<_> = (0..shown)
        .map(|f| file("plate", format!("plates/{clip}/{clip}.{f:07}.exr"), 41_200_000 + f as u64 * 977, f, f))
        .collect();
    outputs.push(file("proxy", format!("proxies/{clip}.mov"), frames as u64 * 390_000, 0, frames - 1));
    let mut outcome = Outcome::Done;
    match i % 50 {
        1 => {
            for (code, frame, text) in [
                ("sequence-gap", 5, "frame 5 is missing; frame 4 is held in its place"),
                ("frame-held", 5, "frame 4 stands in for frame 5"),
                ("frame-held", 10, "frame 9 stands in for frame 10"),
                ("frame-held", 11, "frame 9 stands in for frame 11"),
            ] {
                findings.push(Finding::warning(code, text).clip(clip).frame(frame));
            }
        }
        4 => findings.push(
            Finding::warning("frame-truncated", "frame 10 is truncated (strip 1 of 1 should end at byte 1431840, the file ends at byte 859104); frame 9 is held in its place")
                .clip(clip)
                .frame(10)
                .path(format!("A001_R1AB/{clip}/{clip}_000010.dng")),
        ),
        9 => {
            outputs.truncate(12);
            outcome = Outcome::Failed(Failure {
                kind: ErrorKind::Io,
                message: format!(
                    "writing a plate: plates/{clip}/{clip}.0000012.exr: No space left on device; free space on the destination and run again"
                ),
                retryable: false,
            });
        }
        _ => {}
    }
    let ms = |each: f64| each * frames as f64;
    let work = [("decode", 9.1), ("debayer", 31.5), ("aces", 6.2), ("plate", 22.4), ("display", 7.9), ("proxy", 11.3)];
    let stage_ms: BTreeMap<_, _> = work.iter().map(|(s, each)| (*s, ms(*each + i as f64 % 3.0))).collect();
    // As an executor elsewhere would send it.
    let mut report = json!({
        "unit": format!("{clip}.0-{}", frames - 1), "clip": clip, "ran_on": "local", "frames": frames,
        "attempts": 1 + u32::from(i % 50 == 9), "outputs": outputs, "findings": [], "stage_ms": stage_ms,
        "wall_ms": ms(24.0 + i as f64 % 5.0),
    });
    if let (Some(report), Value::Object(outcome)) = (report.as_object_mut(), serde_json::to_value(outcome)?) {
        report.extend(outcome);
    }
    Ok(serde_json::from_value(report)?)
}
