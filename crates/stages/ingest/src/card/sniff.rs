//! What each file is, looked up on a few threads: cards are slow to answer, not to read.

use rushes_core::Error;
use rushes_core::run::CancellationToken;

use super::walk::Found;
use crate::recognise::{Recognised, recognise_file};

/// A file and what it is.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) file: Found,
    /// `None` for what is no picture, is empty, or could not be read.
    pub(super) what: Option<Recognised>,
    /// Why it could not be read.
    pub(super) error: Option<Error>,
}

/// Files looked at by one thread at least.
const SHARE: usize = 64;

/// Threads at most.
const THREADS: usize = 8;

/// Looks at every file, or at some when `cancel` fires.
pub(super) fn sniff(files: Vec<Found>, cancel: &CancellationToken) -> Vec<Item> {
    let mut items: Vec<Item> = files.into_iter().map(|file| Item { file, what: None, error: None }).collect();
    let share = items.len().div_ceil(THREADS).max(SHARE);
    let look = |items: &mut [Item]| {
        for item in items.iter_mut().filter(|i| i.file.len > 0) {
            if cancel.is_cancelled() {
                return;
            }
            match recognise_file(&item.file.path) {
                Ok(what) => item.what = what,
                Err(e) => item.error = Some(e),
            }
        }
    };
    std::thread::scope(|scope| {
        let mut shares = items.chunks_mut(share);
        let mine = shares.next();
        for items in shares {
            scope.spawn(move || look(items));
        }
        if let Some(items) = mine {
            look(items);
        }
    });
    items
}
