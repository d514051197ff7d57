//! What is asked of files wherever they are, and how it is answered for those of this machine.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::place::{Place, Remote, place};
use super::{Body, Entry, Put, Stat, When};
use crate::deliver::Existing;
use crate::media::{Digest, open_original};
use crate::{Error, ErrorKind, Result};

/// Size and version of the file `path`.
///
/// # Errors
/// When there is none, or it cannot be said.
pub fn stat(path: &Path) -> Result<Stat> {
    match place(path)? {
        Place::Remote(r) => r.storage.stat(&r.uri),
        Place::Local(local) => {
            let io = |e| Error::io(path, e);
            let facts = fs::metadata(&local).map_err(io)?;
            let modified = facts.modified().map_err(io)?.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
            Ok(Stat { bytes: facts.len(), version: modified.to_string() })
        }
    }
}

/// Whether something has the name `path`: a file, or on this machine anything at all.
///
/// # Errors
/// When a storage cannot say.
pub fn exists(path: &Path) -> Result<bool> {
    match place(path)? {
        Place::Local(local) => Ok(local.symlink_metadata().is_ok()),
        Place::Remote(r) => match r.storage.stat(&r.uri) {
            Ok(_) => Ok(true),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e),
        },
    }
}

/// Whether `path` is a folder; at a URI, whether anything lies in it.
///
/// # Errors
/// When a storage cannot say.
pub fn is_folder(path: &Path) -> Result<bool> {
    match place(path)? {
        Place::Local(local) => Ok(local.is_dir()),
        Place::Remote(r) => Ok(!r.storage.list(&r.uri, 1)?.is_empty()),
    }
}

/// What lies in the folder, in order of name; `most` entries at most.
///
/// # Errors
/// When it cannot be read.
pub fn list(folder: &Path, most: usize) -> Result<Vec<Entry>> {
    let mut entries = match place(folder)? {
        Place::Remote(r) => r.storage.list(&r.uri, most)?,
        Place::Local(local) => {
            let io = |e| Error::io(folder, e);
            let mut entries = Vec::new();
            for entry in fs::read_dir(&local).map_err(io)?.take(most) {
                let entry = entry.map_err(io)?;
                // A link that leads nowhere is a name all the same.
                let facts = fs::metadata(entry.path()).or_else(|_| entry.metadata()).map_err(io)?;
                let (folder, bytes) = if facts.is_dir() { (true, 0) } else { (false, facts.len()) };
                entries.push(Entry { name: entry.file_name().to_string_lossy().into_owned(), folder, bytes });
            }
            entries
        }
    };
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// All bytes of the file `path`, of which there may be `most`.
///
/// # Errors
/// When there are more, and when it cannot be read.
pub fn read_whole(path: &Path, most: u64) -> Result<Vec<u8>> {
    let mut file = open_original(path)?;
    let io = |e| Error::io(path, e);
    let size = file.size().map_err(io)?;
    if size > most {
        return Err(Error::new(ErrorKind::Invalid, format!("{size} bytes are more than the {most} it may have"))
            .path(path)
            .advice("check that it is the right file"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    file.by_ref().take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > most {
        return Err(Error::new(ErrorKind::Invalid, "it grew while it was read").path(path));
    }
    Ok(bytes)
}

/// The same of a file that holds text.
///
/// # Errors
/// As [`read_whole`], and when it is no UTF-8.
pub fn read_text(path: &Path, most: u64) -> Result<String> {
    String::from_utf8(read_whole(path, most)?)
        .map_err(|_| Error::new(ErrorKind::Invalid, "it is no UTF-8 text").path(path).advice("save it as UTF-8"))
}

/// Removes the file `path`; one that is not there is gone already.
///
/// # Errors
/// When it cannot be removed.
pub fn remove(path: &Path) -> Result<()> {
    match place(path)? {
        Place::Remote(r) => r.storage.remove(&r.uri),
        Place::Local(local) => match fs::remove_file(&local) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io(path, e)),
            _ => Ok(()),
        },
    }
}

/// The whole path; a URI is whole.
///
/// # Errors
/// When the folder that the process is in cannot be said.
pub fn absolute(path: &Path) -> Result<PathBuf> {
    match super::is_uri(path) {
        true => Ok(path.to_owned()),
        false => std::path::absolute(path).map_err(|e| Error::io(path, e)),
    }
}

/// The folder for what is needed only meanwhile: the variable `RUSHES_SCRATCH`, else the system's.
pub fn scratch() -> PathBuf {
    std::env::var_os("RUSHES_SCRATCH").filter(|v| !v.is_empty()).map_or_else(std::env::temp_dir, PathBuf::from)
}

/// Puts a finished output, whose digest is known.
pub(crate) fn put(to: &Remote<'_>, body: Body<'_>, existing: Existing, digest: &Digest) -> Result<()> {
    let when = if existing == Existing::Replace { When::Always } else { When::Absent };
    let path = Path::new(&*to.uri);
    let mut puts = 0;
    let same = loop {
        if to.storage.put(&to.uri, body, when)? == Put::Done {
            return Ok(());
        }
        puts += 1;
        // Of equal bytes it makes no difference who put them, and where an answer was lost it was this very put.
        match to.storage.stat(&to.uri) {
            Ok(there) => break there.bytes == body.len() && Digest::xxh64_of_file(path)?.0 == *digest,
            // Somebody removed it since, or it was never there: nothing has the name.
            Err(e) if e.kind() == ErrorKind::NotFound && puts < 3 => {}
            Err(e) if e.kind() == ErrorKind::NotFound => {
                let text = "the service says that it stands, and that it is not there";
                return Err(Error::new(ErrorKind::Io, text)
                    .path(path)
                    .retryable()
                    .advice("see whether something removes it all the time, and run again"));
            }
            Err(e) => return Err(e),
        }
    };
    match existing.may_replace() {
        _ if same => Ok(()),
        true => to.storage.put(&to.uri, body, When::Always).map(drop),
        false => Err(Error::new(ErrorKind::AlreadyExists, "the output file exists already")
            .path(path)
            .advice("choose another output folder, or allow it to be overwritten")),
    }
}

#[cfg(unix)]
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

pub(crate) fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match read_at(file, buffer, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => {
                buffer = &mut buffer[n..];
                offset += n as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}
