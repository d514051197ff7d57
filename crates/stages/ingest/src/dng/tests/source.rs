use ndarray::Array3;
use rushes_core::Result;
use rushes_core::frame::{FrameFacts, FrameFormat, ImageState};
use rushes_core::media::{ClipFormat, ClipMedia, FileSequence, FrameRange, Origin, Rate, Sourced, Timecode};
use rushes_core::stage::{ClipRef, Source, SourceFrame, StageInfo};

use super::super::header::Header;
use super::super::rows::{DngFrame, Pools};
use super::super::{DngSource, Photometric};
use super::build::{Dng, fraction};

fn clip(folder: &std::path::Path) -> ClipRef {
    let present = vec![FrameRange { first: 7, last: 8 }];
    let folder = folder.to_owned();
    let media = FileSequence { folder, prefix: "A_".into(), padding: 4, suffix: ".dng".into(), present };
    ClipRef {
        name: "A".into(),
        format: ClipFormat::CinemaDng,
        media: ClipMedia::Sequence(media),
        metadata: std::sync::Arc::default(),
        range: None,
        substitutes: Vec::new(),
    }
}

/// The frame in `bytes` as the engine takes it.
pub(super) fn whole_frame(header: &Header, bytes: &[u8]) -> Result<Array3<f32>> {
    let p = &header.picture;
    let area = p.active_area.filter(|_| p.photometric == Photometric::LinearRaw);
    let (width, height) = area.map_or((p.width, p.height), |a| (a.width, a.height));
    let state = if p.photometric == Photometric::Cfa { ImageState::Mosaic } else { ImageState::CameraRgb };
    let format = FrameFormat { state, width, height, facts: FrameFacts::default() };
    Ok(DngFrame::read(header, &mut std::io::Cursor::new(bytes), format, &Pools::default())?.planes())
}

#[test]
fn a_sequence_gives_frames_with_their_facts() {
    let dir = tempfile::tempdir().unwrap();
    let dng = Dng::new(32, 16, 12)
        .with(51043, 1, &[0x14, 0x55, 0x01, 0x08, 0, 0, 0, 0])
        .with(51044, 10, &[fraction(24, 1)])
        .with(50718, 5, &[fraction(2, 1), fraction(1, 1)]);
    std::fs::write(dir.path().join("A_0007.dng"), dng.bytes()).unwrap();
    std::fs::write(dir.path().join("A_0008.dng"), Dng::new(32, 16, 12).bytes()).unwrap();
    let mut clip = clip(dir.path());
    let reader = DngSource::default().open(&clip).unwrap();
    let format = reader.format(7).unwrap();
    assert_eq!((format.state, format.width, format.height), (ImageState::Mosaic, 32, 16));
    assert_eq!(format.facts.timecode.unwrap().to_string(), "08:01:55:14");
    assert_eq!((format.facts.frame, format.facts.pixel_aspect), (7, Some((2, 1))));
    assert!(reader.bytes_needed(7).unwrap() >= 32 * 16 * 12 / 8);
    let frame = reader.decode(7).unwrap();
    assert_eq!(frame.format(), format);
    let want: Vec<f32> = dng.values.iter().map(|&v| f32::from(v)).collect();
    assert_eq!(frame.planes().as_slice().unwrap(), want);

    // Frame 8 has no timecode of its own: it counts from the clip's first frame.
    assert_eq!(reader.format(8).unwrap().facts.timecode, None);
    let start = Timecode::parse("10:00:00:23", Rate::FPS_24).unwrap();
    let origin = Origin { file: "sidecar.xml".into(), tag: "start".into() };
    std::sync::Arc::make_mut(&mut clip.metadata).start_timecode = Some(Sourced { value: start, origin });
    let reader = DngSource::default().open(&clip).unwrap();
    assert_eq!(reader.format(8).unwrap().facts.timecode.unwrap().to_string(), "10:00:01:00");

    let e = reader.decode(9).unwrap_err();
    assert!(
        e.to_string().contains("clip A") && e.to_string().contains("A_0009.dng") && e.to_string().contains("frame 9")
    );
}

#[test]
fn other_formats_are_turned_away() {
    let mut clip = clip(std::path::Path::new("."));
    clip.format = ClipFormat::Gpr;
    assert!(DngSource::default().accepts(&clip).unwrap_err().to_string().contains("VC-5"));
    clip.format = ClipFormat::R3d;
    assert!(DngSource::default().open(&clip).is_err());
    assert_eq!(DngSource::default().name(), "decode");
}
