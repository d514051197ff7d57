//! Runs one unit: opens its clip and its outputs, and makes its frames.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rushes_core::deliver::refuse_among_originals;
use rushes_core::error::guarded;
use rushes_core::frame::{FrameFormat, Pool};
use rushes_core::graph::Registry;
use rushes_core::media::{Finding, StandIn};
use rushes_core::plan::{Tree, Unit};
use rushes_core::run::{BadFrame, Budget, Event, RunContext, UnitReport};
use rushes_core::stage::{ClipReader, OutputFile, SinkContext};
use rushes_core::{Error, ErrorKind, Result};

use crate::bad::{bad_frame, bad_frames};
use crate::busy::finishing;
use crate::first::first_format;
use crate::frame::{EncodedFrame, Making, OpenSink, Rows, poisoned, who};
use crate::order::{self, Order};
use crate::refuse::refuse_existing;
use crate::{Coprocessor, Mode, OpenCoprocessor};

/// What a unit is run with.
pub(crate) struct With<'a> {
    pub(crate) workers: usize,
    pub(crate) mode: Mode,
    /// A permit for each frame in work.
    pub(crate) cores: &'a Budget,
    pub(crate) coprocessor: Option<&'a dyn Coprocessor>,
}

/// Runs `unit`.
pub(crate) fn run(registry: &Registry, unit: &Unit, cx: &RunContext, with: &With<'_>) -> UnitReport {
    let begun = Instant::now();
    let mut report = UnitReport::begin(unit, with.coprocessor.map_or_else(|| "local".into(), Coprocessor::ran_on));
    let (workers, shares) = match with.mode {
        Mode::Frames => (with.workers, 1),
        Mode::Bands => (1, with.workers),
    };
    let result = guarded("a stage of the unit", || {
        Job::open(registry, unit, cx, shares, with.coprocessor)?.run(workers, with.cores, &mut report)
    });
    if let Err(e) = result {
        report = report.failed(&e.clip(&unit.clip.name));
    }
    report.outputs.sort_by(|a, b| a.path.cmp(&b.path));
    report.wall_ms = begun.elapsed().as_secs_f64() * 1e3;
    report
}

/// What became of a frame.
enum Made {
    /// What its sinks made of it.
    Frame(EncodedFrame),
    /// It cannot be decoded.
    Bad(BadFrame),
}

struct Job<'a> {
    unit: &'a Unit,
    cx: &'a RunContext,
    tree: Tree,
    reader: Box<dyn ClipReader>,
    /// What computes some of the stages, and its name.
    device: Option<(Box<dyn OpenCoprocessor>, String)>,
    sinks: Vec<OpenSink>,
    /// The frames that some sink wants, in order.
    frames: Vec<i64>,
    /// What decoding the first frame needs.
    decode_bytes: u64,
    /// Threads that share a frame's rows: as many as were asked for and the budget has room for.
    shares: usize,
    /// What they need beyond the plan.
    extra_bytes: u64,
    /// The rows in work, from frame to frame.
    memory: Pool<f32>,
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
    /// Frames that cannot be decoded.
    bad: Vec<BadFrame>,
    /// Frames that were not made because of them: themselves, and those they stand in for.
    lost: BTreeSet<i64>,
}

impl Gathered {
    fn lost(&mut self, frame: i64, bad: BadFrame) {
        self.lost.insert(frame);
        if !self.bad.iter().any(|b| b.frame == bad.frame) {
            self.bad.push(bad);
        }
    }
}

