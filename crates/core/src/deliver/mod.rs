//! How finished files reach their place: whole, synced and with a digest, or not at all.

mod existing;
mod stem;

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher as _, Hasher, RandomState};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use twox_hash::XxHash64;

use crate::media::{ClipMedia, Digest};
use crate::{Error, ErrorKind, Result};

pub use existing::Existing;
pub use stem::file_stem;

/// A file that appears under its final name only when it is complete.
///
/// It is written as `.<name>.rushes-part` in the folder it will end in, so that the last step is
/// a rename within one file system. The temporary is locked while it is open: one that a killed
/// run left behind is replaced, one that a living run still writes is an error. Writes go
/// straight to the file; wrap small ones in a [`std::io::BufWriter`].
///
/// Where others may be making the very same file ([`Existing::Shared`]) each has a temporary of its own, and what a
/// killed one left is found by [`clear_leftovers`].
#[derive(Debug)]
pub struct AtomicFile {
    file: File,
    part: PathBuf,
    target: PathBuf,
    existing: Existing,
    /// Digest of the bytes so far, as long as they came in order; `None` once they did not.
    hash: Option<XxHash64>,
    at: u64,
    end: u64,
    synced: bool,
    /// Whether another program writes it.
    lent: bool,
    persisted: bool,
}

