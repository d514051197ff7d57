//! Reading a file that is somewhere else.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use super::place::Remote;
use super::{Stat, Storage};
use crate::{Error, ErrorKind, Result};

/// Bytes asked for when it is opened, and at a place that was jumped to: enough for most headers.
const HEAD: u64 = 64 << 10;
/// Bytes asked for at first where one reads on.
const FIRST: u64 = 256 << 10;
/// Bytes asked for at once, at most.
const MOST: u64 = 8 << 20;

/// A file behind a [`Storage`], read in pieces that grow while they are read one after the other; the next one is on
/// its way while one is used. It is the same file to its end: one that is replaced meanwhile is an error.
#[derive(Debug)]
pub struct RemoteReader {
    storage: Arc<dyn Storage>,
    uri: Arc<str>,
    stat: Stat,
    at: u64,
    /// Where the piece at hand begins.
    start: u64,
    piece: Vec<u8>,
    /// How many bytes are asked for next.
    window: u64,
    ahead: Option<Ahead>,
    /// One that nobody waits for any more; while it is under way no other is begun.
    forgotten: Option<JoinHandle<Result<Vec<u8>>>>,
}

#[derive(Debug)]
struct Ahead {
    range: Range<u64>,
    thread: JoinHandle<Result<Vec<u8>>>,
}

impl RemoteReader {
    /// The most bytes that it holds: the piece at hand, the next, and one that came too late.
    pub const MEMORY: u64 = 3 * MOST;

    /// Opens a file: one question, whose answer brings the first bytes too.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open(file: &Remote<'_>) -> Result<Self> {
        let (stat, piece) = file.storage.read(&file.uri, 0..HEAD, None)?;
        Ok(Self {
            storage: Arc::clone(&file.storage),
            uri: Arc::from(&*file.uri),
            stat,
            at: 0,
            start: 0,
            piece,
            window: HEAD,
            ahead: None,
            forgotten: None,
        })
    }

    /// What the file is.
    pub fn stat(&self) -> &Stat {
        &self.stat
    }

    /// Bytes from `offset` on; fewer than `buffer` has room for, and none at the end.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if let Some(rest) = self.at_hand(offset) {
            return Ok(copy(rest, buffer));
        }
        let end = offset.saturating_add((buffer.len() as u64).min(MOST)).min(self.stat.bytes);
        if offset >= end {
            return Ok(0);
        }
        let bytes = fetch(self.storage.as_ref(), &self.uri, offset..end, &self.stat).map_err(as_io)?;
        Ok(copy(&bytes, buffer))
    }

    fn at_hand(&self, offset: u64) -> Option<&[u8]> {
        let skip = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        self.piece.get(skip..).filter(|rest| !rest.is_empty())
    }

    /// Brings the piece that begins at the place read from, of which `wanted` bytes are asked for.
    fn advance(&mut self, wanted: u64) -> Result<()> {
        let goes_on = self.at == self.start + self.piece.len() as u64;
        // What was read goes before more is held.
        self.piece = Vec::new();
        match self.ahead.take() {
            Some(ahead) if ahead.range.contains(&self.at) => {
                self.start = ahead.range.start;
                self.piece = ahead.thread.join().unwrap_or_else(|_| {
                    Err(Error::new(ErrorKind::Panicked, "the storage panicked").path(&*self.uri))
                })?;
                self.send_ahead(ahead.range.end, wanted.saturating_sub(ahead.range.end - self.at));
                return Ok(());
            }
            other => self.forgotten = other.map(|a| a.thread).or(self.forgotten.take()),
        }
        self.window = if goes_on { self.window.max(FIRST) } else { HEAD };
        let size = self.window.max(wanted.min(MOST));
        let end = self.at.saturating_add(size).min(self.stat.bytes);
        if goes_on || wanted > size {
            self.send_ahead(end, wanted.saturating_sub(size));
        }
        self.start = self.at;
        self.piece = fetch(self.storage.as_ref(), &self.uri, self.at..end, &self.stat)?;
        Ok(())
    }

    /// Asks for the piece from `start` on, to be there when it is wanted, as `wanted` bytes of it are already.
    fn send_ahead(&mut self, start: u64, wanted: u64) {
        self.window = (self.window * 2).min(MOST);
        let end = start.saturating_add(self.window.max(wanted.min(MOST))).min(self.stat.bytes);
        if start >= end || self.forgotten.as_ref().is_some_and(|t| !t.is_finished()) {
            return;
        }
        self.forgotten = None;
        let (storage, uri, stat) = (Arc::clone(&self.storage), Arc::clone(&self.uri), self.stat.clone());
        let range = start..end;
        let asked = range.clone();
        let thread =
            Builder::new().name("read-ahead".into()).spawn(move || fetch(storage.as_ref(), &uri, asked, &stat));
        // Where there is no thread to be had, it is read when it is wanted.
        self.ahead = thread.ok().map(|thread| Ahead { range, thread });
    }
}

impl Read for RemoteReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.at >= self.stat.bytes {
            return Ok(0);
        }
        if self.at_hand(self.at).is_none() {
            self.advance(buffer.len() as u64).map_err(as_io)?;
        }
        let n = self.at_hand(self.at).map_or(0, |rest| copy(rest, buffer));
        self.at += n as u64;
        Ok(n)
    }
}

impl Seek for RemoteReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.stat.bytes.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at =
            at.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a place before the file's beginning"))?;
        Ok(self.at)
    }
}

fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let n = from.len().min(to.len());
    to[..n].copy_from_slice(&from[..n]);
    n
}

/// All bytes of `range`, which lies within the file.
fn fetch(storage: &dyn Storage, uri: &str, range: Range<u64>, stat: &Stat) -> Result<Vec<u8>> {
    let wanted = range.end - range.start;
    let (_, bytes) = storage.read(uri, range, Some(&stat.version))?;
    if bytes.len() as u64 == wanted {
        return Ok(bytes);
    }
    let text = format!("{} bytes came where {wanted} were asked for", bytes.len());
    Err(Error::new(ErrorKind::Io, text).path(uri).retryable())
}

/// For readers that know the errors of files; [`Error::io`] makes it what it was again.
fn as_io(e: Error) -> io::Error {
    let kind = match e.kind() {
        ErrorKind::NotFound => io::ErrorKind::NotFound,
        _ if e.is_retryable() => io::ErrorKind::TimedOut,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, e)
}
