//! Camera files compared with what the card's ASC MHL history says of them: their digests were
//! computed while the run read them, so this reads nothing again.

use std::path::Path;

use rushes_core::media::Finding;
use rushes_core::storage::is_uri;
use rushes_custody::hash::Algorithm;
use rushes_custody::mhl::Histories;
use rushes_custody::offload::CardPath;

use crate::manifest::InputFile;

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Originals {
    /// Files that are what the history says.
    pub(crate) same: u64,
    /// Files that are not.
    pub(crate) changed: u64,
    /// Files that the history does not know by a digest that the run computes.
    pub(crate) unknown: u64,
    pub(crate) findings: Vec<Finding>,
}

/// `None` where the card has no history.
pub(crate) fn compare(card: &Path, inputs: &[InputFile]) -> Option<Originals> {
    // A history is of files on a disk.
    if is_uri(card) || !card.join(rushes_custody::mhl::FOLDER).is_dir() {
        return None;
    }
    let histories = Histories::open(card).ok().filter(Histories::exists)?;
    let known = histories.sums();
    let mut came = Originals { findings: histories.findings, ..Originals::default() };
    for input in inputs {
        let path = input.path.strip_prefix(card).ok().and_then(CardPath::new);
        let then = path.as_ref().and_then(|p| known.get(p)?.get(Algorithm::Xxh64));
        match then.map(|t| t.digest() == input.digest) {
            Some(true) => came.same += 1,
            Some(false) => {
                came.changed += 1;
                let text = format!(
                    "it is not what the card's history says: {} now; copy it again from where it is whole",
                    input.digest
                );
                came.findings.push(Finding::error("hash-mismatch", text).path(&input.path));
            }
            None => came.unknown += 1,
        }
    }
    Some(came)
}
