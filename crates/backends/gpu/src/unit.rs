//! What of a unit the device computes.

use std::sync::{Arc, Mutex};

use rushes_core::error::guarded;
use rushes_core::frame::{BandMut, FrameFormat, Pool};
use rushes_core::media::Finding;
use rushes_core::plan::{PreparedTree, Work};
use rushes_core::stage::{DeviceWork, SourceFrame};
use rushes_core::{Error, ErrorKind, Result};
use rushes_local::{GivenRows, OpenCoprocessor};

use crate::device::{Device, lock};
use crate::flight::Landed;
use crate::layout::{Bounds, Layout, Node, Size};
use crate::preview::{Pack, Packing};
use crate::program::Programs;
use crate::sizes::Sizes;

/// What the device computes of each frame: the nodes that have a program, and take from the source or from another of
/// them. A frame says by its format which they are, so that it does not matter what other frames its unit has.
pub(crate) struct OnDevice {
    device: Device,
    programs: Programs,
    /// What was left to the CPU so far.
    left: Mutex<Left>,
    /// Layouts of the frames so far: one, or as many as there are sets of sinks that want a frame.
    layouts: Mutex<Vec<Arc<Layout>>>,
    memory: Pool<f32>,
}

/// Nodes that the CPU computes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Left {
    /// For want of a program.
    without: Vec<String>,
    /// They have one, and take from a node that the CPU computes.
    after: Vec<String>,
}

/// The nodes of a frame that the device computes, and which nodes of its tree they are.
struct Split<'a> {
    nodes: Vec<Node<'a>>,
    which: Vec<usize>,
    left: Left,
}

impl OnDevice {
    /// Gets ready for frames like the one that `tree` is for: compiles their programs, and looks whether they have room.
    ///
    /// # Errors
    /// When no stage has a program, one does not compile, or the device has too little memory for a frame.
    pub(crate) fn new(device: &Device, programs: &Programs, tree: &PreparedTree) -> Result<Self> {
        let new = Self {
            device: device.clone(),
            programs: programs.clone(),
            left: Mutex::default(),
            layouts: Mutex::default(),
            memory: Pool::default(),
        };
        let Split { nodes, left, .. } = new.split(tree)?;
        if nodes.is_empty() {
            let all = [left.without, left.after].concat();
            let what = format!("the GPU has no program for the first stages of the unit (`{}`)", all.join("`, `"));
            return Err(Error::new(ErrorKind::Unsupported, what).advice("run it on the CPU"));
        }
        if let Some(source) = tree.nodes.first() {
            new.layout(Size::of(&source.format), &nodes)?;
        }
        new.tell(left);
        Ok(new)
    }

    fn split<'a>(&self, tree: &'a PreparedTree) -> Result<Split<'a>> {
        let mut nodes: Vec<Node<'_>> = Vec::new();
        let mut which: Vec<usize> = Vec::new();
        let mut left = Left::default();
        for (i, node) in tree.nodes.iter().enumerate() {
            let (Work::Kernel(kernel), Some(from)) = (&node.work, node.from) else { continue };
            let who = format!("stage `{}`", node.id);
            let work = guarded(&who, || Ok(kernel.on_device()))?;
            let Some((work, program)) = work.and_then(|w| self.programs.get(w.program).map(|p| (w, p))) else {
                left.without.push(node.id.clone());
                continue;
            };
            let from = match tree.nodes[from].work {
                Work::Source => None,
                _ => match which.iter().position(|w| *w == from) {
                    Some(from) => Some(from),
                    None => {
                        left.after.push(node.id.clone());
                        continue;
                    }
                },
            };
            let compiled = self.device.0.compiled(work.program, program)?;
            nodes.push(Node { who, kernel: kernel.as_ref(), work, compiled, from, read: 0..0 });
            which.push(i);
        }
        // What something outside hangs on comes back.
        for (node, i) in nodes.iter_mut().zip(&which) {
            let outside = |(c, child): (usize, &rushes_core::plan::PreparedNode)| {
                child.from == Some(*i) && !which.contains(&c) && matches!(child.work, Work::Kernel(_) | Work::Sink)
            };
            if tree.nodes.iter().enumerate().any(outside) {
                node.read = 0..node.kernel.format().height;
            }
        }
        Ok(Split { nodes, which, left })
    }

    /// Remembers what the CPU computes.
    fn tell(&self, left: Left) {
        let mut all = lock(&self.left);
        let Left { without, after } = &mut *all;
        for (all, new) in [(without, left.without), (after, left.after)] {
            for node in new {
                if !all.contains(&node) {
                    all.push(node);
                }
            }
        }
    }

    /// How frames of `nodes` lie on the device: in strips so small that several frames have room in its memory, if there
    /// are such. Smaller strips need less, until the rows that their neighbours compute, too, outweigh it.
    fn layout(&self, source: Size, nodes: &[Node<'_>]) -> Result<Arc<Layout>> {
        let settings = self.device.settings();
        let device = &self.device.0;
        let tables = nodes.iter().map(|n| device.table_bytes(&n.work.tables)).sum::<Result<u64>>()?;
        let bytes = |layout: &Layout| Sizes::of(layout, &device.limits).bytes() + tables;
        let bounds = |binding| Bounds::of(&device.limits, binding);
        let known = lock(&self.layouts).iter().find(|known| known.is_for(source, nodes)).cloned();
        if let Some(known) = known {
            match Layout::like(&known, nodes, &bounds(settings.max_binding))? {
                Some(same) if same == *known => return Ok(known),
                Some(like) if bytes(&like) <= settings.memory => return Ok(self.keep(like)),
                _ => {}
            }
        }
        let mut layout = Layout::new(source, nodes, &bounds(settings.max_binding))?;
        let mut needed = bytes(&layout);
        while needed > settings.memory / FRAMES_AT_LEAST {
            let binding = layout.largest() / 2;
            let smaller = Some(binding).filter(|b| *b >= LEAST_BINDING).map(|b| Layout::new(source, nodes, &bounds(b)));
            let Some(Ok(smaller)) = smaller else { break };
            let least = bytes(&smaller);
            if least >= needed {
                break;
            }
            (layout, needed) = (smaller, least);
        }
        if needed > settings.memory {
            let what = format!("a frame needs {needed} bytes on the GPU, {} are allowed", settings.memory);
            return Err(Error::new(ErrorKind::Budget, what).advice("allow more of its memory, or use the CPU"));
        }
        device.allows(&Sizes::of(&layout, &device.limits))?;
        Ok(self.keep(layout))
    }

    #[cfg(test)]
    pub(crate) fn layouts(&self) -> Vec<Arc<Layout>> {
        lock(&self.layouts).clone()
    }

    fn keep(&self, layout: Layout) -> Arc<Layout> {
        let mut known = lock(&self.layouts);
        if let Some(same) = known.iter().find(|known| ***known == layout) {
            return Arc::clone(same);
        }
        // A clip whose frames are all different has no use for those before.
        if known.len() >= MOST_LAYOUTS {
            known.remove(0);
        }
        let new = Arc::new(layout);
        known.push(Arc::clone(&new));
        new
    }
}

