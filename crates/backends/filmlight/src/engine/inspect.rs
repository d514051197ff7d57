//! Asking a server about clips.

use std::path::{Path, PathBuf};

use rushes_core::Result;
use rushes_core::media::{
    CameraMetadata, Clip, ClipMedia, Finding, FrameRange, Origin, Sourced, Verbatim, VerbatimField,
};
use rushes_core::stage::{Batch, ClipContext, ClipRef, ClipStage, StageInfo};
use rushes_core::storage::local_only;
use serde_json::Value;

use super::compare::compare;
use super::failure::{Failure, as_core};
use super::source::SERVER_FORMATS;
use super::{probe, vendor};
use crate::types::Struct;
use crate::{Connection, Pool, api};

/// What a server says about a clip, in one vocabulary, each fact with where it stood.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    /// The facts.
    pub metadata: CameraMetadata,
    /// The camera's own fields as the server gives them.
    pub verbatim: Verbatim,
    /// The frames, as the server numbers them.
    pub range: Option<FrameRange>,
}

/// The file that a server is asked about, of a clip of many.
fn first_file(media: &ClipMedia) -> Option<PathBuf> {
    match media {
        ClipMedia::Sequence(s) => s.frames().next().map(|f| s.path(f)),
        ClipMedia::Files(files) => files.first().cloned(),
    }
}

/// Asks the server about a clip: `SequenceDescriptor` for what it makes of it, `Image.get_raw_metadata` for what the
/// camera wrote. Nothing is changed on the server.
///
/// # Errors
/// When the server cannot open the clip, or the connection is lost.
pub async fn inspect(flapi: &Connection, clip: &ClipRef) -> Result<Record> {
    // A server opens files itself, by paths that it has too.
    local_only(&first_file(&clip.media).unwrap_or_default(), "a FilmLight server").map_err(|e| e.clip(&clip.name))?;
    record(flapi, clip).await.map_err(as_core)
}

async fn record(flapi: &Connection, clip: &ClipRef) -> Result<Record, Failure> {
    let sequence = probe::open(flapi, clip).await?;
    let file = first_file(&clip.media).unwrap_or_default();
    let mut record = Record::default();
    described(&sequence, &file, &mut record).await?;
    // The server opened the clip; what the camera wrote may still be closed to it.
    match api::raw_metadata(flapi, &std::path::absolute(&file).unwrap_or(file.clone()).to_string_lossy()).await {
        Ok(raw) => {
            vendor::fill(&mut record.metadata, &raw, &file);
            record.verbatim = verbatim(&raw, &file);
        }
        Err(e) if e.is_disconnected() => return Err(e.into()),
        Err(e) => tracing::info!(clip = clip.name, "the FilmLight server has no raw metadata: {e}"),
    }
    Ok(record)
}

async fn described(sequence: &api::SequenceDescriptor, file: &Path, record: &mut Record) -> crate::Result<()> {
    let m = &mut record.metadata;
    let at = |tag: &str| Origin { file: file.to_owned(), tag: format!("FilmLight:SequenceDescriptor.{tag}") };
    record.range = FrameRange::new(sequence.start_frame().await?, sequence.end_frame().await?);
    let size = (sequence.width().await?, sequence.height().await?);
    if let (Ok(w), Ok(h)) = (usize::try_from(size.0), usize::try_from(size.1)) {
        m.stored_size = (w > 0 && h > 0).then(|| Sourced { value: (w, h), origin: at("get_width") });
    }
    let known = sequence.metadata().await?;
    let rate = known.iter().find(|(k, _)| super::ask::plain(k) == "framerate").and_then(|(_, v)| vendor::rate(v));
    m.rate = rate.map(|value| Sourced { value, origin: at("get_metadata") });
    if let Some(tc) = sequence.start_timecode(0).await? {
        match tc.to_core(rate) {
            Ok(value) => {
                m.rate = m.rate.take().or(Some(Sourced { value: value.rate(), origin: at("get_start_timecode") }));
                m.start_timecode = Some(Sourced { value, origin: at("get_start_timecode") });
            }
            Err(e) => tracing::warn!("the timecode of {} is left out: {e}", file.display()),
        }
    }
    let reel = sequence.tape(0).await?.filter(|r| !r.is_empty());
    m.reel = reel.map(|value| Sourced { value, origin: at("get_tape") });
    let aspect = sequence.pixel_aspect_ratio().await?;
    // Squeezes are few; a ratio of thousandths holds them all.
    if aspect.is_finite() && aspect > 0.0 && aspect < 100.0 && (aspect - 1.0).abs() > 1e-6 {
        let value = reduced((aspect * 1000.0).round() as u32, 1000);
        m.squeeze = Some(Sourced { value, origin: at("get_pixel_aspect_ratio") });
    }
    vendor::fill(m, &known, file);
    Ok(())
}

