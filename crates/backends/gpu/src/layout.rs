//! How a frame's stages lie on the device: strips of rows, and where everything is in its buffers.

use std::ops::Range;
use std::sync::Arc;

use rushes_core::frame::FrameFormat;
use rushes_core::stage::{DeviceWork, FrameKernel};
use rushes_core::{Error, ErrorKind, Result};

use crate::compiled::Compiled;
use crate::program::{Columns, Pass, Rows};

/// A stage that the device computes.
pub(crate) struct Node<'a> {
    pub(crate) kernel: &'a dyn FrameKernel,
    pub(crate) work: DeviceWork,
    pub(crate) compiled: Arc<Compiled>,
    /// The node it takes from, which stands before it; `None` for the frame itself.
    pub(crate) from: Option<usize>,
    /// The rows that come back to the host.
    pub(crate) read: Range<usize>,
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
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) from: Option<usize>,
    pub(crate) compiled: Arc<Compiled>,
    pub(crate) size: Size,
    pub(crate) words: usize,
    pub(crate) tables: Vec<usize>,
}

impl PartialEq for Placed {
    fn eq(&self, other: &Self) -> bool {
        let key = |p: &Self| (p.from, Arc::as_ptr(&p.compiled), p.size, p.words);
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
    pub(crate) fn bytes(&self) -> u64 {
        Size { planes: self.planes, width: self.width, height: self.height }.bytes(self.rows.len())
    }
}

impl Layout {
    /// Cuts frames of `source` into as few strips as leave no binding above `max_binding` bytes.
    ///
    /// # Errors
    /// When not even single rows fit.
    pub(crate) fn new(source: Size, nodes: &[Node<'_>], max_binding: u64) -> Result<Self> {
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
        let strips = loop {
            let strips: Vec<Strip> = (0..shares).map(|share| Strip::new(source, nodes, share, shares)).collect();
            let largest = strips.iter().map(|s| s.largest(source)).max().unwrap_or(0);
            if largest <= max_binding {
                break strips;
            }
            if shares >= tallest {
                return Err(Error::new(
                    ErrorKind::Budget,
                    format!(
                        "a row of the picture and those around it that its stages need take {largest} bytes, \
                         and a binding of the GPU may have {max_binding}"
                    ),
                )
                .advice("use the CPU for this clip"));
            }
            // At least what the size says; halos may ask for more.
            let wanted = (shares as u64).saturating_mul(largest).div_ceil(max_binding.max(1));
            shares = usize::try_from(wanted).unwrap_or(tallest).clamp(shares + 1, tallest.max(shares + 1));
        };
        let placed = nodes.iter().map(|n| Placed {
            from: n.from,
            compiled: Arc::clone(&n.compiled),
            size: Size::of(n.kernel.format()),
            words: n.work.words.len(),
            tables: n.work.tables.iter().map(|t| t.len()).collect(),
        });
        Ok(Self { source, nodes: placed.collect(), strips })
    }

    /// The size of what node `from` gives; of the frame for `None`.
    pub(crate) fn size(&self, from: Option<usize>) -> Size {
        from.map_or(self.source, |n| self.nodes[n].size)
    }
}

impl Strip {
    fn new(source: Size, nodes: &[Node<'_>], share: usize, shares: usize) -> Self {
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
            let input = node.kernel.input_rows(out.clone());
            let from = node.from.map_or(source, |f| Size::of(nodes[f].kernel.format()));
            let size = Size::of(node.kernel.format());
            passes[i] = node.compiled.passes.iter().map(|(p, _)| Span::new(p, from, size, &out, &input)).collect();
            let want = node.from.map_or(&mut of_source, |f| &mut rows[f]);
            *want = hull(want, &input);
        }
        Self { source: of_source, rows, passes, read }
    }

    /// Bytes of its largest buffer.
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
