//! Decides what is done to each clip.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::part::narrowed;
use super::{Tree, Unit, UnitNode, Work};
use crate::error::{Error, ErrorKind, Result, guarded};
use crate::frame::{FrameFormat, ImageState};
use crate::graph::{AnyStage, Graph, NodeId, Registry};
use crate::media::{Clip, ClipMedia, Finding, FrameRange};
use crate::stage::{Batch, ClipReader, ClipRef};

/// What the caller decides about a plan.
#[derive(Debug, Clone)]
pub struct PlanOptions {
    /// The folder outputs go to.
    pub out: PathBuf,
    /// Whether existing outputs may be replaced.
    pub overwrite: bool,
    /// Frames to a unit where the outputs allow parts (a movie needs its whole clip in one).
    pub frames_per_unit: u64,
    /// The memory budget of the executor, in bytes; a clip of which one frame needs more is refused.
    pub budget: Option<u64>,
    /// Priority of the units; higher runs earlier.
    pub priority: i32,
    /// Whether the units run on other machines: what this one lacks is then no reason to leave an output out, and its budget none to
    /// refuse a clip.
    pub elsewhere: bool,
}

impl PlanOptions {
    /// Outputs to `out`, nothing replaced, units of 240 frames, no budget.
    pub fn to(out: impl Into<PathBuf>) -> Self {
        Self { out: out.into(), overwrite: false, frames_per_unit: 240, budget: None, priority: 0, elsewhere: false }
    }
}

/// What will be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// The workflow's name.
    pub workflow: String,
    /// Clip by clip.
    pub clips: Vec<ClipPlan>,
    /// What the planner found out.
    pub findings: Vec<Finding>,
}

/// What will be done to one clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClipPlan {
    /// The clip's name.
    pub clip: String,
    /// Its frames.
    pub range: Option<FrameRange>,
    /// Why nothing will be done, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// The chain, stage by stage, as it will run.
    pub nodes: Vec<NodePlan>,
    /// What was decided and why.
    pub notes: Vec<String>,
    /// The units.
    pub units: Vec<Unit>,
}

/// One stage of a clip's tree, as it will run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodePlan {
    /// The stage's id in the workflow.
    pub id: String,
    /// The stage's name.
    pub stage: String,
    /// The id of the stage it takes from.
    pub from: Option<String>,
    /// State, columns and rows of what it gives (of what it takes, for a sink).
    pub gives: (ImageState, usize, usize),
    /// Input rows it needs beyond those it gives, when rows are not scaled.
    pub halo: usize,
    /// True when it has nothing to do for this clip.
    pub bypassed: bool,
}

impl Plan {
    /// Plans the frame stages of `graph` for the clips of `batches` (by the node that gave them,
    /// see [`crate::run::understand`]).
    ///
    /// # Errors
    /// When the graph is not complete or the budget is too small for one frame of a clip. What
    /// is wrong with a single clip is a finding, and the clip is skipped.
    pub fn of(
        graph: &Graph,
        registry: &Registry,
        batches: &BTreeMap<NodeId, Batch>,
        options: &PlanOptions,
    ) -> Result<Self> {
        graph.check()?;
        let mut plan = Self { workflow: graph.name().to_owned(), clips: Vec::new(), findings: Vec::new() };
        let mut seen = Vec::new();
        for source in graph.nodes().filter(|&n| matches!(graph.node(n).stage, AnyStage::Source(_))) {
            let nodes = subtree(graph, source);
            let Some(batch) = graph.input(source).and_then(|i| batches.get(&i)) else { continue };
            let mut names: BTreeMap<&str, &Clip> = BTreeMap::new();
            for clip in &batch.clips {
                if let Some(other) = names.insert(clip.name.as_str(), clip) {
                    let what =
                        format!("two clips have the name `{}`: {:?} and {:?}", clip.name, clip.media, other.media);
                    return Err(Error::new(ErrorKind::Invalid, what)
                        .doing("planning")
                        .advice("give each clip of a batch a name of its own: outputs are named after it"));
                }
                let clip_plan =
                    match guarded("a stage", || plan_clip(clip, &nodes, registry, options, &mut plan.findings)) {
                        Err(e) if e.kind() == ErrorKind::Panicked => ClipPlan {
                            skipped: Some(e.doing("planning").clip(&clip.name).to_string()),
                            ..ClipPlan::nothing(clip)
                        },
                        planned => planned?,
                    };
                // With several sources a clip belongs to the one that accepts it.
                match seen.iter().position(|n| n == &clip.name) {
                    Some(i) if plan.clips[i].units.is_empty() => plan.clips[i] = clip_plan,
                    Some(_) if clip_plan.units.is_empty() => {}
                    _ => {
                        seen.push(clip.name.clone());
                        plan.clips.push(clip_plan);
                    }
                }
            }
        }
        for clip in plan.clips.iter().filter(|c| c.units.is_empty()) {
            if let Some(why) = &clip.skipped {
                plan.findings.push(Finding::error("clip-skipped", why).clip(&clip.clip));
            }
        }
        Ok(plan)
    }

