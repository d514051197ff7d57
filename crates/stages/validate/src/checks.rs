//! What is wrong with a clip.

use std::collections::HashMap;
use std::path::Path;

use rushes_core::Result;
use rushes_core::media::{Clip, ClipMedia, FileSequence, Finding, FrameRange};
use rushes_core::run::CancellationToken;

use crate::judge::{Bad, Judge};
use crate::scan::{Seen, Trouble, scan, usual_length};
use crate::{Validate, Verdict, labels};

/// Checks one clip: its substitutes and refusal are set, the findings come back.
///
/// # Errors
/// When a storage did not answer.
pub(crate) fn clip(clip: &mut Clip, params: &Validate, cancel: &CancellationToken) -> Result<Vec<Finding>> {
    let (seen, reference) = scan(clip, cancel).map_err(|e| e.doing("checking a clip").clip(&clip.name))?;
    let gaps = gaps(clip, params.expected_range);
    if seen.is_empty() && gaps.is_empty() {
        return Ok(Vec::new());
    }
    if let (Some(range), Some(expected)) = (clip.range, params.expected_range.filter(|_| is_sequence(clip))) {
        clip.range = FrameRange::new(range.first.min(expected.first), range.last.max(expected.last));
    }
    let mut judge = Judge::new(&clip.name);
    for frames in gaps {
        judge.bad(Bad { frames, code: "sequence-gap", setting: "gap", text: "missing".into(), path: None }, params.gap);
    }
    for (trouble, code, setting, policy) in [
        (Trouble::Empty, "frame-empty", "zero_byte", params.zero_byte),
        (Trouble::Truncated, "frame-truncated", "truncated", params.truncated),
        (Trouble::Unreadable, "frame-unreadable", "truncated", params.truncated),
    ] {
        let of = |s: &Seen| s.trouble.as_ref().filter(|t| t.0 == trouble).map(|t| t.1.clone());
        let word = match trouble {
            Trouble::Empty => "empty",
            Trouble::Truncated => "truncated",
            Trouble::Unreadable => "unreadable",
        };
        for (frames, text, path) in runs(&seen, of, |_, _| true) {
            let text = if trouble == Trouble::Empty { word.to_owned() } else { format!("{word} ({text})") };
            judge.bad(Bad { frames, code, setting, text, path: Some(path.to_owned()) }, policy);
        }
    }
    let differs = |s: &Seen| (!s.differs.is_empty()).then(|| s.differs.join(", "));
    for (frames, text, path) in runs(&seen, differs, |a, b| a == b) {
        let text = format!("unlike frame {} ({text})", reference.unwrap_or_default());
        let bad = Bad { frames, code: "header-drift", setting: "drift", text, path: Some(path.to_owned()) };
        judge.bad(bad, params.drift);
    }
    sizes(&seen, &mut judge);
    timecode(&seen, params.timecode_break, &mut judge);
    Ok(judge.decide(clip, &seen))
}

/// Frame numbers that two sequences of a folder share: `A_001.dng` and `A_0001.dng`.
pub(crate) fn duplicates(clips: &mut [Clip], params: &Validate) -> Vec<Finding> {
    let mut groups: HashMap<(&Path, &str, &str), Vec<usize>> = HashMap::new();
    for (i, clip) in clips.iter().enumerate() {
        if let ClipMedia::Sequence(s) = &clip.media {
            groups.entry((&s.folder, &s.prefix, &s.suffix)).or_default().push(i);
        }
    }
    let mut pairs = Vec::new();
    for members in groups.values() {
        for (k, &a) in members.iter().enumerate() {
            for &b in &members[k + 1..] {
                let (ClipMedia::Sequence(x), ClipMedia::Sequence(y)) = (&clips[a].media, &clips[b].media) else {
                    continue;
                };
                if let Some(shared) = shared(x, y) {
                    // The lesser of the two is the odd one.
                    let (odd, main) = if x.frames().count() < y.frames().count() { (a, b) } else { (b, a) };
                    pairs.push((odd, main, shared));
                }
            }
        }
    }
    pairs.sort_by_key(|p| (p.0, p.1));
    let mut findings = Vec::new();
    for (odd, main, shared) in pairs {
        let (ClipMedia::Sequence(x), ClipMedia::Sequence(y)) = (&clips[odd].media, &clips[main].media) else {
            continue;
        };
        let name =
            |s: &FileSequence| s.path(shared).file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let what = format!("frame {shared} is there twice, as {} and as {}", name(x), name(y));
        let path = x.path(shared);
        let clip = &mut clips[odd];
        findings.push(
            match params.duplicate {
                Verdict::Refuse => {
                    let text = format!("{what}; the clip is refused; remove the copy, or set `duplicate` to ignore");
                    clip.refused.get_or_insert(format!("{what}; remove the copy"));
                    Finding::error("frame-duplicate", text)
                }
                Verdict::Ignore => {
                    Finding::warning("frame-duplicate", format!("{what}; both are processed; remove the copy"))
                }
            }
            .clip(&clip.name)
            .frame(shared)
            .path(path),
        );
    }
    findings
}

