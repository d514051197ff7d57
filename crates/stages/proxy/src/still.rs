//! Stills: JPEG and PNG pictures of rendered frames.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use rushes_core::frame::{Band, FrameFormat, ImageState};
use rushes_core::media::{ColorSpace, FrameRange};
use rushes_core::stage::{ClipRef, Encoded, FrameSink, Sink, SinkContext, SinkWriter, StageInfo};
use rushes_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::naming::PathPattern;
use crate::sequence::{SequenceWriter, check_band, refuse_existing_outputs};

mod tags;

/// The file format of stills.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StillFormat {
    /// Baseline JPEG with full colour resolution (4:4:4).
    #[default]
    Jpeg,
    /// PNG, 8 bits a channel.
    Png8,
    /// PNG, 16 bits a channel.
    Png16,
}

impl StillFormat {
    fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png8 | Self::Png16 => "png",
        }
    }

    /// The longest side a file can have.
    fn most(self) -> usize {
        match self {
            Self::Jpeg => u16::MAX as usize,
            Self::Png8 | Self::Png16 => 1 << 18,
        }
    }

    fn bytes_per_sample(self) -> usize {
        if self == Self::Png16 { 2 } else { 1 }
    }
}

/// Which frames of a range become stills.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StillFrames {
    /// The first.
    First,
    /// The one in the middle; of an even number the one before it.
    #[default]
    Middle,
    /// The last.
    Last,
    /// The first, the one in the middle and the last: what a contact sheet shows.
    Contact,
    /// All of them.
    All,
    /// The first and every n-th after it.
    Every(u32),
}

impl StillFrames {
    /// True when `frame` of `range` becomes a still.
    pub fn wants(self, range: FrameRange, frame: i64) -> bool {
        let offset = frame.abs_diff(range.first);
        let middle = (range.len() - 1) / 2;
        range.contains(frame)
            && match self {
                Self::First => offset == 0,
                Self::Middle => offset == middle,
                Self::Last => frame == range.last,
                Self::Contact => offset == 0 || offset == middle || frame == range.last,
                Self::All => true,
                Self::Every(n) => offset.is_multiple_of(u64::from(n.max(1))),
            }
    }
}

/// The sink `still`: pictures of rendered frames, for contact sheets, reports and mail.
///
/// The code values of the display are written as they are, with an ICC profile of the display they
/// are for (Rec.709, power 2.4), or in a PNG the code points of Rec.2100 PQ or HLG, and, where the camera was turned, the direction to show them in.
/// Values outside 0 to 1 and NaN are clamped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Still {
    /// The file format.
    pub format: StillFormat,
    /// JPEG quality, 1 to 100.
    pub quality: u8,
    /// Which frames of a unit's range are written.
    pub frames: StillFrames,
    /// Where the files go.
    pub pattern: PathPattern,
}

impl Default for Still {
    fn default() -> Self {
        let pattern = "stills/{clip}.{frame:07}.{ext}";
        Self {
            format: StillFormat::default(),
            quality: 92,
            frames: StillFrames::default(),
            pattern: pattern.parse().unwrap_or_else(|_| unreachable!("a test parses this pattern")),
        }
    }
}

impl Still {
    fn refuse(&self, input: &FrameFormat) -> Result<()> {
        if input.state != ImageState::Display {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("stills take {} frames, not {}", ImageState::Display, input.state),
            )
            .advice("put an output transform before them"));
        }
        if let (StillFormat::Jpeg, Some(space @ (ColorSpace::Rec2100Pq | ColorSpace::Rec2100Hlg))) =
            (self.format, input.facts.color_space)
        {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("a JPEG cannot say that its pictures are in {space}"),
            )
            .advice("write stills as `png16`, or render them for Rec.709"));
        }
        let most = self.format.most();
        if input.width == 0 || input.height == 0 || input.width > most || input.height > most {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("a still of {}x{} does not fit its file format", input.width, input.height),
            )
            .advice(format!("scale it to 1 to {most} pixels a side")));
        }
        if !(1..=100).contains(&self.quality) {
            return Err(Error::new(ErrorKind::Invalid, format!("JPEG quality {} is not 1 to 100", self.quality)));
        }
        if self.frames == StillFrames::Every(0) {
            return Err(Error::new(ErrorKind::Invalid, "every 0th frame is none").advice("write every = 1 or more"));
        }
        Ok(())
    }
}

