//! Files in memory.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Body, Entry, Put, Stat, Storage, When};
use crate::{Error, ErrorKind, Result};

/// By URI: how often each was replaced, and its bytes.
type Files = BTreeMap<String, (u64, Arc<[u8]>)>;

/// Files that are held in memory, by URI: for tests, and for a host that has its footage there.
#[derive(Debug, Default)]
pub struct Memory {
    files: Mutex<Files>,
}

impl Memory {
    /// Without files.
    pub fn new() -> Self {
        Self::default()
    }

    /// The URIs of all files, in order.
    pub fn uris(&self) -> Vec<String> {
        self.files().keys().cloned().collect()
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, uri: &str) -> Result<(Stat, Arc<[u8]>)> {
        let Some((version, bytes)) = self.files().get(uri).cloned() else {
            return Err(Error::new(ErrorKind::NotFound, "there is no such file").path(uri).advice("check the URI"));
        };
        Ok((Stat { bytes: bytes.len() as u64, version: version.to_string() }, bytes))
    }
}

impl Storage for Memory {
    fn stat(&self, uri: &str) -> Result<Stat> {
        self.file(uri).map(|(stat, _)| stat)
    }

    fn list(&self, folder: &str, most: usize) -> Result<Vec<Entry>> {
        let prefix = format!("{}/", folder.trim_end_matches('/'));
        let mut entries: Vec<Entry> = Vec::new();
        for (uri, (_, bytes)) in self.files().range(prefix.clone()..) {
            let Some(below) = uri.strip_prefix(&prefix) else { break };
            let entry = match below.split_once('/') {
                Some((name, _)) => Entry { name: name.to_owned(), folder: true, bytes: 0 },
                None => Entry { name: below.to_owned(), folder: false, bytes: bytes.len() as u64 },
            };
            if entries.last() == Some(&entry) {
                continue;
            }
            if entries.len() == most {
                break;
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    fn read(&self, uri: &str, range: Range<u64>, version: Option<&str>) -> Result<(Stat, Vec<u8>)> {
        let (stat, bytes) = self.file(uri)?;
        if version.is_some_and(|v| v != stat.version) {
            return Err(Error::new(ErrorKind::BadMedia, "the file changed while it was read").path(uri));
        }
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        Ok((stat, bytes[at(range.start)..at(range.end.max(range.start))].to_vec()))
    }

    fn put(&self, uri: &str, body: Body<'_>, when: When) -> Result<Put> {
        let mut bytes = vec![0; usize::try_from(body.len()).unwrap_or(usize::MAX)];
        body.read_exact_at(&mut bytes, 0).map_err(|e| Error::io(uri, e))?;
        let mut files = self.files();
        if when == When::Absent && files.contains_key(uri) {
            return Ok(Put::Stands);
        }
        let version = files.get(uri).map_or(0, |(version, _)| version + 1);
        files.insert(uri.to_owned(), (version, bytes.into()));
        Ok(Put::Done)
    }

    fn remove(&self, uri: &str) -> Result<()> {
        self.files().remove(uri);
        Ok(())
    }
}
