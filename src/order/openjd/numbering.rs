//! The frames of several clips in one row of numbers.

use std::path::Path;

use rushes_core::graph::Registry;
use rushes_core::media::FrameRange;
use rushes_core::{Error, ErrorKind, Result};

use crate::order::work::is_whole;
use crate::order::{ClipFile, Desk, Order};

/// The numbers that a step's tasks know frames by.
///
/// Those of a single clip are the clip's own. Those of several run through from 0, and one is left out after each clip, so
/// that numbers without a gap between them are frames of one clip. A clip that is made whole has one number among others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbering {
    clips: Vec<Numbered>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Numbered {
    clip: u64,
    numbers: FrameRange,
    /// The clip's own frames; nothing where it is made whole.
    frames: Option<FrameRange>,
}

impl Numbering {
    /// Of clips of an order, counted from 0; the desk's stages say which outputs need all frames of a clip.
    ///
    /// # Errors
    /// When there is no such clip, or it cannot be read.
    pub fn of(order: &Order, clips: &[u64], desk: &Desk) -> Result<Self> {
        let read = |&clip: &u64| {
            let file = order.clip_file(clip, 0)?;
            let (range, whole) = facts(&file, &desk.registry)?;
            Ok((clip, range, whole))
        };
        Self::number(clips.iter().map(read).collect::<Result<Vec<_>>>()?).map_err(|e| e.path(order.folder()))
    }

    /// Of clips with their frames, and whether they are made whole.
    pub(super) fn number(clips: Vec<(u64, FrameRange, bool)>) -> Result<Self> {
        let too_many = || Error::new(ErrorKind::Invalid, "the clips have more frames than can be numbered");
        let alone = clips.len() == 1;
        let mut next = 0i64;
        let mut numbered = Vec::with_capacity(clips.len());
        for (clip, range, whole) in clips {
            let numbers = if alone && !whole {
                range
            } else {
                let count = if whole { 1 } else { i64::try_from(range.len()).map_err(|_| too_many())? };
                let last = next.checked_add(count - 1).ok_or_else(too_many)?;
                let numbers = FrameRange { first: next, last };
                next = last.checked_add(2).ok_or_else(too_many)?;
                numbers
            };
            numbered.push(Numbered { clip, numbers, frames: (!whole).then_some(range) });
        }
        Ok(Self { clips: numbered })
    }

    /// All numbers, as the specification writes integer ranges: `0-1439,1441-1500`.
    pub fn to_range(&self) -> String {
        let ranges: Vec<String> = self.clips.iter().map(|c| c.numbers.to_string()).collect();
        ranges.join(",")
    }

    /// The clips that have some of `numbers`, and which of their frames those are; nothing where it is the whole clip.
    ///
    /// # Errors
    /// When no clip has one of them.
    pub fn frames(&self, numbers: FrameRange) -> Result<Vec<(u64, Option<FrameRange>)>> {
        let in_clip = |c: &Numbered| {
            let part = c.numbers.intersect(numbers)?;
            // Frames and numbers are as many, so no sum leaves the clip's range.
            let frame = |range: FrameRange, n: i64| range.first.saturating_add(n.saturating_sub(c.numbers.first));
            Some((c.clip, c.frames.map(|f| FrameRange { first: frame(f, part.first), last: frame(f, part.last) })))
        };
        let found: Vec<_> = self.clips.iter().filter_map(in_clip).collect();
        if found.is_empty() {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("there are frames {}, and no {numbers}", self.to_range()),
            )
            .doing("reading the command line"));
        }
        Ok(found)
    }

    /// All of each clip.
    pub fn whole(&self) -> Vec<(u64, Option<FrameRange>)> {
        self.clips.iter().map(|c| (c.clip, None)).collect()
    }
}

/// The frames of a clip's units, and whether they are made in one piece.
pub(super) fn facts(file: &ClipFile, registry: &Registry) -> Result<(FrameRange, bool)> {
    let none = || crate::order::damaged("the clip has no units").clip(&file.clip.name);
    let units = &file.plan.units;
    let (first, last) = units.first().zip(units.last()).ok_or_else(none)?;
    let range = FrameRange::new(first.range.first, last.range.last).ok_or_else(none)?;
    Ok((range, is_whole(first, registry)?))
}

/// Reads `12` or `0-40,42`: clips of an order, as [`list`] writes them.
///
/// # Errors
/// When it is something else.
pub(super) fn parse_list(text: &str, most: u64, order: &Path) -> Result<Vec<u64>> {
    let bad = || {
        Error::new(ErrorKind::Invalid, format!("`{text}` names no clips of the order, which has {most}"))
            .doing("reading the command line")
            .path(order)
            .advice("name clips by their numbers, counted from 0: 12, or 0-40,42")
    };
    let mut clips = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = first.trim().parse().ok().zip(last.trim().parse().ok()).ok_or_else(bad)?;
        let fits = first <= last && last < most && clips.last().is_none_or(|&c: &u64| c < first);
        if !fits {
            return Err(bad());
        }
        clips.extend(first..=last);
    }
    Ok(clips)
}

