//! What a copy is known to be, and by what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What shows that a copy equals its original; each level includes what the ones before it show
/// of the destination.
///
/// A read-back does not read the *source* twice: an error that the card reader made in the one
/// read is copied faithfully. Ask for [`Offload::reread_source`](super::Offload::reread_source)
/// beside [`Evidence::ReadBack`] where that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// The digests are of the bytes that were read once and handed to the file system, which
    /// reported that they are stored (`fsync`).
    Streamed,
    /// As before, and the source was read a second time, from its device, with the same digests.
    SourceReread,
    /// The destination was read back from its device, cached pages dropped first, with the same
    /// digests.
    ReadBack,
}

impl std::fmt::Display for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Streamed => "streamed",
            Self::SourceReread => "source re-read",
            Self::ReadBack => "read back",
        })
    }
}

/// What is done about names that this destination takes and another file system would not:
/// reserved on Windows, different only in case or in how accents are composed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Portability {
    /// Nothing.
    Ignore,
    /// A finding that warns.
    #[default]
    Warn,
    /// An error; nothing is copied.
    Refuse,
}
