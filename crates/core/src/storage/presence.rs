//! Which of many files there are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{exists, is_uri, list};
use crate::Result;

/// Says of outputs whether they are there. A folder at a URI is asked once for all of them, as it then was.
#[derive(Debug)]
pub struct Presence<'a> {
    out: &'a Path,
    remote: bool,
    folders: BTreeMap<PathBuf, BTreeSet<String>>,
}

impl<'a> Presence<'a> {
    /// Of files below `out`.
    pub fn new(out: &'a Path) -> Self {
        Self { out, remote: is_uri(out), folders: BTreeMap::new() }
    }

    /// Whether `path`, below the folder, is there.
    ///
    /// # Errors
    /// When a storage cannot say.
    pub fn has(&mut self, path: &str) -> Result<bool> {
        let whole = self.out.join(path);
        let (true, Some(folder), Some(name)) = (self.remote, whole.parent(), whole.file_name()) else {
            return exists(&whole);
        };
        if !self.folders.contains_key(folder) {
            let names = list(folder, usize::MAX)?.into_iter().filter(|e| !e.folder).map(|e| e.name).collect();
            self.folders.insert(folder.to_owned(), names);
        }
        Ok(self.folders.get(folder).is_some_and(|names| name.to_str().is_some_and(|n| names.contains(n))))
    }
}
