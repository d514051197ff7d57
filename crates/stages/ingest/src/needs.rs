//! Who could decode what this build cannot.

use rushes_core::media::{ClipFormat, NeedsBackend};

/// `None` for DNG, CinemaDNG and MLV, which are decoded here; else the backend that decodes `format`
/// and what to do, in a sentence. `detail` is what recognition said of the file.
pub fn needs(format: ClipFormat, detail: &str) -> Option<NeedsBackend> {
    let filmlight = |what: &str, owner: &str| {
        let why = format!(
            "{what} is decoded with {owner}'s own library only, which a FilmLight server has: name one (`--filmlight` of the \
             command, `Job::filmlight` of the library), or transcode the clip with {owner}'s tool"
        );
        ("filmlight", why)
    };
    let ffmpeg = |what: &str| {
        let why =
            format!("{what} is decoded by FFmpeg, which this version does not read with yet: convert it to DNG frames");
        ("ffmpeg", why)
    };
    let (backend, why) = match format {
        ClipFormat::CinemaDng | ClipFormat::Dng | ClipFormat::Mlv => return None,
        ClipFormat::R3d => filmlight("REDCODE raw", "RED"),
        ClipFormat::Braw => filmlight("Blackmagic RAW", "Blackmagic Design"),
        ClipFormat::Arriraw => filmlight("ARRIRAW", "ARRI"),
        ClipFormat::ArriMxf => filmlight("ARRI's MXF (ARRIRAW, ARRICORE or ProRes)", "ARRI"),
        // The essence tells Sony's raw from what everybody decodes.
        ClipFormat::SonyMxf if !detail.contains("raw") => {
            let (backend, why) = filmlight("Sony's MXF", "Sony");
            (backend, format!("{why}; FFmpeg decodes {detail} as well"))
        }
        ClipFormat::SonyMxf => filmlight("Sony raw and X-OCN", "Sony"),
        ClipFormat::Crm => filmlight("Canon Cinema RAW Light", "Canon"),
        ClipFormat::ProresRawMov => filmlight("ProRes RAW", "Apple"),
        ClipFormat::StillRaw if detail.contains("CR3") => (
            "rawloader",
            "CR3 is a stills raw newer than rawloader knows; convert it with Adobe DNG Converter to DNG".to_owned(),
        ),
        ClipFormat::StillRaw => (
            "rawloader",
            "raws of stills cameras are decoded by rawloader, an LGPL library: build with the rawloader feature, or \
             convert them with Adobe DNG Converter to DNG"
                .to_owned(),
        ),
        ClipFormat::Gpr => (
            "vc5",
            "GPR is a DNG compressed with VC-5 (SMPTE ST 2073), which nothing in this build decodes; convert it with \
             GoPro's gpr_tools or Adobe DNG Converter to a lossless DNG"
                .to_owned(),
        ),
        ClipFormat::ProresMov => ffmpeg("ProRes"),
        ClipFormat::Mov => ffmpeg("this movie"),
        ClipFormat::Mxf => ffmpeg("this MXF"),
        ClipFormat::Cine => ffmpeg("Phantom CINE"),
        ClipFormat::Dpx => ffmpeg("DPX"),
        ClipFormat::Exr => ffmpeg("OpenEXR as a source"),
        ClipFormat::Still => ffmpeg("a developed still as a source"),
        other => ("none", format!("nothing in this build decodes {other:?}")),
    };
    Some(NeedsBackend { backend: backend.to_owned(), why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_dng_names_who_decodes_it() {
        assert_eq!(needs(ClipFormat::CinemaDng, ""), None);
        for (format, detail, backend) in [
            (ClipFormat::R3d, "", "filmlight"),
            (ClipFormat::SonyMxf, "Sony raw or X-OCN", "filmlight"),
            (ClipFormat::ProresMov, "", "ffmpeg"),
            (ClipFormat::StillRaw, "Canon CRW", "rawloader"),
        ] {
            let n = needs(format, detail).unwrap();
            assert_eq!(n.backend, backend);
            assert!(n.why.len() > 30, "{}", n.why);
        }
        assert!(needs(ClipFormat::SonyMxf, "H.264 by SONY").unwrap().why.contains("FFmpeg decodes H.264"));
    }
}
