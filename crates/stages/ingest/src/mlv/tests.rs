use std::io::Cursor;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rushes_core::media::{Cfa, ClipFormat, ClipMedia, Rate};
use rushes_core::stage::{ClipRef, Source};

use super::blocks::Found;
use super::{MlvHeader, MlvSource};
use crate::dng::jpeg::encoder::Lossless;

const WIDTH: usize = 16;
const HEIGHT: usize = 6;

fn block(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&kind[..], &((body.len() + 8) as u32).to_le_bytes(), body].concat()
}

fn start(guid: u64, class: u16) -> Vec<u8> {
    let mut body = b"v2.0\0\0\0\0".to_vec();
    body.extend(guid.to_le_bytes());
    body.extend([0; 8]);
    body.extend(class.to_le_bytes());
    body.extend([0; 10]);
    body.extend(23_976u32.to_le_bytes());
    body.extend(1000u32.to_le_bytes());
    block(b"MLVI", &body)
}

fn raw(bits: u32) -> Vec<u8> {
    let mut body = vec![0; 172];
    let mut put = |at: usize, v: &[u8]| body[at - 8..at - 8 + v.len()].copy_from_slice(v);
    put(16, &(WIDTH as u16).to_le_bytes());
    put(18, &(HEIGHT as u16).to_le_bytes());
    put(44, &bits.to_le_bytes());
    put(48, &100u32.to_le_bytes());
    put(52, &1000u32.to_le_bytes());
    put(96, &[1, 2, 0, 1, 21]);
    (0..9u32).for_each(|i| put(104 + 8 * i as usize, &[i.to_le_bytes(), 10u32.to_le_bytes()].concat()));
    block(b"RAWI", &body)
}

fn frame(number: u32, payload: &[u8]) -> Vec<u8> {
    let mut body = vec![0; 8];
    body.extend(number.to_le_bytes());
    body.extend([0; 8]);
    // Four bytes of alignment before the pixels.
    body.extend([4, 0, 0, 0, 9, 9, 9, 9]);
    body.extend(payload);
    block(b"VIDF", &body)
}

fn samples(seed: u16, bits: u32) -> Vec<u16> {
    (0..WIDTH * HEIGHT).map(|i| (i as u16 * 37 + seed * 101) & ((1u32 << bits) - 1) as u16).collect()
}

/// Samples most significant bit first, in 16-bit little-endian words.
fn pack(values: &[u16], bits: u32) -> Vec<u8> {
    let mut out = vec![0u8; values.len() * bits as usize / 8];
    for (i, bit) in values.iter().flat_map(|v| (0..bits).rev().map(move |b| v >> b & 1)).enumerate() {
        out[(i / 8) ^ 1] |= (bit as u8) << (7 - i % 8);
    }
    out
}

fn clip(files: Vec<PathBuf>) -> ClipRef {
    ClipRef {
        name: "M".into(),
        format: ClipFormat::Mlv,
        media: ClipMedia::Files(files),
        range: None,
        metadata: std::sync::Arc::default(),
        substitutes: Vec::new(),
    }
}

#[test]
fn a_recording_in_two_parts_gives_its_frames_in_order() {
    let dir = tempfile::tempdir().unwrap();
    for bits in [10, 12, 14] {
        let (a, b) = (dir.path().join("A.MLV"), dir.path().join("A.M00"));
        let pixels = |n| frame(n, &pack(&samples(n as u16, bits), bits));
        // The last block of the second part is cut: the card was full.
        std::fs::write(&a, [start(7, 1), raw(bits), pixels(0), pixels(2)].concat()).unwrap();
        std::fs::write(&b, [start(7, 1), pixels(1), pixels(3)[..40].to_vec()].concat()).unwrap();
        let header = MlvHeader::read(&[a.clone(), b.clone()]).unwrap();
        assert_eq!((header.frames(), header.cfa, header.rate), (3, Cfa::Gbrg, Some(Rate::FPS_23_976)));
        assert_eq!(header.color.as_ref().unwrap().calibrations[0].color_matrix[1], [0.3, 0.4, 0.5]);
        let reader = MlvSource::default().open(&clip(vec![a, b])).unwrap();
        for n in 0..3i64 {
            let f = reader.decode(n).unwrap();
            let want: Vec<f32> = samples(n as u16, bits).into_iter().map(f32::from).collect();
            assert_eq!(f.planes().as_slice().unwrap(), want);
            assert_eq!(f.format(), reader.format(n).unwrap());
        }
        assert!(reader.decode(3).unwrap_err().to_string().contains("3 frames"));
    }
}

