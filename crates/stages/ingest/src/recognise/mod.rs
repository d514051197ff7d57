//! What a file is, by its content.
//!
//! | Family | File |
//! | --- | --- |
//! | magic numbers | here |
//! | TIFF: DNG, CinemaDNG, GPR, stills raws, developed TIFF | `tiff.rs` |
//! | QuickTime, ISO base media, MXF | `movie.rs` |
//! | which extensions each format has | `extension.rs` |

mod extension;
mod movie;
mod tiff;

#[cfg(test)]
mod tests;

use std::io::{Cursor, Read, Seek};
use std::path::Path;

use rushes_core::media::{ClipFormat, open_original};
use rushes_core::{Error, Result};

pub(crate) use extension::{extension_of, fits, meant};

use crate::input::Input;

/// Bytes of headers read at most to tell what a file is.
const BUDGET: u64 = 16 << 20;

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    /// The format.
    pub format: ClipFormat,
    /// In words: `ProRes 422 HQ (apch)`, `DNG of a Pentax K-1`.
    pub detail: String,
    /// What is wrong with the file as far as its head shows: a movie without its index.
    pub remark: Option<String>,
}

impl Recognised {
    fn new(format: ClipFormat, detail: impl Into<String>) -> Self {
        Self { format, detail: detail.into(), remark: None }
    }
}

/// Tells from the first bytes of a file of `len` bytes what it is; 64 KiB of head suffice for all
/// but movies with their index at the end. The name's extension decides only where the content
/// does not. `None` for what is no picture.
///
/// ```
/// use rushes_core::media::{ClipFormat, open_original};
/// let mlv = rushes_ingest::recognise(b"MLVI\x34\0\0\0v2.0", 4096, "M01-0001.MLV");
/// assert_eq!(mlv.map(|r| r.format), Some(ClipFormat::Mlv));
/// ```
pub fn recognise(head: &[u8], len: u64, file_name: &str) -> Option<Recognised> {
    // A cursor over memory has no errors of its own; headers beyond the budget are no picture.
    let mut input = Input::new(Cursor::new(head), BUDGET).ok()?.claim(len);
    identify(&mut input, file_name).ok()?
}

/// Tells what the file at `path` is. Reads a few kilobytes, of movies the index wherever it lies.
///
/// # Errors
/// When the file cannot be opened or read.
pub fn recognise_file(path: impl AsRef<Path>) -> Result<Option<Recognised>> {
    let path = path.as_ref();
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let doing = "looking what a file is";
    let file = open_original(path).map_err(|e| e.doing(doing))?;
    match Input::new(file, BUDGET).and_then(|mut input| identify(&mut input, &name)) {
        Ok(found) => Ok(found),
        Err(e) if e.kind() == std::io::ErrorKind::InvalidData => Ok(None),
        Err(e) => Err(Error::io(path, e).doing(doing)),
    }
}

fn identify<R: Read + Seek>(input: &mut Input<R>, name: &str) -> std::io::Result<Option<Recognised>> {
    let head = input.upto(0, 64)?.to_vec();
    let starts = |magic: &[u8]| head.starts_with(magic);
    let at = |offset: usize, magic: &[u8]| head.get(offset..).is_some_and(|h| h.starts_with(magic));
    let ok = |format, detail: &str| Ok(Some(Recognised::new(format, detail)));
    // The second word tells the byte order (SMPTE RDD 30).
    if starts(b"ARRI") && (at(4, &[0x12, 0x34, 0x56, 0x78]) || extension_of(name) == "ari") {
        return ok(ClipFormat::Arriraw, "ARRIRAW");
    }
    if starts(b"MLVI") {
        return ok(ClipFormat::Mlv, "Magic Lantern raw video");
    }
    if at(4, b"RED1") || at(4, b"RED2") {
        return ok(ClipFormat::R3d, "REDCODE raw");
    }
    // The second field is the size of the first header, 44 bytes (Vision Research, Cine File Format).
    if starts(b"CI") && head.get(2..4) == Some(&[44, 0]) {
        return ok(ClipFormat::Cine, "Phantom CINE");
    }
    if starts(b"SDPX") || starts(b"XPDS") {
        return ok(ClipFormat::Dpx, "DPX");
    }
    if starts(&[0x76, 0x2f, 0x31, 0x01]) {
        return ok(ClipFormat::Exr, "OpenEXR");
    }
    if starts(&[0xff, 0xd8, 0xff]) {
        return ok(ClipFormat::Still, "JPEG");
    }
    if starts(b"\x89PNG\r\n\x1a\n") {
        return ok(ClipFormat::Still, "PNG");
    }
    if let Some(raw) = still_raw(&head) {
        return ok(ClipFormat::StillRaw, raw);
    }
    if starts(b"II") || starts(b"MM") {
        return tiff::identify(input, name);
    }
    if let Some(found) = movie::identify_bmff(input)? {
        return Ok(Some(found));
    }
    movie::identify_mxf(input)
}

/// Stills raws that have a magic number of their own.
fn still_raw(head: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, magic: &[u8]| head.get(offset..).is_some_and(|h| h.starts_with(magic));
    Some(match () {
        () if at(0, b"FUJIFILMCCD-RAW") => "Fujifilm RAF",
        () if at(6, b"HEAPCCDR") => "Canon CRW",
        () if at(0, b"\0MRM") => "Minolta MRW",
        () if at(0, b"FOVb") => "Sigma X3F",
        () if at(0, b"IIRO") || at(0, b"IIRS") || at(0, b"MMOR") => "Olympus ORF",
        () if at(0, b"IIU\0") => "Panasonic RW2",
        () if at(0, b"II*\0") && at(8, b"CR") => "Canon CR2",
        () if at(0, b"IIII") && at(4, b"waR") => "Phase One IIQ",
        () if at(0, b"II*\0") && at(8, b"IIII") => "Phase One IIQ",
        () => return None,
    })
}
