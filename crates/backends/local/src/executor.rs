//! The executor.

use std::sync::Arc;
use std::time::Duration;

use rushes_core::graph::Registry;
use rushes_core::plan::{Tree, Unit};
use rushes_core::run::{Budget, Executor, RunContext, UnitReport, Verdict};
use rushes_core::{Error, ErrorKind};

use crate::Coprocessor;
use crate::unit::With;

/// What the threads share among themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Whole frames: most frames per second.
    #[default]
    Frames,
    /// The rows of one frame: the shortest time to a frame.
    Bands,
}

/// Runs units on the CPUs of this machine, with the stages of a registry.
#[derive(Debug, Clone)]
pub struct LocalExecutor {
    registry: Registry,
    threads: usize,
    mode: Mode,
    cores: Budget,
    coprocessor: Option<Arc<dyn Coprocessor>>,
}

impl LocalExecutor {
    /// One thread a core, frames side by side.
    pub fn new(registry: Registry) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { registry, threads, mode: Mode::default(), cores: Budget::new(threads as u64), coprocessor: None }
    }

    /// Threads in all, shared by the units that run at the same time; at least one.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self.cores = Budget::new(self.threads as u64);
        self
    }

    /// What the threads share among themselves.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// With a device that computes some of the stages. What it computes decides the bytes of outputs: an executor over
    /// this one has to say that its results are of another class.
    pub fn coprocessor(mut self, coprocessor: Arc<dyn Coprocessor>) -> Self {
        self.coprocessor = Some(coprocessor);
        self
    }
}

#[async_trait::async_trait]
impl Executor for LocalExecutor {
    fn name(&self) -> &str {
        "local"
    }

    /// Those of Rushes' own stages, whatever computes them.
    fn pictures(&self) -> &str {
        "rushes"
    }

    async fn accepts(&self, unit: &Unit) -> Verdict {
        match Tree::make(&unit.tree, &self.registry).and_then(|t| t.source().accepts(&unit.clip)) {
            Ok(()) => Verdict::Yes,
            Err(e) => Verdict::No(e.to_string()),
        }
    }

    /// Two nanoseconds of a thread for each byte that frames need: right within a factor of three or so.
    fn cost(&self, unit: &Unit) -> Option<Duration> {
        let bytes = unit.range.len() as f64 * unit.bytes_per_frame as f64;
        Duration::try_from_secs_f64(bytes * 2e-9 / self.threads as f64).ok()
    }

    async fn run(&self, unit: &Unit, cx: &RunContext) -> UnitReport {
        // A caller that drops this future stops the threads, too.
        let cancel = cx.cancel.child_token();
        let _dropped = cancel.clone().drop_guard();
        let (this, owned, cx) = (self.clone(), unit.clone(), RunContext { cancel, ..cx.clone() });
        let span = tracing::Span::current();
        let run = move || {
            let _in = span.enter();
            let with = With {
                workers: this.threads,
                mode: this.mode,
                cores: &this.cores,
                coprocessor: this.coprocessor.as_deref(),
            };
            crate::unit::run(&this.registry, &owned, &cx, &with)
        };
        match tokio::task::spawn_blocking(run).await {
            Ok(report) => report,
            Err(e) => UnitReport::begin(unit, self.name())
                .failed(&Error::new(ErrorKind::Panicked, format!("the unit ended without a report: {e}"))),
        }
    }
}
