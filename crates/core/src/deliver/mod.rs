//! How finished files reach their place: whole, synced and with a digest, or not at all.

mod existing;
mod folder;
mod part;
mod stem;

use std::fs::{self, File};
use std::hash::Hasher;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use twox_hash::XxHash64;

use crate::media::Digest;
use crate::storage::{self, Body, Place, place};
use crate::{Error, ErrorKind, Result};

pub use existing::Existing;
pub use folder::{clear_leftovers, clear_scratch, refuse_among_originals};
pub use stem::file_stem;

use folder::{folder_of, link, refuse_existing, sync_folder};

/// A file that appears under its final name only when it is complete.
///
/// It is written as `.<name>.rushes-part` in the folder it will end in, so that the last step is
/// a rename within one file system. The temporary is locked while it is open: one that a killed
/// run left behind is replaced, one that a living run still writes is an error. Writes go
/// straight to the file; wrap small ones in a [`std::io::BufWriter`].
///
/// Where others may be making the very same file ([`Existing::Shared`]) each has a temporary of its own, and what a
/// killed one left is found by [`clear_leftovers`].
///
/// For a target at a URI the temporary lies in the folder for scratch ([`storage::scratch`]), and the last step is a put.
#[derive(Debug)]
pub struct AtomicFile {
    file: File,
    part: PathBuf,
    target: PathBuf,
    /// Whether the target is at a URI.
    remote: bool,
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
        let named = || Error::new(ErrorKind::Invalid, "the path names no file").path(target);
        let name = target.file_name().ok_or_else(|| named().doing(doing))?;
        let begin = || match place(target)? {
            Place::Local(local) => {
                refuse_existing(&local, existing.may_stand())?;
                let folder = folder_of(&local);
                fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
                let (file, part) = part::beside(folder, name, existing)?;
                Ok((file, part, local.into_owned(), false))
            }
            Place::Remote(_) => {
                // That it may stand is not worth a question: the put will say it.
                if !existing.may_stand() && storage::exists(target)? {
                    return Err(folder::stands(target));
                }
                let (file, part) = part::in_scratch()?;
                Ok((file, part, target.to_owned(), true))
            }
        };
        let (file, part, target, remote) = begin().map_err(|e: Error| e.doing(doing))?;
        Ok(Self {
            file,
            part,
            target,
            remote,
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
        // What is put is whole where it arrives, and lost here with the process anyway.
        if !self.synced && !self.remote {
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
        let whole = Digest::new("xxh64", &digest.to_be_bytes());
        if let (true, Place::Remote(remote)) = (self.remote, place(&self.target)?) {
            storage::put(&remote, Body::File(&self.file, self.end), self.existing, &whole)?;
            return Ok((self.end, whole));
        }
        self.sync()?;
        refuse_existing(&self.target, self.existing.may_stand())?;
        // A link is made only where nothing is; file systems without links are left with the check.
        let linked = self.existing != Existing::Replace && link(&self.part, &self.target)?;
        if !linked {
            if self.existing.is_shared() && self.stands_as(&whole)? {
                // Somebody else was first with the very same; the temporary goes.
                return Ok((self.end, whole));
            }
            refuse_existing(&self.target, self.existing.may_replace())?;
            fs::rename(&self.part, &self.target).map_err(|e| Error::io(&self.target, e))?;
        }
        self.persisted = true;
        sync_folder(folder_of(&self.target))?;
        Ok((self.end, whole))
    }

    /// Whether the target is there and has the same bytes.
    fn stands_as(&self, digest: &Digest) -> Result<bool> {
        match fs::metadata(&self.target) {
            Ok(m) if m.is_file() && m.len() == self.end => Ok(Digest::xxh64_of_file(&self.target)?.0 == *digest),
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
    let existing = existing.into();
    if let Place::Remote(remote) = place(target)? {
        let digest = Digest::xxh64(bytes);
        storage::put(&remote, Body::Bytes(bytes), existing, &digest).map_err(|e| e.doing("writing an output file"))?;
        return Ok((bytes.len() as u64, digest));
    }
    let mut file = AtomicFile::create(target, existing)?;
    file.append(bytes)?;
    file.persist()
}

#[cfg(test)]
mod tests;
