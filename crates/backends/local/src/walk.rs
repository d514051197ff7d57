//! Walks a prepared tree over one frame, band by band.
//!
//! Rows are pulled: a sink asks for its next rows, each stage asks the one before it for the
//! rows it needs around them, and keeps a few rows of history for all that hang on it. Each
//! row of each stage is computed once, however many outputs there are.

use std::ops::Range;
use std::time::{Duration, Instant};

use rushes_core::frame::{Band, BandMut, Pool, Pooled};
use rushes_core::plan::{PreparedNode, PreparedTree, Work};
use rushes_core::stage::{InOrder, SourceFrame};
use rushes_core::{Error, ErrorKind, Result};

/// Takes the rows of a sink as they are finished.
pub trait RowTaker {
    /// The next rows for the sink at `node`, top to bottom.
    ///
    /// # Errors
    /// Whatever the sink says; the walk ends with it.
    fn take(&mut self, node: usize, band: &Band<'_>) -> Result<()>;
}

/// A walk over one frame.
pub struct Walk<'a> {
    tree: &'a PreparedTree,
    /// Nodes whose rows are not computed here, by their node: the source's, and what a device has computed.
    given: Vec<Option<&'a dyn SourceFrame>>,
    windows: Vec<Window>,
    takers: Vec<Taker>,
    /// Kernels that keep something from one band to the next, by their node.
    in_order: Vec<Option<Box<dyn InOrder + 'a>>>,
    memory: &'a Pool<f32>,
    band_rows: usize,
    spent: Vec<Duration>,
    at: usize,
}

/// The rows of a stage that somebody may still need.
struct Window {
    /// `None` before the first row.
    data: Option<Pooled<f32>>,
    planes: usize,
    width: usize,
    /// Rows of the frame that are in `data`.
    rows: Range<usize>,
    /// Rows that a plane of `data` has room for; row `r` lies at `r` modulo it.
    room: usize,
    /// One past the last row that will be asked for.
    end: usize,
    children: Vec<usize>,
}

struct Taker {
    node: usize,
    from: usize,
    next: usize,
    rows: Range<usize>,
}

impl<'a> Walk<'a> {
    /// A walk that computes, for each sink, the part `share` of `shares` of its rows: all of
    /// them for `(0, 1)`. Rows lie in buffers of `memory`, which the next walk takes over.
    pub fn new(
        tree: &'a PreparedTree,
        source: &'a dyn SourceFrame,
        memory: &'a Pool<f32>,
        share: (usize, usize),
    ) -> Self {
        Self::from_given(tree, &[(0, source)], memory, share)
    }

