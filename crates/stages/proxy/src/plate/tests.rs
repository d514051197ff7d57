use std::io::{Read, Seek};
use std::path::Path;

use ::half::f16;
use exr::prelude::{AttributeValue, ReadChannels, ReadLayers, Text};
use rushes_core::deliver::Existing;
use rushes_core::frame::FrameFacts;
use rushes_core::media::{CameraMetadata, ClipFormat, ClipMedia, FileSequence, Origin, Rate, Rect, Sourced, Timecode};

use super::*;

fn said<T>(value: T) -> Option<Sourced<T>> {
    Some(Sourced { value, origin: Origin { file: "a.dng".into(), tag: "test".into() } })
}

fn clip() -> ClipRef {
    let metadata = CameraMetadata {
        make: said("Blackmagic Design".into()),
        model: said("  Cinema Camera\0\0".into()),
        serial_number: said(" ".into()),
        reel: said("A001".into()),
        camera_label: said("A".into()),
        lens_model: said("Ultra Prime 32 mm".into()),
        start_timecode: said(Timecode::parse("10:20:30:40", Rate::FPS_48).unwrap()),
        rate: said(Rate::FPS_48),
        iso: said(800.0),
        exposure_time: said((1, 96)),
        shutter_angle: said(180.0),
        f_stop: said(f64::NAN),
        t_stop: said(2.8),
        focal_length: said(32.0),
        recorded_at: said("2024-05-06T07:08:09".into()),
        active_area: said(Rect::whole(20, 12)),
        default_crop: said(Rect { x: 2, y: 1, width: 5, height: 3 }),
        squeeze: said((2, 1)),
        ..CameraMetadata::default()
    };
    let media = ClipMedia::Sequence(FileSequence {
        folder: "card".into(),
        prefix: "A001_".into(),
        padding: 6,
        suffix: ".dng".into(),
        present: FileSequence::ranges_of(vec![100, 101, 102, 103]),
    });
    ClipRef {
        name: "A001_C001".into(),
        format: ClipFormat::CinemaDng,
        media,
        range: None,
        metadata: metadata.into(),
        substitutes: Vec::new(),
    }
}

fn format(width: usize, height: usize, frame: i64) -> FrameFormat {
    let facts = FrameFacts { frame, color_space: Some(ColorSpace::Aces2065_1), ..FrameFacts::default() };
    FrameFormat { state: ImageState::SceneLinear, width, height, facts }
}

fn cx(out: &Path) -> SinkContext {
    let range = FrameRange { first: 101, last: 102 };
    SinkContext { clip: clip(), range, to_make: vec![range], out: out.into(), existing: Existing::Refuse }
}

/// Smooth colours with some texture, three planes.
fn picture(width: usize, height: usize) -> Vec<f32> {
    let mut data = Vec::with_capacity(3 * width * height);
    for p in 0..3 {
        for y in 0..height {
            for x in 0..width {
                let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
                data.push(0.5 * (p + 1) as f32 * u + v * v + 0.02 * ((x * 7 + y * 13) % 11) as f32);
            }
        }
    }
    data
}

