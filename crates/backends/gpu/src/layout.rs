//! How a frame's stages lie on the device: strips of rows, and where everything is in its buffers.

use std::ops::Range;
use std::sync::Arc;

use rushes_core::error::guarded;
use rushes_core::frame::FrameFormat;
use rushes_core::stage::{DeviceWork, FrameKernel};
use rushes_core::{Error, ErrorKind, Result};

use crate::compiled::Compiled;
use crate::program::{Columns, Pass, Rows};
use crate::sizes::NUMBER_BYTES;

/// A stage that the device computes.
pub(crate) struct Node<'a> {
    /// What it is called in messages.
    pub(crate) who: String,
    pub(crate) kernel: &'a dyn FrameKernel,
    pub(crate) work: DeviceWork,
    pub(crate) compiled: Arc<Compiled>,
    /// The node it takes from, which stands before it; `None` for the frame itself.
    pub(crate) from: Option<usize>,
    /// The rows that come back to the host.
    pub(crate) read: Range<usize>,
}

/// What a strip may take at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Bytes of a binding.
    pub(crate) binding: u64,
    /// Bytes of a buffer.
    pub(crate) buffer: u64,
    /// Workgroups of a pass, in columns and in rows.
    pub(crate) groups: u64,
}

/// What a strip takes.
#[derive(Debug, Clone, Copy, Default)]
struct Taken {
    /// Bytes of its largest binding.
    binding: u64,
    /// Bytes that come back.
    back: u64,
    /// The most workgroups of a pass in columns, and in rows.
    groups: [u64; 2],
}

/// As many as the prelude's `Geometry` has room for.
const MOST_TABLES: usize = 8;

/// A picture's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) planes: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

/// All that decides the buffers of a frame. Frames of equal layouts use each other's.
#[derive(Debug, PartialEq)]
pub(crate) struct Layout {
    pub(crate) source: Size,
    pub(crate) nodes: Vec<Placed>,
    pub(crate) strips: Vec<Strip>,
}

/// A node without what changes from frame to frame.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) from: Option<usize>,
    pub(crate) compiled: Arc<Compiled>,
    pub(crate) size: Size,
    pub(crate) words: usize,
    pub(crate) tables: Vec<usize>,
    read: Range<usize>,
}

impl PartialEq for Placed {
    fn eq(&self, other: &Self) -> bool {
        let key = |p: &Self| (p.from, Arc::as_ptr(&p.compiled), p.size, p.words, p.read.clone());
        key(self) == key(other) && self.tables == other.tables
    }
}

/// The rows that are computed in one go.
#[derive(Debug, PartialEq)]
pub(crate) struct Strip {
    /// Of the frame.
    pub(crate) source: Range<usize>,
    /// Of each node, for itself and for those that hang on it; empty where there is nothing to do.
    pub(crate) rows: Vec<Range<usize>>,
    /// Of each node and pass.
    pub(crate) passes: Vec<Vec<Span>>,
    /// Of each node, those that come back.
    pub(crate) read: Vec<Range<usize>>,
}

/// What a pass writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) planes: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) rows: Range<usize>,
}

impl Size {
    pub(crate) fn of(format: &FrameFormat) -> Self {
        Self { planes: format.planes(), width: format.width, height: format.height }
    }

    /// Bytes of `rows` rows.
    pub(crate) fn bytes(&self, rows: usize) -> u64 {
        let row = (self.planes as u64 * 4).saturating_mul(self.width as u64);
        row.saturating_mul(rows as u64)
    }
}

impl Span {
    /// The workgroups of the pass that writes it, columns and rows. Blocks are aligned to the frame.
    pub(crate) fn groups(&self, compiled: &Compiled, pass: usize) -> [usize; 2] {
        let [block_x, block_y] = compiled.passes[pass].0.block.map(|n| n as usize);
        let [group_x, group_y] = compiled.workgroup.map(|n| n as usize);
        let blocks = self.rows.end.div_ceil(block_y) - self.rows.start / block_y;
        [self.width.div_ceil(block_x).div_ceil(group_x), blocks.div_ceil(group_y)]
    }

    pub(crate) fn bytes(&self) -> u64 {
        Size { planes: self.planes, width: self.width, height: self.height }.bytes(self.rows.len())
    }
}