/// Frames that should have room at the same time: one on its way up, one being computed, one on its way down.
const FRAMES_AT_LEAST: u64 = 3;

/// Layouts that are kept.
const MOST_LAYOUTS: usize = 16;

/// Strips are not made smaller than this for the sake of more frames: a device would not be busy.
const LEAST_BINDING: u64 = 4 << 20;

impl OnDevice {
    /// Whether its device is.
    pub(crate) fn is_there(&self) -> bool {
        self.device.lost().is_none()
    }

    /// The picture that the last node of `tree` takes, packed; `None` when its stage is not on the device.
    pub(crate) fn compute_packed(
        &self,
        tree: &PreparedTree,
        source: &dyn SourceFrame,
        packing: Packing,
        words: &mut Vec<u32>,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Option<FrameFormat>> {
        let Split { mut nodes, which, .. } = self.split(tree)?;
        let picture = tree.nodes.last().and_then(|n| n.from).and_then(|n| which.iter().position(|w| *w == n));
        let Some(from) = picture else { return Ok(None) };
        let (name, program) = crate::programs::pack(packing);
        let format = nodes[from].kernel.format().clone();
        let pack = Pack::new(packing, &format);
        // Only its words come back.
        nodes.iter_mut().for_each(|n| n.read = 0..0);
        let compiled = self.device.0.compiled(name, &program)?;
        let work = DeviceWork::new(name);
        let who = "packing".into();
        nodes.push(Node { who, kernel: &pack, work, compiled, from: Some(from), read: 0..format.height });
        let landed = self.fly(&nodes, source, goes_on)?;
        words.resize(format.width * format.height, 0);
        let out = &mut BandMut::new(bytemuck::cast_slice_mut(words), 1, format.width, 0..format.height);
        landed.rows(nodes.len() - 1, out);
        Ok(Some(format))
    }

    fn fly(&self, nodes: &[Node<'_>], source: &dyn SourceFrame, goes_on: &dyn Fn() -> bool) -> Result<Landed> {
        let layout = self.layout(Size::of(&source.format()), nodes)?;
        self.device.fly(&layout, nodes, source, &self.memory, goes_on)
    }
}

impl OpenCoprocessor for OnDevice {
    fn findings(&self) -> Vec<Finding> {
        let left = lock(&self.left).clone();
        let said = [
            (left.without, "for want of a program on the GPU"),
            (left.after, "because they take from a stage that the CPU computes"),
        ];
        let said = said.into_iter().filter(|(nodes, _)| !nodes.is_empty());
        said.map(|(nodes, why)| {
            Finding::info("gpu-stage-on-cpu", format!("computed on the CPU, {why}: `{}`", nodes.join("`, `")))
        })
        .collect()
    }

    fn compute(
        &self,
        tree: &PreparedTree,
        source: &dyn SourceFrame,
        goes_on: &(dyn Fn() -> bool + Sync),
    ) -> Result<Vec<GivenRows>> {
        let Split { nodes, which, left } = self.split(tree)?;
        self.tell(left);
        if nodes.is_empty() {
            return Ok(Vec::new());
        }
        let landed = Arc::new(self.fly(&nodes, source, goes_on)?);
        let back = nodes.iter().enumerate().filter(|(_, n)| !n.read.is_empty());
        let rows = back.map(|(node, n)| {
            let rows = Given { landed: Arc::clone(&landed), node, format: n.kernel.format().clone() };
            (which[node], Box::new(rows) as Box<dyn SourceFrame>)
        });
        Ok(rows.collect())
    }
}

impl std::fmt::Debug for OnDevice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnDevice").field("device", &self.device).field("left", &self.left).finish_non_exhaustive()
    }
}

/// The rows of a node as they came back.
struct Given {
    landed: Arc<Landed>,
    node: usize,
    format: FrameFormat,
}

impl SourceFrame for Given {
    fn format(&self) -> FrameFormat {
        self.format.clone()
    }

    fn rows(&self, out: &mut BandMut<'_>) {
        self.landed.rows(self.node, out);
    }
}
