//! Where the copies go, and that they may go there.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Component, Path, PathBuf};

use rushes_core::media::Finding;

use super::disk::identity;
use super::finding::about;

/// One destination: the folder that was given, the copy in it, and what is written beside the
/// copy, so that nothing of ours is among the card's own names.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The folder that was given.
    pub(super) base: PathBuf,
    /// What the card becomes: `<base>/<name>`.
    pub(super) root: PathBuf,
    /// `<base>/.<name>.rushes-offload.jsonl`.
    pub(super) journal: PathBuf,
    /// `<base>/<name>.rushes-offload.json`.
    pub(super) manifest: PathBuf,
}

impl Place {
    fn new(base: PathBuf, name: &OsStr) -> Self {
        let named = |before: &str, after: &str| {
            let mut whole = OsString::from(before);
            whole.push(name);
            whole.push(after);
            base.join(whole)
        };
        let (root, journal) = (base.join(name), named(".", ".rushes-offload.jsonl"));
        Self { root, journal, manifest: named("", ".rushes-offload.json"), base }
    }

    /// The nearest folder that exists: the destination itself, or one above it.
    pub(super) fn existing(&self) -> &Path {
        self.base.ancestors().find(|p| p.is_dir()).unwrap_or(Path::new("/"))
    }
}

/// The destinations, and what forbids them; `card` is canonical.
pub(super) fn places(card: &Path, name: &OsStr, given: &[PathBuf]) -> (Vec<Place>, Vec<Finding>) {
    let (mut all, mut findings) = (Vec::<Place>::new(), Vec::new());
    for path in given {
        let base = match resolve(path) {
            Ok(base) => base,
            Err(why) => {
                findings.push(about(Finding::error("destination-unusable", why), path));
                continue;
            }
        };
        let place = Place::new(base, name);
        if inside(&place.root, card) {
            let text = "the destination is inside the card, which is never written; choose another";
            findings.push(about(Finding::error("destination-in-card", text), path));
        } else if inside(card, &place.root) {
            let text = format!(
                "the copy would be {}, and the card is in there; choose another destination",
                place.root.display()
            );
            findings.push(about(Finding::error("card-in-destination", text), path));
        }
        for other in &all {
            if inside(&place.root, &other.root) || inside(&other.root, &place.root) {
                let text = "two destinations are one folder, or one is in the other; two copies need two places";
                findings.push(about(Finding::error("destination-twice", text), path));
            }
        }
        let device = |p: &Place| identity(p.existing()).map(|(device, _)| device);
        if device(&place).is_some() && all.iter().any(|other| device(other) == device(&place)) {
            let text = "another destination is on the same file system; if it fails, both copies are lost";
            findings.push(about(Finding::info("destination-same-device", text), path));
        }
        all.push(place);
    }
    (all, findings)
}

/// The canonical path of something that need not exist.
fn resolve(path: &Path) -> Result<PathBuf, String> {
    let whole = std::path::absolute(path).map_err(|e| e.to_string())?;
    let existing = whole.ancestors().find(|p| fs::symlink_metadata(p).is_ok());
    let Some(existing) = existing else { return Err("no part of the path exists; check it".into()) };
    let real = existing.canonicalize().map_err(|e| format!("{}: {e}", existing.display()))?;
    if !real.is_dir() {
        return Err(format!("{} is not a folder; choose another destination", existing.display()));
    }
    let rest = whole.strip_prefix(existing).unwrap_or(Path::new(""));
    if rest.components().any(|c| !matches!(c, Component::Normal(_))) {
        return Err("the path goes up from a folder that does not exist; write it without `..`".into());
    }
    Ok(if rest.as_os_str().is_empty() { real } else { real.join(rest) })
}

/// `a` is `b` or below it, by name or, where a folder has several paths, by identity.
fn inside(a: &Path, b: &Path) -> bool {
    let there = identity(b);
    a.starts_with(b) || (there.is_some() && a.ancestors().any(|p| identity(p) == there))
}
