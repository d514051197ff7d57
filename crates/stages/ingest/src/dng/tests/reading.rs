use rushes_core::ErrorKind;
use rushes_core::media::{Cfa, Orientation, Rate, Rect, WhitePoint};

use super::super::header::Header;
use super::super::{decode, decode_u16};
use super::build::{Dng, fraction, picture};
use super::source::whole_frame;

fn stored(dng: &Dng) -> Vec<u16> {
    let bytes = dng.bytes();
    let header = Header::parse(&bytes).unwrap();
    let samples = decode::samples(&header, &mut std::io::Cursor::new(&bytes), false).unwrap();
    let frame = whole_frame(&header, &bytes).unwrap();
    assert!(frame.iter().zip(&samples).all(|(v, code)| *v == f32::from(*code)) && frame.len() == samples.len());
    samples
}

#[test]
fn every_depth_order_and_layout_gives_the_same_pixels() {
    for (width, height) in [(32, 20), (33, 21), (70, 13)] {
        for bits in [8, 10, 12, 14, 16] {
            for big in [false, true] {
                for segment in [(0, 64), (0, 4), (16, 16), (48, 16)] {
                    let dng = Dng { big, segment, ..Dng::new(width, height, bits) };
                    assert_eq!(stored(&dng), dng.values, "{width}x{height} {bits} bits {big} {segment:?}");
                }
            }
        }
    }
}

#[test]
fn lossless_jpeg_fills_strips_and_tiles_with_edges() {
    for segment in [(0, 64), (0, 8), (16, 16), (48, 16)] {
        for big in [false, true] {
            let dng = Dng { segment, big, lossless: true, ..Dng::new(70, 29, 16) };
            assert_eq!(stored(&dng), dng.values, "{segment:?}");
        }
    }
}

#[test]
fn a_jpeg_frame_of_another_shape_is_laid_out_in_order() {
    use super::super::jpeg::encoder::Lossless;
    // Two rows side by side, as Blackmagic cameras write: 32x10 stored as 64x5.
    let dng = Dng { lossless: true, ..Dng::new(32, 10, 16) };
    let wide = Lossless { predictor: 6, ..Lossless::default() }.encode(&dng.values, 64);
    let mut bytes = dng.bytes();
    let header = Header::parse(&bytes).unwrap();
    bytes.truncate(header.picture.layout.offsets[0] as usize);
    bytes.extend(&wide);
    let dng = dng.with(279, 4, &[wide.len() as u64]);
    let mut again = dng.bytes();
    again.truncate(bytes.len() - wide.len());
    again.extend(&wide);
    let header = Header::parse(&again).unwrap();
    let out = decode::samples(&header, &mut std::io::Cursor::new(&again), false).unwrap();
    assert_eq!(out, dng.values);
}

#[test]
fn the_linearization_table_is_exact_and_its_last_entry_holds_for_all_beyond() {
    // 4,096 entries are as many as 12 bits take.
    for (bits, entries) in [(8, 200), (16, 200), (16, 4096), (16, 4097), (16, 60_000)] {
        let table: Vec<u64> = (0..entries).map(|v| v * v % 65_521).collect();
        let dng = Dng::new(32, 32, bits).with(50712, 3, &table);
        let bytes = dng.bytes();
        let header = Header::parse(&bytes).unwrap();
        let out = decode::samples(&header, &mut std::io::Cursor::new(&bytes), true).unwrap();
        let frame = whole_frame(&header, &bytes).unwrap();
        assert!(frame.iter().zip(&out).all(|(v, code)| *v == f32::from(*code)), "{bits} bits, {entries} entries");
        assert!(dng.values.iter().any(|&v| u64::from(v) >= entries));
        for (o, v) in out.iter().zip(&dng.values) {
            assert_eq!(u64::from(*o), table[usize::from(*v).min(table.len() - 1)]);
        }
    }
}

