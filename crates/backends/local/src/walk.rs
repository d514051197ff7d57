//! Walks a prepared tree over one frame, band by band.
//!
//! Rows are pulled: a sink asks for its next rows, each stage asks the one before it for the
//! rows it needs around them, and keeps a few rows of history for all that hang on it. Each
//! row of each stage is computed once, however many outputs there are.

use std::ops::Range;
use std::time::{Duration, Instant};

use rushes_core::frame::{Band, BandMut};
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
    source: &'a dyn SourceFrame,
    windows: Vec<Window>,
    takers: Vec<Taker>,
    /// Kernels that keep something from one band to the next, by their node.
    in_order: Vec<Option<Box<dyn InOrder + 'a>>>,
    band_rows: usize,
    spent: Vec<Duration>,
    at: usize,
}

/// The rows of a stage that somebody may still need.
struct Window {
    data: Vec<f32>,
    planes: usize,
    width: usize,
    /// Rows of the frame that are in `data`.
    rows: Range<usize>,
    /// Rows that `data` has room for.
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
    /// them for `(0, 1)`.
    pub fn new(tree: &'a PreparedTree, source: &'a dyn SourceFrame, share: usize, shares: usize) -> Self {
        let mut windows: Vec<Window> = tree
            .nodes
            .iter()
            .map(|n| Window {
                data: Vec::new(),
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
                Work::Kernel(k) => {
                    let mine = windows[i].rows.start..windows[i].end;
                    if !mine.is_empty() {
                        let need = k.input_rows(mine);
                        windows[from].want(&need);
                        windows[from].children.push(i);
                    }
                }
                Work::Source | Work::Bypassed | Work::Idle => {}
            }
        }
        for w in &mut windows {
            w.rows.end = w.rows.start;
        }
        takers.reverse();
        let spent = vec![Duration::ZERO; tree.nodes.len()];
        let in_order = tree.nodes.iter().map(|n| match &n.work {
            Work::Kernel(k) => k.in_order(),
            _ => None,
        });
        let in_order = in_order.collect();
        Self { tree, source, windows, takers, in_order, band_rows: tree.band_rows(), spent, at: 0 }
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
            out.take(node, &self.band(from, next..upto))?;
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
            let rows = start..(start + self.band_rows).min(upto);
            let input = match work {
                Work::Source => None,
                Work::Kernel(kernel) => {
                    let (from, need) = (from.unwrap_or(0), kernel.input_rows(rows.clone()));
                    self.ensure(from, need.end);
                    Some((kernel, from, need))
                }
                _ => return,
            };
            let keep = self.keep_from(node);
            self.windows[node].make_room(rows.len(), keep);

            let mut window = std::mem::replace(&mut self.windows[node], Window::empty());
            self.at = node;
            let _span = tracing::trace_span!("stage", %id, first = rows.start).entered();
            let begun = Instant::now();
            let mut in_order = self.in_order[node].take();
            let mut out = window.extend(rows.clone());
            match (input, &mut in_order) {
                (None, _) => self.source.rows(&mut out),
                (Some((_, from, need)), Some(in_order)) => in_order.run(&self.band(from, need), &mut out),
                (Some((kernel, from, need)), None) => kernel.run(&self.band(from, need), &mut out),
            }
            self.in_order[node] = in_order;
            self.spent[node] += begun.elapsed();
            window.rows.end = rows.end;
            self.windows[node] = window;
        }
    }

    /// The first row of `node` that anything hanging on it still needs.
    fn keep_from(&self, node: usize) -> usize {
        let w = &self.windows[node];
        w.children
            .iter()
            .map(|&c| match &self.tree.nodes[c].work {
                Work::Kernel(k) => {
                    let next = self.windows[c].rows.end;
                    if next < self.windows[c].end { k.input_rows(next..next + 1).start } else { usize::MAX }
                }
                _ => self.takers.iter().find(|t| t.node == c).map_or(usize::MAX, |t| t.next),
            })
            .min()
            .unwrap_or(usize::MAX)
            .min(w.rows.end)
    }

    /// Rows of `node` as a band.
    fn band(&self, node: usize, rows: Range<usize>) -> Band<'_> {
        let w = &self.windows[node];
        debug_assert!(w.rows.start <= rows.start && rows.end <= w.rows.end, "{rows:?} of {:?}", w.rows);
        let skip = (rows.start - w.rows.start) * w.width;
        Band::strided(&w.data[skip..], w.planes, w.width, rows, w.room * w.width)
    }
}

impl Window {
    fn empty() -> Self {
        Self { data: Vec::new(), planes: 0, width: 0, rows: 0..0, room: 0, end: 0, children: Vec::new() }
    }

    /// Widens the rows that will be asked for.
    fn want(&mut self, rows: &Range<usize>) {
        let first = if self.children.is_empty() { rows.start } else { self.rows.start.min(rows.start) };
        self.rows = first..first;
        self.end = self.end.max(rows.end);
    }

    /// Drops the rows before `keep` and makes room for `more` after the last.
    fn make_room(&mut self, more: usize, keep: usize) {
        let keep = keep.clamp(self.rows.start, self.rows.end);
        let held = self.rows.end - keep;
        if self.rows.len() + more <= self.room {
            return;
        }
        let w = self.width;
        if held + more <= self.room {
            for p in 0..self.planes {
                let at = (p * self.room + keep - self.rows.start) * w;
                self.data.copy_within(at..at + held * w, p * self.room * w);
            }
        } else {
            // Twice what is needed now: the next bands fit without moving rows each time.
            let room = 2 * (held + more);
            let mut data = vec![0.0; self.planes * room * w];
            for p in 0..self.planes {
                let at = (p * self.room + keep - self.rows.start) * w;
                data[p * room * w..][..held * w].copy_from_slice(&self.data[at..at + held * w]);
            }
            (self.data, self.room) = (data, room);
        }
        self.rows.start = keep;
    }

    /// The rows after the last, to be written.
    fn extend(&mut self, rows: Range<usize>) -> BandMut<'_> {
        let skip = (self.rows.end - self.rows.start) * self.width;
        BandMut::strided(&mut self.data[skip..], self.planes, self.width, rows, self.room * self.width)
    }
}
