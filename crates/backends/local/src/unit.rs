//! Runs one unit: opens its clip and its outputs, and makes its frames.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rushes_core::frame::FrameFormat;
use rushes_core::graph::Registry;
use rushes_core::media::{ClipMedia, Finding, StandIn};
use rushes_core::plan::{Tree, Unit};
use rushes_core::run::{Budget, Event, RunContext, UnitReport};
use rushes_core::stage::{ClipReader, OutputFile, SinkContext};
use rushes_core::{Error, ErrorKind, Result};

use crate::Mode;
use crate::frame::{Encoded, Making, OpenSink, Rows, poisoned};
use crate::order::{self, Order};

/// Runs `unit` on `threads` threads, with a permit of `cores` for each frame in work.
pub(crate) fn run(
    registry: &Registry,
    unit: &Unit,
    cx: &RunContext,
    threads: usize,
    mode: Mode,
    cores: &Budget,
) -> UnitReport {
    let begun = Instant::now();
    let mut report = UnitReport::begin(unit, "local");
    let result = Job::open(registry, unit, cx).and_then(|job| job.run(threads, mode, cores, &mut report));
    if let Err(e) = result {
        report = report.failed(&e.clip(&unit.clip.name));
    }
    report.outputs.sort_by(|a, b| a.path.cmp(&b.path));
    report.wall_ms = begun.elapsed().as_secs_f64() * 1e3;
    report
}

struct Job<'a> {
    unit: &'a Unit,
    cx: &'a RunContext,
    tree: Tree,
    reader: Box<dyn ClipReader>,
    sinks: Vec<OpenSink>,
}

/// What the threads of a unit gather.
#[derive(Default)]
struct Gathered {
    error: Option<Error>,
    outputs: Vec<OutputFile>,
    findings: Vec<Finding>,
    spent: Vec<Duration>,
    decode: Duration,
    frames: u64,
}

impl<'a> Job<'a> {
    fn open(registry: &Registry, unit: &'a Unit, cx: &'a RunContext) -> Result<Self> {
        let tree = Tree::make(&unit.tree, registry)?;
        tree.source().accepts(&unit.clip)?;
        if !unit.overwrite {
            refuse_existing(&tree, unit)?;
        }
        let reader = tree.source().open(&unit.clip)?;
        let mut job = Self { unit, cx, tree, reader, sinks: Vec::new() };
        let first = job.first_format()?;
        let prepared = job.tree.prepare(&first, |_| true)?;
        let context = SinkContext {
            clip: unit.clip.clone(),
            range: unit.range,
            out: unit.out.clone(),
            overwrite: unit.overwrite,
        };
        let mut sinks: Vec<OpenSink> = Vec::new();
        for (node, sink) in job.tree.sinks() {
            match sink.open(&context, &prepared.nodes[node].format) {
                Ok(writer) => sinks.push(OpenSink { node, writer: RwLock::new(writer) }),
                Err(e) => {
                    sinks.into_iter().for_each(abort);
                    return Err(e.doing(format!("opening the outputs of `{}`", job.tree.node(node).0.id)));
                }
            }
        }
        job.sinks = sinks;
        Ok(job)
    }

