//! A unit as renders: which deliverables, which frames, and the names their files get at the end.

use rushes_core::media::{FileSequence, FrameRange};
use rushes_core::plan::{Tree, Unit};

use super::recipe::{Output, Recipe};

/// Outputs that have the same frames: one render.
#[derive(Debug, Clone)]
pub(crate) struct Render {
    /// The frames, numbered as in the clip, in order.
    pub(crate) frames: Vec<FrameRange>,
    pub(crate) outputs: Vec<Output>,
}

/// The renders of a unit: outputs with equal frames go together.
pub(crate) fn renders(unit: &Unit, tree: &Tree, recipe: &Recipe) -> Vec<Render> {
    let mut renders: Vec<Render> = Vec::new();
    for output in &recipe.outputs {
        let frames = frames(unit, tree, output.node);
        if frames.is_empty() {
            continue;
        }
        match renders.iter_mut().find(|r| r.frames == frames) {
            Some(render) => render.outputs.push(output.clone()),
            None => renders.push(Render { frames, outputs: vec![output.clone()] }),
        }
    }
    renders
}

/// The frames of the sink at `node` that are to be made.
fn frames(unit: &Unit, tree: &Tree, node: usize) -> Vec<FrameRange> {
    let Some((_, sink)) = tree.sinks().find(|(n, _)| *n == node) else { return Vec::new() };
    let to_make = unit.to_make(node);
    let wanted = to_make.iter().flat_map(|r| r.iter()).filter(|f| sink.wants(&unit.clip, unit.range, *f));
    FileSequence::ranges_of(wanted.collect())
}

/// The files that an output of a render gives, below the output folder, with the frames each holds.
pub(crate) fn files(unit: &Unit, tree: &Tree, render: &Render, output: &Output) -> Vec<(String, FrameRange)> {
    let Some((_, sink)) = tree.sinks().find(|(n, _)| *n == output.node) else { return Vec::new() };
    if sink.whole_clip() {
        let whole = sink.outputs(&unit.clip, unit.range).into_iter();
        return whole.map(|path| (path, unit.range)).collect();
    }
    let each = render.frames.iter().flat_map(|r| r.iter());
    each.flat_map(|f| {
        let range = FrameRange { first: f, last: f };
        sink.outputs(&unit.clip, range).into_iter().map(move |path| (path, range))
    })
    .collect()
}
