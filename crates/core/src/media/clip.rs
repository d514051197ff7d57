//! A clip: what the camera recorded between two presses of the button.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CameraMetadata, FileSequence, FrameRange, Verbatim};

/// What a clip's media is, as recognised by content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ClipFormat {
    /// DNG frames with cinema tags, or a numbered run of DNG.
    CinemaDng,
    /// A single DNG.
    Dng,
    /// ARRIRAW frames (.ari, SMPTE RDD 30).
    Arriraw,
    /// MXF with ARRI essence (ARRIRAW or ProRes).
    ArriMxf,
    /// MXF from Sony (XAVC, X-OCN, IMX).
    SonyMxf,
    /// Any other MXF.
    Mxf,
    /// Magic Lantern raw video.
    Mlv,
    /// REDCODE raw.
    R3d,
    /// Blackmagic RAW.
    Braw,
    /// Canon Cinema RAW Light.
    Crm,
    /// QuickTime with ProRes.
    ProresMov,
    /// QuickTime with ProRes RAW.
    ProresRawMov,
    /// Any other QuickTime or MP4.
    Mov,
    /// Phantom CINE.
    Cine,
    /// GoPro GPR (VC-5 in a DNG).
    Gpr,
    /// SMPTE ST 268 DPX.
    Dpx,
    /// OpenEXR.
    Exr,
    /// A stills camera's raw file (CR2, CR3, CRW, NEF, ARW, RW2, RAF, ORF ...).
    StillRaw,
    /// A developed still (JPEG, TIFF, PNG).
    Still,
}

/// Who could decode what this build cannot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NeedsBackend {
    /// The backend's short name: `filmlight`, `rawloader`, `ffmpeg`.
    pub backend: String,
    /// Why, and what would help, in a sentence.
    pub why: String,
}

/// The files that hold the picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClipMedia {
    /// One file a frame.
    Sequence(FileSequence),
    /// One file, or a take spanned over several parts in order.
    Files(Vec<PathBuf>),
}

/// A clip with all that is known about it so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Clip {
    /// The clip's name, unique in its batch; the stem of its outputs.
    pub name: String,
    /// What it is, by content.
    pub format: ClipFormat,
    /// Where its picture is.
    pub media: ClipMedia,
    /// Files that belong to it: sound, look, metadata, hash lists.
    #[serde(default)]
    pub sidecars: Vec<PathBuf>,
    /// Set when nothing in this build decodes the format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<NeedsBackend>,
    /// Frames to make, numbered as in the file sequence (from 0 for files that hold many).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<FrameRange>,
    /// Frames that stand in for missing or damaged ones, as the validate policy decided.
    #[serde(default)]
    pub substitutes: Vec<Substitute>,
    /// Why the clip may not be processed, as the validate policy decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Canonical facts; empty until normalize.
    #[serde(default)]
    pub metadata: CameraMetadata,
    /// Vendor fields as found; empty until normalize.
    #[serde(default)]
    pub verbatim: Verbatim,
}

/// What stands in for frames that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Substitute {
    /// The frames concerned.
    pub frames: FrameRange,
    /// What stands in.
    pub with: StandIn,
}

/// A stand-in for a frame (OpenTimelineIO's missing frame policies).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StandIn {
    /// Another frame of the clip.
    Hold(i64),
    /// A black picture of the clip's size.
    Black,
}

impl Clip {
    /// A clip as ingest finds it: no facts yet.
    pub fn new(name: impl Into<String>, format: ClipFormat, media: ClipMedia) -> Self {
        let range = match &media {
            ClipMedia::Sequence(s) => s.range(),
            ClipMedia::Files(_) => None,
        };
        Self {
            name: name.into(),
            format,
            media,
            sidecars: Vec::new(),
            needs: None,
            range,
            substitutes: Vec::new(),
            refused: None,
            metadata: CameraMetadata::default(),
            verbatim: Verbatim::default(),
        }
    }

    /// What stands in for `frame`, if anything does.
    pub fn stand_in(&self, frame: i64) -> Option<StandIn> {
        self.substitutes.iter().find(|s| s.frames.contains(frame)).map(|s| s.with)
    }
}
