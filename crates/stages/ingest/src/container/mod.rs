//! What movie containers and DPX headers say about the take: timecode, rate, reel, size, codec.
//!
//! | Container | File |
//! | --- | --- |
//! | QuickTime and ISO base media (also BRAW, CRM) | `atoms.rs`, `mov.rs` |
//! | MXF | `klv.rs`, `mxf.rs` |
//! | DPX | `dpx.rs` |
//!
//! Headers are read with seeks, a few megabytes at most; pixels are never touched.

mod atoms;
mod dpx;
mod klv;
mod mov;
mod mxf;

use std::path::Path;

use rushes_core::media::{ClipFormat, Rate, Timecode, open_original};
use rushes_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use dpx::DpxHeader;
pub(crate) use mov::{Movie, codec_name};
pub(crate) use mxf::Mxf;

use crate::input::Input;

/// Bytes of headers read from one file at most.
pub(crate) const BUDGET: u64 = 64 << 20;

/// A fact and where it stands, `moov/trak/tmcd`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fact<T> {
    /// The fact.
    pub value: T,
    /// Its atom, set or field, in the container's own words.
    pub tag: String,
}

impl<T> Fact<T> {
    pub(crate) fn new(value: T, tag: impl Into<String>) -> Self {
        Self { value, tag: tag.into() }
    }
}

/// What a container says about its picture track. What it does not say is absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContainerFacts {
    /// Timecode of the first frame, at the timecode's own rate.
    pub timecode: Option<Fact<Timecode>>,
    /// Frames per second of the picture.
    pub rate: Option<Fact<Rate>>,
    /// Reel or tape name.
    pub reel: Option<Fact<String>>,
    /// The codec in words with its code: `ProRes 422 Proxy (apco)`.
    pub codec: Option<Fact<String>>,
    /// Stored columns.
    pub width: Option<Fact<u32>>,
    /// Stored rows of a frame, both fields together.
    pub height: Option<Fact<u32>>,
    /// Frames of the picture track.
    pub frames: Option<Fact<u64>>,
    /// Maker of the device or program that wrote the file.
    pub maker: Option<Fact<String>>,
    /// The device or program.
    pub product: Option<Fact<String>>,
}

/// Reads the facts of the container at `path`; `None` for formats whose facts are read elsewhere
/// (DNG) or by nobody here (R3D, ARRIRAW).
///
/// # Errors
/// When the file cannot be read, or its structure is cut short or contradicts itself.
pub fn container_facts(path: impl AsRef<Path>, format: ClipFormat) -> Result<Option<ContainerFacts>> {
    let path = path.as_ref();
    let read = || -> Result<Option<ContainerFacts>> {
        let io = |e| trouble(path, e);
        let open = || Input::new(open_original(path)?, BUDGET).map_err(io);
        Ok(match format {
            ClipFormat::ProresMov | ClipFormat::ProresRawMov | ClipFormat::Mov | ClipFormat::Braw | ClipFormat::Crm => {
                let movie = Movie::read(&mut open()?).map_err(io)?;
                let movie = movie.ok_or_else(|| {
                    Error::new(
                        ErrorKind::BadMedia,
                        "the movie has no moov atom: the recording or the copy was cut short",
                    )
                    .advice("copy the card again, or recover the file with the camera maker's tool")
                })?;
                Some(movie.facts)
            }
            ClipFormat::Mxf | ClipFormat::ArriMxf | ClipFormat::SonyMxf => {
                let mxf = Mxf::read(&mut open()?).map_err(io)?;
                let mxf = mxf.ok_or_else(|| Error::new(ErrorKind::BadMedia, "there is no MXF header partition"))?;
                Some(mxf.facts)
            }
            ClipFormat::Dpx => Some(DpxHeader::read(path)?.facts),
            _ => None,
        })
    };
    read().map_err(|e| e.doing("reading the container").path(path))
}

/// The error for trouble while headers are read: damage when they end early or lie.
fn trouble(path: &Path, e: std::io::Error) -> Error {
    use std::io::ErrorKind as K;
    match e.kind() {
        K::InvalidData | K::UnexpectedEof => Error::new(ErrorKind::BadMedia, e.to_string()).path(path),
        _ => Error::io(path, e),
    }
}

/// The rate timecode labels count in: the rate of `num/den` frames per second, or, where that
/// is not `nominal` frames to the second, `nominal` with the same 1000/1001.
fn timecode_rate(rate: Rate, nominal: u32) -> Option<Rate> {
    if nominal == 0 || rate.nominal() == nominal {
        return Some(rate);
    }
    if rate.den() == 1001 { Rate::new(nominal.checked_mul(1000)?, 1001) } else { Rate::new(nominal, 1) }
}

/// Text without trailing NULs and blanks; `None` when nothing is left or it is not printable.
fn printable(text: &str) -> Option<String> {
    let text = text.split('\0').next().unwrap_or("").trim();
    (!text.is_empty() && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

#[cfg(test)]
pub(crate) mod tests;
