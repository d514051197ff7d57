//! From a format's own header to the canonical facts.

use std::path::{Path, PathBuf};

use rushes_core::Result;
use rushes_core::media::{CameraMetadata, ClipFormat, Origin, Rate, Sourced, Verbatim};

use crate::{container, dng, exr, mlv};

/// What one file says.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) metadata: CameraMetadata,
    pub(crate) verbatim: Verbatim,
    /// Frames of the clip, where one file holds many.
    pub(crate) frames: Option<u64>,
    /// The timecode as stored where no timecode could be made of it, and why.
    pub(crate) timecode_as_found: Option<String>,
}

/// A file whose facts are read.
pub(crate) struct Subject<'a> {
    /// Where it is.
    pub(crate) path: &'a Path,
    /// All files of a clip that is no sequence, this one first.
    pub(crate) parts: &'a [PathBuf],
    /// How origins name it: relative to the card.
    pub(crate) name: PathBuf,
    /// What it is.
    pub(crate) format: ClipFormat,
    /// The rate of files that state none.
    pub(crate) rate: Option<Rate>,
}

impl Subject<'_> {
    /// `value`, stated at `tag` of this file.
    pub(crate) fn sourced<T>(&self, value: T, tag: impl Into<String>) -> Sourced<T> {
        Sourced { value, origin: self.origin(tag) }
    }

    pub(crate) fn origin(&self, tag: impl Into<String>) -> Origin {
        Origin { file: self.name.clone(), tag: tag.into() }
    }

    /// The file's rate, else that of the parameters.
    pub(crate) fn rate(&self, stated: Option<Sourced<Rate>>) -> Option<Sourced<Rate>> {
        let given = |value| Sourced { value, origin: Origin { file: PathBuf::new(), tag: "parameter".into() } };
        stated.or(self.rate.map(given))
    }
}

/// Reads the facts of one family of formats.
pub(crate) trait Mapping: Sync {
    /// Reads the facts of a file, from its header.
    fn read(&self, subject: &Subject<'_>) -> Result<Facts>;

    /// True for pictures in camera colours, which need a matrix and a white.
    fn needs_color(&self) -> bool {
        false
    }
}

/// The mapping for a format; `None` where no header is read yet.
pub(crate) fn mapping(format: ClipFormat) -> Option<&'static dyn Mapping> {
    use ClipFormat as F;
    Some(match format {
        F::CinemaDng | F::Dng | F::Gpr => &dng::Dng,
        F::Mlv => &mlv::Mlv,
        F::Exr => &exr::Exr,
        F::Mov | F::ProresMov | F::ProresRawMov | F::Braw | F::Crm | F::Mxf | F::ArriMxf | F::SonyMxf | F::Dpx => {
            &container::Container
        }
        _ => return None,
    })
}