#[test]
fn the_facts_of_a_cinema_frame_are_read() {
    let dng = Dng::new(32, 24, 12)
        .text(271, "Maker")
        .text(272, "Model X")
        .text(51081, "A001")
        .text(51105, "A")
        .with(274, 3, &[6])
        .with(33422, 1, &[1, 2, 0, 1])
        .with(50713, 3, &[2, 2])
        .with(50714, 5, &[fraction(255, 2), fraction(128, 1), fraction(129, 1), fraction(130, 1)])
        .with(50717, 3, &[4000])
        .with(50829, 4, &[2, 4, 22, 30])
        .with(50719, 5, &[fraction(1, 1), fraction(2, 1)])
        .with(50720, 4, &[20, 16])
        .with(50721, 10, &(0..9).map(|i| fraction(i - 4, 10)).collect::<Vec<_>>())
        .with(50728, 5, &[fraction(1, 2), fraction(1, 1), fraction(3, 5)])
        .with(50730, 10, &[fraction(-1, 2)])
        .with(50778, 3, &[21])
        .with(51043, 1, &[0x14, 0x55, 0x01, 0x08, 0, 0, 0, 0])
        .with(51044, 10, &[fraction(23976, 1000)]);
    for big in [false, true] {
        let dng = Dng { big, ..dng.clone() };
        let h = Header::parse(&dng.bytes()).unwrap();
        let p = &h.picture;
        assert_eq!(p.cfa, Some(Cfa::Gbrg));
        assert_eq!(p.orientation, Orientation::Rotate90);
        assert_eq!(p.levels.black, [127.5, 128.0, 129.0, 130.0]);
        assert_eq!((p.levels.repeat, p.levels.white), ((2, 2), 4000.0));
        assert_eq!(p.active_area, Some(Rect { x: 4, y: 2, width: 26, height: 20 }));
        assert_eq!(p.default_crop, Some(Rect { x: 1, y: 2, width: 20, height: 16 }));
        let color = h.color.as_ref().unwrap();
        assert_eq!(color.calibrations[0].color_matrix[0], [-0.4, -0.3, -0.2]);
        assert_eq!(color.calibrations[0].light_source, 21);
        assert_eq!(color.as_shot, Some(WhitePoint::Neutral([0.5, 1.0, 0.6])));
        assert_eq!(color.baseline_exposure, -0.5);
        assert_eq!(h.shot.rate.as_ref().unwrap().value, Rate::FPS_23_976);
        assert_eq!(h.timecode(Rate::FPS_23_976).unwrap().to_string(), "08:01:55:14");
        let reel = h.shot.reel.as_ref().unwrap();
        assert_eq!((reel.value.as_str(), reel.tag.as_str()), ("A001", "IFD0:ReelName (51081)"));
        assert_eq!(h.field("IFD0", 51044).unwrap().text, "23976/1000");
        assert_eq!(h.origin(50717).unwrap(), "IFD0:WhiteLevel (50717)");
    }
}

#[test]
fn what_is_not_stated_has_the_default_of_the_standard_or_is_absent() {
    let h = Header::parse(&Dng::new(8, 8, 12).bytes()).unwrap();
    assert_eq!((h.picture.levels.white, h.picture.levels.black[0]), (4095.0, 0.0));
    assert_eq!(h.picture.default_crop, None);
    assert!(h.color.is_none() && h.shot.rate.is_none() && h.shot.time_code.is_none());
    // 0/0 is no exposure, a zero no white.
    let odd = Dng::new(8, 8, 12).with(50730, 10, &[0]).with(50728, 5, &[fraction(0, 1); 3]);
    assert!(Header::parse(&odd.bytes()).unwrap().color.is_none());
}

#[test]
fn a_calibration_for_another_profile_is_not_used() {
    let matrix: Vec<u64> = (0..9).map(|i| fraction(i, 10)).collect();
    let dng = Dng::new(8, 8, 12).with(50721, 10, &matrix).with(50723, 10, &matrix).text(50931, "a");
    let calibration = |d: &Dng| Header::parse(&d.bytes()).unwrap().color.unwrap().calibrations[0].camera_calibration;
    assert_eq!(calibration(&dng)[0], [1.0, 0.0, 0.0]);
    assert_eq!(calibration(&dng.text(50932, "a"))[0], [0.0, 0.1, 0.2]);
}

