//! Where packets go: a file that gets its name only after it was read back and found right.

use std::io::{Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use rushes_core::deliver::{AtomicFile, Existing};
use rushes_core::media::Digest;
use rushes_core::{Error, Result};

use super::facts::MovieFacts;
use super::mov::{MovWriter, read};
use super::relink;

/// A movie that is being made. Dropping it removes everything it wrote.
pub(super) trait Recorder: Send + Sync {
    /// Takes the next frame's packet.
    fn append(&mut self, packet: &[u8]) -> Result<()>;

    /// Ends the movie, checks it, and gives it its name. Gives its size in bytes and its digest.
    fn finish(self: Box<Self>) -> Result<(u64, Digest)>;
}

/// Our own muxer, with RDD 36 packets.
#[derive(Debug)]
pub(super) struct QuickTime {
    movie: MovWriter<AtomicFile>,
    facts: MovieFacts,
    target: PathBuf,
}

impl QuickTime {
    /// Starts the movie `target`.
    pub(super) fn create(target: &Path, existing: Existing, facts: MovieFacts) -> Result<Self> {
        let file = AtomicFile::create(target, existing)?;
        let movie = MovWriter::new(file, facts.clone()).map_err(|e| writing(target, e))?;
        Ok(Self { movie, facts, target: target.to_owned() })
    }
}

impl Recorder for QuickTime {
    fn append(&mut self, packet: &[u8]) -> Result<()> {
        self.movie.append(packet).map_err(|e| writing(&self.target, e))
    }

    fn finish(self: Box<Self>) -> Result<(u64, Digest)> {
        let mut file = self.movie.finish().map_err(|e| writing(&self.target, e))?;
        let len = file.seek(SeekFrom::End(0)).map_err(|e| writing(&self.target, e))?;
        read(&mut file, len)
            .and_then(|found| relink::check(&self.facts, Some(b"apco"), &found))
            .map_err(|e| e.path(&self.target))?;
        file.persist()
    }
}

/// An input or output error while the movie is written.
pub(super) fn writing(target: &Path, e: std::io::Error) -> Error {
    Error::io(target, e).doing("writing a movie")
}
