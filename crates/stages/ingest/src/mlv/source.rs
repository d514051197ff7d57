//! MLV recordings as a source of frames.

use std::io::{Read, Seek, SeekFrom};

use ndarray::Array2;
use rushes_core::frame::{BandMut, FrameFacts, FrameFormat, ImageState};
use rushes_core::media::{ClipFormat, ClipMedia, open_original};
use rushes_core::stage::{ClipReader, ClipRef, Source, SourceFrame, StageInfo};
use rushes_core::storage::{RemoteReader, is_uri};
use rushes_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MlvCompression, MlvHeader};
use crate::dng::jpeg::Jpeg;
use crate::dng::{ByteOrder, MAX_PIXELS, unpack};

/// Decodes Magic Lantern raw video: mosaics of the whole stored picture, code values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MlvSource {}

impl StageInfo for MlvSource {
    fn name(&self) -> &'static str {
        "decode"
    }

    fn version(&self) -> u32 {
        1
    }

    fn params(&self) -> serde_json::Value {
        serde_json::json!({})
    }
}

impl Source for MlvSource {
    fn accepts(&self, clip: &ClipRef) -> Result<()> {
        match (clip.format, &clip.media) {
            (ClipFormat::Mlv, ClipMedia::Files(_)) => Ok(()),
            (other, _) => {
                Err(Error::new(ErrorKind::Unsupported, format!("{other:?} is no Magic Lantern video")).clip(&clip.name))
            }
        }
    }

    fn open(&self, clip: &ClipRef) -> Result<Box<dyn ClipReader>> {
        self.accepts(clip)?;
        let ClipMedia::Files(files) = &clip.media else { return Err(Error::new(ErrorKind::Invalid, "no files")) };
        let header = MlvHeader::read(files).map_err(|e| e.clip(&clip.name))?;
        Ok(Box::new(MlvClip { header, clip: clip.clone() }))
    }
}

/// An open recording; each frame opens its file anew, so threads share nothing that changes.
struct MlvClip {
    header: MlvHeader,
    clip: ClipRef,
}

impl MlvClip {
    fn describe(&self, frame: i64) -> FrameFormat {
        let h = &self.header;
        let first = self.clip.range.map_or(0, |r| r.first);
        let start = self.clip.metadata.start_timecode.as_ref();
        let facts = FrameFacts {
            frame,
            timecode: start.map(|t| t.value.offset(frame.saturating_sub(first))),
            cfa: Some(h.cfa),
            levels: Some(h.levels.clone()),
            camera_color: h.color.clone(),
            ..FrameFacts::default()
        };
        FrameFormat { state: ImageState::Mosaic, width: h.width, height: h.height, facts }
    }

    fn check(&self, frame: i64, doing: &str) -> Result<()> {
        self.header.check(frame).map_err(|e| e.doing(doing).clip(&self.clip.name).frame(frame))
    }
}

impl ClipReader for MlvClip {
    fn format(&self, frame: i64) -> Result<FrameFormat> {
        self.check(frame, "reading the header of a frame")?;
        Ok(self.describe(frame))
    }

    fn bytes_needed(&self, frame: i64) -> Result<u64> {
        self.check(frame, "reading the header of a frame")?;
        let (path, at) = self.header.at(frame)?;
        let pixels = self.header.width as u64 * self.header.height as u64;
        // The samples, the payload, and rows of the JPEG decoder.
        let reader = if is_uri(path) { RemoteReader::MEMORY } else { 0 };
        Ok(pixels * 2 + at.len + 8 * 65_536 + reader)
    }

    fn decode(&self, frame: i64) -> Result<Box<dyn SourceFrame>> {
        let samples = self.header.decode_u16(frame).map_err(|e| e.clip(&self.clip.name))?;
        Ok(Box::new(MlvFrame { samples, format: self.describe(frame) }))
    }
}

/// A decoded frame.
struct MlvFrame {
    samples: Array2<u16>,
    format: FrameFormat,
}

impl SourceFrame for MlvFrame {
    fn format(&self) -> FrameFormat {
        self.format.clone()
    }

