//! Digests of files that may be large: it is told how far they are read.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Busy, CancellationToken, Event, Events, RunContext};
use crate::media::{Digest, open_original};
use crate::plan::Unit;
use crate::{Error, ErrorKind, Result};

/// Bytes after which it is told, in whatever number of files.
const EVERY: u64 = 64 << 20;

/// Reads files for a unit, and tells as [`Event::UnitBusy`] how far it is.
#[derive(Debug, Clone)]
pub struct Reading {
    unit: String,
    events: Events,
    cancel: CancellationToken,
    /// Bytes read so far.
    bytes: Arc<AtomicU64>,
}

impl Reading {
    /// Nothing read so far.
    pub fn of(unit: &Unit, cx: &RunContext) -> Self {
        Self::new(&unit.id, cx.events.clone(), cx.cancel.clone())
    }

    /// For the unit of this id: who hears of it, and what ends it.
    pub fn new(unit: &str, events: Events, cancel: CancellationToken) -> Self {
        Self { unit: unit.to_owned(), events, cancel, bytes: Arc::default() }
    }

    /// The digest of a file that has about so many `bytes`, and how many it has.
    ///
    /// # Errors
    /// When it cannot be read to its end; and the cancellation, which comes between two pieces of a large file, too.
    pub fn digest(&self, path: &Path, bytes: u64) -> Result<(Digest, u64)> {
        if bytes < EVERY {
            let read = Digest::xxh64_of_file(path)?;
            self.more(path, read.1);
            return Ok(read);
        }
        let file = open_original(path).map_err(|e| e.doing("computing a digest"))?;
        let told = Told { file, path, reading: self };
        Digest::xxh64_of(told).map_err(|e| match self.cancel.is_cancelled() {
            true => Error::new(ErrorKind::Cancelled, "cancelled"),
            false => Error::io(path, e).doing("computing a digest"),
        })
    }

    /// So many `bytes` more were read, of `path`.
    pub fn more(&self, path: &Path, bytes: u64) {
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let bytes = before + bytes;
        if bytes / EVERY > before / EVERY {
            let with = Busy::Reading { path: path.to_owned(), bytes };
            self.events.send(Event::UnitBusy { unit: self.unit.clone(), with });
        }
    }
}

struct Told<'a, R> {
    file: R,
    path: &'a Path,
    reading: &'a Reading,
}

impl<R: Read> Read for Told<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.reading.cancel.is_cancelled() {
            return Err(std::io::Error::other("cancelled"));
        }
        let n = self.file.read(buffer)?;
        self.reading.more(self.path, n as u64);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn how_far_a_large_file_is_read_is_told_and_a_cancellation_ends_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("A001.mov");
        // It has no blocks on disk.
        std::fs::File::create(&path).unwrap().set_len(3 * EVERY + 5).unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let cancel = CancellationToken::new();
        let events = {
            let (heard, cancel) = (Arc::clone(&heard), cancel.clone());
            Events::to(move |event| {
                let Event::UnitBusy { with: Busy::Reading { bytes, .. }, .. } = event else { panic!("{event:?}") };
                heard.lock().unwrap().push(bytes / EVERY);
                if heard.lock().unwrap().len() == 5 {
                    cancel.cancel();
                }
            })
        };
        let reading = Reading::new("A001.0-9", events, cancel);
        let digest = reading.digest(&path, 3 * EVERY + 5).unwrap();
        assert_eq!(digest, Digest::xxh64_of_file(&path).unwrap());
        assert_eq!(*heard.lock().unwrap(), [1, 2, 3]);
        assert_eq!(reading.digest(&path, 3 * EVERY + 5).unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(*heard.lock().unwrap(), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn many_small_files_are_told_of_as_a_large_one_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("A001.0000000.dng");
        let bytes = EVERY / 2 + 1;
        std::fs::File::create(&path).unwrap().set_len(bytes).unwrap();
        let heard = Arc::new(Mutex::new(0));
        let events = {
            let heard = Arc::clone(&heard);
            Events::to(move |_| *heard.lock().unwrap() += 1)
        };
        let reading = Reading::new("A001.0-9", events, CancellationToken::new());
        for told in [0, 1, 1, 2] {
            reading.digest(&path, bytes).unwrap();
            assert_eq!(*heard.lock().unwrap(), told);
        }
    }
}
