//! Writes down outputs while a unit makes them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use rushes_core::Result;
use rushes_core::media::FrameRange;
use rushes_core::plan::Unit;
use rushes_core::run::{Event, Events, Reading, RunContext};
use rushes_core::stage::OutputFile;

use crate::judge::Inputs;
use crate::record::{Recipe, Record, stand_ins};
use crate::store::Ledger;

/// How long a finished output waits at most until it is written down. A run killed within it
/// makes the output once more.
const PATIENCE: Duration = Duration::from_millis(200);

/// What the scribe hears.
enum News {
    Frame(i64),
    Output(OutputFile),
}

/// Listens to a unit.
pub(crate) struct Scribe {
    thread: std::thread::JoinHandle<Result<()>>,
}

impl Scribe {
    /// A scribe for `unit`, and the events that both it and the listener of `cx` hear. It works until the last
    /// clone of the events is gone.
    pub(crate) fn new(
        ledger: Arc<Ledger>,
        unit: Unit,
        recipes: BTreeMap<usize, Recipe>,
        sinks: BTreeMap<String, usize>,
        cx: &RunContext,
    ) -> (Self, Events) {
        let (tell, hear) = channel();
        let reading = Reading::of(&unit, cx);
        let thread = std::thread::spawn(move || Desk { unit, recipes, sinks }.work(&ledger, reading, &hear));
        (Self { thread }, listening(cx.events.clone(), tell))
    }

    /// Waits until all is written down.
    pub(crate) fn finish(self) -> Result<()> {
        self.thread.join().unwrap_or_else(|_| {
            Err(rushes_core::Error::new(rushes_core::ErrorKind::Panicked, "the ledger's scribe panicked"))
        })
    }
}

fn listening(to: Events, tell: Sender<News>) -> Events {
    Events::to(move |event| {
        let news = match &event {
            Event::FrameDone { frame, .. } => Some(News::Frame(*frame)),
            Event::OutputFinished { output, .. } => Some(News::Output(output.clone())),
            _ => None,
        };
        if let Some(news) = news {
            // A scribe that gave up says so when it is finished with.
            let _ = tell.send(news);
        }
        to.send(event);
    })
}

struct Desk {
    unit: Unit,
    recipes: BTreeMap<usize, Recipe>,
    /// Output path → its sink.
    sinks: BTreeMap<String, usize>,
}

impl Desk {
    fn work(&self, ledger: &Ledger, reading: Reading, hear: &Receiver<News>) -> Result<()> {
        let mut inputs = Inputs::new(ledger, reading);
        let mut outputs = Vec::new();
        let recipes: Vec<Recipe> = self.recipes.values().cloned().collect();
        let mut written = Instant::now();
        loop {
            let end = match hear.recv_timeout(PATIENCE) {
                // The file was just decoded: its bytes are still in memory.
                Ok(News::Frame(f)) => {
                    inputs.of(&self.unit, FrameRange { first: f, last: f })?;
                    false
                }
                Ok(News::Output(output)) => {
                    outputs.push(output);
                    false
                }
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            if !outputs.is_empty() && (end || written.elapsed() >= PATIENCE) {
                let records: Result<Vec<Record>> =
                    outputs.drain(..).filter_map(|output| self.record(output, &mut inputs)).collect();
                ledger.put(&records?, &recipes)?;
                written = Instant::now();
            }
            if end {
                return inputs.remember();
            }
        }
    }

    fn record(&self, output: OutputFile, inputs: &mut Inputs<'_>) -> Option<Result<Record>> {
        let recipe = self.recipes.get(self.sinks.get(&output.path)?)?.digest();
        let stand_ins = stand_ins(&self.unit, output.frames);
        let from = match inputs.of(&self.unit, output.frames) {
            Ok(from) => from,
            Err(e) => return Some(Err(e)),
        };
        Some(Ok(Record { clip: self.unit.clip.name.clone(), recipe, from, stand_ins, output }))
    }
}
