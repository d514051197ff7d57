//! Units that are refused before anything is opened.

use std::collections::BTreeSet;
use std::path::Path;

use rushes_core::media::ClipMedia;
use rushes_core::plan::{Tree, Unit};
use rushes_core::{Error, ErrorKind, Result};

pub(crate) fn refuse_existing(tree: &Tree, unit: &Unit) -> Result<()> {
    let mut there: BTreeSet<String> = BTreeSet::new();
    for (node, sink) in tree.sinks() {
        let paths = unit.to_make(node).into_iter().flat_map(|r| sink.outputs(&unit.clip, r));
        there.extend(paths.filter(|path| unit.out.join(path).exists()));
    }
    let Some(first) = there.first() else { return Ok(()) };
    let more = if there.len() > 1 { format!(" and {} more", there.len() - 1) } else { String::new() };
    Err(Error::new(ErrorKind::AlreadyExists, format!("the output exists already{more}"))
        .path(unit.out.join(first))
        .advice("choose another folder, or allow outputs to be replaced"))
}

/// Outputs among the frames of a clip would be taken for media by the next look at the card.
pub(crate) fn refuse_writing_among_originals(unit: &Unit) -> Result<()> {
    let ClipMedia::Sequence(frames) = &unit.clip.media else { return Ok(()) };
    let real = |p: &Path| p.ancestors().find_map(|a| Some(a.canonicalize().ok()?.join(p.strip_prefix(a).ok()?)));
    let (Some(out), Some(folder)) = (std::path::absolute(&unit.out).ok().and_then(|p| real(&p)), real(frames.folder()))
    else {
        return Ok(());
    };
    if unit.clip.range.is_some_and(|r| r.len() > 1) && out.starts_with(&folder) {
        return Err(Error::new(ErrorKind::Invalid, "the output folder lies among the clip's own files")
            .path(&unit.out)
            .advice("choose a folder elsewhere: nothing is ever written to camera originals"));
    }
    Ok(())
}
