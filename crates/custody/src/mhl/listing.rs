//! Everything below a folder, listed once: for the histories in it, and for the files they record.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rushes_core::run::CancellationToken;
use rushes_core::{Error, ErrorKind, Result};

use super::FOLDER;

/// The folders below one, and itself: first the one that was asked for.
#[derive(Debug)]
pub(super) struct Listing(pub(super) Vec<Listed>);

/// A folder; nothing is in one that could not be listed.
#[derive(Debug)]
pub(super) struct Listed {
    /// Below the top; empty for the top itself.
    pub(super) path: PathBuf,
    pub(super) modified: SystemTime,
    /// What is in it, in the order of the names' bytes.
    pub(super) names: Vec<(OsString, fs::FileType)>,
    /// Those of them that are folders, in the same order, as places in the listing. The folder of a
    /// history is not looked into.
    pub(super) folders: Vec<usize>,
    pub(super) trouble: Option<Error>,
}

/// Folders in folders that are looked into.
const DEEPEST: usize = 200;

impl Listing {
    /// Lists `root`; links are not followed.
    ///
    /// # Errors
    /// When the root cannot be listed, or `cancel` fires.
    pub(super) fn of(root: &Path, cancel: &CancellationToken) -> Result<Self> {
        let mut listing = Self(Vec::new());
        listing.folder(root, PathBuf::new(), 0, cancel)?;
        match listing.0[0].trouble.take() {
            Some(e) => Err(e),
            None => Ok(listing),
        }
    }

    fn folder(&mut self, root: &Path, path: PathBuf, depth: usize, cancel: &CancellationToken) -> Result<usize> {
        if cancel.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "cancelled"));
        }
        let whole = root.join(&path);
        let listed = match depth {
            0..=DEEPEST => names_in(&whole).map_err(|e| Error::io(&whole, e).doing("listing a folder")),
            _ => Err(Error::new(ErrorKind::Invalid, format!("folders deeper than {DEEPEST} are not looked into"))),
        };
        let (modified, names, trouble) = match listed {
            Ok((modified, names)) => (modified, names, None),
            Err(e) => (SystemTime::UNIX_EPOCH, Vec::new(), Some(e)),
        };
        let inner: Vec<PathBuf> = names
            .iter()
            .filter(|(name, kind)| kind.is_dir() && name != FOLDER)
            .map(|(name, _)| path.join(name))
            .collect();
        let place = self.0.len();
        self.0.push(Listed { path, modified, names, folders: Vec::with_capacity(inner.len()), trouble });
        for path in inner {
            let below = self.folder(root, path, depth + 1, cancel)?;
            self.0[place].folders.push(below);
        }
        Ok(place)
    }
}

type Names = Vec<(OsString, fs::FileType)>;

fn names_in(folder: &Path) -> std::io::Result<(SystemTime, Names)> {
    let modified = fs::metadata(folder)?.modified()?;
    let named = |e: fs::DirEntry| Ok((e.file_name(), e.file_type()?));
    let mut names: Names = fs::read_dir(folder)?.map(|e| e.and_then(named)).collect::<Result<_, _>>()?;
    names.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    Ok((modified, names))
}
