//! Parts of clips and of units: fewer frames, and what those need.

use super::Unit;
use crate::media::{ClipMedia, FileSequence, FrameRange, StandIn};
use crate::stage::ClipRef;

impl Unit {
    /// The part of the unit that makes `frames`, just as the planner would have made a unit of those; nothing where it has
    /// none of them. Parts that have its frames between them make what the unit makes, where none of its outputs needs
    /// the whole clip.
    pub fn part(&self, frames: FrameRange) -> Option<Self> {
        let range = self.range.intersect(frames)?;
        if range == self.range {
            return Some(self.clone());
        }
        let mut standing = self.standing.clone();
        standing.retain(|s| s.frames.intersect(range).is_some());
        Some(Self {
            id: Self::id_of(&self.clip, range),
            clip: narrowed(&self.clip, range),
            range,
            standing,
            ..self.clone()
        })
    }

    /// What a unit of a clip is called.
    pub(super) fn id_of(clip: &ClipRef, range: FrameRange) -> String {
        format!("{}.{range}", clip.name)
    }
}

/// The reference with only what `range` needs, so that a unit stays small.
pub(super) fn narrowed(clip: &ClipRef, range: FrameRange) -> ClipRef {
    let substitutes: Vec<_> =
        clip.substitutes.iter().filter(|s| s.frames.intersect(range).is_some()).copied().collect();
    let media = match &clip.media {
        ClipMedia::Sequence(s) => {
            let mut present: Vec<FrameRange> = s.present.iter().filter_map(|r| r.intersect(range)).collect();
            for s in &substitutes {
                if let StandIn::Hold(f) = s.with {
                    present.push(FrameRange { first: f, last: f });
                }
            }
            let mut merged: Vec<FrameRange> = Vec::new();
            present.sort_unstable();
            for r in present {
                match merged.last_mut() {
                    Some(m) if r.first <= m.last.saturating_add(1) => m.last = m.last.max(r.last),
                    _ => merged.push(r),
                }
            }
            ClipMedia::Sequence(FileSequence { present: merged, ..s.clone() })
        }
        files => files.clone(),
    };
    ClipRef { media, substitutes, ..clip.clone() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::media::Substitute;

    const FRAMES: i64 = 40;

    /// A unit of a clip of 40 frames with `missing` ones, for which others stand in.
    fn unit(range: FrameRange, missing: &[(i64, Option<i64>)]) -> Unit {
        let gone: BTreeSet<i64> = missing.iter().map(|m| m.0).collect();
        let present = FileSequence::ranges_of((0..FRAMES).filter(|f| !gone.contains(f)).collect());
        let substitutes: Vec<Substitute> = missing
            .iter()
            .map(|&(f, held)| Substitute {
                frames: FrameRange { first: f, last: f },
                with: held.filter(|h| !gone.contains(h)).map_or(StandIn::Black, StandIn::Hold),
            })
            .collect();
        let mut unit: Unit = serde_json::from_value(serde_json::json!({
            "format": 1, "id": "", "range": range, "tree": [], "out": "out", "overwrite": false, "bytes_per_frame": 1,
            "clip": {
                "name": "c", "format": "dng", "range": { "first": 0, "last": FRAMES - 1 }, "metadata": {},
                "media": { "sequence": { "folder": "f", "prefix": "p", "padding": 4, "suffix": ".dng", "present": present } },
                "substitutes": substitutes,
            },
        }))
        .unwrap();
        unit.id = Unit::id_of(&unit.clip, range);
        unit.clip = narrowed(&unit.clip, range);
        unit
    }

    fn files(unit: &Unit) -> BTreeSet<i64> {
        match &unit.clip.media {
            ClipMedia::Sequence(s) => s.frames().collect(),
            ClipMedia::Files(_) => BTreeSet::new(),
        }
    }

    proptest! {
        #[test]
        fn the_parts_of_a_unit_make_it_up(
            (first, last) in (0..FRAMES).prop_flat_map(|a| (Just(a), a..FRAMES)),
            missing in proptest::collection::btree_map(0..FRAMES, proptest::option::of(0..FRAMES), 0..12),
            step in 1u64..50,
        ) {
            let range = FrameRange { first, last };
            let missing: Vec<_> = missing.into_iter().collect();
            let whole = unit(range, &missing);
            let parts: Vec<Unit> = range.chunks(step).map(|r| whole.part(r).unwrap()).collect();
            // Each is what the planner would have made of these frames.
            for part in &parts {
                prop_assert_eq!(part, &unit(part.range, &missing));
                for f in part.range.iter() {
                    prop_assert_eq!(part.clip.stand_in(f), whole.clip.stand_in(f));
                }
            }
            let frames: Vec<i64> = parts.iter().flat_map(|p| p.range.iter()).collect();
            prop_assert_eq!(frames, range.iter().collect::<Vec<_>>());
            let read: BTreeSet<i64> = parts.iter().flat_map(files).collect();
            prop_assert_eq!(read, files(&whole));
        }

        #[test]
        fn a_part_of_a_part_is_a_part(a in 0..FRAMES, b in 0..FRAMES, c in 0..FRAMES, d in 0..FRAMES, held in 0..FRAMES) {
            let of = |a: i64, b: i64| FrameRange { first: a.min(b), last: a.max(b) };
            let (one, other) = (of(a, b), of(c, d));
            let whole = unit(FrameRange { first: 0, last: FRAMES - 1 }, &[(7, Some(held)), (8, None)]);
            let twice = whole.part(one).and_then(|p| p.part(other));
            prop_assert_eq!(twice, one.intersect(other).and_then(|r| whole.part(r)));
        }
    }
}