    /// As [`Walk::new`], from the rows of some nodes instead of the source's: of all from which a sink can be reached
    /// without passing another of them. The source is node 0.
    pub fn from_given(
        tree: &'a PreparedTree,
        rows: &[(usize, &'a dyn SourceFrame)],
        memory: &'a Pool<f32>,
        (share, shares): (usize, usize),
    ) -> Self {
        let mut given: Vec<Option<&dyn SourceFrame>> = vec![None; tree.nodes.len()];
        for (node, rows) in rows {
            given[*node] = Some(*rows);
        }
        let mut windows: Vec<Window> = tree
            .nodes
            .iter()
            .map(|n| Window {
                data: None,
                planes: n.format.planes(),
                width: n.format.width,
                rows: 0..0,
                room: 0,
                end: 0,
                children: Vec::new(),
            })
            .collect();
        let mut takers = Vec::new();
        for (i, n) in tree.nodes.iter().enumerate().rev() {
            let Some(from) = n.from else { continue };
            // The rows this node computes in this share, decided by those that hang on it.
            match &n.work {
                Work::Sink => {
                    let rows = n.format.height * share / shares..n.format.height * (share + 1) / shares;
                    windows[from].want(&rows);
                    windows[from].children.push(i);
                    takers.push(Taker { node: i, from, next: rows.start, rows });
                }
                Work::Kernel(k) if given[i].is_none() => {
                    let mine = windows[i].rows.start..windows[i].end;
                    if !mine.is_empty() {
                        let need = k.input_rows(mine);
                        windows[from].want(&need);
                        windows[from].children.push(i);
                    }
                }
                // Rows that are given need none.
                Work::Kernel(_) | Work::Source | Work::Bypassed | Work::Idle => {}
            }
        }
        for w in &mut windows {
            w.rows.end = w.rows.start;
        }
        takers.reverse();
        let spent = vec![Duration::ZERO; tree.nodes.len()];
        let in_order = tree.nodes.iter().zip(&given).map(|(n, given)| match (&n.work, given) {
            (Work::Kernel(k), None) => k.in_order(),
            _ => None,
        });
        let in_order = in_order.collect();
        Self { tree, given, windows, takers, in_order, memory, band_rows: tree.band_rows(), spent, at: 0 }
    }

    /// Computes everything; `goes_on` is asked between bands.
    ///
    /// # Errors
    /// What a sink says, or `Cancelled` when `goes_on` is false.
    pub fn run(&mut self, out: &mut dyn RowTaker, goes_on: &dyn Fn() -> bool) -> Result<()> {
        loop {
            // The sink that is furthest behind goes next: windows stay small.
            let behind = self
                .takers
                .iter()
                .enumerate()
                .filter(|(_, t)| t.next < t.rows.end)
                .min_by_key(|(_, t)| (t.next - t.rows.start) * 4096 / t.rows.len())
                .map(|(i, _)| i);
            let Some(t) = behind else { return Ok(()) };
            if !goes_on() {
                return Err(Error::new(ErrorKind::Cancelled, "cancelled"));
            }
            let (node, from, next) = (self.takers[t].node, self.takers[t].from, self.takers[t].next);
            let upto = (next + self.band_rows).min(self.takers[t].rows.end);
            self.ensure(from, upto);
            self.at = node;
            let _span = tracing::trace_span!("stage", id = %self.tree.nodes[node].id, first = next).entered();
            let begun = Instant::now();
            out.take(node, &self.windows[from].band(next..upto))?;
            self.spent[node] += begun.elapsed();
            self.takers[t].next = upto;
        }
    }

    /// The node in work, or last in work: names the culprit of a panic.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Time spent in each node.
    pub fn spent(&self) -> &[Duration] {
        &self.spent
    }

    /// Computes the rows of `node` up to `upto`.
    fn ensure(&mut self, node: usize, upto: usize) {
        let tree = self.tree;
        let PreparedNode { id, from, work, .. } = &tree.nodes[node];
        while self.windows[node].rows.end < upto {
            let start = self.windows[node].rows.end;
            let keep = self.keep_from(node);
            let end = (start + self.band_rows).min(upto);
            let rows = start..self.windows[node].make_room(self.memory, end, keep);
            let given = self.given[node];
            let input = match work {
                _ if given.is_some() => None,
                Work::Kernel(kernel) => {
                    let from = from.unwrap_or(0);
                    let mut need = kernel.input_rows(rows.clone());
                    need.start = need.start.max(self.taken(node)).min(need.end);
                    self.ensure(from, need.end);
                    Some((kernel, from, need))
                }
                _ => return,
            };

            self.at = node;
            let _span = tracing::trace_span!("stage", %id, first = rows.start).entered();
            let begun = Instant::now();
            // A node takes rows from one before it.
            let (before, window) = self.windows.split_at_mut(node);
            let mut out = window[0].extend(rows.clone());
            match (input, &mut self.in_order[node]) {
                (None, _) => given.into_iter().for_each(|rows| rows.rows(&mut out)),
                (Some((_, from, need)), Some(in_order)) => in_order.run(&before[from].band(need), &mut out),
                (Some((kernel, from, need)), None) => kernel.run(&before[from].band(need), &mut out),
            }
            self.spent[node] += begun.elapsed();
            self.windows[node].rows.end = rows.end;
        }
    }

    /// The first row that the kernel of `node` has not taken, if it keeps what it takes.
    fn taken(&self, node: usize) -> usize {
        self.in_order[node].as_ref().map_or(0, |k| k.taken())
    }

    /// The first row of `node` that anything hanging on it still needs.
    fn keep_from(&self, node: usize) -> usize {
        let w = &self.windows[node];
        w.children
            .iter()
            .map(|&c| match &self.tree.nodes[c].work {
                Work::Kernel(k) => {
                    let next = self.windows[c].rows.end;
                    if next < self.windows[c].end {
                        k.input_rows(next..next + 1).start.max(self.taken(c))
                    } else {
                        usize::MAX
                    }
                }
                _ => self.takers.iter().find(|t| t.node == c).map_or(usize::MAX, |t| t.next),
            })
            .min()
            .unwrap_or(usize::MAX)
            .min(w.rows.end)
    }
}

impl Window {
    /// Widens the rows that will be asked for.
    fn want(&mut self, rows: &Range<usize>) {
        let first = if self.children.is_empty() { rows.start } else { self.rows.start.min(rows.start) };
        self.rows = first..first;
        self.end = self.end.max(rows.end);
    }

    /// Drops the rows before `keep`, and makes room for those up to `end`, or for as many of them as lie in one piece;
    /// says where that ends.
    fn make_room(&mut self, memory: &Pool<f32>, end: usize, keep: usize) -> usize {
        let next = self.rows.end;
        self.rows.start = keep.clamp(self.rows.start, next);
        if end - self.rows.start > self.room {
            // Whole bands, so that few of them are cut.
            let room = (end - self.rows.start).next_multiple_of(end - next);
            let mut data = memory.take(self.planes * room * self.width);
            for (plane, row) in (0..self.planes).flat_map(|p| self.rows.clone().map(move |r| (p, r))) {
                let at = (plane * room + row % room) * self.width;
                data[at..at + self.width].copy_from_slice(self.band(self.rows.clone()).row(plane, row));
            }
            (self.data, self.room) = (Some(data), room);
        }
        end.min(next - next % self.room + self.room)
    }

    /// The rows after the last, to be written.
    fn extend(&mut self, rows: Range<usize>) -> BandMut<'_> {
        let skip = rows.start % self.room * self.width;
        let data = self.data.as_deref_mut().unwrap_or_default();
        BandMut::strided(&mut data[skip..], self.planes, self.width, rows, self.room * self.width)
    }

    /// Some of its rows.
    fn band(&self, rows: Range<usize>) -> Band<'_> {
        debug_assert!(self.rows.start <= rows.start && rows.end <= self.rows.end, "{rows:?} of {:?}", self.rows);
        Band::ring(self.data.as_deref().unwrap_or_default(), self.planes, self.width, rows, self.room)
    }
}
