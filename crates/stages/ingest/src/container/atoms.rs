//! Atoms of QuickTime and boxes of ISO base media (ISO/IEC 14496-12, 4.2).

use std::io::{Read, Result, Seek};
use std::ops::Range;

use crate::input::{Input, be_u32, be_u64};

/// Atoms in one level at most; the largest recordings have a few dozen.
const MAX_ATOMS: usize = 4096;

/// One atom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Atom {
    pub(super) kind: [u8; 4],
    /// Where its contents lie, cut to its parent.
    pub(super) body: Range<u64>,
}

/// The atoms that lie side by side in `within`.
pub(super) fn children<R: Read + Seek>(input: &mut Input<R>, within: Range<u64>) -> Result<Vec<Atom>> {
    let mut out = Vec::new();
    let mut at = within.start;
    while at < within.end && out.len() < MAX_ATOMS {
        let head = input.upto(at, 16)?;
        let (Some(size), Some(kind)) = (be_u32(head, 0), head.get(4..8)) else { break };
        let kind = [kind[0], kind[1], kind[2], kind[3]];
        let (header, size) = match size {
            // To the end of the file.
            0 => (8, within.end - at),
            1 => match be_u64(head, 8) {
                Some(size) => (16, size),
                None => break,
            },
            n => (8, u64::from(n)),
        };
        if size < header {
            break;
        }
        let end = at.saturating_add(size).min(within.end);
        out.push(Atom { kind, body: (at + header).min(end)..end });
        at = end;
    }
    Ok(out)
}

/// The first atom of `kind` in `within`.
pub(super) fn child<R: Read + Seek>(
    input: &mut Input<R>,
    within: Range<u64>,
    kind: &[u8; 4],
) -> Result<Option<Range<u64>>> {
    Ok(children(input, within)?.into_iter().find(|a| a.kind == *kind).map(|a| a.body))
}

/// The atom at the end of a path of first atoms.
pub(super) fn descend<R: Read + Seek>(
    input: &mut Input<R>,
    mut within: Range<u64>,
    path: &[&[u8; 4]],
) -> Result<Option<Range<u64>>> {
    for kind in path {
        match child(input, within, kind)? {
            Some(body) => within = body,
            None => return Ok(None),
        }
    }
    Ok(Some(within))
}
