use proptest::prelude::*;
use rushes_core::media::ClipFormat as F;

use super::*;
use crate::container::tests::write::{atom, dpx, movie, mxf, picture};

fn tiff(tags: &[(u16, u16, u32, u32)]) -> Vec<u8> {
    let mut out = b"II*\0\x08\0\0\0".to_vec();
    out.extend((tags.len() as u16).to_le_bytes());
    for &(tag, kind, count, value) in tags {
        out.extend(tag.to_le_bytes());
        out.extend(kind.to_le_bytes());
        out.extend(count.to_le_bytes());
        out.extend(value.to_le_bytes());
    }
    out.extend([0; 4]);
    out
}

fn format(bytes: &[u8], name: &str) -> Option<F> {
    recognise(bytes, bytes.len() as u64, name).map(|r| r.format)
}

#[test]
fn content_decides_whatever_the_name() {
    let canon = |v: &[u8]| [atom(b"ftyp", b"crx \0\0\0\x01"), v.to_vec()].concat();
    let cncv = |v: &[u8]| atom(b"moov", &atom(b"uuid", &[&[0; 16], &atom(b"CNCV", v)[..]].concat()));
    for (bytes, want) in [
        (tiff(&[(50706, 1, 4, 0x0401)]), F::Dng),
        (tiff(&[(50706, 1, 4, 0x0401), (51044, 10, 1, 0)]), F::CinemaDng),
        (tiff(&[(259, 3, 1, 9), (50706, 1, 4, 0x0401)]), F::Gpr),
        (tiff(&[(259, 3, 1, 34713)]), F::StillRaw),
        (tiff(&[(262, 3, 1, 2)]), F::Still),
        (b"ARRI\x12\x34\x56\x78".to_vec(), F::Arriraw),
        (b"MLVI4\0\0\0".to_vec(), F::Mlv),
        (b"\0\0\x04\x88RED2".to_vec(), F::R3d),
        (b"CI\x2c\0\x02\0".to_vec(), F::Cine),
        (dpx(1, 1, 0), F::Dpx),
        (b"\x76\x2f\x31\x01\x02".to_vec(), F::Exr),
        (b"\xff\xd8\xff\xe0".to_vec(), F::Still),
        (b"\x89PNG\r\n\x1a\n".to_vec(), F::Still),
        (b"FUJIFILMCCD-RAW 0201".to_vec(), F::StillRaw),
        (b"II\x1a\0\0\0HEAPCCDR".to_vec(), F::StillRaw),
        (movie(&[picture(b"apch", 2)], None), F::ProresMov),
        (movie(&[picture(b"aprn", 2)], None), F::ProresRawMov),
        (movie(&[picture(b"avc1", 2)], None), F::Mov),
        (movie(&[picture(b"brxq", 2)], None), F::Braw),
        (canon(&cncv(b"CanonCRM0001/02.07.00/00.00.00")), F::Crm),
        (canon(&cncv(b"CanonCR3_001/00.09.00/00.00.00")), F::StillRaw),
        (mxf("ARRI", [4, 1, 2, 2, 3, 6, 0, 0]), F::ArriMxf),
        (mxf("Some Maker", [14, 0x17, 0, 0, 0, 0, 0, 0]), F::ArriMxf),
        (mxf("SONY", [4, 1, 2, 2, 1, 0x32, 0, 0]), F::SonyMxf),
        (mxf("Avid Technology, Inc.", [4, 1, 2, 2, 0x71, 0, 0, 0]), F::Mxf),
        ([vec![7; 3000], mxf("Canon", [4, 1, 2, 2, 1, 0x32, 0, 0])].concat(), F::Mxf),
    ] {
        for name in ["clip.dng", "clip.mov", "clip", ""] {
            assert_eq!(format(&bytes, name), Some(want), "{want:?} called {name:?}");
        }
    }
}

#[test]
fn what_is_no_picture_is_not_recognised() {
    for bytes in [&b""[..], b"\0", b"hello, world", b"<?xml version=\"1.0\"?>", b"RIFF\0\0\0\0WAVEfmt ", b"II*\0"] {
        assert_eq!(format(bytes, "x.xml"), None, "{bytes:?}");
    }
    let sound = [atom(b"ftyp", b"M4A \0\0\0\0"), atom(b"moov", &[])].concat();
    assert_eq!(format(&sound, "x.m4a"), None);
}

#[test]
fn the_extension_decides_where_the_content_is_gone() {
    let mut cut = tiff(&[(262, 3, 1, 1); 9]);
    cut.truncate(40);
    assert_eq!(format(&cut, "A_0001.dng"), Some(F::Dng));
    assert_eq!(format(&cut, "A_0001.nef"), Some(F::StillRaw));
    assert_eq!(format(&cut, "A_0001.xyz"), None);
    assert!(recognise(&cut, 40, "A_0001.dng").unwrap().remark.is_some());
}

