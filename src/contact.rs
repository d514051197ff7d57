//! Pictures for the contact sheet of clips of which a run made none: the first, the middle and the
//! last frame through the output transform, small.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rushes_core::error::guarded;
use rushes_core::frame::ImageState;
use rushes_core::graph::{AnyStage, Registry};
use rushes_core::media::{ColorSpace, StandIn};
use rushes_core::plan::{Unit, UnitNode};
use rushes_core::run::CancellationToken;
use rushes_core::{Error, ErrorKind, Result};
use rushes_proxy::{PngEncoding, write_png_frame};
use rushes_report::Still;
use serde_json::json;

use crate::frame_at::whole;

/// Pixels that a picture fits into.
const SIZE: usize = 768;

/// Three pictures of each clip, written into `folder`, in the order of `clips`; each clip is given
/// by its units. A frame that cannot be shown is left out: the run has said why.
pub(crate) fn pictures(
    clips: &[Vec<&Unit>],
    registry: &Registry,
    folder: &Path,
    cancel: &CancellationToken,
) -> Vec<Vec<Still>> {
    let made: Vec<Mutex<Vec<Still>>> = clips.iter().map(|_| Mutex::default()).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(units) = clips.get(i) else { return };
            for frame in frames(units) {
                if cancel.is_cancelled() {
                    return;
                }
                let path = folder.join(format!("{i}.{frame}.png"));
                let Some(unit) = units.iter().find(|u| u.range.contains(frame)) else { continue };
                let shown = guarded("a contact sheet", || show(unit, frame, registry, &path));
                match shown {
                    Ok(()) => {
                        if let Ok(mut stills) = made[i].lock() {
                            stills.push(Still { frame, path });
                        }
                    }
                    Err(e) => tracing::info!(clip = unit.clip.name, frame, "not on the contact sheet: {e}"),
                }
            }
        }
    };
    std::thread::scope(|scope| {
        // Whole frames are held, as floats: a few times what a unit needs of one. Orders may be finished where there is
        // little memory.
        let most = clips.iter().flatten().map(|u| u.bytes_per_frame.saturating_mul(4)).max().unwrap_or(1).max(1);
        let fit = usize::try_from(crate::job::half_of_memory() / most).unwrap_or(usize::MAX).max(1);
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(clips.len()).min(fit);
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    made.into_iter().map(|m| m.into_inner().unwrap_or_default()).collect()
}

/// First, middle and last, each once.
fn frames(units: &[&Unit]) -> Vec<i64> {
    let first = units.iter().map(|u| u.range.first).min();
    let last = units.iter().map(|u| u.range.last).max();
    let (Some(first), Some(last)) = (first, last) else { return Vec::new() };
    let mut frames = vec![first, first.midpoint(last), last];
    frames.dedup();
    frames
}

fn show(unit: &Unit, frame: i64, registry: &Registry, path: &Path) -> Result<()> {
    let from = match unit.clip.stand_in(frame) {
        Some(StandIn::Black) => return Err(Error::new(ErrorKind::NotFound, "black stands in for it")),
        Some(StandIn::Hold(held)) => held,
        None => frame,
    };
    let chain = chain(&unit.tree);
    let source = chain.first().ok_or_else(|| Error::new(ErrorKind::Invalid, "the unit has no stages"))?;
    let AnyStage::Source(source) = registry.make(&source.stage, source.params.clone())? else {
        return Err(Error::new(ErrorKind::Invalid, "the unit begins with no source"));
    };
    let decoded = source.open(&unit.clip)?.decode(from)?;
    let mut format = decoded.format();
    let mut samples = decoded.planes();
    let mut apply = |name: &str, params: serde_json::Value| -> Result<ImageState> {
        let AnyStage::Frame(stage) = registry.make(name, params)? else { return Ok(format.state) };
        if stage.input() == format.state {
            (samples, format) = whole(stage.as_ref(), &samples, &format)?;
        }
        Ok(format.state)
    };
    let mut state = ImageState::Mosaic;
    for node in &chain[1..] {
        // Half the size is more than enough, and takes a tenth of the time.
        let params = match node.stage.as_str() {
            "debayer" => json!({ "method": "superpixel" }),
            // Pages are read on any display.
            "output-transform" => json!({ "display": "rec709" }),
            _ => node.params.clone(),
        };
        state = apply(&node.stage, params)?;
        if state == ImageState::Display {
            break;
        }
    }
    if state == ImageState::SceneLinear {
        state = apply("output-transform", json!({}))?;
    }
    if state != ImageState::Display {
        return Err(Error::new(ErrorKind::Unsupported, format!("it ends {state}, which no display shows")));
    }
    apply("scale", json!({ "state": "display", "to": { "fit": { "width": SIZE, "height": SIZE } } }))?;
    write_png_frame(path, samples.view(), PngEncoding::Display(ColorSpace::Rec709Display), true).map(drop)
}

/// The stages from the source to a sink: one behind an output transform if there is any.
fn chain(tree: &[UnitNode]) -> Vec<&UnitNode> {
    let to_root = |leaf: usize| {
        let mut nodes = Vec::new();
        let mut at = Some(leaf);
        while let Some(node) = at.and_then(|i| tree.get(i)) {
            nodes.push(node);
            at = node.from.filter(|from| *from < tree.len() && nodes.len() <= tree.len());
        }
        nodes.reverse();
        nodes
    };
    let leaves = (0..tree.len()).filter(|i| tree.iter().all(|n| n.from != Some(*i)));
    let chains: Vec<Vec<&UnitNode>> = leaves.map(to_root).collect();
    let rendered = chains.iter().find(|c| c.iter().any(|n| n.stage == "output-transform"));
    rendered.or_else(|| chains.first()).cloned().unwrap_or_default()
}
