//! Planning for media that only a server decodes.

use std::sync::Arc;

use rushes_core::frame::{FrameFacts, FrameFormat, ImageState};
use rushes_core::graph::{AnyStage, Registry};
use rushes_core::media::{ClipFormat, ColorSpace};
use rushes_core::stage::{ClipReader, ClipRef, Source, SourceFrame, StageInfo};
use rushes_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::Inspect;

/// The formats that are left to a server: their makers' libraries are in it. Which of them a server really reads
/// depends on its build and licence, and is asked for each clip.
pub const SERVER_FORMATS: [ClipFormat; 7] = [
    ClipFormat::Arriraw,
    ClipFormat::ArriMxf,
    ClipFormat::SonyMxf,
    ClipFormat::R3d,
    ClipFormat::Braw,
    ClipFormat::Crm,
    ClipFormat::ProresRawMov,
];

/// `registry` with a `decode` that also takes [`SERVER_FORMATS`], so that units can be planned for them. It decodes
/// none of their frames: a server gives pictures in scene light, already debayered, and only the executor
/// [`FilmLight`](crate::FilmLight) runs such units. The stage [`Inspect`](crate::Inspect), registered as
/// `filmlight-inspect`, fills in what planning needs.
///
/// # Errors
/// When `registry` has no source `decode`.
pub fn with_server_formats(registry: Registry, pool: &crate::Pool) -> Result<Registry> {
    with(registry, Inspect::new(pool.clone()))
}

/// The same for a process that is to know such workflows and units, and asks no server: one that finishes what others made.
/// The stage `filmlight-inspect` finds nothing out here, and says so.
///
/// # Errors
/// When `registry` has no source `decode`.
pub fn with_server_formats_elsewhere(registry: Registry) -> Result<Registry> {
    with(registry, Inspect::nowhere())
}

fn with(mut registry: Registry, inspect: Inspect) -> Result<Registry> {
    let AnyStage::Source(local) = registry.make("decode", Value::Null)? else {
        return Err(Error::new(ErrorKind::Invalid, "the stage `decode` of the registry is no source"));
    };
    registry.with("decode", move |_| Ok(AnyStage::source(Decode { local: Arc::clone(&local) })));
    registry.with("filmlight-inspect", move |params| {
        let Nothing {} = serde_json::from_value(params)?;
        Ok(AnyStage::clip(inspect.clone()))
    });
    Ok(registry)
}

/// What `filmlight-inspect` takes: nothing.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// The decoders of a registry, and the formats of a server.
#[derive(Debug)]
struct Decode {
    local: Arc<dyn Source>,
}

impl StageInfo for Decode {
    fn name(&self) -> &'static str {
        self.local.name()
    }
    fn version(&self) -> u32 {
        self.local.version()
    }
    fn params(&self) -> Value {
        self.local.params()
    }
}

impl Decode {
    /// Whether `clip` is left to a server.
    fn leaves(&self, clip: &ClipRef) -> bool {
        SERVER_FORMATS.contains(&clip.format) && self.local.accepts(clip).is_err()
    }
}

impl Source for Decode {
    fn accepts(&self, clip: &ClipRef) -> Result<()> {
        if self.leaves(clip) { size(clip).map(drop) } else { self.local.accepts(clip) }
    }

    fn decodes_here(&self, clip: &ClipRef) -> bool {
        !self.leaves(clip) && self.local.decodes_here(clip)
    }

    fn open(&self, clip: &ClipRef) -> Result<Box<dyn ClipReader>> {
        if self.leaves(clip) { Ok(Box::new(Planned { clip: clip.clone() })) } else { self.local.open(clip) }
    }
}

/// Columns and rows, as the server said.
fn size(clip: &ClipRef) -> Result<(usize, usize)> {
    let size = clip.metadata.stored_size.as_ref().map(|s| s.value).filter(|(w, h)| *w > 0 && *h > 0);
    size.ok_or_else(|| {
        Error::new(
            ErrorKind::MissingFact,
            "a FilmLight server decodes this format, and has not been asked about the clip",
        )
        .clip(&clip.name)
        .advice("put the stage `filmlight-inspect` after `normalize`")
    })
}

/// A clip that a server will decode.
struct Planned {
    clip: ClipRef,
}

impl ClipReader for Planned {
    fn format(&self, frame: i64) -> Result<FrameFormat> {
        let (width, height) = size(&self.clip)?;
        let first = self.clip.range.map_or(0, |r| r.first);
        let start = self.clip.metadata.start_timecode.as_ref();
        let facts = FrameFacts {
            frame,
            timecode: start.map(|tc| tc.value.offset(frame - first)),
            color_space: Some(ColorSpace::Aces2065_1),
            pixel_aspect: self.clip.metadata.squeeze.as_ref().map(|s| s.value),
            ..FrameFacts::default()
        };
        Ok(FrameFormat { state: ImageState::SceneLinear, width, height, facts })
    }

    /// None: nothing is decoded here.
    fn bytes_needed(&self, _: i64) -> Result<u64> {
        Ok(0)
    }

    fn decode(&self, frame: i64) -> Result<Box<dyn SourceFrame>> {
        Err(Error::new(ErrorKind::Unsupported, "only a FilmLight server decodes this")
            .clip(&self.clip.name)
            .frame(frame)
            .advice("run the unit on the executor `filmlight`"))
    }
}
