//! Whether a rendered file is one: looked at before it gets its name.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use rushes_core::run::CancellationToken;
use rushes_core::{Error, ErrorKind, Result};

use super::recipe::Kind;

/// What was found in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Found {
    /// Columns and rows, where they were looked for.
    pub(crate) size: Option<(usize, usize)>,
    /// Frames, in a movie.
    pub(crate) frames: Option<u64>,
}

/// A file that is not read any more once nobody wants it.
struct Wanted<'a> {
    file: &'a File,
    cancel: &'a CancellationToken,
}

impl Read for Wanted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(std::io::Error::other("cancelled"));
        }
        self.file.read(buffer)
    }
}

impl Seek for Wanted<'_> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.file.seek(to)
    }
}

/// Looks into the file of an output: it is there, whole, and what it should be.
///
/// # Errors
/// What is wrong with it; and the cancellation, which comes between two pieces of a large file, too.
pub(crate) fn opens(path: &Path, kind: &Kind, cancel: &CancellationToken) -> Result<Found> {
    let found = look(path, kind, cancel);
    // What could not be read for it says nothing of the file.
    if cancel.is_cancelled() { Err(Error::new(ErrorKind::Cancelled, "cancelled")) } else { found }
}

fn look(path: &Path, kind: &Kind, cancel: &CancellationToken) -> Result<Found> {
    let bad =
        |what: &str| Error::new(ErrorKind::BadMedia, what).doing("looking at what the server rendered").path(path);
    let missing = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => bad("the server says that it is done, and the file is not there"),
        _ => Error::io(path, e),
    };
    // A link would get the name, and what it points at be anything; opening a pipe may wait for ever.
    if !path.symlink_metadata().map_err(missing)?.is_file() {
        return Err(bad("it is no plain file"));
    }
    let file = File::open(path).map_err(missing)?;
    let bytes = file.metadata().map_err(|e| Error::io(path, e))?.len();
    if bytes == 0 {
        return Err(bad("the server says that it is done, and the file is empty"));
    }
    match kind {
        Kind::Exr { .. } => exr(Wanted { file: &file, cancel }).map_err(|e| bad(&format!("it is no whole EXR: {e}"))),
        Kind::Still { png } => {
            let whole = if *png {
                ends(file, b"\x89PNG", b"IEND\xae\x42\x60\x82")
            } else {
                ends(file, b"\xff\xd8", b"\xff\xd9")
            };
            match whole {
                Ok(true) => Ok(Found::default()),
                _ => Err(bad("it is no whole picture")),
            }
        }
        Kind::Movie { .. } => match movie_frames(file, bytes) {
            Some(frames) => Ok(Found { frames: Some(frames), size: None }),
            None => Err(bad("it is no whole QuickTime movie")),
        },
    }
}

/// Reads all blocks of pixels, as they lie in the file.
fn exr(file: Wanted<'_>) -> Result<Found, exr::error::Error> {
    let reader = exr::block::read(BufReader::new(file), false)?;
    let header = reader.headers().first();
    let size = header.map(|h| (h.layer_size.width(), h.layer_size.height()));
    for block in reader.all_chunks(false)? {
        block?;
    }
    Ok(Found { size, frames: None })
}

fn ends(mut file: File, begins: &[u8], ends: &[u8]) -> std::io::Result<bool> {
    let mut head = vec![0; begins.len()];
    let mut tail = vec![0; ends.len()];
    file.read_exact(&mut head)?;
    file.seek(SeekFrom::End(-(ends.len() as i64)))?;
    file.read_exact(&mut tail)?;
    Ok(head == begins && tail == ends)
}

/// Samples of the video track, from the sample size box (ISO/IEC 14496-12, 8.7.3).
fn movie_frames(mut file: File, bytes: u64) -> Option<u64> {
    let (mut at, mut frames) = (0, None);
    // To the last atom: what comes after the index may be cut off.
    while at + 8 <= bytes {
        let (name, begins, ends) = atom(&mut file, at, bytes)?;
        if &name == b"moov" && frames.is_none() {
            // An index is small beside what it points at.
            let len = usize::try_from(ends - begins).ok().filter(|n| *n <= 256 << 20)?;
            let mut moov = vec![0; len];
            file.seek(SeekFrom::Start(begins)).ok()?;
            file.read_exact(&mut moov).ok()?;
            frames = boxes(&moov).filter(|(n, _)| *n == b"trak").find_map(|(_, trak)| video_samples(trak));
        }
        at = ends;
    }
    frames
}

/// The name of the atom at `at`, and where what it holds begins and ends.
fn atom(file: &mut File, at: u64, bytes: u64) -> Option<([u8; 4], u64, u64)> {
    let mut head = [0; 16];
    file.seek(SeekFrom::Start(at)).ok()?;
    let n = (bytes - at).min(16) as usize;
    file.read_exact(&mut head[..n]).ok()?;
    let size = u64::from(u32::from_be_bytes(head[..4].try_into().ok()?));
    let name = head[4..8].try_into().ok()?;
    let (begins, ends) = match size {
        0 => (at + 8, bytes),
        1 => (at + 16, at.checked_add(u64::from_be_bytes(head[8..16].try_into().ok()?))?),
        size => (at + 8, at + size),
    };
    (begins <= ends && ends <= bytes).then_some((name, begins, ends))
}

