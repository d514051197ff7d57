//! The report as the page needs it: what became of each clip, what was made of it.

use std::collections::HashMap;

use rushes_core::media::{Finding, FrameRange, Severity};
use rushes_core::run::{Outcome, UnitReport};
use rushes_core::stage::OutputFile;

use crate::model::{ClipSection, Report};

/// What became of a clip, worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    Ok,
    Check,
    Skipped,
    Cancelled,
    Failed,
}

impl Status {
    /// In a word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Check => "Check",
            Self::Skipped => "Not made",
            Self::Cancelled => "Cancelled",
            Self::Failed => "Failed",
        }
    }

    /// The class that colours it.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Check => "warn",
            Self::Skipped | Self::Cancelled | Self::Failed => "bad",
        }
    }
}

/// Files of one role in one folder: a sequence, or a single file.
#[derive(Debug)]
pub(super) struct Made<'a> {
    pub(super) first: &'a OutputFile,
    pub(super) files: u64,
    pub(super) bytes: u64,
    pub(super) frames: Vec<FrameRange>,
}

impl<'a> Made<'a> {
    /// Its folder with a slash at the end, empty for the output folder itself.
    pub(super) fn folder(&self) -> &'a str {
        folder(&self.first.path)
    }
}

fn folder(path: &str) -> &str {
    path.rfind('/').map_or("", |at| &path[..=at])
}

fn extension(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, e)| e)
}

/// A clip with everything that concerns it.
#[derive(Debug)]
pub(super) struct ClipView<'a> {
    pub(super) clip: &'a ClipSection,
    pub(super) status: Status,
    pub(super) units: Vec<&'a UnitReport>,
    pub(super) made: Vec<Made<'a>>,
    /// Findings about it by severity: info, warnings, errors.
    pub(super) findings: [u64; 3],
}

/// Findings of one code about one clip.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) findings: Vec<Finding>,
    /// Its place in [`View::clips`], where the clip is among them.
    pub(super) clip: Option<usize>,
}

/// The whole report.
#[derive(Debug)]
pub(super) struct View<'a> {
    pub(super) report: &'a Report,
    pub(super) clips: Vec<ClipView<'a>>,
    /// Worst first, then in the order they were found out.
    pub(super) told: Vec<Told>,
    /// Findings by severity: info, warnings, errors.
    pub(super) findings: [u64; 3],
}

impl<'a> View<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        // Of two clips of one name, which should not be, the first has the units.
        let mut index: HashMap<&str, usize> = HashMap::new();
        for (i, clip) in report.clips.iter().enumerate() {
            index.entry(&clip.name).or_insert(i);
        }
        let mut clips: Vec<_> = report
            .clips
            .iter()
            .map(|clip| ClipView { clip, status: Status::Ok, units: Vec::new(), made: Vec::new(), findings: [0; 3] })
            .collect();
        for unit in &report.units {
            if let Some(&i) = index.get(unit.clip.as_str()) {
                clips[i].units.push(unit);
            }
        }

        let (mut told, mut findings) = (group(all_findings(report), &index), [0; 3]);
        for t in &told {
            let (severity, n) = (t.findings[0].severity as usize, t.findings.len() as u64);
            findings[severity] += n;
            if let Some(i) = t.clip {
                clips[i].findings[severity] += n;
            }
        }
        told.sort_by_key(|t| std::cmp::Reverse(t.findings[0].severity));
        for c in &mut clips {
            c.made = made(&c.units);
            c.status = status(c);
        }
        Self { report, clips, told, findings }
    }

    /// Clips whose status is `s`.
    pub(super) fn with(&self, s: Status) -> u64 {
        self.clips.iter().filter(|c| c.status == s).count() as u64
    }
}

/// The findings, and what units that are not done have to say.
fn all_findings(report: &Report) -> impl Iterator<Item = Finding> + '_ {
    let units = report.units.iter().filter_map(|u| {
        let finding = match &u.outcome {
            Outcome::Done => return None,
            Outcome::Cancelled => {
                Finding::error("unit-cancelled", format!("{} was cancelled; run the job again", u.unit))
            }
            Outcome::Failed(f) => Finding::error("unit-failed", format!("{}: {}", u.unit, f.message)),
        };
        Some(finding.clip(&u.clip))
    });
    units.chain(report.findings.iter().cloned())
}

