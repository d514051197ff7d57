//! EXR plates: the sink, its container, and what the header says.

mod container;
mod header;
mod lengths;
mod piz;
mod timecode;
mod zip;

use std::path::Path;

use rushes_core::deliver::AtomicFile;
use rushes_core::frame::{Band, FrameFormat, ImageState};
use rushes_core::media::{ColorSpace, FrameRange};
use rushes_core::simd::{Level, half_row};
use rushes_core::stage::{ClipRef, Encoded, FrameSink, Sink, SinkContext, SinkWriter, StageInfo};
use rushes_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use container::ExrCompression;
pub(crate) use container::{Attributes, ExrEncoder, Sample};

use crate::naming::PathPattern;
use crate::sequence::{SequenceWriter, refuse_existing_outputs};

/// How strictly plates follow SMPTE ST 2065-4, the ACES image container.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Container {
    /// Only what ST 2065-4 allows: ACES2065-1, half, uncompressed. Anything else is an error.
    #[default]
    Strict,
    /// Compression and ACEScg as well. `acesImageContainerFlag` is written only where every
    /// condition of the strict form happens to hold.
    Relaxed,
}

/// The sink `exr`: one OpenEXR file a frame, channels B, G, R of half floats, scan lines.
///
/// Headers carry timecode, rates, reel, camera, lens and exposure as OpenEXR's standard
/// attributes, `chromaticities` and `colorInteropID`. Equal pictures and facts give equal bytes:
/// nothing of the clock or the host is written. Frame numbers are those of the source, padded to
/// seven digits by default, which holds a day of timecode at 60 frames/s; compositing packages
/// find the sequence by its digits.
///
/// Timecode above 30 frames/s is stored as ST 12-1 has it: the number of the frame pair, and the
/// field flag on the second frame of each pair. Above 60 frames/s there is no such form and the
/// attribute is left out; `imageCounter` always holds the frame number.
///
/// Finite samples beyond ±65504, the range of half, are clipped to it, with one warning a frame;
/// infinities and NaN are kept.
///
/// ```
/// use rushes_proxy::{Container, ExrCompression, ExrPlate};
/// let strict = ExrPlate::default();
/// let small = ExrPlate { compression: ExrCompression::Piz, container: Container::Relaxed, ..ExrPlate::default() };
/// assert_eq!(strict.pattern, small.pattern);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ExrPlate {
    /// How blocks are compressed.
    pub compression: ExrCompression,
    /// Whether plates must be ST 2065-4 files.
    pub container: Container,
    /// Where the files go.
    pub pattern: PathPattern,
}

impl Default for ExrPlate {
    fn default() -> Self {
        let pattern = "plates/{clip}/{clip}.{frame:07}.exr";
        Self {
            compression: ExrCompression::default(),
            container: Container::default(),
            pattern: pattern.parse().unwrap_or_else(|_| unreachable!("a test parses this pattern")),
        }
    }
}

impl ExrPlate {
    /// The space plates of `input` are in, if this sink can write them.
    fn space(&self, input: &FrameFormat) -> Result<ColorSpace> {
        if input.state != ImageState::SceneLinear {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("EXR plates take {} frames, not {}", ImageState::SceneLinear, input.state),
            )
            .advice("put the color stage before it"));
        }
        container::check_size(input.width, input.height)?;
        let space = input.facts.color_space.ok_or_else(|| {
            Error::new(ErrorKind::MissingFact, "the frames do not say which colour space they are in")
                .advice("put the color stage before the plates; it names the space")
        })?;
        let strict = self.container == Container::Strict;
        match space {
            ColorSpace::Aces2065_1 => {}
            ColorSpace::AcesCg if !strict => {}
            ColorSpace::AcesCg => {
                return Err(Error::new(ErrorKind::Unsupported, "an ST 2065-4 plate holds ACES2065-1, not ACEScg")
                    .advice("use container = \"relaxed\", or make ACES2065-1"));
            }
            other => {
                return Err(Error::new(ErrorKind::Unsupported, format!("plates hold linear light, not {other}"))
                    .advice("make ACES2065-1 or ACEScg"));
            }
        }
        if strict && self.compression != ExrCompression::None {
            return Err(Error::new(ErrorKind::Invalid, "ST 2065-4 allows no compression")
                .advice("use container = \"relaxed\", or compression = \"none\""));
        }
        Ok(space)
    }
}

