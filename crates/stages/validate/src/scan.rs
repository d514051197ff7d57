//! Reads the header of every frame of a clip.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rushes_core::media::{Clip, ClipFormat, ClipMedia, Rate, Timecode};
use rushes_core::run::CancellationToken;
use rushes_core::{Error, ErrorKind, Result};
use rushes_ingest::container::DpxHeader;
use rushes_ingest::dng::{Compression, Header, Signature, TimeCode};
use rushes_ingest::recognise_file;

/// Why a frame cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    Empty,
    Truncated,
    Unreadable,
}

/// A frame's timecode.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Label {
    /// At a known rate.
    At(Timecode),
    /// Digits only: the rate is not known, or has no such label.
    Digits(TimeCode),
}

/// What was found out about a frame.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) frame: i64,
    pub(crate) path: PathBuf,
    pub(crate) len: u64,
    pub(crate) trouble: Option<(Trouble, String)>,
    /// How its header differs from the reference's.
    pub(crate) differs: Vec<String>,
    pub(crate) label: Option<Label>,
    /// Uncompressed: all files should have one size.
    pub(crate) plain: bool,
}

/// Threads at most, and the frames each should have at least.
const THREADS: usize = 8;
const SHARE: usize = 32;

/// Looks at every frame of `clip`, or at some when `cancel` fires. Gives the frame the others
/// were compared with.
///
/// # Errors
/// When a storage did not answer, which says nothing about a frame.
pub(crate) fn scan(clip: &Clip, cancel: &CancellationToken) -> Result<(Vec<Seen>, Option<i64>)> {
    let files: Vec<(i64, PathBuf)> = match &clip.media {
        ClipMedia::Sequence(s) => s.frames().map(|f| (f, s.path(f))).collect(),
        ClipMedia::Files(files) if one_frame(clip.format) => (0i64..).zip(files.iter().cloned()).collect(),
        ClipMedia::Files(_) => Vec::new(),
    };
    let rate = clip.metadata.rate.as_ref().map(|r| r.value);
    // What a storage could not say now is no fault of the file.
    let passing = Mutex::new(None);
    let look = |(frame, path): &(i64, PathBuf)| look(clip.format, *frame, path, rate, &passing);
    // The first good frame is what the others are compared with: its signature is kept, theirs
    // are not, for a table of linearization in each of 20,000 frames would fill the memory.
    let reference = files.iter().map(look).find(|(s, _)| s.trouble.is_none());
    let Some((first, kind)) = reference else {
        let seen = files.iter().map(|f| look(f).0).collect();
        return passed(passing, (seen, None));
    };
    let share = files.len().div_ceil(THREADS).max(SHARE);
    let work = |files: &[(i64, PathBuf)]| -> Vec<Seen> {
        let compare = |f| {
            let (mut seen, other) = look(f);
            if seen.trouble.is_none() {
                seen.differs = kind.difference(&other);
            }
            seen
        };
        files.iter().take_while(|_| !cancel.is_cancelled()).map(compare).collect()
    };
    let mut seen: Vec<Seen> = std::thread::scope(|scope| {
        let handles: Vec<_> = files.chunks(share).map(|part| scope.spawn(move || work(part))).collect();
        // A panic in a thread is a bug here and goes on as one.
        handles.into_iter().flat_map(|h| h.join().unwrap_or_else(|p| std::panic::resume_unwind(p))).collect()
    });
    if clip.format == ClipFormat::Arriraw {
        shorter(&mut seen);
    }
    passed(passing, (seen, Some(first.frame)))
}

fn passed<T>(passing: Mutex<Option<Error>>, found: T) -> Result<T> {
    passing.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(found), Err)
}

fn one_frame(format: ClipFormat) -> bool {
    use ClipFormat as F;
    matches!(format, F::CinemaDng | F::Dng | F::Gpr | F::Arriraw | F::Dpx | F::Exr | F::StillRaw | F::Still)
}

/// What must not change inside a clip.
enum Kind {
    Dng(Box<Signature>),
    Words(String),
    Nothing,
}

impl Kind {
    fn difference(&self, other: &Self) -> Vec<String> {
        match (self, other) {
            (Self::Dng(a), Self::Dng(b)) => a.describe_difference(b),
            (Self::Words(a), Self::Words(b)) if a != b => vec![format!("{a} became {b}")],
            _ => Vec::new(),
        }
    }
}

fn look(
    format: ClipFormat,
    frame: i64,
    path: &Path,
    rate: Option<Rate>,
    passing: &Mutex<Option<Error>>,
) -> (Seen, Kind) {
    let mut seen =
        Seen { frame, path: path.to_owned(), len: 0, trouble: None, differs: Vec::new(), label: None, plain: false };
    let kind = match rushes_core::storage::stat(path) {
        Ok(file) => {
            seen.len = file.bytes;
            match format {
                _ if file.bytes == 0 => Err((Trouble::Empty, bad("the file has no bytes"))),
                ClipFormat::CinemaDng | ClipFormat::Dng => dng(&mut seen, path, rate),
                ClipFormat::Dpx => dpx(&mut seen, path),
                _ => other(path, format),
            }
        }
        Err(e) => Err(unreadable(e)),
    };
    match kind {
        Ok(kind) => (seen, kind),
        Err((trouble, e)) => {
            let text = e.detail().to_owned();
            if e.is_retryable() {
                passing.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(e.path(path));
            }
            seen.trouble = Some((trouble, text));
            (seen, Kind::Nothing)
        }
    }
}