impl StageInfo for Still {
    fn name(&self) -> &'static str {
        "still"
    }

    fn version(&self) -> u32 {
        1
    }

    fn params(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl Sink for Still {
    fn input(&self) -> ImageState {
        ImageState::Display
    }

    fn check(&self, _clip: &ClipRef, input: &FrameFormat) -> Result<()> {
        self.refuse(input).map_err(|e| e.doing("writing stills"))
    }

    fn wants(&self, clip: &ClipRef, range: FrameRange, frame: i64) -> bool {
        // First, middle and last are the clip's, not those of the part that a unit makes.
        self.frames.wants(clip.range.unwrap_or(range), frame)
    }

    fn whole_clip(&self) -> bool {
        false
    }

    fn outputs(&self, clip: &ClipRef, range: FrameRange) -> Vec<String> {
        let wanted = range.iter().filter(|&frame| self.wants(clip, range, frame));
        wanted.map(|frame| self.pattern.path(&clip.name, frame, self.format.extension())).collect()
    }

    fn bytes_needed(&self, input: &FrameFormat) -> u64 {
        let samples = input.width.saturating_mul(input.height).saturating_mul(3);
        // The pixels, and an encoded form that grows by doubling and is, for noise, half as large again.
        let pixels = samples.saturating_mul(self.format.bytes_per_sample());
        (pixels.saturating_mul(6) as u64).saturating_add(2 << 20)
    }

    fn open(&self, cx: &SinkContext, first: &FrameFormat) -> Result<Box<dyn SinkWriter>> {
        self.check(&cx.clip, first)?;
        refuse_existing_outputs(cx, cx.to_make.iter().flat_map(|r| self.outputs(&cx.clip, *r)))?;
        let (still, size) = (self.clone(), (first.width, first.height));
        let start = move |format: &FrameFormat, _: &std::path::Path| -> Result<Box<dyn FrameSink>> {
            still.refuse(format)?;
            let bytes = size.0 * size.1 * 3 * still.format.bytes_per_sample();
            let pixels = Vec::with_capacity(bytes);
            let tags = Tags::of(format);
            let (format, quality) = (still.format, still.quality);
            Ok(Box::new(StillFrame { format, quality, tags, size, next_row: 0, pixels }))
        };
        let (pattern, ext) = (self.pattern.clone(), self.format.extension());
        let path = move |clip: &str, frame: i64| pattern.path(clip, frame, ext);
        Ok(Box::new(SequenceWriter::new(cx, size, "still", path, start)))
    }
}

/// A still on its way into bytes: interleaved RGB, 16-bit samples most significant byte first.
struct StillFrame {
    format: StillFormat,
    quality: u8,
    tags: Tags,
    size: (usize, usize),
    next_row: usize,
    pixels: Vec<u8>,
}

impl FrameSink for StillFrame {
    fn rows(&mut self, band: &Band<'_>) -> Result<()> {
        check_band(band, 3, self.size.0, self.next_row)?;
        if band.rows().end > self.size.1 {
            return Err(Error::new(ErrorKind::Invalid, format!("more rows than the {} of the picture", self.size.1)));
        }
        for row in band.rows() {
            let rgb = band.row(0, row).iter().zip(band.row(1, row)).zip(band.row(2, row));
            // `as` saturates, and makes 0 of NaN.
            if self.format == StillFormat::Png16 {
                let code = |v: f32| ((v * 65535.0 + 0.5) as u16).to_be_bytes();
                self.pixels.extend(rgb.flat_map(|((&r, &g), &b)| [code(r), code(g), code(b)]).flatten());
            } else {
                let code = |v: f32| (v * 255.0 + 0.5) as u8;
                self.pixels.extend(rgb.flat_map(|((&r, &g), &b)| [code(r), code(g), code(b)]));
            }
        }
        self.next_row = band.rows().end;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Encoded> {
        let (width, height) = self.size;
        if self.next_row != height {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("{} of {height} rows of the picture came", self.next_row),
            ));
        }
        let bytes = match self.format {
            StillFormat::Png8 => encode_png(&self.pixels, (width, height), 3, PngDepth::Eight, &self.tags),
            StillFormat::Png16 => encode_png(&self.pixels, (width, height), 3, PngDepth::Sixteen, &self.tags),
            StillFormat::Jpeg => {
                let refused = |e| Error::new(ErrorKind::Invalid, format!("the JPEG encoder refused it: {e}"));
                let mut out = Vec::new();
                let mut encoder = Encoder::new(&mut out, self.quality);
                encoder.set_sampling_factor(SamplingFactor::R_4_4_4);
                if let Some(exif) = &self.tags.exif {
                    encoder.add_exif_metadata(exif).map_err(refused)?;
                }
                if let Some(profile) = &self.tags.profile {
                    encoder.add_icc_profile(profile).map_err(refused)?;
                }
                // The sides were checked against 16 bits when the frame was started.
                encoder.encode(&self.pixels, width as u16, height as u16, ColorType::Rgb).map_err(refused)?;
                Ok(out)
            }
        };
        bytes.map(Encoded::Bytes)
    }
}