fn encode(stage: &ExrPlate, out: &Path, format: &FrameFormat, data: &[f32], rows_at_once: usize) -> Vec<u8> {
    let writer = stage.open(&cx(out), format).unwrap();
    let Encoded::File(mut file) = finished(writer.as_ref(), format, data, rows_at_once) else { panic!("no file") };
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

fn finished(writer: &dyn SinkWriter, format: &FrameFormat, data: &[f32], rows_at_once: usize) -> Encoded {
    let mut frame = writer.frame(format).unwrap();
    let (w, h) = (format.width, format.height);
    for first in (0..h).step_by(rows_at_once) {
        let rows = first..(first + rows_at_once).min(h);
        let part: Vec<f32> =
            (0..3).flat_map(|p| data[(p * h + rows.start) * w..(p * h + rows.end) * w].to_vec()).collect();
        frame.rows(&Band::new(&part, 3, w, rows)).unwrap();
    }
    frame.finish().unwrap()
}

type Planes = exr::image::Image<exr::image::Layer<exr::image::AnyChannels<exr::image::FlatSamples>>>;

fn read(bytes: &[u8]) -> Planes {
    exr::prelude::read()
        .no_deep_data()
        .largest_resolution_level()
        .all_channels()
        .first_valid_layer()
        .all_attributes()
        .non_parallel()
        .from_buffered(std::io::Cursor::new(bytes))
        .unwrap()
}

fn halfs(image: &Planes, name: &str) -> Vec<f16> {
    let channel = image.layer_data.channel_data.list.iter().find(|c| c.name == *name).unwrap();
    match &channel.sample_data {
        exr::image::FlatSamples::F16(v) => v.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_compression_gives_the_picture_back_whatever_the_bands() {
    let dir = tempfile::tempdir().unwrap();
    for (w, h) in [(1, 1), (5, 3), (70, 40), (33, 300)] {
        let data = picture(w, h);
        for (compression, lossless) in [
            (ExrCompression::None, true),
            (ExrCompression::Rle, true),
            (ExrCompression::Zips, true),
            (ExrCompression::Zip, true),
            (ExrCompression::Piz, true),
            (ExrCompression::Dwaa, false),
            (ExrCompression::Dwab, false),
        ] {
            let stage = ExrPlate { compression, container: Container::Relaxed, ..ExrPlate::default() };
            let format = format(w, h, 101);
            let bytes = encode(&stage, dir.path(), &format, &data, 7);
            assert_eq!(bytes, encode(&stage, dir.path(), &format, &data, h), "{compression:?}");
            assert!(bytes.len() as u64 <= stage.bytes_needed(&format));
            let image = read(&bytes);
            for (plane, name) in ["R", "G", "B"].into_iter().enumerate() {
                let want = &data[plane * w * h..][..w * h];
                for (got, want) in halfs(&image, name).into_iter().zip(want) {
                    let tolerance = if lossless { 0.0 } else { 0.05 };
                    let want = f16::from_f32(*want).to_f32();
                    assert!((got.to_f32() - want).abs() <= tolerance, "{compression:?} {name}: {got} for {want}");
                }
            }
        }
    }
}

#[test]
fn the_header_says_what_is_known_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = encode(&ExrPlate::default(), dir.path(), &format(5, 3, 102), &picture(5, 3), 3);
    let image = read(&bytes);
    let (shared, own) = (&image.attributes, &image.layer_data.attributes);
    assert_eq!(shared.chromaticities.unwrap().red.0, 0.7347);
    assert_eq!(shared.pixel_aspect, 2.0);
    let tc = shared.time_code.unwrap();
    // Two frames after 10:20:30:40: frame 42 is the first of pair 21.
    assert_eq!((tc.hours, tc.minutes, tc.seconds, tc.frame, tc.field_phase), (10, 20, 30, 21, false));
    let get = |name: &str| {
        let name = Text::from(name);
        shared.other.get(&name).or_else(|| own.other.get(&name)).cloned()
    };
    assert_eq!(get("acesImageContainerFlag"), Some(AttributeValue::I32(1)));
    assert_eq!(get("imageCounter"), Some(AttributeValue::I32(102)));
    assert_eq!(get("shutterAngle"), Some(AttributeValue::F32(180.0)));
    for (name, text) in [
        ("colorInteropID", "lin_ap0_scene"),
        ("reelName", "A001"),
        ("cameraMake", "Blackmagic Design"),
        ("cameraModel", "Cinema Camera"),
        ("lensModel", "Ultra Prime 32 mm"),
        ("capDate", "2024:05:06 07:08:09"),
    ] {
        let typed = (name == "capDate").then(|| own.capture_date.clone().map(AttributeValue::Text)).flatten();
        assert_eq!(typed.or(get(name)), Some(AttributeValue::Text(text.into())), "{name}");
    }
    assert_eq!(own.iso_speed, Some(800.0));
    assert_eq!(own.exposure, Some(1.0 / 96.0));
    assert_eq!(own.frames_per_second, Some((48, 1)));
    let window = own.original_data_window.unwrap();
    assert_eq!((window.position.0, window.position.1, window.size.0, window.size.1), (-2, -1, 20, 12));
    assert_eq!((own.aperture, get("cameraSerialNumber"), get("captureRate")), (None, None, None));
}

#[test]
fn the_bytes_of_a_plate_never_change() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = encode(&ExrPlate::default(), dir.path(), &format(4, 2, 101), &picture(4, 2), 1);
    let (_, digest) = rushes_core::deliver::write_whole(&dir.path().join("x.exr"), false, &bytes).unwrap();
    // Another digest here means that every plate ever written gets other bytes: raise the version.
    assert_eq!((bytes.len(), digest.to_string().as_str()), (949, "xxh64:e797e9a7dfbce892"));
    let names: Vec<&[u8]> = vec![b"acesImageContainerFlag", b"capDate", b"channels", b"dataWindow", b"timeCode"];
    let at = names.iter().map(|n| bytes.windows(n.len()).position(|w| w == *n).unwrap());
    assert!(at.is_sorted(), "attributes are sorted by name");
}

#[test]
fn a_strict_plate_is_refused_rather_than_flagged_wrongly() {
    let strict = ExrPlate::default();
    let piz = ExrPlate { compression: ExrCompression::Piz, ..strict.clone() };
    let relaxed = ExrPlate { container: Container::Relaxed, ..piz.clone() };
    let mut cg = format(4, 2, 101);
    cg.facts.color_space = Some(ColorSpace::AcesCg);
    for (stage, format, why) in [
        (&piz, format(4, 2, 101), "no compression"),
        (&strict, cg.clone(), "not ACEScg"),
        (&relaxed, FrameFormat { state: ImageState::Display, ..cg.clone() }, "scene-linear"),
        (&relaxed, FrameFormat { facts: FrameFacts::default(), ..cg.clone() }, "which colour space"),
        (
            &relaxed,
            FrameFormat {
                facts: FrameFacts { color_space: Some(ColorSpace::AcesCct), ..FrameFacts::default() },
                ..cg.clone()
            },
            "linear light",
        ),
        (&relaxed, FrameFormat { width: 1 << 20, ..cg.clone() }, "1048576x2"),
    ] {
        let e = stage.check(&clip(), &format).unwrap_err().to_string();
        assert!(e.contains(why), "{e}");
    }

    let dir = tempfile::tempdir().unwrap();
    let flag = b"acesImageContainerFlag";
    let flagged = |stage: &ExrPlate, f: &FrameFormat| {
        encode(stage, dir.path(), f, &picture(4, 2), 2).windows(flag.len()).any(|w| w == flag)
    };
    assert!(flagged(&strict, &format(4, 2, 101)));
    assert!(flagged(&ExrPlate { compression: ExrCompression::None, ..relaxed.clone() }, &format(4, 2, 101)));
    assert!(!flagged(&relaxed, &format(4, 2, 101)));
    assert!(!flagged(&ExrPlate { compression: ExrCompression::None, ..relaxed.clone() }, &cg));
}

#[test]
fn plates_get_the_numbers_of_the_source() {
    let dir = tempfile::tempdir().unwrap();
    let stage = ExrPlate::default();
    let format = format(4, 2, 101);
    let bytes = encode(&stage, dir.path(), &format, &picture(4, 2), 2);
    let mut writer = stage.open(&cx(dir.path()), &format).unwrap();
    let frame = finished(writer.as_ref(), &format, &picture(4, 2), 1);
    let out = writer.commit(101, frame).unwrap();
    assert_eq!(out[0].path, "plates/A001_C001/A001_C001.0000101.exr");
    assert_eq!(stage.outputs(&clip(), out[0].frames), [out[0].path.clone()]);
    assert_eq!(std::fs::read(dir.path().join(&out[0].path)).unwrap(), bytes);
    assert_eq!(out[0].bytes, bytes.len() as u64);
    writer.abort();

    let e = stage.open(&cx(dir.path()), &format).err().unwrap();
    assert_eq!(e.kind(), ErrorKind::AlreadyExists);
    assert!(e.to_string().contains("A001_C001.0000101.exr"), "{e}");
    assert!(stage.open(&SinkContext { existing: Existing::Replace, ..cx(dir.path()) }, &format).is_ok());
}

#[test]
fn rows_must_come_in_order_and_all_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let writer = ExrPlate::default().open(&cx(dir.path()), &format(4, 2, 101)).unwrap();
    let mut frame = writer.frame(&format(4, 2, 101)).unwrap();
    let row = [0.0; 12];
    assert!(frame.rows(&Band::new(&row, 3, 4, 1..2)).unwrap_err().to_string().contains("row 0"));
    frame.rows(&Band::new(&row, 3, 4, 0..1)).unwrap();
    assert!(frame.finish().unwrap_err().to_string().contains("1 of 2 rows"));
    let e = writer.frame(&format(5, 2, 102)).err().unwrap();
    assert!(e.to_string().contains("5x2") && e.frame_number() == Some(102), "{e}");
}

#[test]
fn parameters_survive_a_workflow_file() {
    let stage = ExrPlate { compression: ExrCompression::Dwaa, container: Container::Relaxed, ..ExrPlate::default() };
    assert_eq!(serde_json::from_value::<ExrPlate>(stage.params()).unwrap(), stage);
    assert_eq!(stage.params()["compression"], "dwaa");
    assert_eq!(serde_json::from_str::<ExrPlate>("{}").unwrap(), ExrPlate::default());
    assert!(serde_json::from_str::<ExrPlate>(r#"{"compresion":"piz"}"#).is_err());
}
