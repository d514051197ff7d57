//! Runs one unit: opens its clip and its outputs, and makes its frames.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
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
    /// The frames that some sink wants, in order.
    frames: Vec<i64>,
}

/// What the threads of a unit gather.
#[derive(Default)]
struct Gathered {
    error: Option<Error>,
    outputs: Vec<OutputFile>,
    findings: Vec<Finding>,
    spent: Vec<Duration>,
    decode: Duration,
    frames: usize,
}

impl<'a> Job<'a> {
    fn open(registry: &Registry, unit: &'a Unit, cx: &'a RunContext) -> Result<Self> {
        let tree = Tree::make(&unit.tree, registry)?;
        tree.source().accepts(&unit.clip)?;
        if !unit.overwrite {
            refuse_existing(&tree, unit)?;
        }
        let reader = tree.source().open(&unit.clip)?;
        let mut job = Self { unit, cx, tree, reader, sinks: Vec::new(), frames: Vec::new() };
        let first = job.first_format()?;
        let prepared = job.tree.prepare(&first, |n| !unit.to_make(n).is_empty())?;
        let mut sinks: Vec<OpenSink> = Vec::new();
        for (node, sink) in job.tree.sinks() {
            let to_make = unit.to_make(node);
            if to_make.is_empty() {
                continue;
            }
            let context = SinkContext {
                clip: unit.clip.clone(),
                range: unit.range,
                to_make: to_make.clone(),
                out: unit.out.clone(),
                overwrite: unit.overwrite,
            };
            let opened = if sink.whole_clip() && to_make != [unit.range] {
                Err(Error::new(ErrorKind::Invalid, "it needs all frames in one go, and some are said to stand already"))
            } else {
                sink.open(&context, &prepared.nodes[node].format)
            };
            match opened {
                Ok(writer) => {
                    sinks.push(OpenSink { node, sink: Arc::clone(sink), to_make, writer: RwLock::new(writer) });
                }
                Err(e) => {
                    sinks.into_iter().for_each(abort);
                    return Err(e.doing(format!("opening the outputs of `{}`", job.tree.node(node).0.id)));
                }
            }
        }
        job.frames = unit.range.iter().filter(|&f| sinks.iter().any(|s| s.wants(unit, f))).collect();
        job.sinks = sinks;
        Ok(job)
    }

    fn run(mut self, threads: usize, mode: Mode, cores: &Budget, report: &mut UnitReport) -> Result<()> {
        let (workers, shares) = match mode {
            Mode::Frames => (threads, 1),
            Mode::Bands => (1, threads),
        };
        let order = Order::new(self.frames.len(), 2 * workers);
        let gathered = Mutex::new(Gathered {
            findings: self.stand_ins(),
            spent: vec![Duration::ZERO; self.tree.len()],
            ..Gathered::default()
        });
        let span = tracing::Span::current();
        std::thread::scope(|scope| {
            for _ in 0..workers.min(self.frames.len()) {
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
        if result.is_ok() && self.cx.cancel.is_cancelled() && gathered.frames < self.frames.len() {
            result = Err(Error::new(ErrorKind::Cancelled, "cancelled"));
        }
        for sink in sinks {
            if result.is_err() {
                abort(sink);
                continue;
            }
            let writer = sink.writer.into_inner().unwrap_or_else(PoisonError::into_inner);
            match writer.finish() {
                Ok(files) => {
                    self.tell(&files);
                    gathered.outputs.extend(files);
                }
                Err(e) => result = Err(e.doing(format!("finishing `{}`", self.tree.node(sink.node).0.id))),
            }
        }
        report.frames = gathered.frames as u64;
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
            let frame = self.frames[n];
            let made = cores
                .reserve(shares as u64, cancel)
                .and_then(|_core| self.make(frame, shares, &mut spent, &mut decode));
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

    fn make(&self, frame: i64, shares: usize, spent: &mut [Duration], decode: &mut Duration) -> Result<Encoded> {
        let wanted: Vec<bool> = self.sinks.iter().map(|s| s.wants(self.unit, frame)).collect();
        let goes_on = || !self.cx.cancel.is_cancelled();
        let making = Making { tree: &self.tree, sinks: &self.sinks, wanted: &wanted, shares, goes_on: &goes_on };
        let from = match self.unit.clip.stand_in(frame) {
            Some(StandIn::Black) => {
                return making.make(&self.relabelled(self.first_format()?, frame), &Rows::Black, spent);
            }
            Some(StandIn::Hold(from)) => from,
            None => frame,
        };
        let begun = Instant::now();
        let decoded = tracing::debug_span!("decode", frame = from).in_scope(|| {
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.reader.decode(from))).unwrap_or_else(|_| {
                Err(Error::new(ErrorKind::Panicked, format!("`{}` panicked", self.tree.node(0).0.id)))
            })
        })?;
        *decode += begun.elapsed();
        let format = self.relabelled(decoded.format(), frame);
        let span = tracing::debug_span!("stages", frame);
        span.in_scope(|| making.make(&format, &Rows::Picture(decoded.band()), spent))
    }

    /// What is told of frames that others stand in for.
    fn stand_ins(&self) -> Vec<Finding> {
        let clip = &self.unit.clip;
        let parts = clip.substitutes.iter().filter_map(|s| Some((s.frames.intersect(self.unit.range)?, s.with)));
        parts
            .map(|(frames, with)| {
                let finding = match with {
                    StandIn::Black => Finding::info("frame-black", format!("black stands in for {frames}")),
                    StandIn::Hold(from) => Finding::info("frame-held", format!("frame {from} stands in for {frames}")),
                };
                finding.clip(&clip.name).frame(frames.first)
            })
            .collect()
    }

    fn tell(&self, files: &[OutputFile]) {
        for output in files {
            self.cx.events.send(Event::OutputFinished { unit: self.unit.id.clone(), output: output.clone() });
        }
    }

    fn commit(&self, n: usize, encoded: order::Encoded, gathered: &Mutex<Gathered>) -> Result<()> {
        let frame = self.frames[n];
        for (sink, bytes) in self.sinks.iter().zip(encoded) {
            let Some(bytes) = bytes else { continue };
            let mut writer = sink.writer.write().map_err(|_| poisoned())?;
            let files = writer.commit(frame, bytes).map_err(|e| e.frame(frame))?;
            drop(writer);
            self.tell(&files);
            lock(gathered).outputs.extend(files);
        }
        lock(gathered).frames += 1;
        self.cx.events.send(Event::FrameDone {
            unit: self.unit.id.clone(),
            frame,
            done: n as u64 + 1,
            total: self.frames.len() as u64,
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
    let mut there: BTreeSet<String> = BTreeSet::new();
    for (node, sink) in tree.sinks() {
        let paths = unit.to_make(node).into_iter().flat_map(|r| sink.outputs(&unit.clip, r));
        there.extend(paths.filter(|path| unit.out.join(path).exists()));
    }
    let Some(first) = there.first() else { return Ok(()) };
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
