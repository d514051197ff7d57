//! Files as the operating system gives them.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::SystemTime;

use super::storage::{Opened, Original, Space, Stat, Storage, Target};

/// The real file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Storage for Disk {
    fn open(&self, path: &Path, fresh: bool) -> io::Result<Opened> {
        let file = open_original(path)?;
        let facts = file.metadata()?;
        if !facts.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file any more"));
        }
        let from_device = fresh && forget(&file, facts.len());
        Ok(Opened { file: Box::new(OnDisk(file)), from_device })
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Target>> {
        Ok(Box::new(OnDisk(File::options().write(true).create_new(true).open(path)?)))
    }

    fn publish(&self, part: &Path, target: &Path) -> io::Result<()> {
        rename_to_nothing(part, target)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        sync_folder(folder)
    }

    fn space(&self, folder: &Path) -> io::Result<Option<Space>> {
        space(folder)
    }
}

struct OnDisk(File);

impl Read for OnDisk {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Original for OnDisk {
    fn stat(&self) -> io::Result<Stat> {
        stat(&self.0)
    }
}

impl Write for OnDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Target for OnDisk {
    fn commit(self: Box<Self>, modified: SystemTime) -> io::Result<Stat> {
        let file = self.0;
        // One that does not keep times is told of by what it shows afterwards.
        let _ = file.set_modified(modified);
        file.sync_all()?;
        let facts = stat(&file)?;
        close(file)?;
        Ok(facts)
    }
}

fn stat(file: &File) -> io::Result<Stat> {
    let facts = file.metadata()?;
    #[cfg(unix)]
    let linked = std::os::unix::fs::MetadataExt::nlink(&facts) > 0;
    #[cfg(not(unix))]
    let linked = true;
    Ok(Stat { bytes: facts.len(), modified: facts.modified()?, linked })
}

#[cfg(unix)]
fn open_original(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;
    // NONBLOCK: a pipe that took the file's place does not hang the open; files ignore it.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let open = |flags: OFlags| File::options().read(true).custom_flags(flags.bits() as i32).open(path);
    // Reading is not written down on the card either, where we may ask for that.
    #[cfg(target_os = "linux")]
    match open(flags | OFlags::NOATIME) {
        Err(e) if e.raw_os_error() == Some(rustix::io::Errno::PERM.raw_os_error()) => {}
        other => return other,
    }
    open(flags)
}

#[cfg(not(unix))]
fn open_original(path: &Path) -> io::Result<File> {
    if fs::symlink_metadata(path)?.is_symlink() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a link"));
    }
    File::open(path)
}

/// Asks the system to drop the file's pages and looks whether they are gone: a file system in
/// memory keeps them, and then nothing can be said about a device.
#[cfg(target_os = "linux")]
fn forget(file: &File, bytes: u64) -> bool {
    use rustix::fs::{Advice, fadvise};
    use rustix::io::{Errno, ReadWriteFlags};
    if bytes == 0 {
        return true;
    }
    // Pages that were never written to the device cannot be dropped.
    let _ = file.sync_data();
    if fadvise(file, 0, None, Advice::DontNeed).is_err() {
        return false;
    }
    let mut byte = [0];
    let places = 8.min(bytes);
    let cached = (0..places).filter(|i| {
        let at = bytes / places * i;
        let mut into = [io::IoSliceMut::new(&mut byte)];
        // Only what is in memory answers a read that may not wait.
        match rustix::io::preadv2(file, &mut into, at, ReadWriteFlags::NOWAIT) {
            Ok(n) => n > 0,
            Err(Errno::AGAIN) => false,
            // File systems that cannot say (FUSE, some network ones): the advice is believed.
            Err(_) => false,
        }
    });
    // A very quick device may answer one look before it is over, not most of them.
    (cached.count() as u64) * 2 <= places && !in_memory(file)
}

#[cfg(target_os = "linux")]
fn in_memory(file: &File) -> bool {
    // TMPFS_MAGIC and RAMFS_MAGIC of linux/magic.h.
    rustix::fs::fstatfs(file).is_ok_and(|s| matches!(s.f_type as u32, 0x0102_1994 | 0x8584_58f6))
}

#[cfg(target_vendor = "apple")]
fn forget(file: &File, _: u64) -> bool {
    // F_NOCACHE passes the cache by from now on; pages that are in it already are still used, so
    // that a read right after the write is not from the device for certain.
    let _ = rustix::fs::fcntl_nocache(file, true);
    false
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn forget(_: &File, _: u64) -> bool {
    false
}

/// File systems that write late (NFS and the like) report on closing.
#[cfg(unix)]
fn close(file: File) -> io::Result<()> {
    nix::unistd::close(file).map_err(io::Error::from)
}

#[cfg(not(unix))]
fn close(file: File) -> io::Result<()> {
    drop(file);
    Ok(())
}

fn rename_to_nothing(part: &Path, target: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, part, CWD, target, RenameFlags::NOREPLACE) {
            // File systems that do not know the flag.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            other => return other.map_err(io::Error::from),
        }
    }
    match fs::symlink_metadata(target) {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => fs::rename(part, target),
        Err(e) => Err(e),
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    // Some file systems cannot sync a folder; they order names with the files' own sync.
    match File::open(folder)?.sync_all() {
        Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        other => other,
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn space(folder: &Path) -> io::Result<Option<Space>> {
    let s = rustix::fs::statvfs(folder)?;
    // Some network file systems cannot say.
    if s.f_blocks == 0 {
        return Ok(None);
    }
    Ok(Some(Space {
        free: s.f_bavail.saturating_mul(s.f_frsize),
        block: s.f_frsize.max(1),
        // File systems without a table of files say 0 of 0.
        files: (s.f_files > 0).then_some(s.f_favail),
        device: identity(folder).map(|(device, _)| device),
    }))
}

#[cfg(not(unix))]
fn space(_: &Path) -> io::Result<Option<Space>> {
    Ok(None)
}

/// Device and number of a file or folder, which name it whatever its path.
#[cfg(unix)]
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).ok().map(|m| (m.dev(), m.ino()))
}

#[cfg(not(unix))]
pub(super) fn identity(_: &Path) -> Option<(u64, u64)> {
    None
}

/// `place` is `root` or a folder below it, and no link stands on the way.
pub(super) fn is_within(root: &Path, place: &Path) -> bool {
    let real = |p: &Path| fs::symlink_metadata(p).is_ok_and(|m| m.is_dir());
    place
        .strip_prefix(root)
        .is_ok_and(|below| below.ancestors().all(|part| part.as_os_str().is_empty() || real(&root.join(part))))
}

/// Sets a folder's modification time, where folders can be opened.
pub(super) fn set_folder_time(folder: &Path, modified: SystemTime) -> io::Result<()> {
    #[cfg(unix)]
    return {
        use std::os::unix::fs::OpenOptionsExt as _;

        use rustix::fs::OFlags;
        // Nothing but a folder: a pipe in its place would keep us waiting.
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
        File::options().read(true).custom_flags(flags.bits() as i32).open(folder)?.set_modified(modified)
    };
    #[cfg(not(unix))]
    return {
        let _ = (folder, modified);
        Ok(())
    };
}