    /// All units.
    pub fn units(&self) -> impl Iterator<Item = &Unit> {
        self.clips.iter().flat_map(|c| &c.units)
    }

    /// Frames to be made.
    pub fn frames(&self) -> u64 {
        self.units().map(|u| u.range.len()).sum()
    }
}

impl ClipPlan {
    fn nothing(clip: &Clip) -> Self {
        Self {
            clip: clip.name.clone(),
            range: clip.range,
            skipped: None,
            nodes: Vec::new(),
            notes: Vec::new(),
            units: Vec::new(),
        }
    }
}

fn subtree(graph: &Graph, source: NodeId) -> Vec<UnitNode> {
    let mut order = vec![source];
    let mut i = 0;
    while i < order.len() {
        order.extend(graph.outputs(order[i]));
        i += 1;
    }
    order
        .iter()
        .map(|&n| {
            let node = graph.node(n);
            let info = node.stage.info();
            UnitNode {
                id: node.id.clone(),
                stage: info.name().to_owned(),
                version: info.version(),
                from: if n == source { None } else { graph.input(n).and_then(|p| order.iter().position(|&o| o == p)) },
                params: info.params(),
            }
        })
        .collect()
}

fn plan_clip(
    clip: &Clip,
    nodes: &[UnitNode],
    registry: &Registry,
    options: &PlanOptions,
    findings: &mut Vec<Finding>,
) -> Result<ClipPlan> {
    let mut plan = ClipPlan::nothing(clip);
    if let Some(why) = &clip.refused {
        plan.skipped = Some(format!("refused: {why}"));
        return Ok(plan);
    }
    let reference = ClipRef::of(clip);
    let opened = Tree::make(nodes, registry)
        .and_then(|tree| {
            tree.source().accepts(&reference)?;
            Ok((tree.source().open(&reference)?, tree))
        })
        .and_then(|(reader, tree)| first_format(clip, reader.as_ref()).map(|(f, b)| (tree, f, b)));
    let (tree, first, decode_bytes) = match opened {
        Ok(all) => all,
        Err(e) => {
            let needs = clip.needs.as_ref().map(|n| format!("needs {}: {}", n.backend, n.why));
            plan.skipped = Some(needs.unwrap_or_else(|| e.to_string()));
            return Ok(plan);
        }
    };

    // A branch that cannot be made is left out with a finding; the others go on.
    let here = !options.elsewhere && tree.source().decodes_here(&reference);
    let mut kept: Vec<usize> = Vec::new();
    let mut refusals = Vec::new();
    for (i, sink) in tree.sinks() {
        let checked = tree.prepare(&first, |n| n == i).and_then(|p| {
            sink.check(&reference, &p.nodes[i].format)
                .and_then(|()| if here { sink.check_here() } else { Ok(()) })
                .map_err(|e| e.doing(format!("preparing `{}`", tree.node(i).0.id)))
        });
        match checked {
            Ok(()) => kept.push(i),
            Err(e) => refusals.push((tree.node(i).0.id.clone(), e.clip(&clip.name))),
        }
    }
    if kept.is_empty() {
        plan.skipped = Some(refusals.first().map_or_else(|| "no output was asked for".into(), |(_, e)| e.to_string()));
        return Ok(plan);
    }
    for (id, e) in refusals {
        plan.notes.push(format!("`{id}` is left out: {e}"));
        findings.push(Finding::warning("output-left-out", format!("`{id}` is left out: {e}")).clip(&clip.name));
    }

    for (_, sink) in tree.sinks().filter(|(i, _)| kept.contains(i)) {
        findings.extend(sink.findings(&reference).into_iter().map(|f| f.clip(&clip.name)));
    }

    let prepared = tree.prepare(&first, |n| kept.contains(&n))?;
    let pruned = prune(nodes, |i| !matches!(prepared.nodes[i].work, Work::Idle));
    let sinks: u64 = kept
        .iter()
        .filter_map(|&i| tree.sinks().find(|(n, _)| *n == i))
        .map(|(i, s)| s.bytes_needed(&prepared.nodes[i].format))
        .sum();
    let bytes_per_frame = decode_bytes + prepared.window_bytes() + sinks;
    if let Some(budget) = options.budget.filter(|b| *b < bytes_per_frame && !options.elsewhere) {
        return Err(Error::new(
            ErrorKind::Budget,
            format!("one frame needs {} of memory and the budget is {}", mib(bytes_per_frame), mib(budget)),
        )
        .doing("planning")
        .clip(&clip.name)
        .advice(format!("allow at least {}", mib(bytes_per_frame))));
    }

    for (i, p) in prepared.nodes.iter().enumerate() {
        if matches!(p.work, Work::Idle) {
            continue;
        }
        let (node, stage) = tree.node(i);
        let halo = match &p.work {
            Work::Kernel(k) => {
                let mid = p.format.height / 2;
                k.input_rows(mid..mid + 1).len().saturating_sub(1)
            }
            _ => 0,
        };
        let bypassed = matches!(p.work, Work::Bypassed);
        if bypassed {
            plan.notes.push(format!("`{}` has nothing to do: the camera stored {}", node.id, first.state));
        }
        plan.nodes.push(NodePlan {
            id: node.id.clone(),
            stage: stage.info().name().to_owned(),
            from: node.from.map(|f| nodes[f].id.clone()),
            gives: (p.format.state, p.format.width, p.format.height),
            halo,
            bypassed,
        });
    }
    plan.notes.push(format!(
        "one decode feeds {} output{}; bands of {} rows; {} a frame",
        kept.len(),
        if kept.len() == 1 { "" } else { "s" },
        prepared.band_rows(),
        mib(bytes_per_frame)
    ));

    let whole = kept.iter().filter_map(|&i| tree.sinks().find(|(n, _)| *n == i)).find(|(_, s)| s.whole_clip());
    let range = clip.range.unwrap_or(FrameRange { first: 0, last: 0 });
    let per_unit = match whole {
        Some((i, _)) => {
            plan.notes.push(format!("one unit, because `{}` needs the whole clip", tree.node(i).0.id));
            range.len()
        }
        None => options.frames_per_unit.max(1),
    };
    let mut little = false;
    for part in range.chunks(per_unit) {
        let unit = Unit {
            format: Unit::FORMAT,
            id: Unit::id_of(&reference, part),
            clip: narrowed(&reference, part),
            range: part,
            tree: Arc::clone(&pruned),
            out: options.out.clone(),
            overwrite: options.overwrite,
            shared: false,
            priority: options.priority,
            bytes_per_frame,
            standing: Vec::new(),
        };
        // Units of a clip differ by the pieces they are made of; the JSON of few is not longer than half of what the
        // first leaves.
        if plan.units.is_empty() || !little || pieces(&unit.clip) > FEW_PIECES {
            match unit.to_json() {
                Ok(json) => little = json.len() <= Unit::MAX_BYTES / 2,
                // A clip in very many pieces: the others are made.
                Err(e) => return Ok(ClipPlan { skipped: Some(e.to_string()), units: Vec::new(), ..plan }),
            }
        }
        plan.units.push(unit);
    }
    Ok(plan)
}

