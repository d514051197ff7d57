//! How camera originals are opened.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Place, RemoteReader, local_read_at, place};

/// A file that is open to be read: one of this machine, or one at a URI.
#[derive(Debug)]
pub enum Original {
    /// On this machine: the file itself.
    Local(File),
    /// Somewhere else.
    Remote(Box<RemoteReader>),
}

impl Original {
    /// Its size in bytes.
    ///
    /// # Errors
    /// Whatever the operating system refuses.
    pub fn size(&self) -> io::Result<u64> {
        match self {
            Self::Local(file) => Ok(file.metadata()?.len()),
            Self::Remote(remote) => Ok(remote.stat().bytes),
        }
    }

    /// Reads from `offset` on; fewer bytes than `buffer` has room for may come, and none come at the end. Who reads
    /// file after file in order reads as from any file; this is for places here and there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            Self::Local(file) => local_read_at(file, buffer, offset),
            Self::Remote(remote) => remote.read_at(buffer, offset),
        }
    }

    /// Bytes that are held while it is read.
    pub fn memory(&self) -> u64 {
        match self {
            Self::Local(_) => 0,
            Self::Remote(_) => RemoteReader::MEMORY,
        }
    }
}

impl Read for Original {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Local(file) => file.read(buffer),
            Self::Remote(remote) => remote.read(buffer),
        }
    }
}

impl Seek for Original {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Local(file) => file.seek(to),
            Self::Remote(remote) => remote.seek(to),
        }
    }
}

/// Opens a camera file to read it, and nothing but a file: a pipe would keep its reader waiting for
/// ever. Originals are never opened in any other way.
///
/// # Errors
/// When there is none, when it is something else, and whatever the operating system or the storage refuses.
pub fn open_original(path: &Path) -> Result<Original> {
    let local = match place(path)? {
        Place::Local(local) => local,
        Place::Remote(remote) => return RemoteReader::open(&remote).map(|r| Original::Remote(Box::new(r))),
    };
    let io = |e| Error::io(path, e);
    if !fs::metadata(&local).map_err(io)?.is_file() {
        return Err(Error::new(ErrorKind::Invalid, "it is no file").path(path).advice("give the path of a file"));
    }
    File::open(&local).map(Original::Local).map_err(io)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_what_is_not_there_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(open_original(dir.path()).unwrap_err().to_string().contains("no file"));
        assert_eq!(open_original(&dir.path().join("x")).unwrap_err().kind(), ErrorKind::NotFound);
        fs::write(dir.path().join("x"), b"x").unwrap();
        assert!(open_original(&dir.path().join("x")).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("A001_000001.dng");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(open_original(&pipe).is_err());
    }
}
