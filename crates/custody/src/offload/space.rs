//! Whether there is room.

use std::collections::BTreeMap;

use rushes_core::media::Finding;

use super::finding::about;
use super::place::Place;
use super::plan::{Found, Want};
use super::storage::{Space, Storage};
use super::tree::Tree;

/// What is short where; destinations on one file system share its room.
pub(super) fn check(storage: &dyn Storage, tree: &Tree, places: &[Place], found: &[Found]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut devices: BTreeMap<(bool, u64), (Space, u64, u64, &Place)> = BTreeMap::new();
    for (k, (place, found)) in places.iter().zip(found).enumerate() {
        let space = match storage.space(place.existing()) {
            Ok(Some(space)) => space,
            Ok(None) => {
                let text = "free space cannot be found out here; the copy may end early";
                findings.push(about(Finding::info("space-unknown", text), &place.base));
                continue;
            }
            Err(e) => {
                findings.push(about(Finding::error("destination-unusable", e.to_string()), &place.base));
                continue;
            }
        };
        let to_write = || tree.files.iter().zip(&found.wants).filter(|(_, w)| **w == Want::Write);
        if to_write().next().is_none() {
            continue;
        }
        // A block more for each file and folder: their entries, and what file systems add.
        let blocks = |bytes: u64| bytes.div_ceil(space.block).saturating_add(1).saturating_mul(space.block);
        let files = to_write().count() as u64 + tree.folders.len() as u64;
        let bytes = to_write().fold(0u64, |sum, (f, _)| sum.saturating_add(blocks(f.bytes)));
        let bytes = bytes.saturating_add(blocks(0).saturating_mul(tree.folders.len() as u64));
        let key = space.device.map_or((false, k as u64), |d| (true, d));
        let entry = devices.entry(key).or_insert((space, 0, 0, place));
        entry.1 = entry.1.saturating_add(bytes);
        entry.2 = entry.2.saturating_add(files);
    }
    for (space, bytes, files, place) in devices.into_values() {
        if bytes > space.free {
            let text = format!(
                "{} MB are free and {} MB are needed; free {} MB, or choose another disk",
                space.free / 1_000_000,
                bytes.div_ceil(1_000_000),
                (bytes - space.free).div_ceil(1_000_000)
            );
            findings.push(about(Finding::error("space-short", text), &place.base));
        } else if let Some(room) = space.files.filter(|room| files > *room) {
            let text = format!("there is room for {room} more files and {files} are needed; choose another disk");
            findings.push(about(Finding::error("space-short", text), &place.base));
        }
    }
    findings
}
