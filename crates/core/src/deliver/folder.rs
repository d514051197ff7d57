//! Folders that outputs go to, and what may not be written over.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::part::{PART_SUFFIX, SCRATCH_PREFIX, clear_stale};
use crate::media::ClipMedia;
use crate::storage::{Place, place, same_form, scratch};
use crate::{Error, ErrorKind, Result};

/// Removes the temporaries in `folder` that nobody writes any more. Those of writers on other machines are told from
/// leftovers by their locks, where the file system has them.
///
/// # Errors
/// Whatever the operating system refuses; a folder that is not there has none. Those of a folder at a URI lie in this
/// machine's scratch, from which they are removed.
pub fn clear_leftovers(folder: &Path) -> Result<()> {
    match place(folder)? {
        Place::Local(local) => clear(&local, "."),
        Place::Remote(_) => clear_scratch(),
    }
}

/// Removes what killed processes left in this machine's scratch of outputs that go to URIs.
///
/// # Errors
/// Whatever the operating system refuses; a scratch that is not there has nothing.
pub fn clear_scratch() -> Result<()> {
    clear(&scratch(), SCRATCH_PREFIX)
}

fn clear(folder: &Path, begins: &str) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io(folder, e)),
    };
    for entry in entries {
        let path = entry.map_err(|e| Error::io(folder, e))?.path();
        let name = path.file_name().map(|n| n.to_string_lossy()).unwrap_or_default();
        if name.starts_with(begins) && name.ends_with(PART_SUFFIX) {
            match clear_stale(&path) {
                // Somebody else's, in a folder that all may write to; the others go.
                Err(e) if e.kind() != ErrorKind::InUse => tracing::warn!("what a killed run left stays: {e}"),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Refuses an output folder that is a folder with files of `media`: outputs there would be taken
/// for media by the next look at the card, and might replace originals.
///
/// # Errors
/// That it does, and where.
pub fn refuse_among_originals(out: &Path, media: &ClipMedia) -> Result<()> {
    let files = match media {
        ClipMedia::Sequence(s) => vec![s.folder()],
        ClipMedia::Files(files) => files.iter().filter_map(|f| f.parent()).collect(),
    };
    let Some(out) = without_links(out) else { return Ok(()) };
    for folder in files {
        if without_links(folder).is_some_and(|folder| out == folder) {
            return Err(Error::new(ErrorKind::Invalid, "the output folder holds camera files")
                .path(&out)
                .advice("choose a folder of its own: nothing is ever written beside camera originals"));
        }
    }
    Ok(())
}

/// The path with the links in the part that exists followed.
fn without_links(path: &Path) -> Option<PathBuf> {
    let path = match place(path).ok()? {
        Place::Local(local) => local,
        // There are none, but several names for one place.
        Place::Remote(_) => return Some(same_form(path)),
    };
    let whole = std::path::absolute(&path).ok()?;
    whole.ancestors().find_map(|a| Some(a.canonicalize().ok()?.join(whole.strip_prefix(a).ok()?)))
}

/// Gives `part` its final name without ever replacing a file; `false` where one has it, or that cannot be done.
pub(super) fn link(part: &Path, target: &Path) -> Result<bool> {
    match fs::hard_link(part, target) {
        Ok(()) => {
            // The file stands; a second name that cannot be removed is replaced by the next run.
            let _ = fs::remove_file(part);
            Ok(true)
        }
        Err(_) => Ok(false),
    }
}

pub(super) fn folder_of(target: &Path) -> &Path {
    target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

pub(super) fn refuse_existing(target: &Path, overwrite: bool) -> Result<()> {
    match fs::symlink_metadata(target) {
        Ok(m) if m.is_dir() => Err(Error::new(ErrorKind::AlreadyExists, "a folder has the name of the output file")
            .path(target)
            .advice("choose another output folder")),
        Ok(_) if !overwrite => Err(stands(target)),
        Ok(_) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Error::io(target, e)),
    }
}

pub(super) fn stands(target: &Path) -> Error {
    Error::new(ErrorKind::AlreadyExists, "the output file exists already")
        .path(target)
        .advice("choose another output folder, or allow it to be overwritten")
}

#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    // Some file systems cannot sync a folder; the rename itself has happened.
    match File::open(folder).and_then(|f| f.sync_all()) {
        Err(e) if !matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Err(Error::io(folder, e))
        }
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> Result<()> {
    Ok(())
}
