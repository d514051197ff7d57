//! The files of an order.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rushes_core::deliver::{Existing, write_whole};
use rushes_core::storage::{self, Stat};
use rushes_core::{Error, ErrorKind, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longest file of an order that is read: the units of a clip of some million frames.
const LONGEST: u64 = 1 << 30;

pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    read_if_there(path)?.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "there is no such file")
            .path(path)
            .advice("see whether this machine sees the output folder, and whether the order is still there")
            // An empty mount point looks the same.
            .retryable()
    })
}

pub(super) fn read_if_there<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let text = match storage::read_whole(path, LONGEST) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(away(e)),
    };
    serde_json::from_slice(&text).map(Some).map_err(|e| {
        Error::new(ErrorKind::Invalid, format!("it is no file of an order, or of another version: {e}"))
            .path(path)
            .advice("submit the job again with this build; do not edit orders")
    })
}

/// Files of late, as long as they are what they were: the units of a clip come one after another.
#[derive(Debug)]
pub(super) struct Recent<T>(Arc<Mutex<Kept<T>>>);

type Kept<T> = HashMap<PathBuf, (Stat, Arc<T>)>;

/// Files that are kept in memory.
const KEPT: usize = 64;

impl<T: DeserializeOwned> Recent<T> {
    pub(super) fn read(&self, path: &Path) -> Result<Arc<T>> {
        self.read_if_there(path)?.map_or_else(|| read(path).map(Arc::new), Ok)
    }

    pub(super) fn read_if_there(&self, path: &Path) -> Result<Option<Arc<T>>> {
        // Before it is read: one that is replaced meanwhile is read again the next time.
        let now = match storage::stat(path) {
            Ok(stat) => stat,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(away(e)),
        };
        if let Some((then, kept)) = self.kept().get(path)
            && *then == now
        {
            return Ok(Some(Arc::clone(kept)));
        }
        let Some(read) = read_if_there(path)?.map(Arc::new) else { return Ok(None) };
        let mut kept = self.kept();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(path.to_owned(), (now, Arc::clone(&read)));
        Ok(Some(read))
    }

    fn kept(&self) -> MutexGuard<'_, Kept<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Recent<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// Several writers may come at once: the last one's stands, and each is whole.
pub(super) fn write<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let text = serde_json::to_vec(value).map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()).path(path))?;
    write_whole(path, Existing::Shared { replace: true }, &text).map_err(away)?;
    Ok(())
}

/// What storage refuses now it may give later: it is out of reach, or full.
fn away(e: Error) -> Error {
    if e.kind() == ErrorKind::Io { e.retryable() } else { e }
}