fn group(findings: impl Iterator<Item = Finding>, clips: &HashMap<&str, usize>) -> Vec<Told> {
    let mut told: Vec<Told> = Vec::new();
    let mut seen: HashMap<(Severity, String, String), usize> = HashMap::new();
    for finding in findings {
        let clip = finding.clip.as_deref().and_then(|c| clips.get(c)).copied();
        let Some(name) = finding.clip.clone() else {
            told.push(Told { findings: vec![finding], clip });
            continue;
        };
        let at = *seen.entry((finding.severity, finding.code.clone(), name)).or_insert(told.len());
        match told.get_mut(at) {
            Some(t) => t.findings.push(finding),
            None => told.push(Told { findings: vec![finding], clip }),
        }
    }
    told
}

fn status(c: &ClipView<'_>) -> Status {
    let failed = c.units.iter().any(|u| matches!(u.outcome, Outcome::Failed(_)));
    let cancelled = c.units.iter().any(|u| u.outcome == Outcome::Cancelled);
    let [_, warnings, errors] = c.findings;
    match () {
        () if failed => Status::Failed,
        () if cancelled => Status::Cancelled,
        () if c.clip.skipped.is_some() => Status::Skipped,
        () if errors > 0 => Status::Failed,
        () if warnings > 0 => Status::Check,
        () => Status::Ok,
    }
}

fn made<'a>(units: &[&'a UnitReport]) -> Vec<Made<'a>> {
    let mut made: Vec<Made<'a>> = Vec::new();
    for file in units.iter().flat_map(|u| &u.outputs) {
        // A clip has a handful of roles and folders: looking through them is quick.
        let same = made.iter_mut().find(|m| {
            let path = &m.first.path;
            m.first.role == file.role && folder(path) == folder(&file.path) && extension(path) == extension(&file.path)
        });
        match same {
            Some(m) => {
                m.files += 1;
                m.bytes = m.bytes.saturating_add(file.bytes);
                m.frames.push(file.frames);
            }
            None => made.push(Made { first: file, files: 1, bytes: file.bytes, frames: vec![file.frames] }),
        }
    }
    for m in &mut made {
        m.frames = joined(std::mem::take(&mut m.frames));
    }
    made
}

/// Ranges in order, neighbours joined.
pub(super) fn joined(mut ranges: Vec<FrameRange>) -> Vec<FrameRange> {
    ranges.sort_unstable();
    let mut out: Vec<FrameRange> = Vec::new();
    for r in ranges {
        match out.last_mut() {
            Some(last) if r.first <= last.last.saturating_add(1) => last.last = last.last.max(r.last),
            _ => out.push(r),
        }
    }
    out
}

/// `0-4, 6, 8-15`; after the first few, how many more there are.
pub(super) fn ranges_in_words(ranges: &[FrameRange]) -> String {
    const MOST: usize = 6;
    let one =
        |r: &FrameRange| if r.first == r.last { r.first.to_string() } else { format!("{}\u{2013}{}", r.first, r.last) };
    let mut text = ranges.iter().take(MOST).map(one).collect::<Vec<_>>().join(", ");
    if ranges.len() > MOST {
        text.push_str(&format!(" and {} more ranges", ranges.len() - MOST));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: i64, last: i64) -> FrameRange {
        FrameRange::new(first, last).unwrap()
    }

    #[test]
    fn neighbouring_frames_become_ranges() {
        let ranges = joined(vec![range(6, 6), range(0, 4), range(5, 5), range(9, 12), range(10, 11)]);
        assert_eq!(ranges, [range(0, 6), range(9, 12)]);
        assert_eq!(ranges_in_words(&ranges), "0\u{2013}6, 9\u{2013}12");
        let many: Vec<_> = (0..9).map(|i| range(i * 2, i * 2)).collect();
        assert_eq!(ranges_in_words(&many), "0, 2, 4, 6, 8, 10 and 3 more ranges");
        assert_eq!(joined(vec![range(i64::MAX, i64::MAX), range(i64::MIN, i64::MIN)]).len(), 2);
    }

    #[test]
    fn findings_of_one_code_about_one_clip_are_one_line_and_the_worst_come_first() {
        let report = Report {
            findings: vec![
                Finding::info("files-unclaimed", "one"),
                Finding::warning("frame-held", "a").clip("A").frame(5),
                Finding::warning("frame-held", "b").clip("B").frame(5),
                Finding::warning("frame-held", "c").clip("A").frame(10),
                Finding::error("span-part-missing", "d"),
                Finding::info("files-unclaimed", "two"),
            ],
            ..Report::default()
        };
        let view = View::of(&report);
        let lines: Vec<_> = view.told.iter().map(|t| (t.findings[0].text.as_str(), t.findings.len())).collect();
        assert_eq!(lines, [("d", 1), ("a", 2), ("b", 1), ("one", 1), ("two", 1)]);
        assert_eq!(view.findings, [2, 3, 1]);
    }
}