/// Pieces that take less than half of a unit's JSON.
const FEW_PIECES: usize = 200;

/// The runs of files and the substitutes of a clip; each takes less than 100 bytes.
fn pieces(clip: &ClipRef) -> usize {
    let media = match &clip.media {
        ClipMedia::Sequence(s) => s.present.len(),
        // The same in each unit.
        ClipMedia::Files(_) => 0,
    };
    media + clip.substitutes.len()
}

/// The format of the first frame that can be read, and the bytes its decoding needs.
fn first_format(clip: &Clip, reader: &dyn ClipReader) -> Result<(FrameFormat, u64)> {
    let frames: Vec<i64> = match (&clip.media, clip.range) {
        (ClipMedia::Sequence(s), _) => s.frames().filter(|f| clip.stand_in(*f).is_none()).take(3).collect(),
        (ClipMedia::Files(_), Some(r)) => vec![r.first],
        (ClipMedia::Files(_), None) => vec![0],
    };
    let mut last = Error::new(ErrorKind::BadMedia, "no frame of the clip can be read").clip(&clip.name);
    for f in frames {
        match reader.format(f).and_then(|format| Ok((format, reader.bytes_needed(f)?))) {
            Ok(found) => return Ok(found),
            Err(e) => last = e.frame(f).clip(&clip.name),
        }
    }
    Err(last)
}

fn prune(nodes: &[UnitNode], keep: impl Fn(usize) -> bool) -> Arc<[UnitNode]> {
    let kept: Vec<usize> = (0..nodes.len()).filter(|&i| keep(i)).collect();
    kept.iter()
        .map(|&i| UnitNode { from: nodes[i].from.and_then(|f| kept.iter().position(|&k| k == f)), ..nodes[i].clone() })
        .collect()
}

pub(super) fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}