impl Bounds {
    pub(crate) fn of(limits: &wgpu::Limits, binding: u64) -> Self {
        let groups = u64::from(limits.max_compute_workgroups_per_dimension);
        Self { binding, buffer: limits.max_buffer_size.saturating_sub(NUMBER_BYTES), groups }
    }
}

impl Taken {
    fn and(self, other: Self) -> Self {
        Self {
            binding: self.binding.max(other.binding),
            back: self.back.max(other.back),
            groups: [0, 1].map(|i| self.groups[i].max(other.groups[i])),
        }
    }

    /// How many times as much as is allowed: at most 1 if it fits.
    fn part_of(&self, bounds: &Bounds) -> f64 {
        let part = |taken: u64, of: u64| taken as f64 / of.max(1) as f64;
        let parts = [part(self.binding, bounds.binding), part(self.back, bounds.buffer)];
        self.groups.iter().map(|g| part(*g, bounds.groups)).chain(parts).fold(0.0, f64::max)
    }

    fn refused(&self, bounds: &Bounds) -> Error {
        let what = if self.binding > bounds.binding {
            format!(
                "a row of the picture and those around it that its stages need take {} bytes, and a binding of the GPU \
                 may have {}",
                self.binding, bounds.binding
            )
        } else if self.back > bounds.buffer {
            format!("a row of its pictures has {} bytes, and a buffer of the GPU may have {}", self.back, bounds.buffer)
        } else {
            let [columns, rows] = self.groups;
            let most = bounds.groups;
            format!(
                "a row of the picture takes {columns} x {rows} workgroups of a program, {most} each way are allowed"
            )
        };
        Error::new(ErrorKind::Budget, what).advice("use the CPU for this clip")
    }
}