/// The first frame number both sequences have.
fn shared(x: &FileSequence, y: &FileSequence) -> Option<i64> {
    x.present.iter().flat_map(|a| y.present.iter().filter_map(|b| a.intersect(*b))).map(|r| r.first).min()
}

fn is_sequence(clip: &Clip) -> bool {
    matches!(clip.media, ClipMedia::Sequence(_))
}

/// Missing frames: between those that exist, and to the ends of what was expected.
fn gaps(clip: &Clip, expected: Option<FrameRange>) -> Vec<FrameRange> {
    let ClipMedia::Sequence(s) = &clip.media else { return Vec::new() };
    let mut gaps: Vec<FrameRange> = s.gaps().collect();
    if let (Some(range), Some(expected)) = (s.range(), expected) {
        gaps.extend(FrameRange::new(expected.first, expected.last.min(range.first.saturating_sub(1))));
        gaps.extend(FrameRange::new(expected.first.max(range.last.saturating_add(1)), expected.last));
        gaps.sort_unstable();
    }
    gaps
}

/// Neighbouring frames of which the same is true, with the text and path of the first.
fn runs(
    seen: &[Seen],
    of: impl Fn(&Seen) -> Option<String>,
    alike: impl Fn(&str, &str) -> bool,
) -> Vec<(FrameRange, String, &Path)> {
    let mut out: Vec<(FrameRange, String, &Path)> = Vec::new();
    for s in seen {
        let Some(text) = of(s) else { continue };
        match out.last_mut() {
            Some((r, t, _)) if r.last + 1 == s.frame && alike(t, &text) => r.last = s.frame,
            _ => out.push((FrameRange { first: s.frame, last: s.frame }, text, &s.path)),
        }
    }
    out
}

/// Uncompressed frames whose files are not as long as the others: whole, but written differently.
fn sizes(seen: &[Seen], judge: &mut Judge) {
    let plain = || seen.iter().filter(|s| s.plain && s.trouble.is_none() && s.differs.is_empty());
    let Some(usual) = usual_length(plain()) else { return };
    let odd: Vec<&Seen> = plain().filter(|s| s.len != usual).collect();
    if let Some(first) = odd.first() {
        let many = if odd.len() == 1 { String::new() } else { format!(", and {} more are odd", odd.len() - 1) };
        let text =
            format!("the file has {} bytes where the others have {usual}{many}; the picture is whole", first.len);
        judge.note(Finding::warning("frame-size-odd", text).frame(first.frame).path(&first.path));
    }
}

/// One finding each for timecode that stands still and that jumps, whatever the number of frames.
fn timecode(seen: &[Seen], verdict: Verdict, judge: &mut Judge) {
    let odd = labels::odd(seen);
    for (same, code) in [(true, "timecode-duplicate"), (false, "timecode-break")] {
        let of: Vec<_> = odd.iter().filter(|o| o.same == same).collect();
        let Some(first) = of.first() else { continue };
        let many = if of.len() == 1 { String::new() } else { format!(" (and at {} more frames)", of.len() - 1) };
        let what = format!("frame {} {}{many}", first.frame, first.text);
        match verdict {
            Verdict::Ignore => {
                let text =
                    format!("{what}; plates carry each frame's own timecode, a proxy counts on from the clip's start");
                judge.note(Finding::warning(code, text).frame(first.frame));
            }
            Verdict::Refuse => {
                let text = format!("{what}; the clip is refused; set `timecode_break` to ignore to process it");
                judge.note(Finding::error(code, text).frame(first.frame));
                judge.refuse(format!("{what}; set `timecode_break` to ignore to process it"));
            }
        }
    }
}
