//! What became of a unit, kept beside the order.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rushes_core::media::{ClipMedia, Digest, StandIn};
use rushes_core::plan::Unit;
use rushes_core::run::UnitReport;
use rushes_core::storage;
use rushes_core::{Error, Result};
use rushes_ledger::{Ledger, Recipe, Record};
use serde::{Deserialize, Serialize};

use super::folder;
use super::known::Given;

/// What became of a unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Receipt {
    /// The digest of the names, sizes and times of the camera files when the unit was begun.
    pub(super) inputs: String,
    /// The digest of what was known of its outputs from before the order was planned.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) known: String,
    pub(super) report: UnitReport,
    /// What stands of its outputs, and what it was made of.
    pub(super) records: Vec<Record>,
    pub(super) recipes: Vec<Recipe>,
}

/// What stands of a unit's outputs while it is in work; another attempt goes on from it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) records: Vec<Record>,
    pub(super) recipes: Vec<Recipe>,
}

impl Made {
    pub(super) fn of(ledger: &Ledger) -> Result<Self> {
        let (records, recipes) = ledger.everything()?;
        Ok(Self { records, recipes: recipes.into_values().collect() })
    }

    pub(super) fn give(&self, ledger: &Ledger) -> Result<()> {
        ledger.put(&self.records, &self.recipes)
    }
}

impl Receipt {
    /// Whether all of it stands, made of the files that are there now, and was not made otherwise since.
    pub(super) fn stands(&self, unit: &Unit, given: &Given) -> bool {
        self.report.is_done()
            && self.inputs == given.inputs
            && !given.outdates(self)
            && self.report.outputs.iter().all(|o| o.bytes == size(&unit.out.join(&o.path)))
    }

    pub(super) fn made(&self) -> Made {
        Made { records: self.records.clone(), recipes: self.recipes.clone() }
    }
}

/// The digest of names, sizes and times of the camera files that `unit` is made of.
pub(super) fn inputs(unit: &Unit) -> Result<String> {
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
    let mut said = Vec::new();
    for path in paths {
        // One that is missing is told by who reads it.
        let stat = storage::stat(&path).ok();
        said.push((path, stat.map(|s| (s.bytes, s.version))));
    }
    let said = serde_json::to_vec(&said).map_err(|e| Error::new(rushes_core::ErrorKind::Invalid, e.to_string()))?;
    Ok(Digest::xxh64(&said).hex().to_owned())
}

/// Writes down what stands, from time to time.
pub(super) struct Progress {
    pub(super) path: PathBuf,
    pub(super) ledger: Arc<Ledger>,
}

impl Progress {
    pub(super) fn path(receipt: &Path) -> PathBuf {
        receipt.with_extension("made.json")
    }

    /// Writes until it is dropped. What cannot be written is made again, no more.
    pub(super) async fn keep(self, every: std::time::Duration) {
        let mut known = 0;
        loop {
            tokio::time::sleep(every).await;
            let (path, ledger) = (self.path.clone(), Arc::clone(&self.ledger));
            let written = tokio::task::spawn_blocking(move || {
                let made = Made::of(&ledger)?;
                if made.records.len() > known {
                    folder::write(&path, &made)?;
                }
                Ok::<_, Error>(made.records.len())
            });
            match written.await {
                Ok(Ok(records)) => known = records,
                Ok(Err(e)) => tracing::warn!("what stands of the unit was not written down: {e}"),
                Err(_) => return,
            }
        }
    }
}

fn size(path: &Path) -> u64 {
    storage::stat(path).map_or(u64::MAX, |s| s.bytes)
}
