//! Makes one frame: readies the tree for it, walks it, and encodes what comes out.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use rushes_core::error::{guarded, panic_message};
use rushes_core::frame::{Band, FrameFormat, Pool};
use rushes_core::media::FrameRange;
use rushes_core::plan::{PreparedTree, Tree, Unit};
use rushes_core::stage::{Encoded, FrameSink, Sink, SinkWriter, SourceFrame};
use rushes_core::{Error, ErrorKind, Result};

use crate::OpenCoprocessor;
use crate::walk::{RowTaker, Walk};

/// An open sink of a unit, and its node.
pub(crate) struct OpenSink {
    pub(crate) node: usize,
    pub(crate) sink: Arc<dyn Sink>,
    /// The frames it still has to make.
    pub(crate) to_make: Vec<FrameRange>,
    pub(crate) writer: RwLock<Box<dyn SinkWriter>>,
    /// Set when a frame it cannot do without is lost.
    broken: AtomicBool,
}

impl OpenSink {
    pub(crate) fn new(node: usize, sink: Arc<dyn Sink>, to_make: Vec<FrameRange>, writer: Box<dyn SinkWriter>) -> Self {
        Self { node, sink, to_make, writer: RwLock::new(writer), broken: AtomicBool::new(false) }
    }

    pub(crate) fn break_off(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    pub(crate) fn wants(&self, unit: &Unit, frame: i64) -> bool {
        !self.is_broken()
            && self.to_make.iter().any(|r| r.contains(frame))
            && self.sink.wants(&unit.clip, unit.range, frame)
    }
}

/// What each sink that wanted the frame made of it, by the sink's place in the list.
pub(crate) type EncodedFrame = BTreeMap<usize, Encoded>;

/// The rows of a frame before the first stage.
pub(crate) enum Rows<'a> {
    /// A decoded frame.
    Picture(&'a dyn SourceFrame),
    /// None: every output is black.
    Black,
}

/// How to make a frame.
pub(crate) struct Making<'a> {
    pub(crate) tree: &'a Tree,
    pub(crate) sinks: &'a [OpenSink],
    pub(crate) wanted: &'a [bool],
    /// Threads that share the frame's rows.
    pub(crate) shares: usize,
    /// Where rows lie while others are computed of them.
    pub(crate) memory: &'a Pool<f32>,
    /// What computes some of the stages.
    pub(crate) device: Option<&'a dyn OpenCoprocessor>,
    pub(crate) goes_on: &'a (dyn Fn() -> bool + Sync),
}

