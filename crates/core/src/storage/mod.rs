//! Files by path or by URI.
//!
//! A path whose text begins with `scheme://` is a URI; anything else is a path of this machine, and so is what
//! `file:///` names. Both are held as paths, so that plans, units and manifests carry them as the same strings. What
//! stands after the scheme is taken letter by letter: `s3://bucket/A 001.dng` has a blank in its name.
//!
//! What is behind a scheme is a [`Storage`], which the process that wants it brings with [`register`]: schemes are to
//! a process what mounted file systems are to a machine. The crate `rushes-storage` has those of S3, Google Cloud
//! Storage and Azure; [`Memory`] holds files in memory.
//!
//! Files of this machine are never behind a [`Storage`]: they are read and written as files.

mod local;
mod memory;
mod place;
mod presence;
mod reader;

use std::fs::File;
use std::ops::Range;

use crate::Result;

pub use local::{absolute, exists, is_folder, list, read_text, read_whole, remove, scratch, stat};
pub(crate) use local::{put, read_at as local_read_at};
pub use memory::Memory;
pub use place::{Place, Remote, is_uri, local_only, place, register, same_form};
pub use presence::Presence;
pub use reader::RemoteReader;

/// What is known of a file without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// Its size in bytes.
    pub bytes: u64,
    /// Changes whenever its bytes do: an entity tag, or the time of the last change.
    pub version: String,
}

/// What a folder holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name in the folder.
    pub name: String,
    /// Whether it is a folder.
    pub folder: bool,
    /// The size of a file in bytes; 0 for a folder.
    pub bytes: u64,
}

/// What is put.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// The first so many bytes of a file, which is read by position.
    File(&'a File, u64),
}

impl Body<'_> {
    /// How many bytes that are.
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(_, bytes) => *bytes,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// # Errors
    /// When there are fewer, and whatever the operating system refuses.
    pub fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
        match self {
            Self::File(file, _) => local::read_exact_at(file, buffer, offset),
            Self::Bytes(bytes) => {
                let from = usize::try_from(offset).ok().and_then(|at| bytes.get(at..)?.get(..buffer.len()));
                buffer.copy_from_slice(from.ok_or(std::io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }
}

/// Whether a put may replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Only where nothing has the name; of several that put at once one succeeds.
    Absent,
    /// Whatever stands there.
    Always,
}

/// What came of a put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It stands.
    Done,
    /// Something had the name already, and stays. It may be what this very put wrote: an answer can be lost on the
    /// way, and the put is then repeated.
    Stands,
}

/// Files somewhere else. Folders are not made and not removed: they are there while something is in them.
///
/// It is called from threads that may wait. Errors name the URI, and those that may pass are
/// [retryable](crate::Error::retryable); what does not exist is [`NotFound`](crate::ErrorKind::NotFound).
pub trait Storage: Send + Sync + std::fmt::Debug {
    /// Size and version of a file.
    ///
    /// # Errors
    /// When there is none, or it cannot be said.
    fn stat(&self, uri: &str) -> Result<Stat>;

    /// What lies in a folder, not what lies in folders below it; in any order, `most` entries at most. A folder that
    /// is not there is empty.
    ///
    /// # Errors
    /// When it cannot be said.
    fn list(&self, folder: &str, most: usize) -> Result<Vec<Entry>>;

    /// The bytes of `range`, fewer where the file ends before, and what the whole file is: one question and one
    /// answer. A file that is not `version` any more is an error.
    ///
    /// # Errors
    /// When there is no such file, it has changed, or it cannot be read.
    fn read(&self, uri: &str, range: Range<u64>, version: Option<&str>) -> Result<(Stat, Vec<u8>)>;

    /// Makes a file of `body`, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written; that something stands there already is no error.
    fn put(&self, uri: &str, body: Body<'_>, when: When) -> Result<Put>;

    /// Removes a file; one that is not there is gone already.
    ///
    /// # Errors
    /// When it cannot be removed.
    fn remove(&self, uri: &str) -> Result<()>;

    /// The same text for all URIs that name the same file or folder: schemes are told in either case, and some places by
    /// several. It is for comparing, with [`same_form`].
    fn one_form(&self, uri: &str) -> String {
        match uri.split_once("://") {
            Some((scheme, rest)) => format!("{}://{rest}", scheme.to_ascii_lowercase()),
            None => uri.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
