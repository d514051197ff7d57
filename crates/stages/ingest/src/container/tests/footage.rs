//! The samples in `shared/footage` and what ffprobe and mediainfo say of them.

use std::path::PathBuf;

use rushes_core::media::ClipFormat;

use super::super::*;

fn shared(below: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/footage").join(below);
    if !path.exists() {
        eprintln!("SKIPPED: {} is not here", path.display());
        return None;
    }
    Some(path)
}

fn show(f: &ContainerFacts) -> String {
    let s = |v: Option<String>| v.unwrap_or_else(|| "-".into());
    let n = |v: &Option<Fact<u32>>| v.as_ref().map_or(0, |v| v.value);
    format!(
        "{} {} {} {}x{} {}",
        s(f.timecode.as_ref().map(|t| t.value.to_string())),
        s(f.rate.as_ref().map(|t| t.value.to_string())),
        s(f.reel.as_ref().map(|t| t.value.clone())),
        n(&f.width),
        n(&f.height),
        s(f.frames.as_ref().map(|t| t.value.to_string())),
    )
}

#[test]
fn containers_say_what_ffprobe_and_mediainfo_say() {
    // containers/expected.json: ffprobe's timecode, rate, reel and size; mediainfo's frame count.
    let Some(root) = shared("containers") else { return };
    let (mov, mxf) = (ClipFormat::Mov, ClipFormat::Mxf);
    for (name, format, want) in [
        ("avid_opatom_dnxhr_lb.mxf", mxf, "01:00:00:00 24000/1001 Example tape 1280x720 10"),
        ("dnxhr444_tc00471007.mov", mov, "00:47:10:07 24/1 - 1920x839 1"),
        ("exiftool_QuickTime.mov", mov, "- 30/1 - 320x240 149"),
        ("gpmf_track.mp4", mov, "- 25/1 - 128x96 250"),
        ("meridian_prores_proxy_pq.mxf", mxf, "00:01:15;26 60000/1001 - 1280x720 5"),
        ("prores4444_tc01000000.mov", mov, "01:00:00:00 25/1 - 1920x1080 1"),
        // ffprobe says 2997/100, which is what the file has; it means 30000/1001.
        ("prores_proxy_no_tc.mov", mov, "- 30000/1001 - 1920x1080 2"),
        // The file holds one frame of the 750 its source had (ffprobe: 0.04 s; mediainfo: 750).
        ("regxmllib_indirect.mxf", mxf, "01:00:00:00 25/1 1920x1080-red.tif 3840x2160 1"),
        ("regxmllib_video1.mxf", mxf, "00:00:00:00 24000/1001 - 1920x1080 1"),
        // The header was written before the length was known.
        ("sony_imx_evtr.mxf", mxf, "07:12:10:00 25/1 - 720x608 -"),
    ] {
        let facts = container_facts(root.join(name), format).unwrap().unwrap();
        assert_eq!(show(&facts), want, "{name}: {facts:?}");
    }
}

#[test]
fn dpx_headers_say_what_openimageio_says() {
    let Some(root) = shared("sequences") else { return };
    for (name, want, whole) in [
        ("dpx_headers/E012_P001_L000002_log.0001.dpx", "01:15:11:18 25/1 - 320x240 -", true),
        ("dpx_headers/E012_P001_L000002_log.0002.dpx", "01:15:11:19 25/1 - 320x240 -", true),
        // The film header says 24, the television header 25; the label counts to 24.
        ("dpx_headers/northlight_tc_mode_mismatch.dpx", "22:02:18:24 25/1 - 2048x3112 -", false),
        // One frame a second is what a program wrote that had no rate; labels cannot count in it.
        ("dpx_small_file/8bit.00000000.dpx", "- - - 600x402 -", true),
        ("dpx_small_file/8bit.00000001.dpx", "- - - 600x402 -", false),
        ("dpx_missing_second/000001.dpx", "- - - 80x60 -", true),
    ] {
        let header = DpxHeader::read(root.join(name)).unwrap();
        assert_eq!(show(&header.facts), want, "{name}");
        assert_eq!(header.check_complete().is_ok(), whole, "{name}: {header:?}");
    }
}