    fn run(mut self, threads: usize, mode: Mode, cores: &Budget, report: &mut UnitReport) -> Result<()> {
        let (workers, shares) = match mode {
            Mode::Frames => (threads, 1),
            Mode::Bands => (1, threads),
        };
        let order = Order::new(self.unit.range.len(), 2 * workers as u64);
        let gathered = Mutex::new(Gathered { spent: vec![Duration::ZERO; self.tree.len()], ..Gathered::default() });
        let span = tracing::Span::current();
        std::thread::scope(|scope| {
            for _ in 0..workers.min(usize::try_from(self.unit.range.len()).unwrap_or(usize::MAX)) {
                scope.spawn(|| {
                    let _in = span.enter();
                    // Panics of stages are caught where the stage is known; this one is for ours.
                    let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        self.work(&order, shares, cores, &gathered)
                    }));
                    if let Err(e) = worked.unwrap_or_else(|_| Err(poisoned())) {
                        order.stop();
                        lock(&gathered).error.get_or_insert(e);
                    }
                });
            }
        });
        let mut gathered = gathered.into_inner().unwrap_or_else(PoisonError::into_inner);
        let sinks = std::mem::take(&mut self.sinks);
        let mut result = gathered.error.take().map_or(Ok(()), Err);
        if result.is_ok() && self.cx.cancel.is_cancelled() && gathered.frames < self.unit.range.len() {
            result = Err(Error::new(ErrorKind::Cancelled, "cancelled"));
        }
        for sink in sinks {
            if result.is_err() {
                abort(sink);
                continue;
            }
            let writer = sink.writer.into_inner().unwrap_or_else(PoisonError::into_inner);
            match writer.finish() {
                Ok(files) => gathered.outputs.extend(files),
                Err(e) => result = Err(e.doing(format!("finishing `{}`", self.tree.node(sink.node).0.id))),
            }
        }
        report.frames = gathered.frames;
        report.outputs = gathered.outputs;
        report.findings = gathered.findings;
        let ms = |d: Duration| d.as_secs_f64() * 1e3;
        report.stage_ms =
            (1..self.tree.len()).map(|i| (self.tree.node(i).0.id.clone(), ms(gathered.spent[i]))).collect();
        report.stage_ms.insert(self.tree.node(0).0.id.clone(), ms(gathered.decode));
        result
    }

    /// One thread's work: frame after frame.
    fn work(&self, order: &Order, shares: usize, cores: &Budget, gathered: &Mutex<Gathered>) -> Result<()> {
        let cancel = &self.cx.cancel;
        let mut spent = vec![Duration::ZERO; self.tree.len()];
        let mut decode = Duration::ZERO;
        let result = loop {
            if cancel.is_cancelled() {
                order.stop();
                break Err(Error::new(ErrorKind::Cancelled, "cancelled"));
            }
            let turn = order.begin(|| self.cx.budget.reserve(self.unit.bytes_per_frame, cancel));
            let (n, memory) = match turn {
                Ok(Some(turn)) => turn,
                Ok(None) => break Ok(()),
                Err(e) => break Err(e),
            };
            let frame = self.unit.range.first + n as i64;
            let made = cores
                .reserve(shares as u64, cancel)
                .and_then(|_core| self.make(frame, shares, &mut spent, &mut decode, gathered));
            let committed = made
                .and_then(|mut encoded| {
                    let encoded = (0..self.sinks.len()).map(|i| encoded.remove(&i)).collect();
                    order.done(n, encoded, memory, |n, encoded| self.commit(n, encoded, gathered))
                })
                .map_err(|e| e.frame(frame));
            if let Err(e) = committed {
                break Err(e);
            }
        };
        let mut g = lock(gathered);
        for (total, new) in g.spent.iter_mut().zip(spent) {
            *total += new;
        }
        g.decode += decode;
        result
    }

    fn make(
        &self,
        frame: i64,
        shares: usize,
        spent: &mut [Duration],
        decode: &mut Duration,
        gathered: &Mutex<Gathered>,
    ) -> Result<Encoded> {
        let wanted: Vec<bool> = self
            .sinks
            .iter()
            .map(|s| {
                self.tree
                    .sinks()
                    .find(|(n, _)| *n == s.node)
                    .is_some_and(|(_, sink)| sink.wants(&self.unit.clip, self.unit.range, frame))
            })
            .collect();
        let goes_on = || !self.cx.cancel.is_cancelled();
        let making = Making { tree: &self.tree, sinks: &self.sinks, wanted: &wanted, shares, goes_on: &goes_on };
        let stand_in = self.unit.clip.stand_in(frame);
        let found = |finding: Finding| lock(gathered).findings.push(finding.clip(&self.unit.clip.name).frame(frame));
        match stand_in {
            Some(StandIn::Black) => {
                found(Finding::warning("frame-black", format!("frame {frame} is black: it cannot be read")));
                making.make(&self.relabelled(self.first_format()?, frame), &Rows::Black, spent)
            }
            held => {
                let from = match held {
                    Some(StandIn::Hold(from)) => {
                        found(Finding::warning("frame-held", format!("frame {from} stands in for frame {frame}")));
                        from
                    }
                    _ => frame,
                };
                let begun = Instant::now();
                let span = tracing::debug_span!("decode", frame = from);
                let decoded = span.in_scope(|| {
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.reader.decode(from))).unwrap_or_else(
                        |_| Err(Error::new(ErrorKind::Panicked, format!("`{}` panicked", self.tree.node(0).0.id))),
                    )
                })?;
                *decode += begun.elapsed();
                let format = self.relabelled(decoded.format(), frame);
                let span = tracing::debug_span!("stages", frame);
                span.in_scope(|| making.make(&format, &Rows::Picture(decoded.band()), spent))
            }
        }
    }

    fn commit(&self, n: u64, encoded: order::Encoded, gathered: &Mutex<Gathered>) -> Result<()> {
        let frame = self.unit.range.first + n as i64;
        for (sink, bytes) in self.sinks.iter().zip(encoded) {
            let Some(bytes) = bytes else { continue };
            let mut writer = sink.writer.write().map_err(|_| poisoned())?;
            let files = writer.commit(frame, bytes).map_err(|e| e.frame(frame))?;
            drop(writer);
            lock(gathered).outputs.extend(files);
        }
        lock(gathered).frames += 1;
        self.cx.events.send(Event::FrameDone {
            unit: self.unit.id.clone(),
            frame,
            done: n + 1,
            total: self.unit.range.len(),
        });
        Ok(())
    }

    /// The format of the unit's first readable frame.
    fn first_format(&self) -> Result<FrameFormat> {
        let readable = |f: &i64| self.unit.clip.stand_in(*f).is_none();
        let frame = self.unit.range.iter().find(readable).or_else(|| match &self.unit.clip.media {
            // Every frame of the unit is replaced: take the size from one of those that stand in.
            ClipMedia::Sequence(s) => s.frames().find(readable),
            ClipMedia::Files(_) => None,
        });
        let frame = frame.ok_or_else(|| Error::new(ErrorKind::BadMedia, "no frame of the unit can be read"))?;
        self.reader.format(frame)
    }

    /// The format with the number and timecode of the frame it stands for.
    fn relabelled(&self, mut format: FrameFormat, frame: i64) -> FrameFormat {
        let facts = &mut format.facts;
        facts.timecode = facts.timecode.map(|tc| tc.offset(frame - facts.frame));
        facts.frame = frame;
        format
    }
}

fn refuse_existing(tree: &Tree, unit: &Unit) -> Result<()> {
    let mut there: BTreeMap<String, ()> = BTreeMap::new();
    for (_, sink) in tree.sinks() {
        for path in sink.outputs(&unit.clip, unit.range) {
            if unit.out.join(&path).exists() {
                there.insert(path, ());
            }
        }
    }
    let Some((first, ())) = there.first_key_value() else { return Ok(()) };
    let more = if there.len() > 1 { format!(" and {} more", there.len() - 1) } else { String::new() };
    Err(Error::new(ErrorKind::AlreadyExists, format!("the output exists already{more}"))
        .path(unit.out.join(first))
        .advice("choose another folder, or allow outputs to be replaced"))
}

fn abort(sink: OpenSink) {
    sink.writer.into_inner().unwrap_or_else(PoisonError::into_inner).abort();
}

fn lock<T>(m: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}