/// Ascending numbers of clips, runs of them together.
pub(super) fn list(clips: &[u64]) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for &clip in clips {
        match runs.last_mut() {
            Some(run) if run.1.checked_add(1) == Some(clip) => run.1 = clip,
            _ => runs.push((clip, clip)),
        }
    }
    let said: Vec<String> =
        runs.iter().map(|&(a, b)| if a == b { a.to_string() } else { format!("{a}-{b}") }).collect();
    said.join(",")
}

impl Order {
    /// Reads which of its clips are meant: `12`, or `0-40,42`, ascending and counted from 0.
    ///
    /// # Errors
    /// When it is something else, or it has no such clips.
    pub fn clips_named(&self, text: &str) -> Result<Vec<u64>> {
        parse_list(text, self.head().clips, self.folder())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Clips of a step: first frame, frames, whether it is made whole.
    fn clips() -> impl Strategy<Value = Vec<(u64, FrameRange, bool)>> {
        proptest::collection::vec((-30i64..30, 1i64..40, any::<bool>()), 1..8).prop_map(|clips| {
            let range = |first: i64, n: i64| FrameRange { first, last: first + n - 1 };
            (0u64..).step_by(3).zip(clips).map(|(i, (first, n, whole))| (i, range(first, n), whole)).collect()
        })
    }

    /// Even chunks of each range without gaps, as a farm cuts them.
    fn chunks(range: &str, frames: u64) -> Vec<FrameRange> {
        let mut all = Vec::new();
        for part in range.split(',') {
            let at = part[1..].find('-').map(|i| i + 1);
            let (first, last) = at.map_or((part, part), |i| (&part[..i], &part[i + 1..]));
            let range = FrameRange::new(first.parse().unwrap(), last.parse().unwrap()).unwrap();
            let even = range.len().div_ceil(range.len().div_ceil(frames));
            all.extend(range.chunks(even));
        }
        all
    }

    proptest! {
        #[test]
        fn chunks_have_every_frame_of_every_clip_once(clips in clips(), frames in 1u64..50) {
            let numbering = Numbering::number(clips.clone()).unwrap();
            let (mut made, mut whole) = (Vec::new(), Vec::new());
            for chunk in chunks(&numbering.to_range(), frames) {
                let found = numbering.frames(chunk).unwrap();
                prop_assert_eq!(found.len(), 1, "a chunk is of one clip");
                match found[0] {
                    (clip, Some(range)) => {
                        prop_assert_eq!(range.len(), chunk.len());
                        made.extend(range.iter().map(|f| (clip, f)));
                    }
                    (clip, None) => whole.push(clip),
                }
            }
            let wanted: Vec<_> =
                clips.iter().filter(|c| !c.2).flat_map(|c| c.1.iter().map(|f| (c.0, f))).collect();
            prop_assert_eq!(made, wanted);
            prop_assert_eq!(whole, clips.iter().filter(|c| c.2).map(|c| c.0).collect::<Vec<_>>());
        }

        #[test]
        fn numbers_of_a_clip_alone_are_its_own(first in -30i64..30, n in 0i64..40) {
            let range = FrameRange { first, last: first + n };
            let numbering = Numbering::number(vec![(7, range, false)]).unwrap();
            prop_assert_eq!(numbering.to_range(), range.to_string());
            prop_assert_eq!(numbering.frames(range).unwrap(), vec![(7, Some(range))]);
            let beyond = FrameRange { first: range.last + 1, last: range.last + 9 };
            prop_assert!(numbering.frames(beyond).is_err());
        }

        #[test]
        fn lists_of_clips_read_back(clips in proptest::collection::btree_set(0u64..60, 1..40)) {
            let clips: BTreeSet<u64> = clips;
            let clips: Vec<u64> = clips.into_iter().collect();
            prop_assert_eq!(parse_list(&list(&clips), 60, Path::new("o")).unwrap(), clips);
        }
    }

    #[test]
    fn what_names_no_clips_says_so() {
        for bad in ["", "x", "3-1", "9", "0-9", "2,1", "1,1", "-1", "0-18446744073709551615"] {
            let e = parse_list(bad, 5, Path::new("o")).unwrap_err();
            assert!(e.to_string().contains("which has 5"), "{bad}: {e}");
        }
        let far = FrameRange { first: i64::MIN, last: i64::MAX };
        assert!(Numbering::number(vec![(0, far, false), (1, far, false)]).is_err());
    }
}
