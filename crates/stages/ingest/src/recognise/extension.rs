//! The extensions formats usually have. Content decides; these break ties and show mistakes.

use rushes_core::media::ClipFormat;

/// Extensions of stills raws.
const STILL_RAWS: &[&str] = &[
    "3fr", "arw", "cr2", "cr3", "crw", "dcr", "dcs", "erf", "fff", "iiq", "kdc", "mef", "mos", "mrw", "nef", "nrw",
    "orf", "ori", "pef", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw", "x3f",
];

/// The usual extensions of `format`, lower case.
fn usual(format: ClipFormat) -> &'static [&'static str] {
    match format {
        ClipFormat::CinemaDng | ClipFormat::Dng => &["dng"],
        ClipFormat::Arriraw => &["ari"],
        ClipFormat::ArriMxf | ClipFormat::SonyMxf | ClipFormat::Mxf => &["mxf"],
        ClipFormat::Mlv => &["mlv"],
        ClipFormat::R3d => &["r3d"],
        ClipFormat::Braw => &["braw", "braw2"],
        ClipFormat::Crm => &["crm"],
        ClipFormat::ProresMov | ClipFormat::ProresRawMov => &["mov"],
        ClipFormat::Mov => &["mov", "mp4", "m4v", "qt", "3gp", "insv", "360", "lrv", "lrf"],
        ClipFormat::Cine => &["cine", "cin"],
        ClipFormat::Gpr => &["gpr", "dng"],
        ClipFormat::Dpx => &["dpx"],
        ClipFormat::Exr => &["exr", "sxr", "mxr"],
        ClipFormat::StillRaw => STILL_RAWS,
        ClipFormat::Still => &["jpg", "jpeg", "tif", "tiff", "png", "thm", "heic", "heif", "avif", "hif"],
        _ => &[],
    }
}

/// True when files of `format` are called so.
pub(crate) fn fits(format: ClipFormat, file_name: &str) -> bool {
    let ext = extension_of(file_name);
    // Magic Lantern numbers the further parts of a take .M00 to .M99.
    let part = format == ClipFormat::Mlv && ext.len() == 3 && ext.starts_with('m') && ext[1..].parse::<u8>().is_ok();
    usual(format).contains(&ext.as_str()) || part
}

/// The extension, lower case; empty when there is none.
pub(crate) fn extension_of(file_name: &str) -> String {
    file_name
        .rsplit_once('.')
        .filter(|(stem, _)| !stem.is_empty())
        .map_or_else(String::new, |(_, e)| e.to_ascii_lowercase())
}

/// What a TIFF called so is meant to be.
pub(super) fn of_tiff(file_name: &str) -> Option<ClipFormat> {
    let ext = extension_of(file_name);
    match ext.as_str() {
        "dng" => Some(ClipFormat::Dng),
        "gpr" => Some(ClipFormat::Gpr),
        "tif" | "tiff" => Some(ClipFormat::Still),
        e if STILL_RAWS.contains(&e) => Some(ClipFormat::StillRaw),
        _ => None,
    }
}

/// The format files of this name are meant to have, for files whose content is gone.
pub(crate) fn meant(file_name: &str) -> Option<ClipFormat> {
    let ext = extension_of(file_name);
    use ClipFormat as F;
    [F::Dng, F::Arriraw, F::Mxf, F::Mlv, F::R3d, F::Braw, F::Crm, F::Mov, F::Cine, F::Gpr, F::Dpx, F::Exr, F::StillRaw]
        .into_iter()
        .find(|&f| usual(f).contains(&ext.as_str()))
}
