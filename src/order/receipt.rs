//! What became of a unit, kept beside the order.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rushes_core::media::{ClipMedia, Digest, StandIn};
use rushes_core::plan::Unit;
use rushes_core::run::UnitReport;
use rushes_core::stage::OutputFile;
use rushes_core::storage;
use rushes_core::{Error, ErrorKind, Result};
use rushes_ledger::{Ledger, Recipe, Record};
use serde::{Deserialize, Serialize};

use super::folder;
use super::known::Known;

/// What became of a unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Receipt {
    /// The digest of the names, sizes and times of the camera files when the unit was begun.
    pub(super) inputs: String,
    pub(super) report: UnitReport,
    pub(super) made: Made,
}

/// What an order made of a unit's outputs; another attempt goes on from it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Made {
    /// What it was made of; not of outputs that the folder knew before and that were kept.
    pub(super) records: Vec<Record>,
    pub(super) recipes: Vec<Recipe>,
    /// Outputs as they were then, kept ones too: another run may have made them otherwise since.
    seen: BTreeMap<String, Seen>,
}

/// Size and version of a file.
pub(super) type Seen = (u64, String);

impl Made {
    /// What `ledger` has that was not `known` before, and the `outputs` of a report.
    pub(super) fn of(ledger: &Ledger, known: &Known, outputs: &[OutputFile]) -> Result<Self> {
        let (mut records, mut recipes) = ledger.everything()?;
        records.retain(|r| !known.has(r));
        let used: BTreeSet<&Digest> = records.iter().map(|r| &r.recipe).collect();
        recipes.retain(|digest, _| used.contains(digest));
        let paths = records.iter().map(|r| &r.output.path).chain(outputs.iter().map(|o| &o.path));
        let paths: Vec<&String> = paths.collect::<BTreeSet<_>>().into_iter().collect();
        let seen = stats(paths.iter().map(|path| ledger.out().join(path)).collect(), output)?;
        let seen = paths.into_iter().cloned().zip(seen).filter_map(|(path, seen)| Some((path, seen?))).collect();
        Ok(Self { records, recipes: recipes.into_values().collect(), seen })
    }

    /// What of it stands in the folder `out` as it was then.
    pub(super) fn standing(mut self, out: &Path) -> Result<Self> {
        let now = stats(self.seen.keys().map(|path| out.join(path)).collect(), output)?;
        let now = self.seen.into_iter().zip(now).filter(|((_, then), now)| Some(then) == now.as_ref());
        self.seen = now.map(|(seen, _)| seen).collect();
        self.records.retain(|r| self.seen.contains_key(&r.output.path));
        Ok(self)
    }

    /// What was made in parts.
    pub(super) fn joined<'a>(parts: impl Iterator<Item = &'a Self>) -> Self {
        let mut joined = Self::default();
        let mut records = BTreeMap::new();
        for part in parts {
            records.extend(part.records.iter().map(|r| (&r.output.path, r)));
            joined.seen.extend(part.seen.clone());
            for recipe in &part.recipes {
                if !joined.recipes.contains(recipe) {
                    joined.recipes.push(recipe.clone());
                }
            }
        }
        joined.records = records.into_values().cloned().collect();
        joined
    }

    pub(super) fn give(&self, ledger: &Ledger) -> Result<()> {
        ledger.put(&self.records, &self.recipes)
    }
}

impl Receipt {
    /// Whether all of it stands as it was made, of the files that are there now, which `inputs` are.
    pub(super) fn stands(&self, unit: &Unit, inputs: &str) -> Result<bool> {
        Ok(self.report.is_done() && self.inputs == inputs && self.is_there(&unit.out)?)
    }

    /// Whether all outputs are there as they were made.
    pub(super) fn is_there(&self, out: &Path) -> Result<bool> {
        let now = stats(self.report.outputs.iter().map(|o| out.join(&o.path)).collect(), output)?;
        let mut each = self.report.outputs.iter().zip(now);
        Ok(each.all(|(o, now)| now.is_some() && self.made.seen.get(&o.path) == now.as_ref()))
    }
}

