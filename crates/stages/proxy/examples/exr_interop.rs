//! Writes one synthetic plate in every compression, and its pixels as .npy, for tests/interop/exr.py.
//!
//! `cargo run -p rushes-proxy --example exr_interop -- DIR [WIDTH HEIGHT]`

use std::path::PathBuf;

use ndarray::Array3;
use rushes_core::frame::{Band, FrameFacts, FrameFormat, ImageState};
use rushes_core::media::{
    CameraMetadata, ClipFormat, ClipMedia, ColorSpace, FrameRange, Origin, Rate, Sourced, Timecode,
};
use rushes_core::stage::{ClipRef, Sink, SinkContext, StageInfo};
use rushes_core::{Error, ErrorKind, Result};
use rushes_proxy::{Container, ExrCompression, ExrPlate, write_npy_f32};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let bad = || Error::new(ErrorKind::Invalid, "usage: exr_interop DIR [WIDTH HEIGHT]");
    let out = PathBuf::from(args.first().ok_or_else(bad)?);
    let side = |i: usize, default: usize| args.get(i).map_or(Ok(default), |s| s.parse().map_err(|_| bad()));
    let (w, h) = (side(1, 333)?, side(2, 301)?);

    let planes = Array3::from_shape_fn((3, h, w), |(p, y, x)| {
        let (u, v) = (x as f32 / w as f32, y as f32 / h as f32);
        // Grain of a few per cent on ramps and a bright, saturated disc.
        let seed = ((p * h + y) * w + x) as u32;
        let grain =
            (seed.wrapping_mul(0x9e37_79b1) ^ seed << 7).wrapping_mul(0x85eb_ca6b) as f32 / u32::MAX as f32 - 0.5;
        let disc = if (u - 0.7).hypot(v - 0.4) < 0.15 { [9.0, 3.0, 0.4][p] } else { 0.0 };
        0.18 * (1.0 + u * (p as f32 + 1.0)) * (1.0 - 0.8 * v) * (1.0 + 0.05 * grain) + disc
    });
    write_npy_f32(&out.join("pixels.npy"), planes.view(), true)?;

    let clip = clip();
    let facts = FrameFacts {
        frame: 1001,
        timecode: Some(Timecode::parse("10:20:30:47", Rate::FPS_48)?),
        color_space: Some(ColorSpace::Aces2065_1),
        ..FrameFacts::default()
    };
    let format = FrameFormat { state: ImageState::SceneLinear, width: w, height: h, facts };
    for compression in [
        ExrCompression::None,
        ExrCompression::Rle,
        ExrCompression::Zips,
        ExrCompression::Zip,
        ExrCompression::Piz,
        ExrCompression::Dwaa,
        ExrCompression::Dwab,
    ] {
        let plate = ExrPlate { compression, container: Container::Relaxed, ..ExrPlate::default() };
        let name = plate.params()["compression"].as_str().unwrap_or("").to_owned();
        let range = FrameRange { first: 1001, last: 1001 };
        let cx =
            SinkContext { clip: clip.clone(), range, to_make: vec![range], out: out.join(name), existing: true.into() };
        let mut writer = plate.open(&cx, &format)?;
        let mut frame = writer.frame(&format)?;
        frame.rows(&Band::new(planes.as_slice().unwrap_or(&[]), 3, w, 0..h))?;
        let bytes = frame.finish()?;
        writer.commit(1001, bytes)?;
        writer.finish()?;
    }
    Ok(())
}

fn clip() -> ClipRef {
    fn said<T>(value: T) -> Option<Sourced<T>> {
        Some(Sourced { value, origin: Origin { file: "synthetic".into(), tag: "example".into() } })
    }
    let metadata = CameraMetadata {
        make: said("Rushes".into()),
        model: said("Synthetic".into()),
        serial_number: said("0001".into()),
        reel: said("A001C002".into()),
        camera_label: said("A".into()),
        lens_model: said("32 mm T2.1".into()),
        rate: said(Rate::FPS_48),
        capture_rate: said(Rate::FPS_48),
        iso: said(800.0),
        exposure_time: said((1, 96)),
        shutter_angle: said(180.0),
        t_stop: said(2.8),
        focal_length: said(32.0),
        ..CameraMetadata::default()
    };
    let media = ClipMedia::Files(vec!["synthetic".into()]);
    ClipRef {
        name: "A001C002".into(),
        format: ClipFormat::Dng,
        media,
        range: None,
        metadata: metadata.into(),
        substitutes: Vec::new(),
    }
}
