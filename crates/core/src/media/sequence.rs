//! Numbered files, and ranges of frames.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Frames `first..=last`, numbered as in the file sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct FrameRange {
    /// The first frame.
    pub first: i64,
    /// The last frame, included.
    pub last: i64,
}

impl FrameRange {
    /// `first..=last`; `None` when `last` lies before `first`.
    pub const fn new(first: i64, last: i64) -> Option<Self> {
        if last < first { None } else { Some(Self { first, last }) }
    }

    /// Number of frames, at least one.
    pub const fn len(self) -> u64 {
        self.last.abs_diff(self.first).saturating_add(1)
    }

    /// Never: a range holds at least one frame.
    pub const fn is_empty(self) -> bool {
        false
    }

    /// True when `frame` lies in the range.
    pub const fn contains(self, frame: i64) -> bool {
        self.first <= frame && frame <= self.last
    }

    /// The frames, in order.
    pub fn iter(self) -> impl Iterator<Item = i64> + Clone {
        self.first..=self.last
    }

    /// The frames both ranges have.
    pub fn intersect(self, other: Self) -> Option<Self> {
        Self::new(self.first.max(other.first), self.last.min(other.last))
    }

    /// Consecutive parts of at most `frames` frames.
    pub fn chunks(self, frames: u64) -> impl Iterator<Item = Self> {
        let step = i64::try_from(frames.max(1)).unwrap_or(i64::MAX);
        let mut next = Some(self.first);
        std::iter::from_fn(move || {
            let first = next?;
            let last = first.saturating_add(step - 1).min(self.last);
            next = (last < self.last).then(|| last + 1);
            Some(Self { first, last })
        })
    }
}

impl std::fmt::Display for FrameRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.first == self.last { write!(f, "{}", self.first) } else { write!(f, "{}-{}", self.first, self.last) }
    }
}

/// One file a frame: `folder/prefix` + number + `suffix`, with the frames that exist.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct FileSequence {
    /// The folder that holds the files.
    pub folder: PathBuf,
    /// What stands before the frame number.
    pub prefix: String,
    /// Digits the number is padded to with zeros, at most 20; 0 or 1 for no padding.
    pub padding: usize,
    /// What stands after the frame number, the extension included.
    pub suffix: String,
    /// The frames that exist, as ascending ranges that neither touch nor overlap.
    pub present: Vec<FrameRange>,
}

impl FileSequence {
    /// The path of `frame`, whether it exists or not.
    pub fn path(&self, frame: i64) -> PathBuf {
        self.folder.join(format!("{}{:0pad$}{}", self.prefix, frame, self.suffix, pad = self.padding.min(20)))
    }

    /// First to last frame, gaps included; `None` when there is no frame at all.
    pub fn range(&self) -> Option<FrameRange> {
        FrameRange::new(self.present.first()?.first, self.present.last()?.last)
    }

    /// The frames that exist.
    pub fn frames(&self) -> impl Iterator<Item = i64> + '_ {
        self.present.iter().flat_map(|r| r.iter())
    }

    /// The ranges of missing frames between those that exist.
    pub fn gaps(&self) -> impl Iterator<Item = FrameRange> + '_ {
        self.present.windows(2).filter_map(|w| FrameRange::new(w[0].last + 1, w[1].first - 1))
    }

    /// True when the file of `frame` was seen.
    pub fn contains(&self, frame: i64) -> bool {
        self.present.iter().any(|r| r.contains(frame))
    }

    /// Ranges from frame numbers in any order; doubles count once.
    pub fn ranges_of(mut frames: Vec<i64>) -> Vec<FrameRange> {
        frames.sort_unstable();
        frames.dedup();
        let mut ranges: Vec<FrameRange> = Vec::new();
        for f in frames {
            match ranges.last_mut() {
                Some(r) if r.last.checked_add(1) == Some(f) => r.last = f,
                _ => ranges.push(FrameRange { first: f, last: f }),
            }
        }
        ranges
    }

    /// The folder, as a path.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl std::fmt::Display for FileSequence {
    /// `A001_[000000-000015].dng`, with every range that exists.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}[", self.prefix)?;
        for (i, r) in self.present.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            write!(f, "{comma}{:0pad$}-{:0pad$}", r.first, r.last, pad = self.padding)?;
        }
        write!(f, "]{}", self.suffix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn gaps_lie_between_what_exists() {
        let s = FileSequence {
            folder: "card".into(),
            prefix: "A_".into(),
            padding: 4,
            suffix: ".dng".into(),
            present: FileSequence::ranges_of(vec![3, 1, 2, 7, 8, 8]),
        };
        assert_eq!(s.gaps().collect::<Vec<_>>(), [FrameRange { first: 4, last: 6 }]);
        assert_eq!(s.path(7), PathBuf::from("card/A_0007.dng"));
        assert_eq!(s.to_string(), "A_[0001-0003,0007-0008].dng");
        assert_eq!(s.range(), FrameRange::new(1, 8));
    }

    proptest! {
        #[test]
        fn chunks_cover_the_range_once(first in -50i64..50, len in 1u64..200, step in 1u64..60) {
            let r = FrameRange::new(first, first + len as i64 - 1).unwrap();
            let all: Vec<i64> = r.chunks(step).flat_map(FrameRange::iter).collect();
            prop_assert_eq!(all, r.iter().collect::<Vec<_>>());
            prop_assert!(r.chunks(step).all(|c| c.len() <= step));
        }

        #[test]
        fn ranges_hold_each_frame_once(frames in proptest::collection::vec(-100i64..100, 0..80)) {
            let ranges = FileSequence::ranges_of(frames.clone());
            let mut want = frames;
            want.sort_unstable();
            want.dedup();
            prop_assert_eq!(ranges.iter().flat_map(|r| r.iter()).collect::<Vec<_>>(), want);
        }
    }
}
