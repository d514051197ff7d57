//! Digests of files that may be large: it is told how far they are read.

use std::io::Read;
use std::path::Path;

use rushes_core::media::{Digest, open_original};
use rushes_core::plan::Unit;
use rushes_core::run::{Busy, CancellationToken, Event, Events, RunContext};
use rushes_core::{Error, ErrorKind, Result};

/// Bytes after which it is told, and smaller files are read without a word.
const EVERY: u64 = 64 << 20;

/// Reads files for a unit.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    unit: String,
    events: Events,
    cancel: CancellationToken,
}

impl Reading {
    pub(crate) fn of(unit: &Unit, cx: &RunContext) -> Self {
        Self { unit: unit.id.clone(), events: cx.events.clone(), cancel: cx.cancel.clone() }
    }

    /// The digest of a file that has about so many `bytes`, and how many it has.
    pub(crate) fn digest(&self, path: &Path, bytes: u64) -> Result<(Digest, u64)> {
        if bytes < EVERY {
            return Digest::xxh64_of_file(path);
        }
        let file = open_original(path).map_err(|e| e.doing("computing a digest"))?;
        let told = Told { file, path, bytes: 0, reading: self };
        Digest::xxh64_of(told).map_err(|e| match self.cancel.is_cancelled() {
            true => Error::new(ErrorKind::Cancelled, "cancelled"),
            false => Error::io(path, e).doing("computing a digest"),
        })
    }
}

struct Told<'a, R> {
    file: R,
    path: &'a Path,
    bytes: u64,
    reading: &'a Reading,
}

impl<R: Read> Read for Told<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let Reading { unit, events, cancel } = self.reading;
        if cancel.is_cancelled() {
            return Err(std::io::Error::other("cancelled"));
        }
        let n = self.file.read(buffer)?;
        let before = self.bytes;
        self.bytes += n as u64;
        if self.bytes / EVERY > before / EVERY {
            let with = Busy::Reading { path: self.path.to_owned(), bytes: self.bytes };
            events.send(Event::UnitBusy { unit: unit.clone(), with });
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

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
        let reading = Reading { unit: "A001.0-9".into(), events, cancel };
        let digest = reading.digest(&path, 3 * EVERY + 5).unwrap();
        assert_eq!(digest, Digest::xxh64_of_file(&path).unwrap());
        assert_eq!(*heard.lock().unwrap(), [1, 2, 3]);
        assert_eq!(reading.digest(&path, 3 * EVERY + 5).unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(*heard.lock().unwrap(), [1, 2, 3, 1, 2]);
    }
}