    fn rows(&self, out: &mut BandMut<'_>) {
        for row in out.rows() {
            let codes = self.samples.row(row);
            out.row_mut(0, row).iter_mut().zip(codes).for_each(|(out, code)| *out = f32::from(*code));
        }
    }
}

impl MlvHeader {
    /// `Ok` when frame `frame`, counted from 0, is there and of a kind decoded here.
    fn check(&self, frame: i64) -> Result<()> {
        let (path, at) = self.at(frame)?;
        let pixels = self.width as u64 * self.height as u64;
        if pixels > MAX_PIXELS {
            let detail = format!("a picture of {}x{} pixels is larger than any camera's", self.width, self.height);
            return Err(Error::new(ErrorKind::Unsupported, detail).path(path));
        }
        match self.compression {
            // A sample takes one bit at least.
            MlvCompression::Lossless if pixels > at.len * 8 => {
                let detail = format!("{} bytes cannot hold {}x{} pixels", at.len, self.width, self.height);
                Err(Error::new(ErrorKind::BadMedia, detail).path(path))
            }
            MlvCompression::None if !(self.width as u64 * u64::from(self.bits)).is_multiple_of(16) => {
                Err(Error::new(ErrorKind::Unsupported, "its rows do not end on a 16-bit word").path(path))
            }
            MlvCompression::None if at.len < self.packed_bytes() => Err(Error::new(
                ErrorKind::BadMedia,
                format!("the frame has {} bytes, its pixels take {}", at.len, self.packed_bytes()),
            )
            .path(path)),
            MlvCompression::Other(class) => {
                Err(Error::new(ErrorKind::Unsupported, format!("video class {class:#x} is not decoded here"))
                    .path(path)
                    .advice("convert it with MLV App to CinemaDNG"))
            }
            _ => Ok(()),
        }
    }

    /// The mosaic of frame `frame`, counted from 0, as stored: (rows, columns).
    ///
    /// # Errors
    /// When there is no such frame, it is cut short or damaged, or of a kind not decoded here.
    pub fn decode_u16(&self, frame: i64) -> Result<Array2<u16>> {
        let named = |e: Error| e.doing("decoding a frame").frame(frame);
        let (path, at) = self.at(frame).map_err(named)?;
        let run = || {
            self.check(frame)?;
            let io = |e| Error::io(path, e);
            let mut file = open_original(path)?;
            file.seek(SeekFrom::Start(at.offset)).map_err(io)?;
            let wanted = if self.compression == MlvCompression::None { self.packed_bytes() } else { at.len };
            // A block's length has 32 bits, and the walk saw it end within the file.
            let mut data = vec![0; wanted as usize];
            file.read_exact(&mut data).map_err(io)?;
            let samples = match self.compression {
                MlvCompression::None => self.unpack(data),
                _ => self.lossless(&data)?,
            };
            Array2::from_shape_vec((self.height, self.width), samples)
                .map_err(|e| Error::new(ErrorKind::BadMedia, e.to_string()))
        };
        run().map_err(|e| named(e).path(path))
    }

    /// 16-bit little-endian words that hold samples most significant bit first.
    fn unpack(&self, mut data: Vec<u8>) -> Vec<u16> {
        data.as_chunks_mut::<2>().0.iter_mut().for_each(|w| w.swap(0, 1));
        let packed = self.width * self.bits as usize / 8;
        let mut out = vec![0u16; self.width * self.height];
        for (row, bytes) in out.chunks_exact_mut(self.width).zip(data.chunks_exact(packed)) {
            unpack::row(bytes, self.bits, ByteOrder::Big, row);
        }
        out
    }

    /// One JPEG stream whose samples, in order, are the picture's.
    fn lossless(&self, data: &[u8]) -> Result<Vec<u16>> {
        let jpeg = Jpeg::parse(data)?;
        let f = &jpeg.frame;
        let (have, want) = (f.width * f.height * f.components(), self.width * self.height);
        if have != want {
            let detail = format!("its JPEG has {have} samples, the picture {}x{}", self.width, self.height);
            return Err(Error::new(ErrorKind::BadMedia, detail));
        }
        let mut out = Vec::with_capacity(want);
        jpeg.decode(false, &mut |row| {
            out.extend_from_slice(row);
            Ok(())
        })?;
        Ok(out)
    }
}
