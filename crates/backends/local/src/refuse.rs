//! Units that are refused before anything is opened.

use std::collections::BTreeSet;

use rushes_core::plan::{Tree, Unit};
use rushes_core::storage::Presence;
use rushes_core::{Error, ErrorKind, Result};

pub(crate) fn refuse_existing(tree: &Tree, unit: &Unit) -> Result<()> {
    let mut presence = Presence::new(&unit.out);
    let mut there: BTreeSet<String> = BTreeSet::new();
    for (node, sink) in tree.sinks() {
        for path in unit.to_make(node).into_iter().flat_map(|r| sink.outputs(&unit.clip, r)) {
            if presence.has(&path)? {
                there.insert(path);
            }
        }
    }
    let Some(first) = there.first() else { return Ok(()) };
    let more = if there.len() > 1 { format!(" and {} more", there.len() - 1) } else { String::new() };
    Err(Error::new(ErrorKind::AlreadyExists, format!("the output exists already{more}"))
        .path(unit.out.join(first))
        .advice("choose another folder, or allow outputs to be replaced (`--overwrite`)"))
}
