//! Reads the header of every frame of a clip.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rushes_core::media::{Clip, ClipFormat, ClipMedia, Rate, Timecode};
use rushes_core::run::CancellationToken;
use rushes_core::{Error, ErrorKind};
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
pub(crate) fn scan(clip: &Clip, cancel: &CancellationToken) -> (Vec<Seen>, Option<i64>) {
    let files: Vec<(i64, PathBuf)> = match &clip.media {
        ClipMedia::Sequence(s) => s.frames().map(|f| (f, s.path(f))).collect(),
        ClipMedia::Files(files) if one_frame(clip.format) => (0i64..).zip(files.iter().cloned()).collect(),
        ClipMedia::Files(_) => Vec::new(),
    };
    let rate = clip.metadata.rate.as_ref().map(|r| r.value);
    let look = |(frame, path): &(i64, PathBuf)| look(clip.format, *frame, path, rate);
    // The first good frame is what the others are compared with: its signature is kept, theirs
    // are not, for a table of linearization in each of 20,000 frames would fill the memory.
    let reference = files.iter().map(look).find(|(s, _)| s.trouble.is_none());
    let Some((first, kind)) = reference else {
        return (files.iter().map(|f| look(f).0).collect(), None);
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
    (seen, Some(first.frame))
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

fn look(format: ClipFormat, frame: i64, path: &Path, rate: Option<Rate>) -> (Seen, Kind) {
    let mut seen =
        Seen { frame, path: path.to_owned(), len: 0, trouble: None, differs: Vec::new(), label: None, plain: false };
    let kind = match std::fs::metadata(path) {
        Ok(meta) => {
            seen.len = meta.len();
            match format {
                _ if meta.len() == 0 => Err((Trouble::Empty, "the file has no bytes".to_owned())),
                ClipFormat::CinemaDng | ClipFormat::Dng => dng(&mut seen, path, rate),
                ClipFormat::Dpx => dpx(&mut seen, path),
                _ => other(path, format),
            }
        }
        Err(e) => Err((Trouble::Unreadable, e.to_string())),
    };
    match kind {
        Ok(kind) => (seen, kind),
        Err(trouble) => {
            seen.trouble = Some(trouble);
            (seen, Kind::Nothing)
        }
    }
}

type Look = Result<Kind, (Trouble, String)>;

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
        Ok(Some(r)) => Err((Trouble::Unreadable, format!("its content is {}", r.detail))),
        Ok(None) => Err((Trouble::Unreadable, "its content is nothing known".to_owned())),
        Err(e) => Err(unreadable(e)),
    }
}

fn unreadable(e: Error) -> (Trouble, String) {
    (Trouble::Unreadable, e.detail().to_owned())
}

fn truncated(e: Error) -> (Trouble, String) {
    match e.kind() {
        ErrorKind::BadMedia => (Trouble::Truncated, e.detail().to_owned()),
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
