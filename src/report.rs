//! `report/index.html`: the run as a page that people send around.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rushes_core::graph::Registry;
use rushes_core::media::{Clip, ClipMedia};
use rushes_core::plan::{Plan, Unit};
use rushes_core::run::{CancellationToken, RunReport};
use rushes_core::stage::Batch;
use rushes_core::{Error, Result};
use rushes_report::{ClipSection, Level, Link, Report, Still, Verified};

use crate::contact;
use crate::manifest::Manifest;
use crate::originals::Originals;

/// Everything that a page is made of.
pub(crate) struct Page<'a> {
    pub(crate) batch: &'a Batch,
    pub(crate) plan: &'a Plan,
    pub(crate) report: &'a RunReport,
    pub(crate) manifest: &'a Manifest,
    pub(crate) originals: Option<&'a Originals>,
    pub(crate) registry: &'a Registry,
    pub(crate) cancel: &'a CancellationToken,
}

impl Page<'_> {
    /// Writes it into the folder `report` below `out`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn write(&self, out: &Path) -> Result<()> {
        let doing = "writing the report";
        let room = rushes_core::storage::scratch();
        std::fs::create_dir_all(&room).map_err(|e| Error::io(&room, e).doing(doing))?;
        let scratch = tempfile::tempdir_in(&room).map_err(|e| Error::io(&room, e).doing(doing))?;
        let inputs = self.manifest.inputs.iter();
        let known: HashMap<&Path, u64> = inputs.map(|i| (i.path.as_path(), i.bytes)).collect();
        let mut clips: Vec<ClipSection> = self.batch.clips.iter().map(|c| self.clip(c, &known)).collect();
        // Only of clips that the run makes something of; a clip without a plan was told why.
        let without: Vec<usize> = (0..clips.len()).filter(|&i| clips[i].stills.is_empty()).collect();
        let units: Vec<Vec<&Unit>> = without
            .iter()
            .map(|&i| self.plan.clips.iter().filter(|p| p.clip == clips[i].name).flat_map(|p| &p.units).collect())
            .collect();
        let pictures = contact::pictures(&units, self.registry, scratch.path(), self.cancel);
        for (i, stills) in without.into_iter().zip(pictures) {
            clips[i].stills = stills;
        }
        let input = self.manifest.input.to_string_lossy().into_owned();
        let title = self.manifest.input.file_name().map_or_else(|| input.clone(), |n| n.to_string_lossy().into_owned());
        let link = |path: &str| Link { text: path.to_owned(), path: path.to_owned() };
        let report = Report {
            title,
            workflow: self.manifest.workflow.name.clone(),
            input,
            tool: format!("{} {}", self.manifest.tool.name, self.manifest.tool.version),
            when: Some(now()),
            clips,
            findings: self.report.findings.iter().filter(|f| f.code != "already-done").cloned().collect(),
            units: self.report.units.clone(),
            verified: self.verified(),
            links: vec![link("manifest.json"), link("lineage.json")],
        };
        rushes_report::write(&report, out).map_err(|e| e.doing(doing))
    }

    fn clip(&self, clip: &Clip, known: &HashMap<&Path, u64>) -> ClipSection {
        let files: Vec<PathBuf> = match &clip.media {
            ClipMedia::Sequence(s) => s.frames().map(|f| s.path(f)).collect(),
            ClipMedia::Files(files) => files.clone(),
        };
        let stills = self.report.units.iter().filter(|u| u.clip == clip.name).flat_map(|u| &u.outputs);
        ClipSection {
            files: (files.len() + clip.sidecars.len()) as u64,
            bytes: files.iter().filter_map(|f| known.get(f.as_path())).sum(),
            skipped: self.manifest.clips.iter().find(|c| c.name == clip.name).and_then(|c| c.skipped.clone()),
            stills: stills
                .filter(|o| o.role == "still")
                .map(|o| Still { frame: o.frames.first, path: PathBuf::from(&o.path) })
                .collect(),
            ..ClipSection::of(clip)
        }
    }

    fn verified(&self) -> Vec<Verified> {
        let inputs = &self.manifest.inputs;
        let unread = self.report.findings.iter().filter(|f| f.code == "input-unreadable").count() as u64;
        let (level, failed, detail) = match self.originals {
            None => (Level::Streamed, 0, "read for these outputs; their digests are in manifest.json".to_owned()),
            Some(o) if o.same + o.changed == 0 => {
                let detail =
                    "the card has an ASC MHL history without xxh64, so it was not compared; `rushes verify` does";
                (Level::Streamed, 0, detail.to_owned())
            }
            Some(o) => {
                let more = if o.unknown > 0 { format!("; {} are not in it", o.unknown) } else { String::new() };
                let level = if o.unknown + o.changed > 0 { Level::Streamed } else { Level::MhlVerified };
                (
                    level,
                    o.changed,
                    format!("compared with the card's ASC MHL history while they were read: {} match{more}", o.same),
                )
            }
        };
        let originals = Verified {
            what: "camera originals".into(),
            level,
            algorithms: "xxh64".into(),
            files: inputs.len() as u64,
            bytes: inputs.iter().map(|i| i.bytes).sum(),
            failed: unread + failed,
            detail,
        };
        let outputs = Verified {
            what: "outputs".into(),
            level: Level::Streamed,
            algorithms: "xxh64".into(),
            files: self.report.outputs().count() as u64,
            bytes: self.report.outputs().map(|o| o.bytes).sum(),
            failed: 0,
            detail: "written to the end and synced before they got their names; `rushes verify` reads them again"
                .into(),
        };
        [originals, outputs].into_iter().filter(|v| v.files > 0).collect()
    }
}

/// In words, to the minute.
fn now() -> String {
    let t = time::OffsetDateTime::now_utc();
    let month = u8::from(t.month());
    format!("{:04}-{month:02}-{:02} {:02}:{:02} UTC", t.year(), t.day(), t.hour(), t.minute())
}
