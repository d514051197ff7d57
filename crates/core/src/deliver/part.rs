//! Temporaries.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::path::{Path, PathBuf};

use super::Existing;
use crate::storage::scratch;
use crate::{Error, ErrorKind, Result};

/// Ends the name of every temporary.
pub(super) const PART_SUFFIX: &str = ".rushes-part";

/// Begins the name of one that lies in the folder for scratch.
pub(super) const SCRATCH_PREFIX: &str = "rushes-";

/// The temporary of the file `name`, open and locked, in the folder that it will end in.
pub(super) fn beside(folder: &Path, name: &OsStr, existing: Existing) -> Result<(File, PathBuf)> {
    let mut part_name = OsString::from(".");
    part_name.push(name);
    if existing.is_shared() {
        part_name.push(format!(".{}", unlike_any()));
    }
    part_name.push(PART_SUFFIX);
    let part = folder.join(part_name);
    // Held until the new temporary is locked, so that no third run takes the same stale one.
    let _stale = clear_stale(&part)?;
    let file = File::options().read(true).write(true).create_new(true).open(&part).map_err(|e| Error::io(&part, e))?;
    // A file system without locks (some network ones) only loses the warning about two runs.
    if let Err(TryLockError::WouldBlock) = file.try_lock() {
        return Err(busy(&part));
    }
    Ok((file, part))
}

/// A temporary in the folder for scratch, open and locked.
pub(super) fn in_scratch() -> Result<(File, PathBuf)> {
    let folder = scratch();
    fs::create_dir_all(&folder).map_err(|e| Error::io(&folder, e))?;
    loop {
        let part = folder.join(format!("{SCRATCH_PREFIX}{}{PART_SUFFIX}", unlike_any()));
        let file =
            File::options().read(true).write(true).create_new(true).open(&part).map_err(|e| Error::io(&part, e))?;
        // Who clears leftovers may have seen it before it was locked.
        if !matches!(file.try_lock(), Err(TryLockError::WouldBlock)) && part.exists() {
            return Ok((file, part));
        }
    }
}

/// Neither a process number nor a clock differs between containers.
fn unlike_any() -> String {
    format!("{:016x}", RandomState::new().hash_one(0))
}

/// Removes a temporary that nobody writes any more. It is never truncated in place: the run that
/// wrote it may have given it its final name a moment ago.
pub(super) fn clear_stale(part: &Path) -> Result<Option<File>> {
    match fs::symlink_metadata(part) {
        Ok(m) if m.is_file() => {}
        // A link or a pipe was not left by a run; it goes without being opened.
        Ok(_) => {
            fs::remove_file(part).map_err(|e| Error::io(part, e))?;
            return Ok(None);
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io(part, e)),
    }
    // For writing, too: on NFS a lock is one of a file that may be written, and any other attempt an error.
    let stale = match File::options().read(true).write(true).open(part) {
        Ok(f) => f,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io(part, e)),
    };
    // Where it cannot be known whether somebody writes it, somebody may.
    if stale.try_lock().is_err() {
        return Err(busy(part));
    }
    match fs::remove_file(part) {
        Ok(()) => Ok(Some(stale)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Some(stale)),
        Err(e) => Err(Error::io(part, e)),
    }
}

fn busy(part: &Path) -> Error {
    Error::new(ErrorKind::InUse, "another run is writing this output now")
        .path(part)
        .advice("wait for it, or choose another output folder")
}
