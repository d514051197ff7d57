//! The sink from rows to file, and its movies in FFmpeg's eyes where it is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rushes_core::frame::{Band, FrameFacts, FrameFormat, ImageState};
use rushes_core::media::{
    CameraMetadata, ClipFormat, ClipMedia, ColorSpace, FileSequence, FrameRange, Origin, Rate, Sourced, Timecode,
};
use rushes_core::stage::{ClipRef, Encoded, OutputFile, Sink, SinkContext, SinkWriter};
use rushes_core::{ErrorKind, Result};

use super::{Codec, Container, FfmpegCodec, Movie};

fn sourced<T>(value: T) -> Option<Sourced<T>> {
    Some(Sourced { value, origin: Origin { file: "A001_0000.dng".into(), tag: "test".into() } })
}

/// A clip of frames 0 to 999 with a reel.
pub(super) fn clip(rate: Rate, start: Option<&str>) -> ClipRef {
    ClipRef {
        name: "A001_C002".into(),
        format: ClipFormat::CinemaDng,
        media: ClipMedia::Sequence(FileSequence {
            folder: "card".into(),
            prefix: "A001_".into(),
            padding: 4,
            suffix: ".dng".into(),
            present: FileSequence::ranges_of((0..1000).collect()),
        }),
        metadata: CameraMetadata {
            make: sourced("Maker".into()),
            model: sourced("Model".into()),
            reel: sourced("A001R1AB".into()),
            rate: sourced(rate),
            start_timecode: start.and_then(|s| sourced(Timecode::parse(s, rate).unwrap())),
            ..CameraMetadata::default()
        }
        .into(),
        range: None,
        substitutes: Vec::new(),
    }
}

/// A Rec.709 display picture.
pub(super) fn format(width: usize, height: usize, timecode: Option<Timecode>) -> FrameFormat {
    FrameFormat {
        state: ImageState::Display,
        width,
        height,
        facts: FrameFacts { timecode, color_space: Some(ColorSpace::Rec709Display), ..FrameFacts::default() },
    }
}

type Pixel = dyn Fn(usize, usize, i64) -> [f32; 3];

/// Bars over ramps, moving to the right by two columns a frame.
fn scene(width: usize, height: usize) -> impl Fn(usize, usize, i64) -> [f32; 3] {
    move |x, y, n| {
        let u = (x + 2 * n as usize) % width;
        if y < height / 2 {
            let bar = 7 - u * 8 / width;
            [bar & 2, bar & 4, bar & 1].map(|on| if on > 0 { 0.75 } else { 0.0 })
        } else {
            let v = y as f32 / height as f32;
            [u as f32 / width as f32, v, 0.5 + 0.4 * (u as f32 / 9.0).sin() * v]
        }
    }
}

fn open(sink: &Movie, clip: &ClipRef, out: &Path, frames: i64, first: &FrameFormat) -> Result<Box<dyn SinkWriter>> {
    let range = FrameRange::new(0, frames - 1).unwrap();
    sink.open(
        &SinkContext { clip: clip.clone(), range, to_make: vec![range], out: out.to_owned(), existing: false.into() },
        first,
    )
}

fn push(writer: &mut dyn SinkWriter, format: &FrameFormat, frame: i64, pixel: &Pixel) -> Result<()> {
    let (w, h) = (format.width, format.height);
    let mut sink = writer.frame(format)?;
    // Bands of seven rows, so that the last one is shorter.
    for y in (0..h).step_by(7) {
        let rows = y..(y + 7).min(h);
        let mut data = Vec::with_capacity(3 * rows.len() * w);
        for c in 0..3 {
            data.extend(rows.clone().flat_map(|y| (0..w).map(move |x| (x, y))).map(|(x, y)| pixel(x, y, frame)[c]));
        }
        sink.rows(&Band::new(&data, 3, w, rows))?;
    }
    let packet = sink.finish()?;
    assert!(writer.commit(frame, packet)?.is_empty());
    Ok(())
}

fn record(
    sink: &Movie,
    clip: &ClipRef,
    out: &Path,
    size: (usize, usize),
    frames: i64,
    pixel: &Pixel,
) -> Result<OutputFile> {
    let format = format(size.0, size.1, clip.metadata.start_timecode.as_ref().map(|t| t.value));
    record_as(sink, clip, out, &format, frames, pixel)
}