impl AtomicFile {
    /// Opens the temporary for `target`, whose folder is made where it is missing.
    ///
    /// # Errors
    /// When `target` exists and may not be replaced, when it is a folder, when another run is
    /// writing it, and whatever the operating system refuses.
    pub fn create(target: &Path, existing: impl Into<Existing>) -> Result<Self> {
        let existing = existing.into();
        let doing = "creating an output file";
        let invalid = |why: &str| Error::new(ErrorKind::Invalid, why).doing(doing).path(target);
        let name = target.file_name().ok_or_else(|| invalid("the path names no file"))?;
        refuse_existing(target, existing.may_stand()).map_err(|e| e.doing(doing))?;
        let folder = folder_of(target);
        fs::create_dir_all(folder).map_err(|e| Error::io(folder, e).doing(doing))?;

        let mut part_name = OsString::from(".");
        part_name.push(name);
        if existing.is_shared() {
            // Neither a process number nor a clock differs between containers.
            part_name.push(format!(".{:016x}", RandomState::new().hash_one(0)));
        }
        part_name.push(PART_SUFFIX);
        let part = folder.join(part_name);
        // Held until the new temporary is locked, so that no third run takes the same stale one.
        let _stale = clear_stale(&part).map_err(|e| e.doing(doing))?;
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&part)
            .map_err(|e| Error::io(&part, e).doing(doing))?;
        // A file system without locks (some network ones) only loses the warning about two runs.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(busy(&part).doing(doing));
        }
        Ok(Self {
            file,
            part,
            target: target.to_owned(),
            existing,
            hash: Some(XxHash64::with_seed(0)),
            at: 0,
            end: 0,
            synced: false,
            lent: false,
            persisted: false,
        })
    }

    /// Adds `bytes` at the end.
    ///
    /// # Errors
    /// Whatever the operating system refuses.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.write_all(bytes).map_err(|e| Error::io(&self.target, e).doing("writing an output file"))
    }

    /// The temporary, for another program to fill; what that leaves in it becomes the file.
    pub fn lend(&mut self) -> &Path {
        self.lent = true;
        // Locks keep other processes out there.
        #[cfg(windows)]
        let _ = self.file.unlock();
        &self.part
    }

    /// Brings what was written to the disk. [`AtomicFile::persist`] does it where nobody did before: who
    /// has several files to finish does this side by side, and only the names in order.
    ///
    /// # Errors
    /// Whatever the operating system refuses.
    pub fn sync(&mut self) -> Result<()> {
        if !self.synced {
            self.file.sync_all().map_err(|e| Error::io(&self.target, e).doing("writing an output file"))?;
            self.synced = true;
        }
        Ok(())
    }

    /// Syncs the file, gives it its final name, and syncs the folder. Gives the size in bytes and
    /// the digest (xxh64, canonical big-endian form) of what was written; bytes that did not come
    /// in order are read back for it.
    ///
    /// # Errors
    /// When the target has appeared meanwhile and may not be replaced, and whatever the operating
    /// system refuses; the temporary is then removed.
    pub fn persist(mut self) -> Result<(u64, Digest)> {
        self.publish().map_err(|e| e.doing("finishing an output file").path(&self.target))
    }

    fn publish(&mut self) -> Result<(u64, Digest)> {
        if self.lent {
            self.end = self.file.metadata().map_err(|e| Error::io(&self.target, e))?.len();
        }
        let digest = match self.hash.take() {
            Some(hash) if !self.lent => hash.finish(),
            _ => self.read_back().map_err(|e| Error::io(&self.target, e))?,
        };
        self.sync()?;
        refuse_existing(&self.target, self.existing.may_stand())?;
        // A link is made only where nothing is; file systems without links are left with the check.
        let linked = self.existing != Existing::Replace && link(&self.part, &self.target)?;
        if !linked {
            if self.existing.is_shared() && self.stands_as(digest)? {
                // Somebody else was first with the very same; the temporary goes.
                return Ok((self.end, Digest::new("xxh64", &digest.to_be_bytes())));
            }
            refuse_existing(&self.target, self.existing.may_replace())?;
            fs::rename(&self.part, &self.target).map_err(|e| Error::io(&self.target, e))?;
        }
        self.persisted = true;
        sync_folder(folder_of(&self.target))?;
        Ok((self.end, Digest::new("xxh64", &digest.to_be_bytes())))
    }

    /// Whether the target is there and has the same bytes.
    fn stands_as(&self, digest: u64) -> Result<bool> {
        match fs::metadata(&self.target) {
            Ok(m) if m.is_file() && m.len() == self.end => {
                Ok(Digest::xxh64_of_file(&self.target)?.0 == Digest::new("xxh64", &digest.to_be_bytes()))
            }
            Ok(_) => Ok(false),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(Error::io(&self.target, e)),
        }
    }

    fn read_back(&mut self) -> io::Result<u64> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut hash = XxHash64::with_seed(0);
        let mut buffer = vec![0u8; 1 << 20];
        loop {
            match self.file.read(&mut buffer) {
                Ok(0) => return Ok(hash.finish()),
                Ok(n) => hash.write(&buffer[..n]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.synced = false;
        match &mut self.hash {
            Some(hash) if self.at == self.end => hash.write(&bytes[..n]),
            _ => self.hash = None,
        }
        self.at += n as u64;
        self.end = self.end.max(self.at);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Read for AtomicFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.at += n as u64;
        Ok(n)
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.file.seek(to)?;
        Ok(self.at)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if !self.persisted {
            // Nothing can be done about a temporary that cannot be removed; the next run replaces it.
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// Writes `bytes` as the file `target`, whole or not at all. Gives its size and digest.
///
/// # Errors
/// As [`AtomicFile::create`] and [`AtomicFile::persist`].
pub fn write_whole(target: &Path, existing: impl Into<Existing>, bytes: &[u8]) -> Result<(u64, Digest)> {
    let mut file = AtomicFile::create(target, existing)?;
    file.append(bytes)?;
    file.persist()
}

/// Removes the temporaries in `folder` that nobody writes any more. Those of writers on other machines are told from
/// leftovers by their locks, where the file system has them.
///
/// # Errors
/// Whatever the operating system refuses; a folder that is not there has none.
pub fn clear_leftovers(folder: &Path) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io(folder, e)),
    };
    for entry in entries {
        let path = entry.map_err(|e| Error::io(folder, e))?.path();
        let name = path.file_name().map(|n| n.to_string_lossy()).unwrap_or_default();
        if name.starts_with('.') && name.ends_with(PART_SUFFIX) {
            match clear_stale(&path) {
                Err(e) if e.kind() != ErrorKind::InUse => return Err(e.doing("removing what a killed run left")),
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
    let whole = std::path::absolute(path).ok()?;
    whole.ancestors().find_map(|a| Some(a.canonicalize().ok()?.join(whole.strip_prefix(a).ok()?)))
}

/// Ends the name of every temporary.
const PART_SUFFIX: &str = ".rushes-part";

/// Gives `part` its final name without ever replacing a file; `false` where one has it, or that cannot be done.
fn link(part: &Path, target: &Path) -> Result<bool> {
    match fs::hard_link(part, target) {
        Ok(()) => {
            // The file stands; a second name that cannot be removed is replaced by the next run.
            let _ = fs::remove_file(part);
            Ok(true)
        }
        Err(_) => Ok(false),
    }
}

fn folder_of(target: &Path) -> &Path {
    target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn refuse_existing(target: &Path, overwrite: bool) -> Result<()> {
    match fs::symlink_metadata(target) {
        Ok(m) if m.is_dir() => Err(Error::new(ErrorKind::AlreadyExists, "a folder has the name of the output file")
            .path(target)
            .advice("choose another output folder")),
        Ok(_) if !overwrite => Err(Error::new(ErrorKind::AlreadyExists, "the output file exists already")
            .path(target)
            .advice("choose another output folder, or allow it to be overwritten")),
        Ok(_) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Error::io(target, e)),
    }
}

/// Removes a temporary that nobody writes any more. It is never truncated in place: the run that
/// wrote it may have given it its final name a moment ago.
fn clear_stale(part: &Path) -> Result<Option<File>> {
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
    let stale = match File::open(part) {
        Ok(f) => f,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io(part, e)),
    };
    if let Err(TryLockError::WouldBlock) = stale.try_lock() {
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

#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<()> {
    // Some file systems cannot sync a folder; the rename itself has happened.
    match File::open(folder).and_then(|f| f.sync_all()) {
        Err(e) if !matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Err(Error::io(folder, e))
        }
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
