//! Writes a movie from front to back.

use std::io::{self, Seek, SeekFrom, Write};

use super::super::facts::MovieFacts;
use super::boxes::{boxed, u32be};
use super::moov::{SampleTables, moov};

/// A movie that is being written. Holds twelve bytes a frame at most, never a packet.
#[derive(Debug)]
pub(in crate::movie) struct MovWriter<W> {
    out: W,
    at: u64,
    media_at: u64,
    movie: MovieFacts,
    tables: SampleTables,
}

impl<W: Write + Seek> MovWriter<W> {
    /// Starts a movie at the start of `out`.
    pub(in crate::movie) fn new(mut out: W, movie: MovieFacts) -> io::Result<Self> {
        let mut head = Vec::new();
        boxed(&mut head, b"ftyp", |b| {
            b.extend(b"qt  ");
            u32be(b, 0x2005_0300); // the format as of March 2005
            b.extend(b"qt  ");
        });
        boxed(&mut head, b"wide", |_| {});
        let media_at = head.len() as u64;
        boxed(&mut head, b"mdat", |_| {});
        let mut tables = SampleTables {
            // Half a second to a chunk: players read a chunk at a time.
            per_chunk: movie.rate.nominal().div_ceil(2),
            timecode: head.len() as u64,
            ..SampleTables::default()
        };
        if let Some(start) = movie.timecode {
            u32be(&mut head, start.frames());
        }
        tables.sizes.reserve(movie.frames.min(1 << 16) as usize);
        out.write_all(&head)?;
        Ok(Self { out, at: head.len() as u64, media_at, movie, tables })
    }

    /// Appends the next frame.
    pub(in crate::movie) fn append(&mut self, packet: &[u8]) -> io::Result<()> {
        let size = u32::try_from(packet.len()).map_err(|_| io::Error::other("a frame of more than 4 GiB"))?;
        if self.frames().is_multiple_of(self.tables.per_chunk) {
            self.tables.chunks.push(self.at);
        }
        self.out.write_all(packet)?;
        self.tables.sizes.push(size);
        self.at += u64::from(size);
        Ok(())
    }

    /// Frames appended so far.
    pub(in crate::movie) fn frames(&self) -> u32 {
        // Facts limit the frames to 100 million.
        self.tables.sizes.len() as u32
    }

    /// Ends the movie with as many frames as were appended.
    pub(in crate::movie) fn finish(mut self) -> io::Result<W> {
        self.movie.frames = self.frames();
        self.out.write_all(&moov(&self.movie, &self.tables))?;
        let media = self.at - self.media_at;
        match u32::try_from(media) {
            Ok(size) => {
                self.out.seek(SeekFrom::Start(self.media_at))?;
                self.out.write_all(&size.to_be_bytes())?;
            }
            Err(_) => {
                // `wide` gives its eight bytes to a header with a 64-bit size.
                self.out.seek(SeekFrom::Start(self.media_at - 8))?;
                self.out.write_all(&[&1u32.to_be_bytes(), &b"mdat"[..], &(media + 8).to_be_bytes()].concat())?;
            }
        }
        Ok(self.out)
    }
}
