//! The files of a card at a URI: bounded in the same ways. There are no links there.

use std::path::Path;

use rushes_core::media::Finding;
use rushes_core::storage::{list, stat};
use rushes_core::{Error, ErrorKind, Result};

use super::walk::{Found, Walk, ignored};
use crate::Ingest;

/// Lists the files below `root`, or `root` itself when it is a file.
pub(super) fn walk(root: &Path, limits: &Ingest) -> Result<Walk> {
    let mut out = Walk::default();
    let entries = list(root, limits.max_files.saturating_add(1))?;
    if entries.is_empty() {
        let file = stat(root).map_err(|e| match e.kind() {
            ErrorKind::NotFound => Error::new(ErrorKind::NotFound, "there is nothing at this URI")
                .path(root)
                .advice("check the bucket and the path"),
            _ => e,
        })?;
        out.files.push(Found::new(root.to_owned(), file.bytes));
        return Ok(out);
    }
    folder(&mut out, root, entries, 0, limits);
    Ok(out)
}

fn folder(
    out: &mut Walk,
    folder_path: &Path,
    entries: Vec<rushes_core::storage::Entry>,
    depth: usize,
    limits: &Ingest,
) {
    let mut below = Vec::new();
    for entry in entries {
        let path = folder_path.join(&entry.name);
        if ignored(&entry.name) {
            out.ignored.push(path);
        } else if entry.folder {
            below.push(path);
        } else if out.files.len() >= limits.max_files {
            return out.full(limits);
        } else {
            out.files.push(Found::new(path, entry.bytes));
        }
    }
    for path in below {
        if depth >= limits.max_depth {
            let text = format!("folders are entered {} deep; raise max_depth, or start further down", limits.max_depth);
            out.findings.push(Finding::warning("folder-too-deep", text).path(&path));
            out.ignored.push(path);
            continue;
        }
        let room = limits.max_files.saturating_sub(out.files.len()).saturating_add(1);
        match list(&path, room) {
            Ok(entries) => folder(out, &path, entries, depth + 1, limits),
            Err(e) => {
                let text = format!("its files were not looked at: {e}; check who may read it");
                out.findings.push(Finding::error("folder-unreadable", text).path(&path));
            }
        }
        if out.files.len() >= limits.max_files {
            return out.full(limits);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rushes_core::deliver::write_whole;
    use rushes_core::storage::{Memory, register};

    use super::*;

    #[test]
    fn a_card_at_a_uri_is_walked_within_the_same_bounds() {
        register("walked", Arc::new(Memory::new()));
        let root = Path::new("walked://b/card");
        for key in ["A/1.dng", "A/2.dng", "A/deep/er/3.dng", ".Trashes/x", "note.txt"] {
            write_whole(&root.join(key), false, key.as_bytes()).unwrap();
        }
        let names = |limits: &Ingest| {
            let walk = walk(root, limits).unwrap();
            (walk.files.iter().map(|f| f.name.clone()).collect::<Vec<_>>(), walk.findings.len(), walk.ignored.len())
        };
        let all = ["note.txt", "1.dng", "2.dng", "3.dng"].map(str::to_owned).to_vec();
        assert_eq!(names(&Ingest::default()), (all.clone(), 0, 1));
        assert_eq!(names(&Ingest { max_depth: 2, ..Ingest::default() }), (all[..3].to_vec(), 1, 2));
        assert_eq!(names(&Ingest { max_files: 2, ..Ingest::default() }).0, all[..2]);
        let one = super::walk(&root.join("A/1.dng"), &Ingest::default()).unwrap();
        assert_eq!((one.files.len(), one.files[0].len), (1, 7));
        let e = super::walk(Path::new("walked://b/nothing"), &Ingest::default()).unwrap_err();
        assert!(e.kind() == ErrorKind::NotFound && e.to_string().contains("nothing at this URI"), "{e}");
    }
}
