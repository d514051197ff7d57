//! Marks in an output folder at a URI: which outputs are about to be made.
//!
//! The ledger's database lies on the machine that ran, which may be gone when a killed run is run again. What the run
//! left in the folder is then known to be its own by these, until `lineage.json` says more. Units of an order leave theirs
//! beside the order, where they are about to replace outputs.

use std::path::{Path, PathBuf};

use rushes_core::deliver::{Existing, write_whole};
use rushes_core::media::Digest;
use rushes_core::storage::{list, read_whole, remove};
use rushes_core::{ErrorKind, Result};

/// The largest that is read: a unit is a few kilobytes, its outputs some hundred thousand names at most.
const MOST_BYTES: u64 = 64 << 20;
/// Marks that are read, at most.
const MOST: usize = 100_000;
const BEGINS: &str = "begun-";

/// Where the marks of an output folder at a URI lie.
pub(crate) fn folder(out: &Path) -> PathBuf {
    out.join(".rushes")
}

fn path(folder: &Path, unit: &str) -> PathBuf {
    folder.join(format!("{BEGINS}{}.json", Digest::xxh64(unit.as_bytes()).hex()))
}

/// `unit` is about to make `outputs`.
pub(crate) fn set(folder: &Path, unit: &str, outputs: &[&str]) -> Result<()> {
    let text = serde_json::to_vec(&(unit, outputs)).unwrap_or_default();
    write_whole(&path(folder, unit), Existing::Shared { replace: true }, &text).map(drop)
}

/// Its outputs are written down elsewhere.
pub(crate) fn clear(folder: &Path, unit: &str) -> Result<()> {
    remove(&path(folder, unit))
}

/// Units and the outputs they were about to make. One that cannot be understood says nothing.
pub(crate) fn all(folder: &Path) -> Result<Vec<(String, Vec<String>)>> {
    let mut marks = Vec::new();
    let entries = match list(folder, MOST) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(marks),
        entries => entries?,
    };
    for entry in entries.into_iter().filter(|e| !e.folder && e.name.starts_with(BEGINS)) {
        let text = read_whole(&folder.join(entry.name), MOST_BYTES)?;
        marks.extend(serde_json::from_slice::<(String, Vec<String>)>(&text));
    }
    Ok(marks)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rushes_core::storage::{Memory, exists, register, scratch};

    use super::*;
    use crate::Ledger;

    #[test]
    fn what_a_killed_run_left_at_a_uri_is_known_on_another_machine_as_its_own() {
        register("marked", Arc::new(Memory::new()));
        let out = Path::new("marked://b/out");
        let database = || {
            let name = Digest::xxh64(out.as_os_str().as_encoded_bytes());
            let folder = scratch().join(format!("rushes-ledger-{}", name.hex()));
            std::fs::remove_dir_all(folder)
        };
        // What an earlier run of this test may have left.
        let _ = database();
        assert!(!Ledger::is_begun(out));
        let killed = Ledger::open(out).unwrap();
        killed.begin("u/1", &["plates/x.exr"]).unwrap();
        killed.begin("u/2", &["plates/y.exr"]).unwrap();
        killed.end("u/2").unwrap();
        drop(killed);
        database().unwrap();

        let ledger = Ledger::open(out).unwrap();
        let begun: Vec<String> = ledger.begun().unwrap().into_iter().collect();
        assert_eq!(begun, ["plates/x.exr", "plates/y.exr"]);
        ledger.end("u/1").unwrap();
        ledger.settle().unwrap();
        assert!(exists(&out.join("lineage.json")).unwrap());
        assert_eq!(all(&folder(out)).unwrap(), [("u/2".to_owned(), vec!["plates/y.exr".to_owned()])]);
        assert!(Ledger::is_begun(out));
        drop(ledger);
        database().unwrap();
    }
}