fn record_as(
    sink: &Movie,
    clip: &ClipRef,
    out: &Path,
    format: &FrameFormat,
    frames: i64,
    pixel: &Pixel,
) -> Result<OutputFile> {
    let mut writer = open(sink, clip, out, frames, format)?;
    for n in 0..frames {
        push(&mut *writer, format, n, pixel)?;
    }
    Ok(writer.finish()?.remove(0))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut all: Vec<PathBuf> = entries
        .flat_map(|e| {
            let path = e.unwrap().path();
            if path.is_dir() { files(&path) } else { vec![path] }
        })
        .collect();
    all.sort();
    all
}

#[test]
fn a_movie_appears_whole_and_equal_on_every_run() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let clip = clip(Rate::FPS_24, Some("01:00:00:00"));
    let made = dirs.each_ref().map(|d| {
        let made = record(&Movie::default(), &clip, d.path(), (64, 48), 7, &scene(64, 48)).unwrap();
        assert_eq!(files(d.path()), [d.path().join("proxies/A001_C002.mov")]);
        made
    });
    assert_eq!(made[0], made[1]);
    assert_eq!((made[0].path.as_str(), made[0].frames.len()), ("proxies/A001_C002.mov", 7));
    let bytes = dirs.each_ref().map(|d| fs::read(d.path().join("proxies/A001_C002.mov")).unwrap());
    assert_eq!(bytes[0], bytes[1]);
    assert_eq!(bytes[0].len() as u64, made[0].bytes);

    let again = record(&Movie::default(), &clip, dirs[0].path(), (64, 48), 7, &scene(64, 48)).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::AlreadyExists);
}

#[test]
fn the_packet_is_tagged_progressive_and_bt709() {
    let dir = tempfile::tempdir().unwrap();
    record(&Movie::default(), &clip(Rate::FPS_24, None), dir.path(), (64, 48), 1, &scene(64, 48)).unwrap();
    let bytes = fs::read(dir.path().join("proxies/A001_C002.mov")).unwrap();
    // RDD 36, 5.1.1: the header follows the identifier; size, version, encoder, width, height.
    let header = &bytes[bytes.windows(4).position(|w| w == b"icpf").unwrap() + 4..];
    assert_eq!(header[8..12], [0, 64, 0, 48]);
    assert_eq!(header[12] >> 6, 2, "4:2:2");
    assert_eq!(header[12] >> 2 & 3, 0, "progressive");
    assert_eq!(header[13] & 15, 2, "24 frames to the second");
    assert_eq!(header[14..17], [1, 1, 1], "primaries, transfer, matrix");
}

#[test]
fn hdr_movies_say_so() {
    let Ok(_) = std::process::Command::new("ffprobe").arg("-version").output() else {
        eprintln!("SKIPPED: there is no ffprobe");
        return;
    };
    for (space, want) in
        [(ColorSpace::Rec2100Pq, "bt2020nc,smpte2084,bt2020"), (ColorSpace::Rec2100Hlg, "bt2020nc,arib-std-b67,bt2020")]
    {
        let dir = tempfile::tempdir().unwrap();
        let mut first = format(64, 48, None);
        first.facts.color_space = Some(space);
        let made =
            record_as(&Movie::default(), &clip(Rate::FPS_24, None), dir.path(), &first, 1, &scene(64, 48)).unwrap();
        let probed = std::process::Command::new("ffprobe")
            .args([
                "-v",
                "error",
                "-select_streams",
                "v",
                "-show_entries",
                "stream=color_space,color_transfer,color_primaries",
            ])
            .args(["-of", "csv=p=0"])
            .arg(dir.path().join(made.path))
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&probed.stdout).trim(), want);
    }
}

#[test]
fn an_abort_a_short_movie_or_a_wrong_frame_leaves_nothing_behind() {
    let clip = clip(Rate::FPS_24, Some("01:00:00:00"));
    let format = format(64, 48, None);
    let dir = tempfile::tempdir().unwrap();
    let started = || {
        let mut w = open(&Movie::default(), &clip, dir.path(), 3, &format).unwrap();
        push(&mut *w, &format, 0, &scene(64, 48)).unwrap();
        assert_eq!(files(dir.path()).len(), 1);
        w
    };
    started().abort();
    assert_eq!(files(dir.path()), [""; 0].map(PathBuf::from));
    let e = started().finish().unwrap_err();
    assert!(e.to_string().contains("up to 0 of 0-2"), "{e}");
    let mut w = started();
    let e = w.commit(2, Encoded::Bytes(Vec::new())).unwrap_err();
    assert!(e.to_string().contains("waits for frame 1"), "{e}");
    let other = FrameFormat { width: 66, ..format.clone() };
    let e = w.frame(&other).err().unwrap();
    assert!(e.to_string().contains("66x48"), "{e}");
    drop(w);
    assert!(files(dir.path()).is_empty());
}

