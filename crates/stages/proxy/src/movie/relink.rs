//! The check before delivery: would an editor's system find the original by this movie?

use rushes_core::media::Rate;
use rushes_core::{Error, ErrorKind, Result};

use super::facts::MovieFacts;
use super::mov::Found;

/// Compares what was read back with what was asked.
///
/// `codec` is compared when it is known; labels, rate, reel, size, frame count and colour tags
/// always are.
///
/// # Errors
/// Names everything that differs.
pub(super) fn check(asked: &MovieFacts, codec: Option<&[u8; 4]>, found: &Found) -> Result<()> {
    let mut differences = Vec::new();
    let mut compare = |what: &str, asked: String, found: String| {
        if asked != found {
            differences.push(format!("{what} is {found} instead of {asked}"));
        }
    };
    if let Some(codec) = codec {
        compare("the codec", codec.escape_ascii().to_string(), found.codec.escape_ascii().to_string());
    }
    compare("the size", format!("{}x{}", asked.width, asked.height), format!("{}x{}", found.width, found.height));
    compare("the number of frames", asked.frames.to_string(), found.frames.to_string());
    compare("the rate", asked.rate.to_string(), or_none(found.rate));
    compare("the start timecode", or_none(asked.timecode), or_none(found.timecode));
    compare("the timecode's rate", or_none(asked.timecode.map(|t| t.rate())), or_none(timecode_rate(found)));
    // The reel is the timecode track's: without one there is nowhere to look.
    if asked.timecode.is_some() {
        compare("the reel", or_none(asked.reel.as_ref()), or_none(found.reel.as_ref()));
    }
    let tags = |[p, t, m]: [u16; 3]| format!("{p}/{t}/{m}");
    compare("the colour tags", tags(asked.coding.codes().map(u16::from)), or_none(found.color.map(tags)));
    if differences.is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::BadMedia, format!("the movie would not relink: {}", differences.join(", ")))
        .doing("checking the written movie")
        .clip(&asked.clip))
}

fn timecode_rate(found: &Found) -> Option<Rate> {
    found.timecode.map(|t| t.rate())
}

fn or_none(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "none".into(), |v| v.to_string())
}