impl<'a> Job<'a> {
    fn open(
        registry: &Registry,
        unit: &'a Unit,
        cx: &'a RunContext,
        shares: usize,
        coprocessor: Option<&dyn Coprocessor>,
    ) -> Result<Self> {
        let tree = Tree::make(&unit.tree, registry)?;
        tree.source().accepts(&unit.clip)?;
        refuse_among_originals(&unit.out, &unit.clip.media)?;
        if !unit.existing().may_stand() {
            refuse_existing(&tree, unit)?;
        }
        let reader = tree.source().open(&unit.clip)?;
        let mut job = Self {
            unit,
            cx,
            tree,
            reader,
            device: None,
            sinks: Vec::new(),
            frames: Vec::new(),
            decode_bytes: 0,
            shares: 1,
            extra_bytes: 0,
            memory: Pool::default(),
        };
        let first = first_format(unit, job.reader.as_ref())?;
        job.decode_bytes = job.reader.bytes_needed(first.facts.frame).unwrap_or(0);
        let prepared = job.tree.prepare(&first, |n| !unit.to_make(n).is_empty())?;
        // Before anything is written.
        job.device = coprocessor.map(|c| Ok::<_, Error>((c.open(&prepared)?, c.name().to_owned()))).transpose()?;
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
                existing: unit.existing(),
            };
            let opened = if sink.whole_clip() && to_make != [unit.range] {
                Err(Error::new(ErrorKind::Invalid, "it needs all frames in one go, and some are said to stand already"))
            } else {
                guarded(&who(&job.tree, node), || sink.open(&context, &prepared.nodes[node].format))
            };
            match opened {
                Ok(writer) => {
                    sinks.push(OpenSink::new(node, Arc::clone(sink), to_make, writer));
                }
                Err(e) => {
                    sinks.into_iter().for_each(abort);
                    return Err(e.doing(format!("opening the outputs of `{}`", job.tree.node(node).0.id)));
                }
            }
        }
        // Each share has windows of its own, and its finished rows are kept until those above are.
        let kept: u64 = sinks.iter().map(|s| prepared.nodes[s.node].format.bytes()).sum();
        let extra = |shares: usize| prepared.window_bytes() * (shares as u64 - 1) + if shares > 1 { kept } else { 0 };
        let fits = |shares: &usize| unit.bytes_per_frame.saturating_add(extra(*shares)) <= cx.budget.total();
        job.shares = (1..=shares).rev().find(fits).unwrap_or(1);
        job.extra_bytes = extra(job.shares);
        job.frames = unit.range.iter().filter(|&f| sinks.iter().any(|s| s.wants(unit, f))).collect();
        job.sinks = sinks;
        Ok(job)
    }

    fn run(mut self, workers: usize, cores: &Budget, report: &mut UnitReport) -> Result<()> {
        let order = Order::new(self.frames.len(), 2 * workers);
        let gathered =
            Mutex::new(Gathered { findings: self.unit.stand_ins(), spent: self.no_time(), ..Gathered::default() });
        let span = tracing::Span::current();
        std::thread::scope(|scope| {
            for _ in 0..workers.min(self.frames.len()) {
                scope.spawn(|| {
                    let _in = span.enter();
                    // Panics of stages are caught where the stage is known; this one is for ours.
                    let worked =
                        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.work(&order, cores, &gathered)));
                    if let Err(e) = worked.unwrap_or_else(|_| Err(poisoned())) {
                        order.stop();
                        lock(&gathered).error.get_or_insert(e);
                    }
                });
            }
        });
        let mut gathered = gathered.into_inner().unwrap_or_else(PoisonError::into_inner);
        let sinks = std::mem::take(&mut self.sinks);
        gathered.bad.sort_by_key(|b| b.frame);
        let mut result = gathered.error.take().map_or(Ok(()), Err);
        if result.is_ok() && self.cx.cancel.is_cancelled() && gathered.frames + gathered.lost.len() < self.frames.len()
        {
            result = Err(Error::new(ErrorKind::Cancelled, "cancelled"));
        }
        for sink in sinks {
            if result.is_err() || sink.is_broken() {
                abort(sink);
                continue;
            }
            let long = sink.sink.whole_clip();
            let writer = sink.writer.into_inner().unwrap_or_else(PoisonError::into_inner);
            let stage = &self.tree.node(sink.node).0.id;
            let finish = || guarded(&who(&self.tree, sink.node), || writer.finish());
            // Files of single frames have their names by now: a thread would take longer to start than they to finish.
            let files = if long { finishing(&self.cx.events, &self.unit.id, stage, finish) } else { finish() };
            match files {
                Ok(files) => {
                    self.tell(&files);
                    gathered.outputs.extend(files);
                }
                Err(e) => result = Err(e.doing(format!("finishing `{stage}`"))),
            }
        }
        if result.is_ok() {
            result = bad_frames(&gathered.bad);
        }
        report.frames = gathered.frames as u64;
        report.bad_frames = gathered.bad;
        report.outputs = gathered.outputs;
        let of_device = self.device.iter().flat_map(|(device, _)| device.findings());
        report.findings = of_device.map(|f| f.clip(&self.unit.clip.name)).chain(gathered.findings).collect();
        let ms = |d: Duration| d.as_secs_f64() * 1e3;
        report.stage_ms =
            (1..self.tree.len()).map(|i| (self.tree.node(i).0.id.clone(), ms(gathered.spent[i]))).collect();
        report.stage_ms.insert(self.tree.node(0).0.id.clone(), ms(gathered.decode + gathered.spent[0]));
        if let (Some((_, name)), Some(spent)) = (&self.device, gathered.spent.last()) {
            *report.stage_ms.entry(name.clone()).or_default() += ms(*spent);
        }
        result
    }

    /// One thread's work: frame after frame.
    fn work(&self, order: &Order, cores: &Budget, gathered: &Mutex<Gathered>) -> Result<()> {
        let cancel = &self.cx.cancel;
        let mut spent = self.no_time();
        let mut decode = Duration::ZERO;
        let result = loop {
            if cancel.is_cancelled() {
                order.stop();
                break Err(Error::new(ErrorKind::Cancelled, "cancelled"));
            }
            let turn = order.begin(|n| self.cx.budget.reserve(self.bytes_of(self.frames[n]), cancel));
            let (n, memory) = match turn {
                Ok(Some(turn)) => turn,
                Ok(None) => break Ok(()),
                Err(e) => break Err(e),
            };
            let frame = self.frames[n];
            let made = cores
                .reserve(self.shares as u64, cancel)
                .and_then(|_core| self.make(frame, &mut spent, &mut decode))
                .map_err(|e| e.frame(frame));
            let mut encoded = match made {
                Ok(Made::Frame(encoded)) => encoded,
                Ok(Made::Bad(bad)) => {
                    lock(gathered).lost(frame, bad);
                    self.sinks.iter().filter(|s| s.sink.whole_clip()).for_each(OpenSink::break_off);
                    EncodedFrame::new()
                }
                Err(e) => break Err(e),
            };
            let encoded = (0..self.sinks.len()).map(|i| encoded.remove(&i)).collect();
            let committed = order.done(n, encoded, memory, |n, encoded| self.commit(n, encoded, gathered));
            if let Err(e) = committed {
                break Err(e.frame(frame));
            }
        };
        let mut g = lock(gathered);
        for (total, new) in g.spent.iter_mut().zip(spent) {
            *total += new;
        }
        g.decode += decode;
        result
    }

    fn make(&self, frame: i64, spent: &mut [Duration], decode: &mut Duration) -> Result<Made> {
        let wanted: Vec<bool> = self.sinks.iter().map(|s| s.wants(self.unit, frame)).collect();
        let goes_on = || !self.cx.cancel.is_cancelled();
        let making = Making {
            tree: &self.tree,
            sinks: &self.sinks,
            wanted: &wanted,
            shares: self.shares,
            memory: &self.memory,
            device: self.device.as_ref().map(|(device, _)| device.as_ref()),
            goes_on: &goes_on,
        };
        let from = match self.unit.clip.stand_in(frame) {
            Some(StandIn::Black) => {
                let format = self.relabelled(first_format(self.unit, self.reader.as_ref())?, frame);
                return making.make(&format, &Rows::Black, spent).map(Made::Frame);
            }
            Some(StandIn::Hold(from)) => from,
            None => frame,
        };
        let begun = Instant::now();
        let decoded = tracing::debug_span!("decode", frame = from)
            .in_scope(|| guarded(&who(&self.tree, 0), || self.reader.decode(from)));
        *decode += begun.elapsed();
        let decoded = match decoded {
            Ok(decoded) => decoded,
            Err(e) if e.is_retryable() || e.kind() == ErrorKind::Cancelled => return Err(e),
            // A damaged frame loses nothing but itself.
            Err(e) => return Ok(Made::Bad(bad_frame(from, e))),
        };
        let format = self.relabelled(decoded.format(), frame);
        let span = tracing::debug_span!("stages", frame);
        match span.in_scope(|| making.make(&format, &Rows::Picture(decoded.as_ref()), spent)) {
            // The device has no room for a frame of its size, but for others.
            Err(e) if self.device.is_some() && e.kind() == ErrorKind::Budget && !e.is_retryable() => {
                Ok(Made::Bad(bad_frame(from, e)))
            }
            made => made.map(Made::Frame),
        }
    }

    /// The memory that `frame` needs: what was planned from the clip's first frame, or more where
    /// its own header says so.
    fn bytes_of(&self, frame: i64) -> u64 {
        let planned = self.unit.bytes_per_frame.saturating_add(self.extra_bytes);
        let from = match self.unit.clip.stand_in(frame) {
            Some(StandIn::Black) => return planned,
            Some(StandIn::Hold(from)) => from,
            None => frame,
        };
        // A header that cannot be read is told when the frame is decoded.
        let needed = guarded("the source", || self.reader.bytes_needed(from)).unwrap_or(0);
        planned.saturating_add(needed.saturating_sub(self.decode_bytes))
    }

    /// No time yet for each node, and for what is computed elsewhere.
    fn no_time(&self) -> Vec<Duration> {
        vec![Duration::ZERO; self.tree.len() + 1]
    }

    fn tell(&self, files: &[OutputFile]) {
        for output in files {
            self.cx.events.send(Event::OutputFinished { unit: self.unit.id.clone(), output: output.clone() });
        }
    }

    fn commit(&self, n: usize, encoded: order::InOrder, gathered: &Mutex<Gathered>) -> Result<()> {
        let frame = self.frames[n];
        for (sink, bytes) in self.sinks.iter().zip(encoded) {
            // A movie that lost a frame gets no later ones.
            let Some(bytes) = bytes.filter(|_| !sink.is_broken()) else { continue };
            let mut writer = sink.writer.write().map_err(|_| poisoned())?;
            let committed = guarded(&who(&self.tree, sink.node), || writer.commit(frame, bytes));
            let files = committed.map_err(|e| e.frame(frame))?;
            drop(writer);
            self.tell(&files);
            lock(gathered).outputs.extend(files);
        }
        let mut g = lock(gathered);
        if g.lost.contains(&frame) {
            return Ok(());
        }
        g.frames += 1;
        drop(g);
        self.cx.events.send(Event::FrameDone {
            unit: self.unit.id.clone(),
            frame,
            done: n as u64 + 1,
            total: self.frames.len() as u64,
        });
        Ok(())
    }

    /// The format with the number and timecode of the frame it stands for.
    fn relabelled(&self, mut format: FrameFormat, frame: i64) -> FrameFormat {
        let facts = &mut format.facts;
        facts.timecode = facts.timecode.map(|tc| tc.offset(frame - facts.frame));
        facts.frame = frame;
        facts.stand_in = self.unit.clip.stand_in(frame);
        format
    }
}

fn abort(sink: OpenSink) {
    sink.writer.into_inner().unwrap_or_else(PoisonError::into_inner).abort();
}

fn lock<T>(m: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}