impl Making<'_> {
    /// Makes the frame of `format`. Time per node is added to `spent`, whose last entry is the
    /// device's.
    pub(crate) fn make(&self, format: &FrameFormat, rows: &Rows<'_>, spent: &mut [Duration]) -> Result<EncodedFrame> {
        let at = Cell::new(0);
        let made = catch_unwind(AssertUnwindSafe(|| self.make_unguarded(format, rows, spent, &at)));
        made.unwrap_or_else(|panic| Err(self.panicked(at.get(), panic.as_ref())))
    }

    fn make_unguarded(
        &self,
        format: &FrameFormat,
        rows: &Rows<'_>,
        spent: &mut [Duration],
        at: &Cell<usize>,
    ) -> Result<EncodedFrame> {
        let prepared =
            self.tree.prepare(format, |n| self.sinks.iter().zip(self.wanted).any(|(s, w)| *w && s.node == n))?;
        let mut encoders = Encoders { open: BTreeMap::new() };
        for (i, sink) in self.sinks.iter().enumerate().filter(|(i, _)| self.wanted[*i]) {
            at.set(sink.node);
            let writer = sink.writer.read().map_err(|_| poisoned())?;
            encoders.open.insert(sink.node, (i, writer.frame(&prepared.nodes[sink.node].format)?));
        }
        match rows {
            Rows::Black => encoders.black(&prepared)?,
            Rows::Picture(frame) => {
                let begun = Instant::now();
                let computed = self
                    .device
                    .map(|d| guarded("the device that computes stages", || d.compute(&prepared, *frame, self.goes_on)));
                let computed = computed.transpose()?;
                spent[self.tree.len()] += begun.elapsed();
                let computed = computed.iter().flatten().map(|(node, rows)| (*node, rows.as_ref()));
                let given: Vec<(usize, &dyn SourceFrame)> = [(0, *frame)].into_iter().chain(computed).collect();
                match self.shares {
                    1 => self.walk(&prepared, &given, &mut encoders, spent, at)?,
                    _ => self.walk_shared(&prepared, &given, &mut encoders, spent, at)?,
                }
            }
        }
        let mut encoded = EncodedFrame::new();
        for (node, (i, encoder)) in encoders.open {
            at.set(node);
            let begun = Instant::now();
            encoded.insert(i, encoder.finish()?);
            spent[node] += begun.elapsed();
        }
        Ok(encoded)
    }

    fn walk(
        &self,
        prepared: &PreparedTree,
        given: &[(usize, &dyn SourceFrame)],
        encoders: &mut Encoders,
        spent: &mut [Duration],
        at: &Cell<usize>,
    ) -> Result<()> {
        let mut walk = Walk::from_given(prepared, given, self.memory, (0, 1));
        let walked = catch_unwind(AssertUnwindSafe(|| walk.run(encoders, &|| (self.goes_on)())));
        at.set(walk.at());
        for (total, new) in spent.iter_mut().zip(walk.spent()) {
            *total += *new;
        }
        walked.unwrap_or_else(|panic| Err(self.panicked(at.get(), panic.as_ref())))
    }

    /// Bands side by side: each thread computes its share of every sink's rows (and the few
    /// rows around it that its stages need), then the shares are handed on in order.
    fn walk_shared(
        &self,
        prepared: &PreparedTree,
        given: &[(usize, &dyn SourceFrame)],
        encoders: &mut Encoders,
        spent: &mut [Duration],
        at: &Cell<usize>,
    ) -> Result<()> {
        let shares: Vec<Result<(Kept, Vec<Duration>)>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.shares)
                .map(|share| {
                    let goes_on = self.goes_on;
                    scope.spawn(move || {
                        let mut walk = Walk::from_given(prepared, given, self.memory, (share, self.shares));
                        let mut kept = Kept::default();
                        let walked = catch_unwind(AssertUnwindSafe(|| walk.run(&mut kept, &goes_on)));
                        walked.unwrap_or_else(|panic| Err(self.panicked(walk.at(), panic.as_ref())))?;
                        Ok((kept, walk.spent().to_vec()))
                    })
                })
                .collect();
            // A thread cannot panic: what it runs is caught above.
            threads.into_iter().map(|t| t.join().unwrap_or_else(|_| Err(poisoned()))).collect()
        });
        for share in shares {
            let (kept, times) = share?;
            for (total, new) in spent.iter_mut().zip(times) {
                *total += new;
            }
            for k in kept.0 {
                at.set(k.node);
                encoders.take(k.node, &Band::new(&k.data, k.planes, k.width, k.rows))?;
            }
        }
        Ok(())
    }

    fn panicked(&self, at: usize, panic: &(dyn std::any::Any + Send)) -> Error {
        let what = format!("{} panicked: {}", who(self.tree, at), panic_message(panic));
        Error::new(ErrorKind::Panicked, what).advice("this is a bug of the stage: report it with the frame")
    }
}

/// A stage of a tree, for messages.
pub(crate) fn who(tree: &Tree, node: usize) -> String {
    let (node, stage) = tree.node(node);
    format!("stage `{}` ({})", node.id, stage.info().name())
}

pub(crate) fn poisoned() -> Error {
    Error::new(ErrorKind::Panicked, "another thread of the unit panicked")
}

/// The frame's encoders, by the node of their sink.
struct Encoders {
    open: BTreeMap<usize, (usize, Box<dyn FrameSink>)>,
}

impl Encoders {
    fn black(&mut self, prepared: &PreparedTree) -> Result<()> {
        let nodes: Vec<usize> = self.open.keys().copied().collect();
        for node in nodes {
            let f = &prepared.nodes[node].format;
            let rows = prepared.band_rows();
            let black = vec![0.0; f.planes() * rows * f.width];
            for first in (0..f.height).step_by(rows) {
                let n = rows.min(f.height - first);
                self.take(node, &Band::new(&black[..f.planes() * n * f.width], f.planes(), f.width, first..first + n))?;
            }
        }
        Ok(())
    }
}

impl RowTaker for Encoders {
    fn take(&mut self, node: usize, band: &Band<'_>) -> Result<()> {
        match self.open.get_mut(&node) {
            Some((_, encoder)) => encoder.rows(band),
            None => Ok(()),
        }
    }
}

/// Rows kept until the shares before them are done.
#[derive(Default)]
struct Kept(Vec<KeptRows>);

struct KeptRows {
    node: usize,
    planes: usize,
    width: usize,
    rows: Range<usize>,
    data: Vec<f32>,
}

impl RowTaker for Kept {
    fn take(&mut self, node: usize, band: &Band<'_>) -> Result<()> {
        let mut data = Vec::with_capacity(band.planes() * band.rows().len() * band.width());
        for p in 0..band.planes() {
            for r in band.rows() {
                data.extend_from_slice(band.row(p, r));
            }
        }
        self.0.push(KeptRows { node, planes: band.planes(), width: band.width(), rows: band.rows(), data });
        Ok(())
    }
}