/// Sizes and versions; nothing of files that are not there. Where each is a question to somebody far away several are asked
/// at a time.
///
/// # Errors
/// When one of them cannot be looked at: that says nothing about whether it is there.
fn stats(paths: Vec<PathBuf>, of: impl Fn(&Path) -> Result<Seen> + Sync) -> Result<Vec<Option<Seen>>> {
    let given_up = AtomicBool::new(false);
    let each = |paths: &[PathBuf]| {
        let asked = paths.iter().take_while(|_| !given_up.load(Ordering::Relaxed)).map(|path| match of(path) {
            Ok(seen) => Ok(Some(seen)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => {
                given_up.store(true, Ordering::Relaxed);
                Err(e.doing("looking at files of a unit").retryable())
            }
        });
        asked.collect::<Result<Vec<_>>>()
    };
    if !paths.first().is_some_and(|p| storage::is_uri(p)) {
        return each(&paths);
    }
    std::thread::scope(|scope| {
        let some = paths.chunks(paths.len().div_ceil(AT_ONCE).max(1));
        let asking: Vec<_> = some.map(|some| scope.spawn(|| each(some))).collect();
        let panicked = || Err(Error::new(ErrorKind::Panicked, "looking at files of a unit ended without a result"));
        let answers: Result<Vec<_>> =
            asking.into_iter().map(|some| some.join().unwrap_or_else(|_| panicked())).collect();
        Ok(answers?.concat())
    })
}

fn output(path: &Path) -> Result<Seen> {
    storage::stat(path).map(|s| (s.bytes, s.version))
}

/// Size and version of a camera file. Programs that copy may keep the time of a file, but not that of the last change of its
/// inode.
pub(super) fn camera_file(path: &Path) -> Result<Seen> {
    let (bytes, version) = output(path)?;
    #[cfg(unix)]
    if let Ok(facts) = std::fs::metadata(path) {
        use std::os::unix::fs::MetadataExt as _;
        return Ok((bytes, format!("{version} {}.{}", facts.ctime(), facts.ctime_nsec())));
    }
    Ok((bytes, version))
}

/// Files that are asked for at a time.
const AT_ONCE: usize = 16;

/// The digest of names, sizes and times of the camera files that `unit` is made of. One that cannot be looked at is told by who
/// reads it, as one that is missing is.
pub(super) fn inputs(unit: &Unit) -> Result<String> {
    digest_of(unit, |path| match camera_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Ok((0, format!("{:?}", e.kind()))),
        seen => seen,
    })
}

/// The same after the unit was made of them.
///
/// # Errors
/// When one of them cannot be looked at: that says nothing about whether it is what it was.
pub(super) fn inputs_still(unit: &Unit) -> Result<String> {
    digest_of(unit, camera_file)
}

fn digest_of(unit: &Unit, of: impl Fn(&Path) -> Result<Seen> + Sync) -> Result<String> {
    let paths: Vec<PathBuf> = match &unit.clip.media {
        ClipMedia::Files(files) => files.clone(),
        ClipMedia::Sequence(s) => {
            let own = s.frames().filter(|f| unit.range.contains(*f) && unit.clip.stand_in(*f).is_none());
            let held = unit.clip.substitutes.iter().filter_map(|s| match s.with {
                StandIn::Hold(f) => Some(f),
                StandIn::Black => None,
            });
            own.chain(held).map(|f| s.path(f)).collect()
        }
    };
    let seen = stats(paths.clone(), of)?;
    let said: Vec<_> = paths.into_iter().zip(seen).collect();
    let said = serde_json::to_vec(&said).map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()))?;
    Ok(Digest::xxh64(&said).hex().to_owned())
}

/// Writes down what stands, from time to time.
pub(super) struct Progress {
    pub(super) path: PathBuf,
    pub(super) ledger: Arc<Ledger>,
    pub(super) known: Known,
}

impl Progress {
    pub(super) fn path(receipt: &Path) -> PathBuf {
        receipt.with_extension("made.json")
    }

    /// Writes until it is dropped. What cannot be written is made again, no more.
    pub(super) async fn keep(self, every: std::time::Duration) {
        let mut noted = 0;
        let known = Arc::new(self.known);
        loop {
            tokio::time::sleep(every).await;
            let (path, ledger, known) = (self.path.clone(), Arc::clone(&self.ledger), Arc::clone(&known));
            let written = tokio::task::spawn_blocking(move || {
                let made = Made::of(&ledger, &known, &[])?;
                if made.records.len() > noted {
                    folder::write(&path, &made)?;
                }
                Ok::<_, Error>(made.records.len())
            });
            match written.await {
                Ok(Ok(records)) => noted = records,
                Ok(Err(e)) => tracing::warn!("what stands of the unit was not written down: {e}"),
                Err(_) => return,
            }
        }
    }
}