#[test]
fn rows_out_of_order_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let format = format(64, 48, None);
    let w = open(&Movie::default(), &clip(Rate::FPS_24, None), dir.path(), 1, &format).unwrap();
    let mut f = w.frame(&format).unwrap();
    assert!(f.rows(&Band::new(&[0.0; 192], 3, 64, 5..6)).is_err());
    f.rows(&Band::new(&[0.0; 192], 3, 64, 0..1)).unwrap();
    assert!(f.finish().unwrap_err().to_string().contains("1 of 48 rows"));
}

#[test]
fn what_cannot_be_a_movie_is_refused_at_plan_time() {
    let c = clip(Rate::FPS_24, Some("01:00:00:00"));
    let refused = |sink: &Movie, f: &FrameFormat| sink.check(&c, f).unwrap_err().to_string();
    let sink = Movie::default();
    assert!(sink.check(&c, &format(64, 48, None)).is_ok());
    assert!(refused(&sink, &format(63, 48, None)).contains("scale"));
    let mut f = format(64, 48, None);
    f.facts.color_space = None;
    assert_eq!(sink.check(&c, &f).unwrap_err().kind(), ErrorKind::MissingFact);
    f.facts.color_space = Some(ColorSpace::AcesCg);
    assert!(refused(&sink, &f).contains("ACEScg"));
    let away = Movie { folder: "../elsewhere".into(), ..Movie::default() };
    assert!(refused(&away, &format(64, 48, None)).contains("../elsewhere"));
    let text = r#"{ "codec": { "ffmpeg": "dnxhd", "args": ["-filter_complex", "x"] } }"#;
    assert!(refused(&serde_json::from_str(text).unwrap(), &format(64, 48, None)).contains("-filter_complex"));
}

#[test]
fn a_clip_without_labels_is_told_before_the_work() {
    let codes = |c: &ClipRef| Movie::default().findings(c).into_iter().map(|f| f.code).collect::<Vec<_>>();
    let mut c = clip(Rate::FPS_24, None);
    assert_eq!(codes(&c), ["proxy-without-timecode"]);
    std::sync::Arc::make_mut(&mut c.metadata).reel = None;
    assert_eq!(codes(&c), ["proxy-without-timecode", "proxy-without-reel"]);
    assert!(codes(&clip(Rate::FPS_24, Some("00:00:00:00"))).is_empty());
}

/// Runs a program of FFmpeg's, or says that it is not there.
fn tool(program: &str, args: &[&str], file: &Path) -> Option<Vec<u8>> {
    let Ok(out) = Command::new(program).args(["-v", "error"]).args(args).arg(file).output() else {
        eprintln!("SKIPPED: there is no `{program}` in PATH");
        return None;
    };
    assert!(out.status.success() && out.stderr.is_empty(), "{program}: {}", String::from_utf8_lossy(&out.stderr));
    Some(out.stdout)
}

