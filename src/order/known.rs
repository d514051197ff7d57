//! What the output folder knew of an order's outputs when the order was planned, in `clips/<n>.known.json`.
//!
//! It is no part of what is ordered: the order of the same job has the same name whatever was made before.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use rushes_core::media::{Digest, FrameRange};
use rushes_core::{ErrorKind, Result, storage};
use rushes_ledger::{Input, Ledger, Recipe, Record};
use serde::{Deserialize, Serialize};

use super::{Order, folder};

/// What was known of a clip's outputs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Known {
    records: Vec<Record>,
    recipes: Vec<Recipe>,
    /// The camera files they were made of, as they were then.
    inputs: Vec<Input>,
}

impl Known {
    /// Whether it has this very record.
    pub(super) fn has(&self, record: &Record) -> bool {
        self.records.iter().any(|r| r.output.path == record.output.path && r == record)
    }

    /// What is known of the outputs that have frames of `range`.
    pub(super) fn of(&self, range: FrameRange) -> Self {
        let records: Vec<Record> =
            self.records.iter().filter(|r| r.output.frames.intersect(range).is_some()).cloned().collect();
        let used: BTreeSet<&Digest> = records.iter().map(|r| &r.recipe).collect();
        let recipes = self.recipes.iter().filter(|r| used.contains(&r.digest())).cloned().collect();
        let from: BTreeSet<&PathBuf> = records.iter().flat_map(|r| &r.from).map(|f| &f.path).collect();
        let inputs = self.inputs.iter().filter(|i| from.contains(&i.path)).cloned().collect();
        Self { records, recipes, inputs }
    }

    pub(super) fn give(&self, ledger: &Ledger) -> Result<()> {
        if self.records.is_empty() {
            return Ok(());
        }
        ledger.put(&self.records, &self.recipes)?;
        ledger.learn_inputs(&self.inputs)
    }
}

impl Order {
    pub(super) fn known_path(&self, clip: u64) -> PathBuf {
        self.folder.join(format!("clips/{clip}.known.json"))
    }

    /// Leaves beside the order what the output folder knows of the outputs of its clips, whose names are `clips`.
    ///
    /// # Errors
    /// When another run has the folder. While it finishes this very order, nothing new is to be known.
    pub(super) fn write_known(&self, clips: &[&str]) -> Result<()> {
        let mut known: BTreeMap<&str, Known> = BTreeMap::new();
        if Ledger::is_begun(self.out()) {
            let ledger = match Ledger::open(self.out()) {
                Err(e) if e.kind() == ErrorKind::InUse && storage::exists(&self.folder.join("order.json"))? => {
                    return Ok(());
                }
                ledger => ledger?,
            };
            let (records, recipes) = ledger.everything()?;
            let names: BTreeSet<&str> = clips.iter().copied().collect();
            for record in records {
                if let Some(clip) = names.get(record.clip.as_str()) {
                    known.entry(clip).or_default().records.push(record);
                }
            }
            for known in known.values_mut() {
                let used: BTreeSet<&Digest> = known.records.iter().map(|r| &r.recipe).collect();
                known.recipes = used.into_iter().filter_map(|d| recipes.get(d).cloned()).collect();
                known.inputs = ledger.inputs_of(&known.records)?;
            }
        }
        let again = storage::exists(&self.folder.join("order.json"))?;
        for (n, clip) in clips.iter().enumerate() {
            let path = self.known_path(n as u64);
            match known.get(clip) {
                Some(known) => folder::write(&path, known)?,
                None if again => storage::remove(&path)?,
                None => {}
            }
        }
        Ok(())
    }
}
