//! The footage beside the checkout: files whose pixels other decoders have told.

use std::path::{Path, PathBuf};

use rushes_core::media::open_original;
use sha2::{Digest, Sha256};

use super::super::decode;
use super::super::decode_u16;
use super::super::header::Header;

/// The folder with footage, when the checkout has it beside it.
fn footage(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/footage").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("SKIPPED: there is no {}", path.display());
    None
}

fn sha256(samples: impl IntoIterator<Item = u16>) -> String {
    let bytes: Vec<u8> = samples.into_iter().flat_map(u16::to_le_bytes).collect();
    Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect()
}

fn expected(path: &Path) -> serde_json::Map<String, serde_json::Value> {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn every_derived_file_is_decoded_exactly() {
    for folder in ["raw/dng-derived", "raw/cinemadng-seq-derived"] {
        let Some(root) = footage(folder) else { return };
        let all = expected(&root.join("expected.json"));
        assert!(all.len() >= 16);
        for (name, want) in all {
            let path = root.join(&name);
            let header = Header::read(&path).unwrap();
            let mut file = open_original(&path).unwrap();
            let stored = decode::samples(&header, &mut file, false).unwrap();
            assert_eq!(sha256(stored), want["stored_sha256_u16le"], "{name} stored");
            let (header, mosaic) = decode_u16(&path).unwrap();
            assert_eq!(sha256(mosaic.iter().copied()), want["linearized_sha256_u16le"], "{name} linearized");
            facts(&name, &header, &want);
        }
    }
}

fn facts(name: &str, h: &Header, want: &serde_json::Value) {
    let p = &h.picture;
    let numbers =
        |v: &serde_json::Value| -> Vec<f64> { v.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect() };
    // The files hold whites and matrices in steps of 1/10000 (ExifTool: 0.9495 where the list has 0.94953).
    let near = |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 5.01e-5);
    assert_eq!(
        (p.width as u64, p.height as u64),
        (want["width"].as_u64().unwrap(), want["height"].as_u64().unwrap()),
        "{name}"
    );
    assert_eq!(u64::from(p.bits), want["bits_per_sample"].as_u64().unwrap(), "{name}");
    assert_eq!(serde_json::to_value(p.cfa).unwrap(), want["cfa"], "{name}");
    // The list calls file 11 lossless JPEG; ExifTool 12.57 and tifffile find Compression 1, one strip of
    // 768 x 512 x 2 bytes and no JPEG marker in it.
    let listed = want["compression"].as_str().unwrap();
    let compression = if name.starts_with("11_") { "none" } else { listed };
    assert_eq!(p.compression_name(), compression, "{name}");
    assert_eq!(p.levels.black, numbers(&want["black"]), "{name}");
    assert_eq!(p.levels.white, want["white"].as_f64().unwrap(), "{name}");
    assert_eq!(p.linearization.is_some(), want["has_linearization_table"].as_bool().unwrap(), "{name}");
    if let Some(a) = p.active_area.filter(|_| !want["active_area_tlbr"].is_null()) {
        let tlbr = [a.y, a.x, a.y + a.height, a.x + a.width].map(|v| v as f64);
        assert_eq!(tlbr.to_vec(), numbers(&want["active_area_tlbr"]), "{name}");
    }
    if let Some(c) = p.default_crop.filter(|_| !want["default_crop_xywh"].is_null()) {
        assert_eq!(
            [c.x, c.y, c.width, c.height].map(|v| v as f64).to_vec(),
            numbers(&want["default_crop_xywh"]),
            "{name}"
        );
    }
    let color = h.color.as_ref().unwrap();
    let Some(rushes_core::media::WhitePoint::Neutral(n)) = color.as_shot else { panic!("{name}: no white") };
    assert!(near(&n, &numbers(&want["as_shot_neutral"])), "{name}");
    for (i, key) in ["color_matrix_1", "color_matrix_2"].iter().enumerate() {
        if !want[*key].is_null() {
            assert!(near(&color.calibrations[i].color_matrix.concat(), &numbers(&want[*key])), "{name} {key}");
        }
    }
    let text =
        |v: &Option<crate::dng::Stated<String>>| v.as_ref().map_or(serde_json::Value::Null, |v| v.value.clone().into());
    assert_eq!(text(&h.shot.make), want["make"], "{name}");
    if let Some(reel) = want.get("reel_name").filter(|v| !v.is_null()) {
        assert_eq!(text(&h.shot.reel), *reel, "{name}");
        assert_eq!(text(&h.shot.camera_label), want["camera_label"], "{name}");
    }
    if let Some(tc) = want.get("timecode").and_then(|v| v.as_str()) {
        let rate = h.shot.rate.as_ref().unwrap().value;
        let (n, d) = want["frame_rate"].as_str().unwrap().split_once('/').unwrap();
        let stated = n.parse::<f64>().unwrap() / d.parse::<f64>().unwrap();
        assert!((stated - f64::from(rate.num()) / f64::from(rate.den())).abs() < 1e-3, "{name}: {rate}");
        assert_eq!(h.timecode(rate).unwrap().to_string(), tc, "{name}");
    }
}

#[test]
fn damaged_files_are_errors_that_say_what_is_missing() {
    let Some(root) = footage("raw") else { return };
    for (file, says) in [
        ("dng-derived-damaged/s1_truncated_third.dng", "not complete"),
        ("dng-derived-damaged/s2_header_only.dng", "should end at byte"),
        ("dng-derived-damaged/s3_zero_bytes.dng", "empty"),
        ("truncated-heads/DNG.dng", "lists 1 of 140 tiles"),
        ("truncated-heads/Nikon.nef", "no DNG"),
        ("truncated-heads/CanonRaw.cr2", "no DNG"),
        ("truncated-heads/CanonRaw.cr3", "neither II nor MM"),
        ("genuine/GoPro_HERO6_GOPR0024.gpr", "VC-5"),
        ("genuine/Canon_EOS_6D_lossy_linear.dng", "lossy JPEG"),
    ] {
        let e = decode_u16(root.join(file)).unwrap_err().to_string();
        assert!(e.contains(says), "{file}: {e}");
    }
}

#[test]
fn genuine_files_equal_libraw() {
    let Some(root) = footage("raw/genuine") else { return };
    let all = expected(&root.join("facts.json"));
    for name in ["Canon_KissX4_colorchart_14bit.dng", "Blackmagic_PCC4K_4to1.dng"] {
        let (header, mosaic) = decode_u16(root.join(name)).unwrap();
        let want = &all[name]["libraw"];
        let (min, max) = mosaic.iter().fold((u16::MAX, 0), |(a, b), &v| (a.min(v), b.max(v)));
        assert_eq!(
            (u64::from(min), u64::from(max)),
            (want["raw_min"].as_u64().unwrap(), want["raw_max"].as_u64().unwrap())
        );
        let mean = mosaic.iter().map(|&v| f64::from(v)).sum::<f64>() / mosaic.len() as f64;
        assert!((mean - want["raw_mean"].as_f64().unwrap()).abs() < 1e-3, "{name}: mean {mean}");
        assert_eq!(sha256(mosaic.iter().copied()), want["raw_sha256_u16le"], "{name}");
        assert_eq!(header.picture.compression_name() == "none", name.starts_with("Canon"));
    }
}
