//! The real file system, with faults.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rushes_custody::offload::{Disk, Naming, Opened, Original, Space, Stat, Storage, Target};

/// What goes wrong.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Files that end so cannot be read from this byte on.
    BadSector(&'static str, u64),
    /// Where the path has this, no more than so many bytes can be written.
    Full(&'static str, u64),
    /// Where the path has this, each write takes a while.
    Slow(&'static str),
    /// Files whose path has this read back with a bit changed.
    ReadsBackOtherwise(&'static str),
    /// Folders whose path has this cannot be synced.
    NoSync(&'static str),
    /// The system never drops what it keeps in memory.
    Cached,
    /// Nothing works any more after so many operations.
    Cut(u64),
    /// So many bytes are free.
    Room(u64),
    /// What the file system does with names.
    Names(Naming),
}

pub(crate) struct Faulty {
    faults: Vec<Fault>,
    opened: Mutex<HashMap<PathBuf, usize>>,
    operations: Arc<AtomicU64>,
    written: Arc<AtomicU64>,
}

impl Faulty {
    pub(crate) fn new(faults: Vec<Fault>) -> Arc<Self> {
        Arc::new(Self { faults, opened: Mutex::default(), operations: Arc::default(), written: Arc::default() })
    }

    /// How often a file was opened for reading.
    pub(crate) fn opened(&self, path: &Path) -> usize {
        self.opened.lock().unwrap().get(path).copied().unwrap_or(0)
    }

    /// The folders themselves are made and synced before any file is.
    fn synced(&self) -> bool {
        self.opened.lock().unwrap().len() > 1
    }

    fn works(&self) -> io::Result<()> {
        works(&self.faults, &self.operations)
    }
}

fn works(faults: &[Fault], operations: &AtomicU64) -> io::Result<()> {
    let now = operations.fetch_add(1, Ordering::SeqCst);
    let cut = faults.iter().any(|f| matches!(f, Fault::Cut(after) if now >= *after));
    if cut { Err(io::Error::other("the power is off")) } else { Ok(()) }
}

fn has(path: &Path, part: &str) -> bool {
    path.to_string_lossy().contains(part)
}

impl Storage for Faulty {
    fn open(&self, path: &Path, fresh: bool) -> io::Result<Opened> {
        self.works()?;
        *self.opened.lock().unwrap().entry(path.to_owned()).or_default() += 1;
        let mut opened = Disk.open(path, fresh)?;
        opened.from_device = fresh;
        for fault in &self.faults {
            match fault {
                Fault::Cached => opened.from_device = false,
                Fault::BadSector(name, at) if path.to_string_lossy().ends_with(name) => {
                    opened.file = Box::new(Reading { inner: opened.file, at: 0, bad_from: Some(*at), flip: false });
                }
                Fault::ReadsBackOtherwise(part) if fresh && has(path, part) => {
                    opened.file = Box::new(Reading { inner: opened.file, at: 0, bad_from: None, flip: true });
                }
                _ => {}
            }
        }
        Ok(opened)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Target>> {
        self.works()?;
        let mine = |f: &&Fault| matches!(f, Fault::Full(part, _) | Fault::Slow(part) if has(path, part));
        Ok(Box::new(Writing {
            inner: Disk.create(path)?,
            faults: self.faults.iter().filter(|f| mine(f) || matches!(f, Fault::Cut(_))).cloned().collect(),
            operations: Arc::clone(&self.operations),
            written: Arc::clone(&self.written),
        }))
    }

    fn publish(&self, part: &Path, target: &Path) -> io::Result<()> {
        self.works()?;
        Disk.publish(part, target)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.works()?;
        let within = format!("{}/", folder.display());
        if self.faults.iter().any(|f| matches!(f, Fault::NoSync(part) if within.contains(part) && self.synced())) {
            return Err(io::Error::from_raw_os_error(5));
        }
        Disk.sync_folder(folder)
    }

    fn space(&self, folder: &Path) -> io::Result<Option<Space>> {
        let room = self.faults.iter().find_map(|f| if let Fault::Room(bytes) = f { Some(*bytes) } else { None });
        let space = Disk.space(folder)?;
        Ok(space.map(|s| Space { free: room.unwrap_or(s.free), ..s }))
    }

    fn naming(&self, _: &Path) -> Option<Naming> {
        self.faults.iter().find_map(|f| if let Fault::Names(naming) = f { Some(*naming) } else { None })
    }
}

struct Reading {
    inner: Box<dyn Original>,
    at: u64,
    bad_from: Option<u64>,
    flip: bool,
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.at += n as u64;
        if self.bad_from.is_some_and(|bad| self.at > bad) {
            return Err(io::Error::from_raw_os_error(5));
        }
        if self.flip && n > 0 {
            buffer[0] ^= 1;
        }
        Ok(n)
    }
}

impl Original for Reading {
    fn stat(&self) -> io::Result<Stat> {
        self.inner.stat()
    }
}

struct Writing {
    inner: Box<dyn Target>,
    faults: Vec<Fault>,
    operations: Arc<AtomicU64>,
    written: Arc<AtomicU64>,
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        works(&self.faults, &self.operations)?;
        for fault in &self.faults {
            match fault {
                Fault::Full(_, room) if self.written.load(Ordering::SeqCst) + bytes.len() as u64 > *room => {
                    return Err(io::Error::from_raw_os_error(28));
                }
                Fault::Slow(_) => std::thread::sleep(Duration::from_millis(5)),
                _ => {}
            }
        }
        if self.faults.iter().any(|f| matches!(f, Fault::Full(..))) {
            self.written.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        }
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Target for Writing {
    fn commit(self: Box<Self>, modified: SystemTime) -> io::Result<Stat> {
        works(&self.faults, &self.operations)?;
        self.inner.commit(modified)
    }
}
