//! One error type: what was being done, to what, what is wrong, and what to do next.

use std::fmt;
use std::path::{Path, PathBuf};

/// The result of everything in Rushes that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What an error means to the caller. The list is open: match with a wildcard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// A path that does not exist.
    NotFound,
    /// An output that exists already and may not be replaced.
    AlreadyExists,
    /// Something that somebody else is using; later it may be free.
    InUse,
    /// The operating system refused: permission, full disk, broken device.
    Io,
    /// Media that contradicts itself, ends early or is damaged.
    BadMedia,
    /// Media or a parameter that is understood but not handled here.
    Unsupported,
    /// A parameter, workflow or unit that makes no sense as written.
    Invalid,
    /// A fact without which no honest picture can be made (white point, matrix, levels).
    MissingFact,
    /// The memory budget is too small for the work.
    Budget,
    /// The work was cancelled.
    Cancelled,
    /// A stage or a foreign library panicked; the rest of the process goes on.
    Panicked,
}

/// Runs foreign code: a panic in it becomes an error of kind [`ErrorKind::Panicked`] that says
/// who panicked and with what words.
///
/// # Errors
/// Those of `work`, and its panic.
pub fn guarded<T>(who: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        Err(Error::new(ErrorKind::Panicked, format!("{who} panicked: {}", panic_message(panic.as_ref())))
            .advice("this is a bug: report it with the file"))
    })
}

/// The words of a panic.
pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(s), _) => s,
        (_, Some(s)) => s,
        _ => "no message",
    }
}

/// An error for people: `doing` to `subject`: `detail`; `advice`.
///
/// ```
/// use rushes_core::{Error, ErrorKind};
/// let e = Error::new(ErrorKind::BadMedia, "the strip ends at byte 200 of 4096")
///     .doing("decoding a frame").path("A001_000012.dng").frame(12)
///     .advice("copy the card again");
/// assert_eq!(
///     e.to_string(),
///     "decoding a frame: A001_000012.dng, frame 12: the strip ends at byte 200 of 4096; copy the card again"
/// );
/// ```
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    detail: String,
    doing: Option<String>,
    path: Option<PathBuf>,
    clip: Option<String>,
    frame: Option<i64>,
    advice: Option<String>,
    retryable: bool,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind`; `detail` is a lower-case fragment that says what is wrong.
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            detail: detail.into(),
            doing: None,
            path: None,
            clip: None,
            frame: None,
            advice: None,
            retryable: false,
            source: None,
        }))
    }

    /// The operating system's error on `path`, with the meaning and advice its kind suggests. One that a reader made
    /// of an [`Error`] is that error again.
    pub fn io(path: impl AsRef<Path>, source: std::io::Error) -> Self {
        let source = match source.downcast::<Self>() {
            Ok(e) => return e.path(path),
            Err(source) => source,
        };
        use std::io::ErrorKind as K;
        let (kind, advice, retryable) = match source.kind() {
            K::NotFound => (ErrorKind::NotFound, Some("check the path"), false),
            K::AlreadyExists => (ErrorKind::AlreadyExists, None, false),
            K::PermissionDenied => (ErrorKind::Io, Some("check who may read or write it"), false),
            K::StorageFull => (ErrorKind::Io, Some("free space on the destination and run again"), false),
            K::Interrupted | K::TimedOut | K::WouldBlock | K::ResourceBusy => (ErrorKind::Io, None, true),
            _ => (ErrorKind::Io, None, false),
        };
        let mut e = Self::new(kind, source.to_string()).path(path.as_ref());
        e.0.advice = advice.map(str::to_owned);
        e.0.retryable = retryable;
        e.0.source = Some(Box::new(source));
        e
    }

    /// What was being done: "decoding a frame", "reading the workflow".
    pub fn doing(mut self, doing: impl Into<String>) -> Self {
        self.0.doing.get_or_insert(doing.into());
        self
    }

    /// The file concerned; the innermost caller wins.
    pub fn path(mut self, path: impl AsRef<Path>) -> Self {
        self.0.path.get_or_insert_with(|| path.as_ref().to_owned());
        self
    }

    /// The clip concerned.
    pub fn clip(mut self, clip: impl Into<String>) -> Self {
        self.0.clip.get_or_insert(clip.into());
        self
    }

    /// The frame concerned, numbered as in the file sequence.
    pub fn frame(mut self, frame: i64) -> Self {
        self.0.frame.get_or_insert(frame);
        self
    }

    /// What to do next.
    pub fn advice(mut self, advice: impl Into<String>) -> Self {
        self.0.advice.get_or_insert(advice.into());
        self
    }

    /// Marks an error that may vanish when the same work is tried again.
    pub fn retryable(mut self) -> Self {
        self.0.retryable = true;
        self
    }

    /// The error underneath.
    pub fn source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source.get_or_insert(source.into());
        self
    }

    /// What the error means.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What is wrong, without the context.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The file concerned, if one is known.
    pub fn path_ref(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The frame concerned, if one is known.
    pub fn frame_number(&self) -> Option<i64> {
        self.0.frame
    }

    /// True when the same work may succeed if it is tried again.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }
}

/// Text that came from files, for a terminal or a log: characters that move the cursor, break the
/// line or turn the reading direction are shown and not obeyed.
///
/// ```
/// assert_eq!(rushes_core::error::Plain("A001\x1b[2J\n").to_string(), "A001\\u{1b}[2J\\n");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Plain<'a>(pub &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        self.0.chars().try_for_each(|c| {
            let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if c.is_control() || turns { write!(f, "{}", c.escape_default()) } else { f.write_char(c) }
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let e = &*self.0;
        if let Some(doing) = &e.doing {
            write!(f, "{doing}: ")?;
        }
        let mut subject = Vec::new();
        if let Some(clip) = &e.clip {
            subject.push(format!("clip {}", Plain(clip)));
        }
        if let Some(path) = &e.path {
            subject.push(Plain(&path.to_string_lossy()).to_string());
        }
        if let Some(frame) = e.frame {
            subject.push(format!("frame {frame}"));
        }
        if !subject.is_empty() {
            write!(f, "{}: ", subject.join(", "))?;
        }
        // A workflow file's error draws the line it is about.
        let mut lines = e.detail.split('\n').map(Plain);
        if let Some(first) = lines.next() {
            write!(f, "{first}")?;
        }
        lines.try_for_each(|line| write!(f, "\n{line}"))?;
        if let Some(advice) = &e.advice {
            write!(f, "; {advice}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|e| e as _)
    }
}