#[test]
fn an_index_behind_the_data_is_found_in_the_file_but_not_in_its_head() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mov");
    let mut bytes = atom(b"mdat", &vec![0; 300_000]);
    // The movie without its own brand and data, 20 and 12 bytes.
    bytes.extend(&movie(&[picture(b"apcn", 9)], None)[32..]);
    std::fs::write(&path, &bytes).unwrap();
    let found = recognise_file(&path).unwrap().unwrap();
    assert_eq!((found.format, found.remark), (F::ProresMov, None));
    let head = recognise(&bytes[..65536], bytes.len() as u64, "a.mov").unwrap();
    assert_eq!(head.format, F::Mov);
    assert!(head.remark.unwrap().contains("no moov"));
}

#[test]
fn extensions_fit_their_formats() {
    assert!(fits(F::Mlv, "M01-1234.M07") && fits(F::R3d, "A.R3D") && fits(F::Braw, "A.braw2"));
    assert!(!fits(F::Still, "A.dng") && !fits(F::Exr, "A") && !fits(F::Exr, ".exr"));
    assert_eq!(meant("A.CINE"), Some(F::Cine));
    assert_eq!(meant("A.txt"), None);
}

#[test]
fn the_shared_footage_is_recognised() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/footage");
    if !root.exists() {
        eprintln!("SKIPPED: {} is not here", root.display());
        return;
    }
    for (name, want) in [
        ("raw/genuine/Blackmagic_PCC4K_4to1.dng", Some(F::CinemaDng)),
        ("raw/genuine/Canon_5D3_MagicLantern_M19-0333-cut.mlv", Some(F::Mlv)),
        ("raw/genuine/Canon_EOS_6D_lossy_linear.dng", Some(F::Dng)),
        ("raw/genuine/Canon_EOS_D30.crw", Some(F::StillRaw)),
        ("raw/genuine/Canon_KissX4_colorchart_14bit.dng", Some(F::Dng)),
        ("raw/genuine/GoPro_HERO6_GOPR0024.gpr", Some(F::Gpr)),
        ("raw/genuine/Nikon_D3400_768x512_bggr.raw", None),
        ("raw/genuine/openISP_1920x1080_12bit_rggb.raw", None),
        ("raw/genuine/Phantom_bayer_gbrg8.cine", Some(F::Cine)),
        ("raw/genuine/facts.json", None),
        ("raw/truncated-heads/CanonRaw.cr2", Some(F::StillRaw)),
        ("raw/truncated-heads/CanonRaw.cr3", Some(F::StillRaw)),
        ("raw/truncated-heads/DNG.dng", Some(F::Dng)),
        ("raw/truncated-heads/Nikon.nef", Some(F::StillRaw)),
        ("raw/truncated-heads/Panasonic.rw2", Some(F::StillRaw)),
        ("raw/truncated-heads/Red.r3d", Some(F::R3d)),
        ("raw/dng-derived-damaged/s1_truncated_third.dng", Some(F::Dng)),
        ("raw/dng-derived-damaged/s2_header_only.dng", Some(F::Dng)),
        ("raw/dng-derived-damaged/s3_zero_bytes.dng", None),
        ("containers/avid_opatom_dnxhr_lb.mxf", Some(F::Mxf)),
        ("containers/meridian_prores_proxy_pq.mxf", Some(F::Mxf)),
        ("containers/sony_imx_evtr.mxf", Some(F::SonyMxf)),
        ("containers/regxmllib_video1.mxf", Some(F::Mxf)),
        ("containers/regxmllib_audio1.mxf", None),
        ("containers/prores4444_tc01000000.mov", Some(F::ProresMov)),
        ("containers/prores_proxy_no_tc.mov", Some(F::ProresMov)),
        ("containers/dnxhr444_tc00471007.mov", Some(F::Mov)),
        ("containers/gpmf_track.mp4", Some(F::Mov)),
        ("sequences/dpx_small_file/8bit.00000001.dpx", Some(F::Dpx)),
        ("exr/ScanLines_Carrots.exr", Some(F::Exr)),
        ("demosaic/kodak_500x500/kodim01.png", Some(F::Still)),
        ("demosaic/mcmaster/1.tif", Some(F::Still)),
    ] {
        let found = recognise_file(root.join(name)).unwrap();
        assert_eq!(found.as_ref().map(|r| r.format), want, "{name}: {found:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_head_panics(magic in 0usize..6, tail in proptest::collection::vec(any::<u8>(), 0..400), len in any::<u64>()) {
        let heads: [&[u8]; 6] = [b"", b"II*\0\x08\0\0\0", b"\0\0\0\x10ftypcrx \0\0\0\0", b"MM\0*", b"CI", b"\0\0\0\0moov"];
        let bytes = [heads[magic], &tail].concat();
        let _ = recognise(&bytes, len, "a.dng");
    }
}
