//! The files of an order.

use std::path::Path;

use rushes_core::deliver::{Existing, write_whole};
use rushes_core::storage;
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