fn decode(movie: &Path) -> Option<Vec<u16>> {
    let Ok(out) = Command::new("ffmpeg")
        .args(["-v", "error", "-xerror", "-i"])
        .arg(movie)
        .args(["-f", "rawvideo", "-pix_fmt", "yuv422p10le", "-"])
        .output()
    else {
        eprintln!("SKIPPED: there is no `ffmpeg` in PATH");
        return None;
    };
    assert!(out.status.success() && out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
    Some(out.stdout.as_chunks().0.iter().map(|b| u16::from_le_bytes(*b)).collect())
}

#[test]
fn ffmpeg_decodes_bars_to_their_codes() {
    // Eight bars of 32 columns, 75 %, with 100 % white and black below: BT.709, 10 bits.
    let (w, h) = (256usize, 64usize);
    let golden = [
        [721, 512, 512],
        [674, 176, 543],
        [581, 589, 176],
        [534, 253, 207],
        [251, 771, 817],
        [204, 435, 848],
        [111, 848, 481],
        [64, 512, 512],
    ];
    let pixel = move |x: usize, y: usize, _: i64| {
        let bar = 7 - x * 8 / w;
        match y {
            0..32 => [bar & 2, bar & 4, bar & 1].map(|on| if on > 0 { 0.75 } else { 0.0 }),
            _ => [if x < w / 2 { 1.0 } else { 0.0 }; 3],
        }
    };
    let kept = std::env::var_os("RUSHES_INTEROP_OUT").map(PathBuf::from);
    let dir = tempfile::tempdir().unwrap();
    let out = kept.as_deref().unwrap_or(dir.path());
    let made =
        record(&Movie::default(), &clip(Rate::FPS_23_976, Some("01:02:03:04")), out, (w, h), 12, &pixel).unwrap();
    let Some(codes) = decode(&out.join(made.path)) else { return };
    assert_eq!(codes.len(), 12 * w * h * 2);
    for (bar, want) in golden.iter().enumerate() {
        let (x, y) = (bar * 32 + 16, 12);
        let got = [codes[y * w + x], codes[w * h + y * w / 2 + x / 2], codes[w * h * 3 / 2 + y * w / 2 + x / 2]];
        for (got, want) in got.iter().zip(want) {
            assert!(got.abs_diff(*want) <= 2, "bar {bar}: {got} instead of {want}");
        }
    }
    let row = &codes[48 * w..49 * w];
    assert!(row[40].abs_diff(940) <= 1 && row[200].abs_diff(64) <= 1, "white {} black {}", row[40], row[200]);
}

#[test]
fn ffmpeg_decodes_every_size_whole() {
    let clip = clip(Rate::FPS_25, Some("10:00:00:00"));
    let sizes =
        [(16, 16), (18, 17), (30, 31), (62, 50), (64, 16), (98, 33), (130, 75), (146, 144), (200, 199), (1026, 37)];
    for (w, h) in sizes {
        let dir = tempfile::tempdir().unwrap();
        let pixel = scene(w, h);
        let made = record(&Movie::default(), &clip, dir.path(), (w, h), 1, &pixel).unwrap();
        let Some(codes) = decode(&dir.path().join(made.path)) else { return };
        assert_eq!(codes.len(), w * h * 2, "{w}x{h}");
        let luma = |x: usize, y: usize| {
            let [r, g, b] = pixel(x, y, 0);
            876.0 * (0.2126 * r + 0.7152 * g + 0.0722 * b) + 64.0
        };
        let squared: f32 = (0..w * h).map(|i| (f32::from(codes[i]) - luma(i % w, i / w)).powi(2)).sum();
        let psnr = 20.0 * 1023f32.log10() - 10.0 * (squared / (w * h) as f32).max(1e-9).log10();
        assert!(psnr > 34.0, "{w}x{h}: {psnr} dB");
    }
}

#[test]
fn ffmpegs_codecs_give_movies_that_relink() {
    let codecs = [
        ("prores_ks", vec!["-profile:v", "0", "-vendor", "apl0"], Container::Mov, (128, 64)),
        ("libx264", vec!["-preset", "ultrafast"], Container::Mp4, (128, 64)),
        ("libx264", vec!["-preset", "ultrafast"], Container::Mov, (128, 64)),
        ("dnxhd", vec!["-profile:v", "dnxhr_lb"], Container::Mov, (256, 120)),
        ("dnxhd", vec!["-profile:v", "dnxhr_hqx"], Container::Mxf, (1920, 1080)),
    ];
    for (name, args, container, size) in codecs {
        let sink = Movie {
            codec: Codec::Ffmpeg(FfmpegCodec {
                ffmpeg: name.into(),
                args: args.into_iter().map(str::to_owned).collect(),
                container,
            }),
            ..Movie::default()
        };
        sink.check(&clip(Rate::FPS_24, None), &format(size.0, size.1, None)).unwrap();
        if let Err(e) = sink.check_here() {
            assert_eq!(e.kind(), ErrorKind::Unsupported);
            eprintln!("SKIPPED: {e}");
            return;
        }
        for (rate, start) in [(Rate::FPS_24, "01:00:00:00"), (Rate::FPS_29_97, "00:01:00;02")] {
            let dir = tempfile::tempdir().unwrap();
            let made = match record(&sink, &clip(rate, Some(start)), dir.path(), size, 5, &scene(size.0, size.1)) {
                Err(e) if e.to_string().contains("Unknown encoder") => {
                    eprintln!("SKIPPED: {e}");
                    continue;
                }
                made => made.unwrap_or_else(|e| panic!("{name} {container:?} {rate}: {e}")),
            };
            assert_eq!(files(dir.path()), [dir.path().join(&made.path)]);
            assert!(tool("ffprobe", &[], &dir.path().join(&made.path)).is_some());
        }
    }
}

#[test]
fn ffmpegs_refusal_is_told_and_leaves_nothing_behind() {
    let sink: Movie = serde_json::from_str(r#"{ "codec": { "ffmpeg": "no_such_encoder" } }"#).unwrap();
    if let Err(e) = sink.check_here() {
        eprintln!("SKIPPED: {e}");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let e = record(&sink, &clip(Rate::FPS_24, None), dir.path(), (64, 48), 3, &scene(64, 48)).unwrap_err();
    assert!(e.to_string().contains("no_such_encoder"), "{e}");
    assert!(files(dir.path()).is_empty());
}