type Look = Result<Kind, (Trouble, Error)>;

fn dng(seen: &mut Seen, path: &Path, rate: Option<Rate>) -> Look {
    let header = Header::read(path).map_err(unreadable)?;
    header.check_complete(seen.len).map_err(truncated)?;
    let rate = rate.or(header.shot.rate.as_ref().map(|r| r.value));
    seen.label = rate
        .and_then(|r| header.timecode(r))
        .map(Label::At)
        .or_else(|| header.shot.time_code.as_ref().map(|t| Label::Digits(t.value)));
    seen.plain = header.picture.compression == Compression::None;
    Ok(Kind::Dng(Box::new(header.signature())))
}

fn dpx(seen: &mut Seen, path: &Path) -> Look {
    let header = DpxHeader::read(path).map_err(unreadable)?;
    header.check_complete().map_err(truncated)?;
    seen.label = header.facts.timecode.as_ref().map(|t| Label::At(t.value));
    seen.plain = header.needed.is_some();
    Ok(Kind::Words(header.layout))
}

/// A file of which no more is known than what it begins with.
fn other(path: &Path, format: ClipFormat) -> Look {
    match recognise_file(path) {
        Ok(Some(r)) if r.format == format => Ok(Kind::Nothing),
        Ok(Some(r)) => Err((Trouble::Unreadable, bad(format!("its content is {}", r.detail)))),
        Ok(None) => Err((Trouble::Unreadable, bad("its content is nothing known"))),
        Err(e) => Err(unreadable(e)),
    }
}

fn bad(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadMedia, detail)
}

fn unreadable(e: Error) -> (Trouble, Error) {
    (Trouble::Unreadable, e)
}

fn truncated(e: Error) -> (Trouble, Error) {
    match e.kind() {
        ErrorKind::BadMedia => (Trouble::Truncated, e),
        _ => unreadable(e),
    }
}

/// The length most of the files have.
pub(crate) fn usual_length<'a>(seen: impl Iterator<Item = &'a Seen>) -> Option<u64> {
    let mut count: HashMap<u64, usize> = HashMap::new();
    seen.for_each(|s| *count.entry(s.len).or_default() += 1);
    count.into_iter().max_by_key(|&(len, n)| (n, len)).map(|c| c.0)
}

/// Frames of a constant size that are shorter than most are cut.
fn shorter(seen: &mut [Seen]) {
    let Some(usual) = usual_length(seen.iter()) else { return };
    for s in seen.iter_mut().filter(|s| s.trouble.is_none() && s.len < usual) {
        let text = format!("the file has {} bytes and the others have {usual}", s.len);
        s.trouble = Some((Trouble::Truncated, text));
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;
    use std::sync::Arc;

    use rushes_core::media::{FileSequence, FrameRange};
    use rushes_core::storage::{Body, Entry, Memory, Put, Stat, Storage, When, register};

    use super::*;

    /// Says what there is, and gives nothing.
    #[derive(Debug, Default)]
    struct Silent(Memory);

    impl Storage for Silent {
        fn stat(&self, uri: &str) -> Result<Stat> {
            self.0.stat(uri)
        }

        fn list(&self, folder: &str, most: usize) -> Result<Vec<Entry>> {
            self.0.list(folder, most)
        }

        fn read(&self, uri: &str, _: Range<u64>, _: Option<&str>) -> Result<(Stat, Vec<u8>)> {
            Err(Error::new(ErrorKind::Io, "there was no answer").path(uri).retryable())
        }

        fn put(&self, uri: &str, body: Body<'_>, when: When) -> Result<Put> {
            self.0.put(uri, body, when)
        }

        fn remove(&self, uri: &str) -> Result<()> {
            self.0.remove(uri)
        }
    }

    #[test]
    fn a_storage_that_does_not_answer_is_no_damaged_frame() {
        let storage = Arc::new(Silent::default());
        register("silent", Arc::clone(&storage) as Arc<dyn Storage>);
        let media = || {
            ClipMedia::Sequence(FileSequence {
                folder: "silent://b".into(),
                prefix: "A_".into(),
                padding: 1,
                suffix: ".dng".into(),
                present: vec![FrameRange { first: 1, last: 1 }],
            })
        };
        for format in [ClipFormat::CinemaDng, ClipFormat::Dpx, ClipFormat::Exr] {
            storage.put("silent://b/A_1.dng", Body::Bytes(b"frame"), When::Always).unwrap();
            let clip = Clip::new("A", format, media());
            let e = scan(&clip, &CancellationToken::new()).unwrap_err();
            assert!(e.is_retryable() && e.to_string().contains("silent://b/A_1.dng"), "{e}");
        }
        // One that is not there is missing for good.
        storage.remove("silent://b/A_1.dng").unwrap();
        let clip = Clip::new("A", ClipFormat::CinemaDng, media());
        let (seen, _) = scan(&clip, &CancellationToken::new()).unwrap();
        assert_eq!(seen[0].trouble.as_ref().map(|t| t.0), Some(Trouble::Unreadable));
    }
}
