//! What of a unit the device computes.

use std::sync::{Arc, Mutex};

use rushes_core::frame::{BandMut, FrameFormat, Pool};
use rushes_core::media::Finding;
use rushes_core::plan::{PreparedTree, Work};
use rushes_core::stage::{DeviceWork, SourceFrame};
use rushes_core::{Error, ErrorKind, Result};
use rushes_local::{GivenRows, OpenCoprocessor};

use crate::compiled::Compiled;
use crate::device::{Device, lock};
use crate::flight::Landed;
use crate::layout::{Layout, Node, Size};
use crate::preview::{Pack, Packing};
use crate::program::Programs;
use crate::sizes::Sizes;

/// A unit's nodes on the device: those that have a program, and take from the source or from another of them.
pub(crate) struct OnDevice {
    device: Device,
    /// The program of each node that is there, and its name.
    programs: Vec<Option<(&'static str, Arc<Compiled>)>>,
    on_cpu: Vec<String>,
    /// Layouts of the frames so far: one, or as many as there are sets of sinks that want a frame.
    layouts: Mutex<Vec<Arc<Layout>>>,
    memory: Pool<f32>,
}

impl OnDevice {
    /// Decides it by `tree`, and compiles the programs.
    ///
    /// # Errors
    /// When no stage has a program, one does not compile, or the device has too little memory for a frame.
    pub(crate) fn new(device: &Device, programs: &Programs, tree: &PreparedTree) -> Result<Self> {
        let mut there: Vec<Option<(&'static str, Arc<Compiled>)>> = Vec::with_capacity(tree.nodes.len());
        let mut on_cpu = Vec::new();
        for node in &tree.nodes {
            let Work::Kernel(kernel) = &node.work else {
                there.push(None);
                continue;
            };
            let reached = node.from.is_some_and(|f| matches!(tree.nodes[f].work, Work::Source) || there[f].is_some());
            let name = kernel.on_device().filter(|_| reached).map(|work| work.program);
            let program = name.and_then(|name| programs.get(name).map(|p| (name, p)));
            let compiled = program.map(|(name, p)| Ok::<_, Error>((name, device.0.compiled(name, p)?))).transpose()?;
            if compiled.is_none() {
                on_cpu.push(node.id.clone());
            }
            there.push(compiled);
        }
        if there.iter().all(Option::is_none) {
            let what = format!("the GPU has no program for the first stages of the unit (`{}`)", on_cpu.join("`, `"));
            return Err(Error::new(ErrorKind::Unsupported, what).advice("run it on the CPU"));
        }
        let new = Self {
            device: device.clone(),
            programs: there,
            on_cpu,
            layouts: Mutex::default(),
            memory: Pool::default(),
        };
        let source = tree.nodes.first().map(|n| Size::of(&n.format));
        if let Some(source) = source {
            new.layout(source, &new.nodes(tree).0)?;
        }
        Ok(new)
    }

    /// The nodes of `tree` that the device computes, and which nodes of the tree they are.
    fn nodes<'a>(&self, tree: &'a PreparedTree) -> (Vec<Node<'a>>, Vec<usize>) {
        let mut nodes: Vec<Node<'_>> = Vec::new();
        let mut which: Vec<usize> = Vec::new();
        for (i, node) in tree.nodes.iter().enumerate() {
            let (Work::Kernel(kernel), Some(from), Some((name, compiled))) = (&node.work, node.from, &self.programs[i])
            else {
                continue;
            };
            let from = match tree.nodes[from].work {
                Work::Source => None,
                // Not there in this frame: it is computed on the CPU, and so is this.
                _ => match which.iter().position(|w| *w == from) {
                    Some(from) => Some(from),
                    None => continue,
                },
            };
            let Some(work) = kernel.on_device().filter(|w| w.program == *name) else { continue };
            let (kernel, compiled) = (kernel.as_ref(), Arc::clone(compiled));
            nodes.push(Node { kernel, work, compiled, from, read: 0..0 });
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
        (nodes, which)
    }

    /// How frames of `nodes` lie on the device: in strips so small that several frames have room in its memory.
    fn layout(&self, source: Size, nodes: &[Node<'_>]) -> Result<Arc<Layout>> {
        let settings = self.device.settings();
        let mut layout = Layout::new(source, nodes, settings.max_binding)?;
        let bytes = |layout: &Layout| Sizes::of(layout, &self.device.0.limits).bytes();
        let mut binding = settings.max_binding / 2;
        while bytes(&layout) > settings.memory / FRAMES_AT_LEAST && binding >= LEAST_BINDING {
            match Layout::new(source, nodes, binding) {
                Ok(smaller) => layout = smaller,
                Err(_) => break,
            }
            binding /= 2;
        }
        let needed = bytes(&layout);
        if needed > settings.memory {
            let what = format!("a frame needs {needed} bytes on the GPU, {} are allowed", settings.memory);
            return Err(Error::new(ErrorKind::Budget, what).advice("allow more of its memory, or use the CPU"));
        }
        let mut known = lock(&self.layouts);
        if let Some(same) = known.iter().find(|known| ***known == layout) {
            return Ok(Arc::clone(same));
        }
        // A clip whose frames are all different has no use for those before.
        if known.len() >= MOST_LAYOUTS {
            known.remove(0);
        }
        known.push(Arc::new(layout));
        Ok(Arc::clone(&known[known.len() - 1]))
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
    ) -> Result<Option<FrameFormat>> {
        let (mut nodes, which) = self.nodes(tree);
        let picture = tree.nodes.last().and_then(|n| n.from).and_then(|n| which.iter().position(|w| *w == n));
        let Some(from) = picture else { return Ok(None) };
        let (name, program) = crate::programs::pack(packing);
        let format = nodes[from].kernel.format().clone();
        let pack = Pack::new(packing, &format);
        // Only its words come back.
        nodes.iter_mut().for_each(|n| n.read = 0..0);
        let compiled = self.device.0.compiled(name, &program)?;
        let work = DeviceWork::new(name);
        nodes.push(Node { kernel: &pack, work, compiled, from: Some(from), read: 0..format.height });
        let landed = self.fly(&nodes, source, &|| true)?;
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
        if self.on_cpu.is_empty() {
            return Vec::new();
        }
        let what = format!("computed on the CPU, for want of a program on the GPU: `{}`", self.on_cpu.join("`, `"));
        vec![Finding::info("gpu-stage-on-cpu", what)]
    }

    fn compute(
        &self,
        tree: &PreparedTree,
        source: &dyn SourceFrame,
        goes_on: &(dyn Fn() -> bool + Sync),
    ) -> Result<Vec<GivenRows>> {
        let (nodes, which) = self.nodes(tree);
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
        f.debug_struct("OnDevice").field("device", &self.device).field("on_cpu", &self.on_cpu).finish_non_exhaustive()
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
