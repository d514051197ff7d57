//! DNG clips as a source of frames.

use std::path::PathBuf;

use rushes_core::frame::{FrameFacts, FrameFormat, ImageState};
use rushes_core::media::{ClipFormat, ClipMedia, Original, Rect, Timecode, open_original};
use rushes_core::stage::{ClipReader, ClipRef, Source, SourceFrame, StageInfo};
use rushes_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::header::Header;
use super::picture::Photometric;
use super::rows::{DngFrame, Pools};

/// Decodes CinemaDNG sequences and single DNG files.
///
/// A mosaic comes out as the whole stored area in code values after the linearization table; a
/// LinearRaw picture as camera RGB of the active area with black at 0 and white at 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DngSource {}

impl StageInfo for DngSource {
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

impl Source for DngSource {
    fn accepts(&self, clip: &ClipRef) -> Result<()> {
        match clip.format {
            ClipFormat::CinemaDng | ClipFormat::Dng => Ok(()),
            ClipFormat::Gpr => {
                Err(Error::new(ErrorKind::Unsupported, "GoPro GPR is VC-5 compressed, not decoded here")
                    .clip(&clip.name)
                    .advice("convert it with gpr_tools or Adobe DNG Converter to an uncompressed or lossless DNG"))
            }
            other => Err(Error::new(ErrorKind::Unsupported, format!("{other:?} is no DNG")).clip(&clip.name)),
        }
    }

    fn open(&self, clip: &ClipRef) -> Result<Box<dyn ClipReader>> {
        self.accepts(clip)?;
        let range = match &clip.media {
            ClipMedia::Sequence(s) => clip.range.or(s.range()),
            ClipMedia::Files(_) => clip.range,
        };
        let first = range.map_or(0, |r| r.first);
        Ok(Box::new(DngClip { clip: clip.clone(), first, pools: Pools::default() }))
    }
}

/// An open clip. Files are opened frame by frame, so threads share nothing that changes.
struct DngClip {
    clip: ClipRef,
    /// The frame that has the clip's start timecode.
    first: i64,
    pools: Pools,
}

impl DngClip {
    fn path(&self, frame: i64) -> Result<PathBuf> {
        match &self.clip.media {
            ClipMedia::Sequence(s) => Ok(s.path(frame)),
            ClipMedia::Files(files) => {
                usize::try_from(frame).ok().and_then(|i| files.get(i)).cloned().ok_or_else(|| {
                    Error::new(ErrorKind::Invalid, format!("the clip has {} frames, counted from 0", files.len()))
                })
            }
        }
    }

    fn with<T>(&self, frame: i64, doing: &str, run: impl FnOnce(&mut Original, Header) -> Result<T>) -> Result<T> {
        let path = self.path(frame).map_err(|e| self.name(e, doing, frame))?;
        let work = || {
            let mut file = open_original(&path)?;
            let header = Header::from_reader(&mut file)?;
            Ok((file, header))
        };
        work().and_then(|(mut file, header)| run(&mut file, header)).map_err(|e| self.name(e, doing, frame).path(&path))
    }

    fn name(&self, e: Error, doing: &str, frame: i64) -> Error {
        e.doing(doing).clip(&self.clip.name).frame(frame)
    }

    fn timecode(&self, header: &Header, frame: i64) -> Option<Timecode> {
        let facts = &self.clip.metadata;
        let rate = facts.rate.as_ref().map(|r| r.value).or(header.shot.rate.as_ref().map(|r| r.value));
        let start = || facts.start_timecode.as_ref().map(|t| t.value.offset(frame - self.first));
        rate.and_then(|r| header.timecode(r)).or_else(start)
    }

    fn describe(&self, header: &Header, frame: i64) -> FrameFormat {
        let p = &header.picture;
        let facts = FrameFacts {
            frame,
            timecode: self.timecode(header, frame),
            camera_color: header.color.clone(),
            orientation: p.orientation,
            pixel_aspect: p.pixel_aspect,
            default_crop: p.default_crop,
            ..FrameFacts::default()
        };
        match p.photometric {
            Photometric::Cfa => FrameFormat {
                state: ImageState::Mosaic,
                width: p.width,
                height: p.height,
                facts: FrameFacts { cfa: p.cfa, levels: Some(p.levels.clone()), active_area: p.active_area, ..facts },
            },
            Photometric::LinearRaw => {
                let area = p.active_area.unwrap_or(Rect::whole(p.width, p.height));
                FrameFormat { state: ImageState::CameraRgb, width: area.width, height: area.height, facts }
            }
        }
    }
}

impl ClipReader for DngClip {
    fn format(&self, frame: i64) -> Result<FrameFormat> {
        self.with(frame, "reading the header of a frame", |_, header| {
            header.check_decodable()?;
            Ok(self.describe(&header, frame))
        })
    }

    fn bytes_needed(&self, frame: i64) -> Result<u64> {
        self.with(frame, "reading the header of a frame", |file, header| {
            header.check_decodable()?;
            Ok(DngFrame::bytes_needed(&header).saturating_add(file.memory()))
        })
    }

    fn decode(&self, frame: i64) -> Result<Box<dyn SourceFrame>> {
        self.with(frame, "decoding a frame", |file, header| {
            let format = self.describe(&header, frame);
            let frame = DngFrame::read(&header, file, format, &self.pools)?;
            Ok(Box::new(frame) as Box<dyn SourceFrame>)
        })
    }
}
