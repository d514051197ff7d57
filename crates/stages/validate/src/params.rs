//! What to do about what is found.

use rushes_core::media::FrameRange;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What becomes of frames that are missing or cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// The clip is not processed.
    #[default]
    Refuse,
    /// The nearest earlier good frame stands in, else the nearest later.
    Hold,
    /// A black frame stands in.
    Black,
    /// A finding is all; what cannot be decoded will fail when its turn comes.
    Ignore,
}

/// What becomes of a clip in which nothing is lost but something is odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The clip is not processed.
    Refuse,
    /// A finding is all.
    #[default]
    Ignore,
}

/// Checks that clips are complete, whole and consistent.
///
/// By default a clip that lost anything is refused, because a hold that nobody asked for is found
/// in the theatre; what loses nothing is a warning. DNG is checked fully; DPX for its size,
/// layout and timecode; ARRIRAW for frames shorter than the others; other sequences for gaps,
/// empty files and files of another kind. Movies are checked by who decodes them.
///
/// Findings: `sequence-gap`, `frame-duplicate`, `frame-empty`, `frame-truncated`,
/// `frame-unreadable`, `frame-size-odd`, `header-drift`, `timecode-break`, `timecode-duplicate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Validate {
    /// Missing frames.
    pub gap: Policy,
    /// Files of no bytes.
    pub zero_byte: Policy,
    /// Frames whose picture ends early, or whose header cannot be read.
    pub truncated: Policy,
    /// Frames that look whole and turn out to be damaged when they are decoded. That is only
    /// known while outputs are made; `ignore` means `refuse`.
    pub undecodable: Policy,
    /// Frames whose header differs from that of the clip's first good frame: size, bits, colour
    /// filter array, levels, calibration, reel, rate.
    pub drift: Policy,
    /// One frame number in two files.
    pub duplicate: Verdict,
    /// Timecode that stands still or jumps.
    pub timecode_break: Verdict,
    /// Frames every clip must have, where that is known: for jobs of a single clip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_range: Option<FrameRange>,
}

impl Default for Validate {
    fn default() -> Self {
        Self {
            gap: Policy::Refuse,
            zero_byte: Policy::Refuse,
            truncated: Policy::Refuse,
            undecodable: Policy::Refuse,
            drift: Policy::Ignore,
            duplicate: Verdict::Ignore,
            timecode_break: Verdict::Ignore,
            expected_range: None,
        }
    }
}

impl Validate {
    /// Frames that are missing or cannot be read are held.
    pub fn hold() -> Self {
        Self {
            gap: Policy::Hold,
            zero_byte: Policy::Hold,
            truncated: Policy::Hold,
            undecodable: Policy::Hold,
            ..Self::default()
        }
    }
}
