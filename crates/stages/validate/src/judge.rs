//! What becomes of frames that cannot be used.

use std::collections::BTreeSet;
use std::path::PathBuf;

use rushes_core::media::{Clip, Finding, FrameRange, StandIn, Substitute};

use crate::Policy;
use crate::scan::Seen;

/// Findings of one code for one clip; a clip may be bad in thousands of places.
const MOST: usize = 20;

/// Frames that cannot be used, or not as they are.
#[derive(Debug, Clone)]
pub(crate) struct Bad {
    pub(crate) frames: FrameRange,
    pub(crate) code: &'static str,
    /// The parameter that decides.
    pub(crate) setting: &'static str,
    /// What they are: `missing`.
    pub(crate) text: String,
    pub(crate) path: Option<PathBuf>,
}

impl Bad {
    fn says(&self) -> String {
        let FrameRange { first, last } = self.frames;
        if first == last {
            format!("frame {first} is {}", self.text)
        } else {
            format!("frames {first}-{last} are {}", self.text)
        }
    }
}

/// Collects what is wrong with a clip, then decides.
#[derive(Debug)]
pub(crate) struct Judge {
    name: String,
    bad: Vec<(Bad, Policy)>,
    notes: Vec<Finding>,
    refusals: Vec<String>,
}

impl Judge {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), bad: Vec::new(), notes: Vec::new(), refusals: Vec::new() }
    }

    pub(crate) fn bad(&mut self, bad: Bad, policy: Policy) {
        self.bad.push((bad, policy));
    }

    pub(crate) fn note(&mut self, finding: Finding) {
        self.notes.push(finding.clip(&self.name));
    }

    pub(crate) fn refuse(&mut self, why: String) {
        self.refusals.push(why);
    }

    /// Sets the clip's substitutes and refusal.
    pub(crate) fn decide(mut self, clip: &mut Clip, seen: &[Seen]) -> Vec<Finding> {
        // Gaps hold no frame that was seen; all other ranges are made of frames that were.
        let bad = self.bad.iter().filter(|(b, p)| *p != Policy::Ignore && b.code != "sequence-gap");
        let aside: BTreeSet<i64> = bad.flat_map(|(b, _)| b.frames.iter()).collect();
        let good: BTreeSet<i64> =
            seen.iter().filter(|s| s.trouble.is_none() && !aside.contains(&s.frame)).map(|s| s.frame).collect();
        let mut findings = Vec::new();
        let mut substitutes = clip.substitutes.clone();
        for code in self.bad.iter().map(|b| b.0.code).collect::<BTreeSet<_>>() {
            let of: Vec<_> = self.bad.iter().filter(|b| b.0.code == code).collect();
            for (i, (bad, policy)) in of.iter().enumerate() {
                let what = bad.says();
                let advice = advice(bad);
                let mut refuse = || self.refusals.push(format!("{what}; {advice}"));
                let (severe, outcome) = match policy {
                    Policy::Refuse => {
                        refuse();
                        (true, format!("the clip is refused; {advice}"))
                    }
                    Policy::Ignore => (false, "left as it is".to_owned()),
                    Policy::Black => {
                        substitutes.push(Substitute { frames: bad.frames, with: StandIn::Black });
                        (false, "black stands in".to_owned())
                    }
                    Policy::Hold => match near(&good, bad.frames) {
                        Some(frame) => {
                            substitutes.push(Substitute { frames: bad.frames, with: StandIn::Hold(frame) });
                            (false, format!("frame {frame} is held in its place"))
                        }
                        None => {
                            refuse();
                            (true, "there is no frame to hold, and the clip is refused".to_owned())
                        }
                    },
                };
                if i < MOST {
                    let text = format!("{what}; {outcome}");
                    let finding = if severe { Finding::error(code, text) } else { Finding::warning(code, text) };
                    let finding = finding.clip(&self.name).frame(bad.frames.first);
                    findings.push(match &bad.path {
                        Some(p) => finding.path(p),
                        None => finding,
                    });
                } else if i == MOST {
                    let frames: u64 = of[MOST..].iter().map(|b| b.0.frames.len()).sum();
                    let text = format!("the same at {} more places, {frames} frames in all", of.len() - MOST);
                    findings.push(Finding::warning(code, text).clip(&self.name).frame(bad.frames.first));
                }
            }
        }
        findings.append(&mut self.notes);
        if good.is_empty() && !seen.is_empty() {
            self.refusals.insert(0, "no frame of the clip can be used".to_owned());
        }
        clip.substitutes = merged(substitutes);
        if let Some(first) = self.refusals.first() {
            let more = match self.refusals.len() {
                1 => String::new(),
                2 => " (and 1 more reason)".to_owned(),
                n => format!(" (and {} more reasons)", n - 1),
            };
            clip.refused.get_or_insert(format!("{first}{more}"));
        }
        findings
    }
}

fn advice(bad: &Bad) -> String {
    format!("copy the card again, or set `{}` to hold or black (`--on-bad-frame`)", bad.setting)
}

/// The nearest earlier frame of `good`, else the nearest later.
fn near(good: &BTreeSet<i64>, frames: FrameRange) -> Option<i64> {
    good.range(..frames.first).next_back().or_else(|| good.range(frames.last..).next()).copied()
}

/// Substitutes in order of frame, without overlap (the first of those that overlap stays), and
/// those that touch and have the same stand-in as one.
fn merged(mut all: Vec<Substitute>) -> Vec<Substitute> {
    all.sort_by_key(|s| (s.frames.first, s.frames.last));
    let mut out: Vec<Substitute> = Vec::new();
    for s in all {
        let first = out.last().map_or(s.frames.first, |l| s.frames.first.max(l.frames.last.saturating_add(1)));
        let Some(frames) = FrameRange::new(first, s.frames.last) else { continue };
        match out.last_mut() {
            Some(l) if l.with == s.with && l.frames.last.saturating_add(1) == frames.first => {
                l.frames.last = frames.last
            }
            _ => out.push(Substitute { frames, with: s.with }),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn merged_substitutes_cover_the_same_frames_once(parts in proptest::collection::vec((0i64..60, 0i64..6, 0i64..3), 0..20)) {
            let all: Vec<Substitute> = parts
                .iter()
                .map(|&(first, len, held)| Substitute {
                    frames: FrameRange { first, last: first + len },
                    with: StandIn::Hold(held),
                })
                .collect();
            let out = merged(all.clone());
            for f in 0..70 {
                let before = all.iter().any(|s| s.frames.contains(f));
                prop_assert_eq!(out.iter().filter(|s| s.frames.contains(f)).count(), usize::from(before));
            }
            prop_assert!(out.windows(2).all(|w| w[0].frames.last < w[1].frames.first));
        }

        #[test]
        fn the_held_frame_is_the_nearest(good in proptest::collection::btree_set(0i64..40, 1..10), first in 0i64..40) {
            let frames = FrameRange { first, last: first };
            let good: BTreeSet<i64> = good.into_iter().filter(|g| *g != first).collect();
            let want = good.iter().copied().filter(|g| *g < first).max().or_else(|| good.iter().copied().min());
            prop_assert_eq!(near(&good, frames), want);
        }
    }
}