/// Bits a sample of a PNG.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PngDepth {
    /// 8
    Eight,
    /// 16, most significant byte first.
    Sixteen,
}

/// What a still says besides its pixels.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tags {
    profile: Option<Vec<u8>>,
    /// Primaries, transfer and matrix (ITU-T H.273), for PNG.
    cicp: Option<[u8; 3]>,
    exif: Option<Vec<u8>>,
}

impl Tags {
    /// Of a picture in `space` that stands upright.
    pub(crate) fn upright(space: Option<ColorSpace>) -> Self {
        let (mut profile, mut cicp) = (None, None);
        match space {
            Some(ColorSpace::Rec709Display) => profile = Some(tags::rec709_profile()),
            // A PNG holds R'G'B', which the matrix 0 says.
            Some(ColorSpace::Rec2100Pq) => cicp = Some([9, 16, 0]),
            Some(ColorSpace::Rec2100Hlg) => cicp = Some([9, 18, 0]),
            _ => {}
        }
        Self { profile, cicp, exif: None }
    }

    /// Of a frame for display.
    pub(crate) fn of(format: &FrameFormat) -> Self {
        Self { exif: tags::exif(format.facts.orientation), ..Self::upright(format.facts.color_space) }
    }
}

/// Encodes interleaved `pixels` of one or three channels; `size` is columns and rows.
pub(crate) fn encode_png(
    pixels: &[u8],
    (width, height): (usize, usize),
    channels: usize,
    depth: PngDepth,
    tags: &Tags,
) -> Result<Vec<u8>> {
    let bad = |why: String| Error::new(ErrorKind::Invalid, format!("the PNG encoder refused it: {why}"));
    let side = |v: usize| u32::try_from(v).map_err(|_| bad(format!("a side of {v} pixels")));
    let mut out = Vec::new();
    let mut info = png::Info::with_size(side(width)?, side(height)?);
    info.icc_profile = tags.profile.as_deref().map(Into::into);
    info.exif_metadata = tags.exif.as_deref().map(Into::into);
    let mut encoder = png::Encoder::with_info(&mut out, info).map_err(|e| bad(e.to_string()))?;
    encoder.set_color(if channels == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb });
    encoder.set_depth(if depth == PngDepth::Eight { png::BitDepth::Eight } else { png::BitDepth::Sixteen });
    let mut writer = encoder.write_header().map_err(|e| bad(e.to_string()))?;
    if let Some([primaries, transfer, matrix]) = tags.cicp {
        // The encoder has no writer for it. 1: full range (PNG, third edition, 11.3.2.6).
        let chunk = [primaries, transfer, matrix, 1];
        writer.write_chunk(png::chunk::cICP, &chunk).map_err(|e| bad(e.to_string()))?;
    }
    writer.write_image_data(pixels).map_err(|e| bad(e.to_string()))?;
    writer.finish().map_err(|e| bad(e.to_string()))?;
    Ok(out)
}

#[cfg(test)]
mod tests;