#[test]
fn lossless_frames_are_laid_out_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("A.MLV");
    let values = samples(5, 14);
    let coder = Lossless { precision: 14, components: 2, predictor: 6, ..Lossless::default() };
    let data = coder.encode(&values, WIDTH);
    std::fs::write(&path, [start(7, 0x21), raw(14), frame(0, &data), frame(1, &data[..60])].concat()).unwrap();
    let header = MlvHeader::read(&[path]).unwrap();
    assert_eq!(header.decode_u16(0).unwrap().into_raw_vec_and_offset().0, values);
    let e = header.decode_u16(1).unwrap_err().to_string();
    assert!(e.contains("A.MLV") && e.contains("frame 1"), "{e}");
}

#[test]
fn what_is_wrong_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("A.MLV");
    let says = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        MlvHeader::read(std::slice::from_ref(&path)).and_then(|h| h.decode_u16(0)).unwrap_err().to_string()
    };
    assert!(says(&frame(0, &[])).contains("no MLVI"));
    assert!(says(&start(1, 1)).contains("no RAWI"));
    assert!(says(&[start(1, 1), raw(14), frame(0, &[0; 20])].concat()).contains("its pixels take 168"));
    assert!(says(&[start(1, 0x11), raw(14), frame(0, &[0; 168])].concat()).contains("0x11"));
    assert!(says(&[start(1, 1), b"NULL\0\0\0\0\0\0\0\0\0\0\0\0".to_vec()].concat()).contains("claims 0 bytes"));
    assert!(says(&[start(1, 1), start(2, 1)].concat()).contains("another recording"));
}

proptest! {
    #[test]
    fn no_damaged_recording_panics(changes in proptest::collection::vec((0usize..600, any::<u8>()), 1..6)) {
        let mut bytes = [start(7, 1), raw(14), frame(0, &pack(&samples(1, 14), 14))].concat();
        let n = bytes.len();
        for (at, value) in changes {
            bytes[at % n] = value;
        }
        let mut found = Found::default();
        if found.blocks(0, Cursor::new(&bytes), n as u64).is_ok() {
            let _ = found.header(&[]);
        }
    }
}

#[test]
fn the_genuine_frame_equals_the_dng_made_of_it() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/footage/raw");
    if !shared.is_dir() {
        eprintln!("SKIPPED: there is no {}", shared.display());
        return;
    }
    let header = MlvHeader::read(&[shared.join("genuine/Canon_5D3_MagicLantern_M19-0333-cut.mlv")]).unwrap();
    let (_, dng) = crate::dng::decode_u16(shared.join("dng-derived/30_mlv_5d3_u14.dng")).unwrap();
    assert_eq!(header.decode_u16(0).unwrap(), dng);
    // As FFmpeg's ffprobe reads them.
    assert_eq!(header.rate, Some(Rate::FPS_59_94));
    assert_eq!((header.levels.black[0], header.levels.white), (2048.0, 15000.0));
    assert_eq!(header.camera.as_deref(), Some("Canon EOS 5D Mark III"));
    assert_eq!(header.serial_number.as_deref(), Some("110091F150"));
    assert_eq!(header.lens.as_deref(), Some("EF50mm f/1.8 II"));
    assert_eq!((header.iso, header.focal_length, header.kelvin), (Some(3500.0), Some(50.0), Some(5800.0)));
    assert_eq!(header.exposure_time, Some((9991, 1_000_000)));
    assert_eq!(header.recorded_at.as_deref(), Some("2013:10:19 03:33:36"));
}