#[test]
fn a_picture_cut_short_is_named_not_blackened() {
    let bytes = Dng { segment: (0, 4), ..Dng::new(32, 16, 12) }.bytes();
    let cut = &bytes[..bytes.len() - 200];
    let h = Header::parse(cut).unwrap();
    let e = h.check_complete(cut.len() as u64).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::BadMedia);
    assert!(e.to_string().contains("strip 3 of 4, rows 8 to 11"), "{e}");
    assert!(e.to_string().contains("2 strips are missing or cut"), "{e}");
    assert!(h.check_complete(bytes.len() as u64).is_ok());

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cut.dng");
    std::fs::write(&path, cut).unwrap();
    let e = decode_u16(&path).unwrap_err();
    assert!(e.to_string().contains("cut.dng") && e.to_string().contains("strip 3 of 4"), "{e}");
}

#[test]
fn what_is_not_decoded_is_refused_with_advice() {
    let refused = |dng: &Dng| {
        let bytes = dng.bytes();
        let e = Header::parse(&bytes).unwrap().check_decodable().unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Unsupported);
        e.to_string()
    };
    let dng = Dng::new(12, 12, 16);
    assert!(refused(&dng.clone().with(259, 3, &[9])).contains("VC-5"));
    assert!(refused(&dng.clone().with(259, 3, &[52546])).contains("JPEG XL"));
    assert!(refused(&dng.clone().with(339, 3, &[3])).contains("floating point"));
    assert!(refused(&dng.clone().with(50711, 3, &[2])).contains("staggered"));
    let pattern = [1, 0, 2, 1, 2, 0, 2, 1, 1, 1, 0, 1].repeat(3);
    let e = refused(&dng.clone().with(33421, 3, &[6, 6]).with(33422, 1, &pattern));
    assert!(e.contains("6x6 1 0 2 1"), "{e}");
}

#[test]
fn a_tiff_without_dng_version_is_no_dng() {
    let mut bytes = Dng::new(8, 8, 12).bytes();
    let at = bytes.windows(2).position(|w| w == 50706u16.to_le_bytes()).unwrap();
    bytes[at..at + 2].copy_from_slice(&50705u16.to_le_bytes());
    assert!(Header::parse(&bytes).unwrap_err().to_string().contains("no DNGVersion"));
}

#[test]
fn linear_raw_has_its_black_at_zero_and_its_white_at_one() {
    let mut dng = Dng { samples: 3, ..Dng::new(8, 6, 12) };
    dng.values = picture(24, 6, 12);
    let dng = dng.with(50714, 3, &[100, 200, 300]).with(50717, 3, &[4000, 4001, 4002]).with(50829, 4, &[1, 2, 5, 8]);
    let bytes = dng.bytes();
    let header = Header::parse(&bytes).unwrap();
    let out = whole_frame(&header, &bytes).unwrap();
    assert_eq!(out.dim(), (3, 4, 6));
    let want = (f32::from(dng.values[3 * 24 + (2 + 4) * 3 + 1]) - 200.0) / (4001.0 - 200.0);
    assert!((out[[1, 2, 4]] - want).abs() < 1e-6);
}

#[test]
fn signatures_tell_what_changed() {
    let a = Dng::new(8, 8, 12).text(51081, "A001");
    let b = Dng::new(8, 10, 12).text(51081, "A002").with(50717, 3, &[4000]);
    let sig = |d: &Dng| Header::parse(&d.bytes()).unwrap().signature();
    assert!(sig(&a).describe_difference(&sig(&a.clone().with(51043, 1, &[1; 8]))).is_empty());
    assert_eq!(
        sig(&a).describe_difference(&sig(&b)),
        ["size 8x8 became 8x10", "white level 4095 became 4000", "reel A001 became A002"]
    );
}
