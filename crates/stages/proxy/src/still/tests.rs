use rushes_core::frame::FrameFacts;
use rushes_core::media::{ClipFormat, ClipMedia};

use super::*;

const W: usize = 48;
const H: usize = 20;

fn clip() -> ClipRef {
    ClipRef {
        name: "A001".into(),
        format: ClipFormat::Dng,
        media: ClipMedia::Files(vec!["a.dng".into()]),
        metadata: std::sync::Arc::default(),
        range: None,
        substitutes: Vec::new(),
    }
}

fn format(width: usize, height: usize) -> FrameFormat {
    FrameFormat { state: ImageState::Display, width, height, facts: FrameFacts { frame: 7, ..FrameFacts::default() } }
}

/// Red rises to the right beyond 1, green falls downwards below 0, blue is NaN on one column.
fn picture() -> Vec<f32> {
    let mut data = Vec::new();
    for p in 0..3 {
        for y in 0..H {
            for x in 0..W {
                data.push(match p {
                    0 => 1.2 * x as f32 / W as f32,
                    1 => 0.9 - y as f32 / H as f32,
                    _ if x == 5 => f32::NAN,
                    _ => 0.25,
                });
            }
        }
    }
    data
}

fn encode(still: &Still) -> Vec<u8> {
    encode_as(still, &format(W, H))
}

fn encode_as(still: &Still, format: &FrameFormat) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let range = FrameRange { first: 7, last: 7 };
    let cx = SinkContext { clip: clip(), range, to_make: vec![range], out: dir.path().into(), existing: false.into() };
    let mut writer = still.open(&cx, format).unwrap();
    let mut frame = writer.frame(format).unwrap();
    let data = picture();
    for y in 0..H {
        let row: Vec<f32> = (0..3).flat_map(|p| data[(p * H + y) * W..][..W].to_vec()).collect();
        frame.rows(&Band::new(&row, 3, W, y..y + 1)).unwrap();
    }
    let bytes = frame.finish().unwrap().bytes().unwrap();
    let out = writer.commit(7, Encoded::Bytes(bytes.clone())).unwrap();
    assert_eq!(still.outputs(&clip(), range), [out[0].path.clone()]);
    assert_eq!(std::fs::read(dir.path().join(&out[0].path)).unwrap(), bytes);
    assert!(bytes.len() as u64 <= still.bytes_needed(format));
    bytes
}

#[test]
fn hdr_stills_are_pngs_with_code_points() {
    for (space, points) in [(ColorSpace::Rec2100Pq, [9, 16, 0, 1]), (ColorSpace::Rec2100Hlg, [9, 18, 0, 1])] {
        let mut hdr = format(W, H);
        hdr.facts.color_space = Some(space);
        let bytes = encode_as(&Still { format: StillFormat::Png16, ..Still::default() }, &hdr);
        let reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let found = reader.info().coding_independent_code_points.unwrap();
        let found = [found.color_primaries, found.transfer_function, found.matrix_coefficients];
        assert_eq!(found, points[..3]);
        assert!(reader.info().icc_profile.is_none());
        let refused = Still::default().check(&clip(), &hdr).unwrap_err().to_string();
        assert!(refused.contains("png16"), "{refused}");
    }
}

#[test]
fn png_stills_hold_the_rounded_code_values() {
    for (format, depth, max) in [(StillFormat::Png8, 1, 255.0), (StillFormat::Png16, 2, 65535.0)] {
        let bytes = encode(&Still { format, ..Still::default() });
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut data = vec![0; W * H * 3 * depth];
        reader.next_frame(&mut data).unwrap();
        let want = picture();
        // Half a code value, and what f32 rounds near 65535.
        for (i, sample) in data.chunks(depth).enumerate() {
            let got = sample.iter().fold(0u32, |v, b| v << 8 | u32::from(*b));
            let want = want[i % 3 * W * H + i / 3];
            let want = if want.is_nan() { 0.0 } else { want.clamp(0.0, 1.0) };
            assert!((f64::from(got) - f64::from(want) * max).abs() <= 0.505, "{format:?} sample {i}");
        }
    }
}

#[test]
fn jpeg_stills_come_close_and_keep_full_colour_resolution() {
    let bytes = encode(&Still { quality: 98, ..Still::default() });
    let sof = bytes.windows(2).position(|w| w == [0xff, 0xc0]).expect("a baseline frame");
    // Three components of 1x1 sampling each (ITU-T T.81, B.2.2).
    assert_eq!([bytes[sof + 11], bytes[sof + 14], bytes[sof + 17]], [0x11; 3]);
    let mut decoder = jpeg_decoder::Decoder::new(std::io::Cursor::new(bytes));
    let data = decoder.decode().unwrap();
    let want = picture();
    let off = |i: usize| {
        let want = want[i % 3 * W * H + i / 3];
        if want.is_nan() {
            return 0.0;
        }
        (f32::from(data[i]) - want.clamp(0.0, 1.0) * 255.0).abs()
    };
    let mean = (0..data.len()).map(off).sum::<f32>() / data.len() as f32;
    assert!(mean < 2.0, "mean error of {mean} code values");
}

#[test]
fn the_frames_that_become_stills() {
    let range = FrameRange { first: 10, last: 15 };
    for (frames, want) in [
        (StillFrames::First, vec![10]),
        (StillFrames::Middle, vec![12]),
        (StillFrames::Last, vec![15]),
        (StillFrames::All, (10..=15).collect()),
        (StillFrames::Every(4), vec![10, 14]),
        (StillFrames::Every(99), vec![10]),
    ] {
        let still = Still { frames, ..Still::default() };
        let got: Vec<i64> = (0..30).filter(|&f| still.wants(&clip(), range, f)).collect();
        assert_eq!(got, want, "{frames:?}");
        assert_eq!(still.outputs(&clip(), range).len(), want.len());
        assert_eq!(serde_json::from_value::<Still>(still.params()).unwrap(), still);
    }
    let every: Still = serde_json::from_str(r#"{"format":"png16","frames":{"every":24}}"#).unwrap();
    assert_eq!(every.outputs(&clip(), range), ["stills/A001.0000010.png"]);
}

#[test]
fn what_cannot_become_a_still_is_said_before_the_work() {
    let jpeg = Still::default();
    for (still, format, why) in [
        (jpeg.clone(), format(70_000, 4), "70000x4"),
        (jpeg.clone(), FrameFormat { state: ImageState::SceneLinear, ..format(4, 4) }, "output transform"),
        (Still { quality: 0, ..jpeg.clone() }, format(4, 4), "quality 0"),
        (Still { frames: StillFrames::Every(0), ..jpeg.clone() }, format(4, 4), "every"),
    ] {
        let e = still.check(&clip(), &format).unwrap_err().to_string();
        assert!(e.contains(why), "{e}");
    }
}
