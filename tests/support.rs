//! What the tests share: a small synthetic card, and a place for outputs.

use std::path::PathBuf;

use rushes::core::run::Outcome;
use rushes::recipes::Dailies;
use rushes::{Done, Job};
use rushes_testcard::{Card, CardSpec};

/// A card in a folder that vanishes with it.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
    pub(crate) card: Card,
    pub(crate) spec: CardSpec,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spec = CardSpec::tiny();
        let card = Card::write(&folder.path().join("card"), spec).unwrap();
        Self { folder, card, spec }
    }

    /// A path beside the card.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn job(&self, recipe: &Dailies, out: &str) -> Job {
        Job::new(recipe.workflow(), &self.card.root, self.path(out))
    }
}

/// Small plates, frames held: what most tests want.
pub(crate) fn recipe() -> Dailies {
    Dailies { exr: "zip".into(), on_bad_frame: "hold".into(), ..Dailies::default() }
}

/// Every unit of a job is done.
pub(crate) fn expect_done(done: &Done) {
    for unit in &done.report.units {
        assert_eq!(unit.outcome, Outcome::Done, "{}: {:?}", unit.unit, unit.findings);
    }
    assert!(!done.report.units.is_empty(), "{:?}", done.report.findings);
}