impl Layout {
    /// Cuts frames of `source` into strips that keep to `bounds`, nearly as few as can be.
    ///
    /// # Errors
    /// When not even single rows fit, and when a stage panics.
    pub(crate) fn new(source: Size, nodes: &[Node<'_>], bounds: &Bounds) -> Result<Self> {
        if let Some(n) = nodes.iter().find(|n| n.work.tables.len() > MOST_TABLES) {
            let what = format!(
                "program `{}` has {} tables, at most {MOST_TABLES} are allowed",
                n.work.program,
                n.work.tables.len()
            );
            return Err(Error::new(ErrorKind::Unsupported, what).advice("leave the stage to the CPU"));
        }
        let tallest = nodes.iter().map(|n| n.read.len()).max().unwrap_or(0).max(1);
        let mut shares = 1;
        loop {
            let (strips, taken) = cut(source, nodes, shares)?;
            let part = taken.part_of(bounds);
            if part <= 1.0 {
                return Ok(Self { source, nodes: placed(nodes).collect(), strips });
            }
            if shares >= tallest {
                return Err(taken.refused(bounds));
            }
            // At least what the size says; halos may ask for more, and are not asked for one strip more at a time.
            let wanted = (shares as f64 * part).ceil().min(tallest as f64) as usize;
            shares = wanted.max(shares + shares / 8 + 1).min(tallest);
        }
    }

    /// As `known` is for nodes that take and give as much, if it fits. It is looked for nowhere else.
    pub(crate) fn like(known: &Self, nodes: &[Node<'_>], bounds: &Bounds) -> Result<Option<Self>> {
        let (strips, taken) = cut(known.source, nodes, known.strips.len())?;
        let fits = taken.part_of(bounds) <= 1.0;
        Ok(fits.then(|| Self { source: known.source, nodes: placed(nodes).collect(), strips }))
    }

    /// Whether frames of `source` for `nodes` lie like this, but perhaps for the rows that their stages need.
    pub(crate) fn is_for(&self, source: Size, nodes: &[Node<'_>]) -> bool {
        self.source == source && self.nodes.iter().cloned().eq(placed(nodes))
    }

    /// Bytes of the largest binding.
    pub(crate) fn largest(&self) -> u64 {
        self.strips.iter().map(|s| s.largest(self.source)).max().unwrap_or(0)
    }

    /// The size of what node `from` gives; of the frame for `None`.
    pub(crate) fn size(&self, from: Option<usize>) -> Size {
        from.map_or(self.source, |n| self.nodes[n].size)
    }
}

/// `shares` strips, and what the largest of them take.
fn cut(source: Size, nodes: &[Node<'_>], shares: usize) -> Result<(Vec<Strip>, Taken)> {
    let strips: Vec<Strip> =
        (0..shares).map(|share| Strip::new(source, nodes, share, shares)).collect::<Result<_>>()?;
    let taken = strips.iter().fold(Taken::default(), |taken, strip| taken.and(strip.taken(source, nodes)));
    Ok((strips, taken))
}

fn placed<'a>(nodes: &'a [Node<'_>]) -> impl Iterator<Item = Placed> + 'a {
    nodes.iter().map(|n| Placed {
        from: n.from,
        compiled: Arc::clone(&n.compiled),
        size: Size::of(n.kernel.format()),
        words: n.work.words.len(),
        tables: n.work.tables.iter().map(|t| t.len()).collect(),
        read: n.read.clone(),
    })
}

impl Strip {
    fn new(source: Size, nodes: &[Node<'_>], share: usize, shares: usize) -> Result<Self> {
        let part = |r: &Range<usize>| r.start + r.len() * share / shares..r.start + r.len() * (share + 1) / shares;
        let read: Vec<_> = nodes.iter().map(|n| part(&n.read)).collect();
        let mut rows = read.clone();
        let mut of_source = 0..0;
        let mut passes = vec![Vec::new(); nodes.len()];
        for (i, node) in nodes.iter().enumerate().rev() {
            let out = rows[i].clone();
            if out.is_empty() {
                continue;
            }
            let input = guarded(&node.who, || Ok(node.kernel.input_rows(out.clone())))?;
            let from = node.from.map_or(source, |f| Size::of(nodes[f].kernel.format()));
            let size = Size::of(node.kernel.format());
            passes[i] = node.compiled.passes.iter().map(|(p, _)| Span::new(p, from, size, &out, &input)).collect();
            let want = node.from.map_or(&mut of_source, |f| &mut rows[f]);
            *want = hull(want, &input);
        }
        Ok(Self { source: of_source, rows, passes, read })
    }

    fn taken(&self, source: Size, nodes: &[Node<'_>]) -> Taken {
        let sizes = nodes.iter().map(|n| Size::of(n.kernel.format()));
        let back = sizes.zip(&self.read).map(|(size, rows)| size.bytes(rows.len())).sum();
        let passes = nodes.iter().zip(&self.passes);
        let groups = passes.flat_map(|(n, spans)| (0..).zip(spans).map(|(pass, span)| span.groups(&n.compiled, pass)));
        let most = |a: [u64; 2], b: [usize; 2]| [0, 1].map(|i| a[i].max(b[i] as u64));
        Taken { binding: self.largest(source), back, groups: groups.fold([0, 0], most) }
    }

    /// Bytes of its largest binding.
    fn largest(&self, source: Size) -> u64 {
        let passes = self.passes.iter().flatten().map(Span::bytes);
        passes.chain([source.bytes(self.source.len())]).max().unwrap_or(0)
    }

    /// The rows that node `from` has; of the frame for `None`.
    pub(crate) fn of(&self, from: Option<usize>) -> &Range<usize> {
        from.map_or(&self.source, |n| &self.rows[n])
    }
}

impl Span {
    fn new(pass: &Pass, from: Size, to: Size, out: &Range<usize>, input: &Range<usize>) -> Self {
        let (rows, height) = match pass.rows {
            Rows::Output => (out.clone(), to.height),
            Rows::Halo(n) => (out.start.saturating_sub(n)..(out.end + n).min(to.height), to.height),
            Rows::Input => (input.clone(), from.height),
        };
        let width = match pass.columns {
            Columns::Output => to.width,
            Columns::Input => from.width,
        };
        let planes = if pass.scratch_planes == 0 { to.planes } else { pass.scratch_planes };
        Self { planes, width, height, rows }
    }
}

fn hull(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    match (a.is_empty(), b.is_empty()) {
        (true, _) => b.clone(),
        (_, true) => a.clone(),
        _ => a.start.min(b.start)..a.end.max(b.end),
    }
}
