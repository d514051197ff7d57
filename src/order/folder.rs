//! The files of an order.

use std::path::Path;

use rushes_core::deliver::{Existing, write_whole};
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
    })
}

pub(super) fn read_if_there<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let there = |r: std::io::Result<_>| match r {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(away(Error::io(path, e))),
        Ok(v) => Ok(Some(v)),
    };
    let Some(bytes) = there(std::fs::metadata(path).map(|m| m.len()))? else { return Ok(None) };
    let invalid = |why: String| Error::new(ErrorKind::Invalid, why).path(path);
    if bytes > LONGEST {
        return Err(invalid(format!("{bytes} bytes are more than the {LONGEST} that a file of an order may have")));
    }
    let Some(text) = std::fs::read(path).map(Some).or_else(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Ok(None),
        _ => Err(away(Error::io(path, e))),
    })?
    else {
        return Ok(None);
    };
    serde_json::from_slice(&text).map(Some).map_err(|e| {
        invalid(format!("it is no file of an order, or of another version: {e}"))
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
