use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::media::{ClipMedia, Digest, Finding};
use crate::plan::Unit;
use crate::run::{Executor, RunContext, UnitReport, Verdict};

/// Remembers the reports of units that are done, and answers with them when the same unit comes
/// again: same spec and stage versions, same input files (size and modification time), and every
/// output still there with the digest it had. Anything else runs again.
#[derive(Debug)]
pub struct Cache {
    inner: Arc<dyn Executor>,
    folder: PathBuf,
}

#[derive(Serialize, Deserialize, PartialEq)]
struct Entry {
    unit: Unit,
    inputs: Vec<(PathBuf, u64, u128)>,
    report: UnitReport,
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

    fn find(&self, unit: &Unit) -> Option<UnitReport> {
        let entry: Entry = serde_json::from_slice(&std::fs::read(self.entry_path(unit)).ok()?).ok()?;
        let same = entry.unit == *unit && entry.inputs == inputs(unit)?;
        let stand = same
            && entry.report.outputs.iter().all(|o| {
                Digest::xxh64_of_file(&unit.out.join(&o.path))
                    .is_ok_and(|(digest, bytes)| digest == o.digest && bytes == o.bytes)
            });
        stand.then_some(entry.report)
    }

    fn keep(&self, unit: &Unit, report: &UnitReport) -> Option<()> {
        let entry = Entry { unit: unit.clone(), inputs: inputs(unit)?, report: report.clone() };
        let text = serde_json::to_vec(&entry).ok()?;
        std::fs::create_dir_all(&self.folder).ok()?;
        let (path, part) = (self.entry_path(unit), self.entry_path(unit).with_extension("part"));
        let mut file = std::fs::File::create(&part).ok()?;
        file.write_all(&text).ok()?;
        file.sync_all().ok()?;
        std::fs::rename(part, path).ok()
    }
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
        if let Some(mut report) = self.find(unit) {
            report.ran_on = format!("cache of {}", report.ran_on);
            report
                .findings
                .push(Finding::info("already-done", "the outputs stand as they were made").clip(&unit.clip.name));
            return report;
        }
        let report = self.inner.run(unit, cx).await;
        // A report that cannot be kept only means that the unit runs again next time.
        if report.is_done() && self.keep(unit, &report).is_none() {
            tracing::warn!(unit = %unit.id, folder = %self.folder.display(), "the report could not be kept");
        }
        report
    }
}