fn reduced(num: u32, den: u32) -> (u32, u32) {
    let (mut a, mut b) = (num, den);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    (num / a.max(1), den / a.max(1))
}

fn verbatim(raw: &Struct, file: &Path) -> Verbatim {
    let field = |(key, value): (&String, &Value)| VerbatimField {
        value: value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        origin: Origin { file: file.to_owned(), tag: format!("FilmLight:{key}") },
    };
    Verbatim(raw.iter().map(field).collect())
}

/// The clip stage `filmlight-inspect`: asks a server about the clips that only it decodes, so that units can be
/// planned for them, and tells where the server and Rushes' own readers disagree about the others.
#[derive(Debug, Clone)]
pub struct Inspect {
    pool: Option<Pool>,
}

impl Inspect {
    /// Asks the server of `pool` that stays.
    pub fn new(pool: Pool) -> Self {
        Self { pool: Some(pool) }
    }

    /// Asks nobody.
    pub(crate) fn nowhere() -> Self {
        Self { pool: None }
    }

    async fn one(&self, clip: &mut Clip) -> Result<Vec<Finding>> {
        let reference = ClipRef::of(clip);
        let pool = self.pool.as_ref().ok_or_else(|| {
            rushes_core::Error::new(rushes_core::ErrorKind::Unsupported, "no FilmLight server was named")
                .doing("asking about a clip")
                .advice("name one (`--filmlight`)")
        })?;
        let record = pool.inspect(async |flapi| record(&flapi, &reference).await).await.map_err(as_core)?;
        let findings = compare(&clip.name, &clip.metadata, &record.metadata);
        if SERVER_FORMATS.contains(&clip.format) {
            clip.metadata = merged(&clip.metadata, record.metadata);
            clip.verbatim.0.extend(record.verbatim.0);
            clip.range = clip.range.or(record.range);
            clip.needs = None;
        }
        Ok(findings)
    }
}

/// What was known, and what the server adds.
fn merged(known: &CameraMetadata, server: CameraMetadata) -> CameraMetadata {
    let value = |m: &CameraMetadata| serde_json::to_value(m).unwrap_or_default();
    let mut both = value(&server);
    if let (Value::Object(both), Value::Object(known)) = (&mut both, value(known)) {
        both.extend(known);
    }
    serde_json::from_value(both).unwrap_or(server)
}

impl StageInfo for Inspect {
    fn name(&self) -> &'static str {
        "filmlight-inspect"
    }
    fn version(&self) -> u32 {
        1
    }
    fn params(&self) -> Value {
        Value::Object(serde_json::Map::new())
    }
}

#[async_trait::async_trait]
impl ClipStage for Inspect {
    async fn run(&self, mut batch: Batch, cx: &ClipContext) -> Result<Batch> {
        for clip in &mut batch.clips {
            cx.go_on()?;
            if clip.refused.is_some() {
                continue;
            }
            match self.one(clip).await {
                Ok(findings) => batch.findings.extend(findings),
                // A clip that is decoded here does not need the server.
                Err(e) if SERVER_FORMATS.contains(&clip.format) => {
                    batch.findings.push(Finding::warning("filmlight-inspect", e.to_string()).clip(&clip.name));
                }
                Err(e) => {
                    batch.findings.push(Finding::info("filmlight-inspect", e.to_string()).clip(&clip.name));
                }
            }
        }
        Ok(batch)
    }
}
