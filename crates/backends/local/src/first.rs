//! A unit's first frame, before any is decoded.

use rushes_core::error::guarded;
use rushes_core::frame::FrameFormat;
use rushes_core::graph::Registry;
use rushes_core::media::ClipMedia;
use rushes_core::plan::{PreparedTree, Tree, Unit};
use rushes_core::stage::ClipReader;
use rushes_core::{Error, ErrorKind, Result};

/// The tree of `unit`, readied for its first frame that can be read. Reads that frame's header, and writes nothing.
///
/// # Errors
/// When the unit cannot be run here: a stage is not registered or misses a fact, the clip does not open, or its source
/// only says of frames what they are and decodes none of them.
pub fn first_tree(registry: &Registry, unit: &Unit) -> Result<PreparedTree> {
    guarded("a stage of the unit", || {
        let tree = Tree::make(&unit.tree, registry)?;
        tree.source().accepts(&unit.clip)?;
        if !tree.source().decodes_here(&unit.clip) {
            return Err(Error::new(ErrorKind::Unsupported, "frames of this clip are not decoded on this machine")
                .clip(&unit.clip.name)
                .advice("use the executor that decodes them"));
        }
        let reader = tree.source().open(&unit.clip)?;
        let first = first_format(unit, reader.as_ref())?;
        tree.prepare(&first, |n| !unit.to_make(n).is_empty())
    })
}

/// The format of the unit's first readable frame.
pub(crate) fn first_format(unit: &Unit, reader: &dyn ClipReader) -> Result<FrameFormat> {
    let readable = |f: &i64| unit.clip.stand_in(*f).is_none();
    let frame = unit.range.iter().find(readable).or_else(|| match &unit.clip.media {
        // Every frame of the unit is replaced: take the size from one of those that stand in.
        ClipMedia::Sequence(s) => s.frames().find(readable),
        ClipMedia::Files(_) => None,
    });
    let frame = frame.ok_or_else(|| Error::new(ErrorKind::BadMedia, "no frame of the unit can be read"))?;
    reader.format(frame)
}
