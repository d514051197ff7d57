//! Sinks that write one file a frame.

use std::path::Path;

use rushes_core::frame::{Band, FrameFormat};
use rushes_core::media::FrameRange;
use rushes_core::stage::{Encoded, FrameSink, OutputFile, SinkContext, SinkWriter};
use rushes_core::storage::Presence;
use rushes_core::{Error, ErrorKind, Result};

use rushes_core::deliver::write_whole;

/// Starts frames with `start`, each of which becomes the file `path(clip, frame)`, written by itself or,
/// where it gives bytes, here.
pub(crate) struct SequenceWriter<P, F> {
    cx: SinkContext,
    size: (usize, usize),
    role: &'static str,
    path: P,
    start: F,
}

impl<P, F> SequenceWriter<P, F>
where
    P: Fn(&str, i64) -> String + Send + Sync,
    F: Fn(&FrameFormat, &Path) -> Result<Box<dyn FrameSink>> + Send + Sync,
{
    pub(crate) fn new(cx: &SinkContext, size: (usize, usize), role: &'static str, path: P, start: F) -> Self {
        Self { cx: cx.clone(), size, role, path, start }
    }
}

impl<P, F> SinkWriter for SequenceWriter<P, F>
where
    P: Fn(&str, i64) -> String + Send + Sync,
    F: Fn(&FrameFormat, &Path) -> Result<Box<dyn FrameSink>> + Send + Sync,
{
    fn frame(&self, format: &FrameFormat) -> Result<Box<dyn FrameSink>> {
        let (width, height) = self.size;
        let sink = if (format.width, format.height) == self.size {
            let path = (self.path)(&self.cx.clip.name, format.facts.frame);
            (self.start)(format, &self.cx.out.join(path))
        } else {
            Err(Error::new(
                ErrorKind::BadMedia,
                format!("the frame is {}x{}, the first was {width}x{height}", format.width, format.height),
            )
            .advice("split the clip where its size changes"))
        };
        sink.map_err(|e| e.doing(format!("writing a {}", self.role)).clip(&self.cx.clip.name).frame(format.facts.frame))
    }

    fn commit(&mut self, frame: i64, encoded: Encoded) -> Result<Vec<OutputFile>> {
        let path = (self.path)(&self.cx.clip.name, frame);
        let written = match encoded {
            Encoded::Bytes(bytes) => write_whole(&self.cx.out.join(&path), self.cx.existing, &bytes),
            Encoded::File(file) => file.persist(),
        };
        let (bytes, digest) = written.map_err(|e| e.clip(&self.cx.clip.name).frame(frame))?;
        let frames = FrameRange { first: frame, last: frame };
        Ok(vec![OutputFile { role: self.role.into(), path, bytes, digest, frames }])
    }

    /// Every file was finished by its own commit.
    fn finish(self: Box<Self>) -> Result<Vec<OutputFile>> {
        Ok(Vec::new())
    }

    /// Files that have not got their name vanish with their frames; the finished ones are whole and stay.
    fn abort(self: Box<Self>) {}
}

/// Says before any work is done that an output exists and may not be replaced.
pub(crate) fn refuse_existing_outputs(cx: &SinkContext, outputs: impl IntoIterator<Item = String>) -> Result<()> {
    if cx.existing.may_stand() {
        return Ok(());
    }
    let mut presence = Presence::new(&cx.out);
    let mut existing = Vec::new();
    for output in outputs {
        if presence.has(&output).map_err(|e| e.doing("opening the outputs").clip(&cx.clip.name))? {
            existing.push(cx.out.join(output));
        }
    }
    let Some(first) = existing.first() else { return Ok(()) };
    let detail = match existing.len() - 1 {
        0 => "the output file exists already".into(),
        more => format!("the output file and {more} more of this clip exist already"),
    };
    Err(Error::new(ErrorKind::AlreadyExists, detail)
        .doing("opening the outputs")
        .clip(&cx.clip.name)
        .path(first)
        .advice("choose another output folder, or allow them to be overwritten"))
}

/// Refuses a band that is not the next one of the picture.
pub(crate) fn check_band(band: &Band<'_>, planes: usize, width: usize, next_row: usize) -> Result<()> {
    if band.planes() == planes && band.width() == width && band.rows().start == next_row {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Invalid,
        format!(
            "rows {:?} of {} planes and {} columns came where row {next_row} of {planes} planes and {width} columns \
             was next",
            band.rows(),
            band.planes(),
            band.width()
        ),
    ))
}