/// The boxes that `data` is made of.
fn boxes(data: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let size = u32::from_be_bytes(*rest.first_chunk::<4>()?) as usize;
        let name: &[u8; 4] = rest.get(4..)?.first_chunk()?;
        let size = if size == 0 { rest.len() } else { size };
        let inner = rest.get(8..size)?;
        rest = &rest[size..];
        Some((name, inner))
    })
}

fn video_samples(trak: &[u8]) -> Option<u64> {
    let child = |data, name: &[u8; 4]| boxes(data).find(|(n, _)| *n == name).map(|(_, d)| d);
    let mdia = child(trak, b"mdia")?;
    if child(mdia, b"hdlr")?.get(8..12)? != b"vide" {
        return None;
    }
    let stsz = child(child(child(mdia, b"minf")?, b"stbl")?, b"stsz")?;
    Some(u64::from(u32::from_be_bytes(*stsz.get(8..)?.first_chunk()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn atom_of(name: &[u8; 4], inner: &[u8]) -> Vec<u8> {
        [&(inner.len() as u32 + 8).to_be_bytes()[..], name, inner].concat()
    }

    /// A movie of 24 frames, with a track of sound before that of pictures.
    fn movie() -> Vec<u8> {
        let track = |kind: &[u8; 4], samples: u32| {
            let stsz = [&[0; 8][..], &samples.to_be_bytes()].concat();
            let stbl = atom_of(b"stbl", &atom_of(b"stsz", &stsz));
            let hdlr = [&[0; 8][..], kind, &[0; 12]].concat();
            atom_of(b"trak", &atom_of(b"mdia", &[atom_of(b"hdlr", &hdlr), atom_of(b"minf", &stbl)].concat()))
        };
        let moov = [track(b"soun", 99), track(b"vide", 24)].concat();
        // A large atom has its size in 64 bits.
        let wide = [&1u32.to_be_bytes()[..], b"mdat", &20u64.to_be_bytes(), b"data"].concat();
        [atom_of(b"ftyp", b"qt  "), wide, atom_of(b"moov", &moov)].concat()
    }

    fn opened(bytes: &[u8], kind: &Kind) -> Result<Found> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        opens(&path, kind, &CancellationToken::new())
    }

    #[test]
    fn the_frames_of_a_movie_are_counted_and_no_part_of_one_is_taken() {
        let kind = Kind::Movie { codec: Vec::new(), timecode: true };
        let whole = movie();
        assert_eq!(opened(&whole, &kind).unwrap().frames, Some(24));
        for n in 0..whole.len() {
            assert!(opened(&whole[..n], &kind).is_err(), "{n} bytes were taken for a movie");
        }
    }

    #[test]
    fn a_movie_whose_pictures_are_cut_off_after_its_index_is_not_taken() {
        let kind = Kind::Movie { codec: Vec::new(), timecode: true };
        let pictures = atom_of(b"mdat", &[7; 100]);
        let whole = [movie(), pictures].concat();
        assert_eq!(opened(&whole, &kind).unwrap().frames, Some(24));
        assert!(opened(&whole[..whole.len() - 1], &kind).is_err());
    }

    #[test]
    fn a_file_is_not_read_on_after_a_cancellation() {
        let (mut file, cancel) = (tempfile::tempfile().unwrap(), CancellationToken::new());
        std::io::Write::write_all(&mut file, &[7; 3 << 10]).unwrap();
        file.rewind().unwrap();
        let mut wanted = Wanted { file: &file, cancel: &cancel };
        let mut piece = vec![0; 1 << 10];
        assert_eq!(wanted.read(&mut piece).unwrap(), piece.len());
        cancel.cancel();
        assert!(wanted.read(&mut piece).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_no_rendered_file() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        std::fs::write(&file, b"\xff\xd8 picture \xff\xd9").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let jpeg = Kind::Still { png: false };
        let cancel = CancellationToken::new();
        assert!(opens(&file, &jpeg, &cancel).is_ok());
        assert!(opens(&link, &jpeg, &cancel).unwrap_err().to_string().contains("no plain file"));
    }

    #[test]
    fn a_damaged_movie_is_no_reason_to_panic() {
        let kind = Kind::Movie { codec: Vec::new(), timecode: true };
        let whole = movie();
        for n in 0..whole.len() {
            for value in [0, 1, 7, 255] {
                let mut damaged = whole.clone();
                damaged[n] = value;
                drop(opened(&damaged, &kind));
            }
        }
    }

    #[test]
    fn pictures_begin_and_end_as_they_must() {
        let jpeg = Kind::Still { png: false };
        assert!(opened(b"\xff\xd8 picture \xff\xd9", &jpeg).is_ok());
        for bad in [&b"\xff\xd8 picture"[..], b"\xff", b"GIF89a \xff\xd9"] {
            assert!(opened(bad, &jpeg).is_err());
        }
        assert!(opened(b"\x89PNG ... IEND\xae\x42\x60\x82", &Kind::Still { png: true }).is_ok());
        let exr = Kind::Exr { compression: "piz".into() };
        assert!(opened(b"\x76\x2f\x31\x01 and nothing more", &exr).unwrap_err().to_string().contains("no whole EXR"));
    }
}