impl StageInfo for ExrPlate {
    fn name(&self) -> &'static str {
        "exr"
    }

    fn version(&self) -> u32 {
        2
    }

    fn params(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl Sink for ExrPlate {
    fn input(&self) -> ImageState {
        ImageState::SceneLinear
    }

    fn check(&self, _clip: &ClipRef, input: &FrameFormat) -> Result<()> {
        self.space(input).map(|_| ()).map_err(|e| e.doing("writing EXR plates"))
    }

    fn whole_clip(&self) -> bool {
        false
    }

    fn outputs(&self, clip: &ClipRef, range: FrameRange) -> Vec<String> {
        range.iter().map(|frame| self.pattern.path(&clip.name, frame, "exr")).collect()
    }

    fn bytes_needed(&self, input: &FrameFormat) -> u64 {
        let size = (input.width, input.height);
        // What is not compressed goes into its file band after band; no band is half a megabyte of floats.
        let file = match self.compression {
            ExrCompression::None => 1 << 20,
            _ => container::encoded_limit(size, 3, Sample::Half, self.compression),
        };
        // The block, its copies in the compressors, and their tables: measured on smooth and on noisy
        // pictures, at most 10 blocks (DWA) and 3 MiB (PIZ).
        let lines = self.compression.lines_per_block().min(input.height);
        let block = input.width.saturating_mul(lines).saturating_mul(3 * 2);
        file.saturating_add(block.saturating_mul(10)).saturating_add(4 << 20) as u64
    }

    fn open(&self, cx: &SinkContext, first: &FrameFormat) -> Result<Box<dyn SinkWriter>> {
        self.check(&cx.clip, first)?;
        refuse_existing_outputs(cx, cx.to_make.iter().flat_map(|r| self.outputs(&cx.clip, *r)))?;
        let (plate, clip, size) = (self.clone(), cx.clip.clone(), (first.width, first.height));
        let existing = cx.existing;
        let start = move |format: &FrameFormat, path: &Path| -> Result<Box<dyn FrameSink>> {
            let space = plate.space(format)?;
            let aces = plate.compression == ExrCompression::None && space == ColorSpace::Aces2065_1;
            let attributes = header::attributes(&clip, format, space, aces);
            let encoder = ExrEncoder::new(size, &["B", "G", "R"], Sample::Half, plate.compression, attributes)?;
            let file = AtomicFile::create(path, existing)?;
            Ok(Box::new(PlateFrame { encoder, file, width: size.0, frame: format.facts.frame, clipped: 0 }))
        };
        let pattern = self.pattern.clone();
        let path = move |clip: &str, frame: i64| pattern.path(clip, frame, "exr");
        Ok(Box::new(SequenceWriter::new(cx, size, "plate", path, start)))
    }
}

/// A plate on its way into its file.
struct PlateFrame {
    encoder: ExrEncoder,
    file: AtomicFile,
    width: usize,
    frame: i64,
    clipped: u64,
}

impl FrameSink for PlateFrame {
    fn rows(&mut self, band: &Band<'_>) -> Result<()> {
        crate::sequence::check_band(band, 3, self.width, self.encoder.next_row())?;
        let level = Level::current();
        for row in band.rows() {
            let clipped = &mut self.clipped;
            self.encoder.line(|line| {
                let halfs = line.as_chunks_mut::<2>().0.chunks_exact_mut(band.width());
                for (plane, halfs) in [2, 1, 0].into_iter().zip(halfs) {
                    *clipped += half_row(level, band.row(plane, row), halfs);
                }
            })?;
        }
        let file = &mut self.file;
        self.encoder.take(|bytes| file.append(bytes))
    }

    fn finish(mut self: Box<Self>) -> Result<Encoded> {
        if self.clipped > 0 {
            tracing::warn!(
                frame = self.frame,
                samples = self.clipped,
                "samples beyond the range of half were clipped to 65504"
            );
        }
        let rest = self.encoder.finish()?;
        self.file.append(&rest)?;
        self.file.sync()?;
        Ok(Encoded::File(self.file))
    }
}

#[cfg(test)]
mod tests;
