//! What is said of frames that cannot be made.

use rushes_core::media::FileSequence;
use rushes_core::run::BadFrame;
use rushes_core::{Error, Result};

/// A frame that is lost for itself alone.
pub(crate) fn bad_frame(frame: i64, e: Error) -> BadFrame {
    BadFrame { frame, kind: e.kind(), why: e.frame(frame).to_string() }
}

/// The error of a unit with frames that cannot be decoded.
pub(crate) fn bad_frames(bad: &[BadFrame]) -> Result<()> {
    let Some(first) = bad.first() else { return Ok(()) };
    let more = match bad.len() {
        1 => String::new(),
        n => format!(" (and {} more frames cannot be decoded: {})", n - 1, ranges(&bad[1..])),
    };
    Err(Error::new(first.kind, format!("{}{more}", first.why)))
}

fn ranges(bad: &[BadFrame]) -> String {
    let ranges = FileSequence::ranges_of(bad.iter().map(|b| b.frame).collect());
    let mut said: Vec<String> = ranges.iter().take(8).map(ToString::to_string).collect();
    said.extend((ranges.len() > 8).then(|| "...".to_owned()));
    said.join(", ")
}
