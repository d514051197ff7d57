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
    /// What becomes of frames that only turn out to be damaged when they are decoded.
    #[serde(default)]
    pub undecodable: BadFramePolicy,
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

/// What becomes of a frame that cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BadFramePolicy {
    /// The unit fails; its other frames are made.
    #[default]
    Refuse,
    /// The nearest earlier good frame stands in, else the nearest later.
    Hold,
    /// A black frame stands in.
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
            undecodable: BadFramePolicy::default(),
            refused: None,
            metadata: CameraMetadata::default(),
            verbatim: Verbatim::default(),
        }
    }

    /// Lets something stand in for `bad` frames, and for frames that they stood in for, as
    /// [`Clip::undecodable`] says. `false`, and nothing changes, when the policy is to refuse, or
    /// there is no good frame to hold.
    pub fn replace_bad(&mut self, bad: &[i64]) -> bool {
        let good = |f: &i64| !bad.contains(f) && self.stand_in(*f).is_none();
        let good: Vec<i64> = match (&self.media, self.range) {
            (ClipMedia::Sequence(s), _) => s.frames().filter(good).collect(),
            (ClipMedia::Files(_), range) => range.iter().flat_map(|r| r.iter()).filter(good).collect(),
        };
        let instead = |frame: i64| match self.undecodable {
            BadFramePolicy::Refuse => None,
            BadFramePolicy::Black => Some(StandIn::Black),
            BadFramePolicy::Hold => {
                let after = good.partition_point(|f| *f < frame);
                good[..after].last().or_else(|| good.get(after)).map(|f| StandIn::Hold(*f))
            }
        };
        let held = self.substitutes.iter().map(|s| match s.with {
            StandIn::Hold(f) if bad.contains(&f) => Some(Substitute { with: instead(s.frames.first)?, ..*s }),
            _ => Some(*s),
        });
        let new = bad
            .iter()
            .filter(|f| self.stand_in(**f).is_none())
            .map(|&frame| Some(Substitute { frames: FrameRange { first: frame, last: frame }, with: instead(frame)? }));
        match held.chain(new).collect::<Option<Vec<_>>>() {
            Some(all) => {
                self.substitutes = all;
                true
            }
            None => false,
        }
    }

    /// What stands in for `frame`, if anything does.
    pub fn stand_in(&self, frame: i64) -> Option<StandIn> {
        self.substitutes.iter().find(|s| s.frames.contains(frame)).map(|s| s.with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::FileSequence;

    fn clip(undecodable: BadFramePolicy) -> Clip {
        let sequence = FileSequence {
            folder: "card".into(),
            prefix: "A_".into(),
            padding: 4,
            suffix: ".dng".into(),
            present: vec![FrameRange { first: 0, last: 4 }, FrameRange { first: 6, last: 7 }],
        };
        let mut clip = Clip::new("A", ClipFormat::CinemaDng, ClipMedia::Sequence(sequence));
        clip.substitutes = vec![Substitute { frames: FrameRange { first: 5, last: 5 }, with: StandIn::Hold(4) }];
        Clip { undecodable, ..clip }
    }

    #[test]
    fn damaged_frames_and_those_they_stood_in_for_are_replaced() {
        let mut held = clip(BadFramePolicy::Hold);
        assert!(held.replace_bad(&[3, 4]));
        for f in [3, 4, 5] {
            assert_eq!(held.stand_in(f), Some(StandIn::Hold(2)), "frame {f}");
        }
        assert!(held.replace_bad(&[2]), "the held frame is damaged too");
        for f in [2, 3, 4, 5] {
            assert_eq!(held.stand_in(f), Some(StandIn::Hold(1)), "frame {f}");
        }
        assert!(held.replace_bad(&[0, 1]), "no earlier frame is left");
        assert_eq!(held.stand_in(1), Some(StandIn::Hold(6)));
        let before = held.clone();
        assert!(!held.replace_bad(&[6, 7]), "none is left at all");
        assert_eq!(held, before);
    }

    #[test]
    fn the_policy_decides() {
        let mut black = clip(BadFramePolicy::Black);
        assert!(black.replace_bad(&[4]));
        assert_eq!((black.stand_in(4), black.stand_in(5)), (Some(StandIn::Black), Some(StandIn::Black)));
        let mut refused = clip(BadFramePolicy::Refuse);
        assert!(!refused.replace_bad(&[0]));
        assert_eq!(refused.stand_in(0), None);
    }
}
