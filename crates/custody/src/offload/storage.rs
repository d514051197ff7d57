//! The operations of an offload on files, so that tests can make them fail.

use std::io::{self, Read, Write};
use std::path::Path;
use std::time::SystemTime;

use super::names::Naming;

/// Size and modification time of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Bytes.
    pub bytes: u64,
    /// When it was last written.
    pub modified: SystemTime,
    /// It still has a name in some folder.
    pub linked: bool,
}

/// Room on a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes that may still be written.
    pub free: u64,
    /// Bytes that a file's size is rounded up to.
    pub block: u64,
    /// Files that may still be made; `None` where there is no such limit.
    pub files: Option<u64>,
    /// Names the file system, so that two destinations on one share its room.
    pub device: Option<u64>,
}

/// A file that is open for reading.
pub trait Original: Read + Send {
    /// Its size and modification time now.
    ///
    /// # Errors
    /// Whatever the operating system refuses.
    fn stat(&self) -> io::Result<Stat>;
}

/// A file, and where its bytes will come from.
pub struct Opened {
    /// The file, at its start.
    pub file: Box<dyn Original>,
    /// Its cached pages were asked to be dropped and are gone: what is read comes from the device.
    pub from_device: bool,
}

/// A temporary that is being written.
pub trait Target: Write + Send {
    /// Sets the modification time, syncs, closes, and gives what the file has become.
    ///
    /// # Errors
    /// Whatever the operating system reports, now or late: also what it says on closing.
    fn commit(self: Box<Self>, modified: SystemTime) -> io::Result<Stat>;
}

/// What an offload does with files; [`Disk`](super::Disk) is the real one.
pub trait Storage: Send + Sync {
    /// Opens a file for reading only, links not followed. `fresh` asks to drop its cached pages
    /// first.
    ///
    /// # Errors
    /// Also when it is not a regular file.
    fn open(&self, path: &Path, fresh: bool) -> io::Result<Opened>;

    /// Makes a file that does not exist.
    ///
    /// # Errors
    /// Whatever the operating system refuses.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Target>>;

    /// Gives a finished temporary its name, which nothing has yet.
    ///
    /// # Errors
    /// Also when something has the name.
    fn publish(&self, part: &Path, target: &Path) -> io::Result<()>;

    /// Makes the names in a folder last.
    ///
    /// # Errors
    /// Whatever the operating system refuses.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// The room under `folder`; `None` when it cannot be known here.
    ///
    /// # Errors
    /// Whatever the operating system refuses.
    fn space(&self, folder: &Path) -> io::Result<Option<Space>>;

    /// What the file system is known to do with names; `None` when a trial shall find out.
    fn naming(&self, folder: &Path) -> Option<Naming> {
        let _ = folder;
        None
    }
}
