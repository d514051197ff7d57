//! A unit's tree with its stages made, and readied for a format.

use std::sync::Arc;

use super::UnitNode;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::FrameFormat;
use crate::graph::{AnyStage, Registry};
use crate::stage::{FrameKernel, Sink, Source};

/// The stages of a unit's tree, in the tree's order. The first is the source.
#[derive(Debug)]
pub struct Tree {
    source: Arc<dyn Source>,
    nodes: Vec<(UnitNode, AnyStage)>,
}

/// A tree readied for frames of one format.
pub struct PreparedTree {
    /// One for each node of the tree, in its order.
    pub nodes: Vec<PreparedNode>,
}

/// A node readied for one format.
pub struct PreparedNode {
    /// The stage's id in the workflow.
    pub id: String,
    /// The node it takes rows from, with bypassed nodes skipped; `None` for the source.
    pub from: Option<usize>,
    /// What it does.
    pub work: Work,
    /// The format of what it gives; for a sink, of what it takes.
    pub format: FrameFormat,
}

/// What a readied node does.
pub enum Work {
    /// Gives the decoded frame.
    Source,
    /// Computes rows.
    Kernel(Box<dyn FrameKernel>),
    /// Takes rows.
    Sink,
    /// Nothing: the source already gives what the stage would make.
    Bypassed,
    /// Nothing: it takes no part in this frame.
    Idle,
}

impl Tree {
    /// Makes the stages of `nodes`.
    ///
    /// # Errors
    /// When a stage is not registered, its parameters do not fit, its version is another than
    /// the planned one, or neighbours do not fit.
    pub fn make(nodes: &[UnitNode], registry: &Registry) -> Result<Self> {
        let mut made: Vec<(UnitNode, AnyStage)> = Vec::with_capacity(nodes.len());
        for node in nodes {
            let stage = registry.make(&node.stage, node.params.clone())?;
            let version = stage.info().version();
            if version != node.version {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!(
                        "`{}` was planned with {} version {}, this is {version}",
                        node.id, node.stage, node.version
                    ),
                )
                .advice("plan again with this build, or run the unit with the build that planned it"));
            }
            if let Some(parent) = node.from.and_then(|i| made.get(i)) {
                let (gives, takes) = (parent.1.gives(), stage.takes());
                if gives != takes {
                    return Err(Error::new(
                        ErrorKind::Invalid,
                        format!("`{}` gives {gives}, `{}` takes {takes}", parent.0.id, node.id),
                    ));
                }
            }
            made.push((node.clone(), stage));
        }
        match made.first() {
            Some((_, AnyStage::Source(source))) => Ok(Self { source: Arc::clone(source), nodes: made }),
            _ => Err(Error::new(ErrorKind::Invalid, "the tree does not begin with a source")),
        }
    }

    /// The source.
    pub fn source(&self) -> &dyn Source {
        self.source.as_ref()
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never: a tree has a source.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The node and its stage.
    pub fn node(&self, i: usize) -> (&UnitNode, &AnyStage) {
        let (node, stage) = &self.nodes[i];
        (node, stage)
    }

    /// The sinks and their node numbers.
    pub fn sinks(&self) -> impl Iterator<Item = (usize, &Arc<dyn Sink>)> {
        self.nodes.iter().enumerate().filter_map(|(i, (_, s))| match s {
            AnyStage::Sink(s) => Some((i, s)),
            _ => None,
        })
    }

    /// Readies every stage that leads to a sink for which `wanted` is true, for frames of `source`.
    ///
    /// # Errors
    /// The first stage that cannot work with what it is given, by its id.
    pub fn prepare(&self, source: &FrameFormat, wanted: impl Fn(usize) -> bool) -> Result<PreparedTree> {
        let needed = self.needed(wanted);
        let mut nodes: Vec<PreparedNode> = Vec::with_capacity(self.nodes.len());
        for (i, (node, stage)) in self.nodes.iter().enumerate() {
            let from = node.from.map(|mut f| {
                while let Work::Bypassed = nodes[f].work {
                    f = nodes[f].from.unwrap_or(0);
                }
                f
            });
            let input = from.map_or(source, |f| &nodes[f].format);
            let prepared = match stage {
                AnyStage::Source(_) => {
                    PreparedNode { id: node.id.clone(), from: None, work: Work::Source, format: source.clone() }
                }
                _ if !needed[i] => PreparedNode { id: node.id.clone(), from, work: Work::Idle, format: input.clone() },
                AnyStage::Frame(stage) => {
                    // A camera that stores RGB gives camera RGB: linearize and debayer have
                    // nothing to do (they lie between the source and the first stage that takes it).
                    if input.state != stage.input() && input.state == source.state {
                        PreparedNode { id: node.id.clone(), from, work: Work::Bypassed, format: input.clone() }
                    } else {
                        let kernel = stage.prepare(input).map_err(|e| e.doing(format!("preparing `{}`", node.id)))?;
                        let format = kernel.format().clone();
                        PreparedNode { id: node.id.clone(), from, work: Work::Kernel(kernel), format }
                    }
                }
                AnyStage::Sink(sink) if sink.input() != input.state => {
                    return Err(Error::new(
                        ErrorKind::Invalid,
                        format!("`{}` takes {}, the frame is {}", node.id, sink.input(), input.state),
                    ));
                }
                AnyStage::Sink(_) => {
                    PreparedNode { id: node.id.clone(), from, work: Work::Sink, format: input.clone() }
                }
                AnyStage::Clip(_) => {
                    return Err(Error::new(ErrorKind::Invalid, format!("`{}` works on clips, not on frames", node.id)));
                }
            };
            nodes.push(prepared);
        }
        Ok(PreparedTree { nodes })
    }

    fn needed(&self, wanted: impl Fn(usize) -> bool) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        for (i, (node, stage)) in self.nodes.iter().enumerate().rev() {
            if matches!(stage, AnyStage::Sink(_)) && wanted(i) {
                needed[i] = true;
            }
            if let (true, Some(from)) = (needed[i], node.from) {
                needed[from] = true;
            }
        }
        needed
    }
}

impl PreparedTree {
    /// Rows computed at a time so that the rows in work stay in a core's cache.
    pub fn band_rows(&self) -> usize {
        // Half of a 1 MiB L2: the other half is for tables and what the encoder touches.
        const CACHE: usize = 512 * 1024;
        let row: usize = self.windows().map(|(_, f)| f.planes() * f.width * 4).sum();
        (CACHE / row.max(1)).clamp(8, 128)
    }

    /// Bytes of row windows a walk over the tree needs at most.
    pub fn window_bytes(&self) -> u64 {
        let band = self.band_rows();
        let mut bytes = 0;
        for (i, format) in self.windows() {
            let halo = self
                .nodes
                .iter()
                .filter(|n| n.from == Some(i))
                .map(|n| match &n.work {
                    Work::Kernel(k) => {
                        let mid = k.format().height / 2;
                        k.input_rows(mid..(mid + band).min(k.format().height)).len()
                    }
                    _ => band,
                })
                .max()
                .unwrap_or(band);
            bytes += (format.planes() * format.width * (2 * halo + 2 * band) * 4) as u64;
        }
        bytes
    }

    /// The nodes whose rows are kept for those that hang on them.
    fn windows(&self) -> impl Iterator<Item = (usize, &FrameFormat)> {
        let keeps = |n: &PreparedNode| matches!(n.work, Work::Source | Work::Kernel(_));
        self.nodes.iter().enumerate().filter(move |(_, n)| keeps(n)).map(|(i, n)| (i, &n.format))
    }
}
