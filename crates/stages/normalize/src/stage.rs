//! The stage.

use std::path::{Path, PathBuf};

use rushes_core::media::{Clip, ClipMedia, Finding, FrameRange, Origin, Rate, Sourced, Timecode};
use rushes_core::stage::{Batch, ClipContext, ClipStage, StageInfo};
use rushes_core::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::findings::missing;
use crate::mapping::{Facts, Mapping, Subject, mapping};

/// Damaged headers passed over, at the start of a clip, in search of one that can be read.
const ATTEMPTS: usize = 8;

/// Fills each clip's canonical facts and verbatim fields from the first of its files whose header
/// can be read. The timecode is that of the first frame of the clip's range. A clip whose file holds
/// many frames gets its range here.
///
/// Findings: `rate-missing`, `timecode-missing`, `reel-missing`, `white-missing`, `matrix-missing`
/// where a file does not state the fact; `header-unreadable` where a header cannot be read;
/// `metadata-unread` for formats whose headers are not read here.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Normalize {
    /// The rate of clips whose files state none: `24`, `24000/1001`, `23.976`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// The reel of clips whose files state none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reel: Option<String>,
    /// The timecode of the first frame of clips whose files state none, at the clip's rate:
    /// `10:00:00:00`, with a semicolon before the frames for drop frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timecode: Option<String>,
}

impl StageInfo for Normalize {
    fn name(&self) -> &'static str {
        "normalize"
    }

    fn version(&self) -> u32 {
        1
    }

    fn params(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

#[async_trait::async_trait]
impl ClipStage for Normalize {
    async fn run(&self, mut batch: Batch, cx: &ClipContext) -> Result<Batch> {
        for clip in &mut batch.clips {
            cx.go_on()?;
            self.clip(clip, &batch.root, &mut batch.findings)?;
        }
        Ok(batch)
    }
}

impl Normalize {
    fn clip(&self, clip: &mut Clip, root: &Path, findings: &mut Vec<Finding>) -> Result<()> {
        let Some(mapping) = mapping(clip.format) else {
            let text = "the headers of this format are not read: no camera facts, timecode or rate are known";
            findings.push(Finding::info("metadata-unread", text).clip(&clip.name));
            return Ok(());
        };
        let mut first_error = None;
        for (frame, path) in candidates(clip) {
            match self.read(mapping, clip, root, &path) {
                Ok(mut facts) => {
                    let as_found = facts.timecode_as_found.take();
                    take(clip, facts, frame);
                    let unread = self.fill(clip);
                    let as_found = unread.as_deref().or(as_found.as_deref());
                    findings.extend(missing(clip, mapping.needs_color(), as_found));
                    return Ok(());
                }
                // What a storage could not say now is no fault of the file.
                Err(e) if e.is_retryable() => return Err(e.clip(&clip.name)),
                // The first file is what the user looks at; validate tells of the others.
                Err(e) => _ = first_error.get_or_insert((frame, path, e)),
            }
        }
        let Some((frame, path, error)) = first_error else { return Ok(()) };
        let text = format!("no header of the clip can be read: {}", reason(&error));
        let mut finding = Finding::error("header-unreadable", text).clip(&clip.name).path(path);
        finding.frame = frame;
        findings.push(finding);
        Ok(())
    }

    /// What the parameters say of a clip that does not say it itself. Gives why a timecode cannot
    /// be taken.
    fn fill(&self, clip: &mut Clip) -> Option<String> {
        let origin = || Origin { file: PathBuf::new(), tag: "parameter".into() };
        let m = &mut clip.metadata;
        if let (None, Some(value)) = (&m.reel, &self.reel) {
            m.reel = Some(Sourced { value: value.clone(), origin: origin() });
        }
        let (None, Some(text)) = (&m.start_timecode, &self.timecode) else { return None };
        let Some(rate) = &m.rate else { return Some(format!("{text} means nothing without a frame rate")) };
        match Timecode::parse(text, rate.value) {
            Ok(value) => {
                m.start_timecode = Some(Sourced { value, origin: origin() });
                None
            }
            Err(e) => Some(format!("`{text}` is no timecode at {} frames/s: {e}", rate.value)),
        }
    }

    fn read(&self, mapping: &dyn Mapping, clip: &Clip, root: &Path, path: &Path) -> Result<Facts> {
        // A batch of a single file has the file as its root.
        let name = path.strip_prefix(root).ok().filter(|p| !p.as_os_str().is_empty());
        let name = name.map_or_else(|| path.file_name().map(PathBuf::from).unwrap_or_default(), Path::to_owned);
        let parts = match &clip.media {
            ClipMedia::Files(files) => files.as_slice(),
            ClipMedia::Sequence(_) => &[],
        };
        mapping.read(&Subject { path, parts, name, format: clip.format, rate: self.rate })
    }
}

/// The files to try, with the frame each holds where it holds one.
fn candidates(clip: &Clip) -> Vec<(Option<i64>, PathBuf)> {
    match &clip.media {
        ClipMedia::Sequence(s) => {
            let wanted = |f: &i64| clip.range.is_none_or(|r| r.contains(*f));
            // A range without a single file still has the clip's facts.
            let any = s.frames().any(|f| wanted(&f));
            let frames = s.frames().filter(|f| !any || wanted(f));
            frames.take(ATTEMPTS).map(|f| (Some(f), s.path(f))).collect()
        }
        ClipMedia::Files(files) => files.iter().take(1).map(|f| (None, f.clone())).collect(),
    }
}

fn take(clip: &mut Clip, facts: Facts, frame: Option<i64>) {
    clip.metadata = facts.metadata;
    clip.verbatim = facts.verbatim;
    if matches!(clip.media, ClipMedia::Files(_)) && clip.range.is_none() {
        let last = facts.frames.and_then(|n| i64::try_from(n).ok()).map(|n| n - 1);
        clip.range = last.and_then(|last| FrameRange::new(0, last));
    }
    if let (Some(frame), Some(range), Some(tc)) = (frame, clip.range, clip.metadata.start_timecode.as_mut()) {
        tc.value = tc.value.offset(range.first.saturating_sub(frame));
    }
}

/// What is wrong, without the path and clip that the finding names.
fn reason(e: &Error) -> &str {
    e.detail()
}
