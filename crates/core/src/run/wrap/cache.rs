use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::media::{ClipMedia, Digest, Finding};
use crate::plan::Unit;
use crate::run::{Executor, RunContext, UnitReport, Verdict};

/// Remembers the units it has begun and the reports of those that are done.
///
/// When the same unit comes again (same spec and stage versions, same input files by size and
/// modification time), a report whose outputs all stand with the digests they had is the answer.
/// A unit that was begun and never finished, because the process was killed, runs again over
/// the outputs it left. Anything else runs as if it were new.
#[derive(Debug)]
pub struct Cache {
    inner: Arc<dyn Executor>,
    folder: PathBuf,
}

#[derive(Serialize, Deserialize, PartialEq)]
struct Entry {
    unit: Unit,
    inputs: Vec<(PathBuf, u64, u128)>,
    /// `None` while the unit runs.
    report: Option<UnitReport>,
}

impl Cache {
    /// Reports are kept in `folder`, a file each.
    pub fn new(inner: Arc<dyn Executor>, folder: impl Into<PathBuf>) -> Self {
        Self { inner, folder: folder.into() }
    }

    fn entry_path(&self, unit: &Unit) -> PathBuf {
        let key = Digest::xxh64(unit.id.as_bytes());
        self.folder.join(format!("{}.json", key.hex()))
    }

    /// The entry of the very same unit.
    fn find(&self, unit: &Unit) -> Option<Entry> {
        let entry: Entry = serde_json::from_slice(&std::fs::read(self.entry_path(unit)).ok()?).ok()?;
        // Whether outputs may be replaced is not part of what the unit makes.
        let same = Unit { overwrite: unit.overwrite, ..entry.unit.clone() } == *unit;
        (same && entry.inputs == inputs(unit)?).then_some(entry)
    }

    fn keep(&self, unit: &Unit, report: Option<&UnitReport>) -> Option<()> {
        let entry = Entry { unit: unit.clone(), inputs: inputs(unit)?, report: report.cloned() };
        let text = serde_json::to_vec(&entry).ok()?;
        std::fs::create_dir_all(&self.folder).ok()?;
        let (path, part) = (self.entry_path(unit), self.entry_path(unit).with_extension("part"));
        let mut file = std::fs::File::create(&part).ok()?;
        file.write_all(&text).ok()?;
        file.sync_all().ok()?;
        std::fs::rename(part, path).ok()
    }

    fn keep_or_warn(&self, unit: &Unit, report: Option<&UnitReport>) {
        // What cannot be kept only means that the unit runs from its start next time.
        if self.keep(unit, report).is_none() {
            tracing::debug!(unit = %unit.id, folder = %self.folder.display(), "the unit could not be remembered");
        }
    }
}

fn stands(unit: &Unit, report: &UnitReport) -> bool {
    report.outputs.iter().all(|o| {
        Digest::xxh64_of_file(&unit.out.join(&o.path))
            .is_ok_and(|(digest, bytes)| digest == o.digest && bytes == o.bytes)
    })
}

/// Path, size and modification time of every file the unit reads.
fn inputs(unit: &Unit) -> Option<Vec<(PathBuf, u64, u128)>> {
    let paths: Vec<PathBuf> = match &unit.clip.media {
        ClipMedia::Sequence(s) => s.frames().map(|f| s.path(f)).collect(),
        ClipMedia::Files(files) => files.clone(),
    };
    paths
        .into_iter()
        .map(|p| {
            let meta = std::fs::metadata(&p).ok()?;
            let modified = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
            Some((p, meta.len(), modified))
        })
        .collect()
}

#[async_trait::async_trait]
impl Executor for Cache {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn accepts(&self, unit: &Unit) -> Verdict {
        self.inner.accepts(unit).await
    }

    async fn run(&self, unit: &Unit, cx: &RunContext) -> UnitReport {
        let mut unit = unit.clone();
        match self.find(&unit) {
            Some(Entry { report: Some(mut report), .. }) if stands(&unit, &report) => {
                report.ran_on = format!("cache of {}", report.ran_on);
                report
                    .findings
                    .push(Finding::info("already-done", "the outputs stand as they were made").clip(&unit.clip.name));
                return report;
            }
            // The outputs in the way, if any, are this unit's own.
            Some(_) => unit.overwrite = true,
            None => {}
        }
        self.keep_or_warn(&unit, None);
        let report = self.inner.run(&unit, cx).await;
        if report.is_done() {
            self.keep_or_warn(&unit, Some(&report));
        }
        report
    }
}
