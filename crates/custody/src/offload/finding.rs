//! Findings on files of a card.

use std::path::{Path, PathBuf};

use rushes_core::media::Finding;

/// Names the file. Findings are written as JSON, so a name that is not Unicode is shown with
/// replacements.
pub(super) fn about(finding: Finding, path: impl AsRef<Path>) -> Finding {
    finding.path(PathBuf::from(path.as_ref().to_string_lossy().into_owned()))
}
