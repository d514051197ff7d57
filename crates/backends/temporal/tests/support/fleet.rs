//! Workers as processes of their own: this very test program, started again.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rushes::backends::local::LocalExecutor;
use rushes::core::frame::FrameFormat;
use rushes::core::graph::{AnyStage, Registry};
use rushes::core::run::{CancellationToken, ClipHead, Executors, OrderHead, Orders, RunContext, UnitRef, UnitReport};
use rushes::core::stage::{ClipReader, ClipRef, Source, SourceFrame, StageInfo};
use rushes::order::Desk;
use rushes::stages::ingest::dng::DngSource;
use rushes::{Error, ErrorKind, Result};
use rushes_temporal::{Server, Worker};
use serde::{Deserialize, Serialize};

/// What a worker process is to be.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Setup {
    pub server: String,
    pub queues: Vec<String>,
    /// Milliseconds that each frame takes longer.
    pub slow: u64,
    /// The clip that takes the process down.
    pub poison: Option<String>,
    /// Whether the card is gone for it.
    pub blind: bool,
    /// Milliseconds that units have when it is told to end; few if not said.
    pub grace: Option<u64>,
    /// Where it writes down what its clock says, in seconds since 1970.
    pub clock: Option<PathBuf>,
}

/// The variable by which a test program knows that it is a worker.
pub const SETUP: &str = "RUSHES_TEST_WORKER";

/// A worker process, killed with the test.
pub struct WorkerProcess(pub Child);

impl WorkerProcess {
    pub fn start(setup: &Setup) -> Self {
        Self::start_with(setup, &[])
    }

    pub fn start_with(setup: &Setup, env: &[(&str, &Path)]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["worker_process", "--exact", "--ignored", "--nocapture"])
            .env(SETUP, serde_json::to_string(setup).unwrap())
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }

    pub fn signal(&self, signal: &str) {
        let done = Command::new("kill").args([signal, &self.0.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    pub fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the clock says, in seconds since 1970.
pub fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// What such a process does.
pub fn work(setup: &Setup) -> Result<()> {
    if let Some(path) = &setup.clock {
        std::fs::write(path, now().to_string()).unwrap();
    }
    let registry = registry(setup);
    let local = LocalExecutor::new(registry.clone()).threads(1);
    let desk = Desk::new(registry, Executors::new().prefer(Arc::new(local))).note_every(Duration::from_millis(100));
    let orders: Arc<dyn Orders> = if setup.blind { Arc::new(Blind(desk)) } else { Arc::new(desk) };
    let worker = Worker::new(orders).units_at_once(2).grace(Duration::from_millis(setup.grace.unwrap_or(300)));
    let worker = setup.queues.iter().fold(worker, |w, q| w.queue(q));
    let server = Server::from_env()?.at(&setup.server)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let stop = CancellationToken::new();
    runtime.block_on(async {
        let fire = stop.clone();
        let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
        tokio::spawn(async move {
            term.recv().await;
            fire.cancel();
        });
        worker.run(&server, stop).await
    })
}

/// The desk of a machine that has lost its mount of the card.
#[derive(Debug)]
struct Blind(Desk);

#[async_trait]
impl Orders for Blind {
    async fn head(&self, order: &str) -> Result<OrderHead> {
        self.0.head(order).await
    }
    async fn clip(&self, order: &str, clip: u64) -> Result<ClipHead> {
        self.0.clip(order, clip).await
    }
    async fn run(&self, order: &str, unit: UnitRef, cx: &RunContext) -> Result<UnitReport> {
        self.0.run(order, unit, cx).await
    }
    async fn reach(&self, _: &str) -> Result<()> {
        Err(Error::new(ErrorKind::NotFound, "the card is gone on purpose"))
    }
    async fn lost(&self, order: &str, unit: UnitRef, why: Error) -> Result<()> {
        self.0.lost(order, unit, why).await
    }
    async fn settle(&self, order: &str, clip: u64, generation: u32) -> Result<Option<ClipHead>> {
        self.0.settle(order, clip, generation).await
    }
    async fn finish(&self, order: &str) -> Result<bool> {
        self.0.finish(order).await
    }
}

pub fn registry(setup: &Setup) -> Registry {
    let mut registry = rushes::registry();
    let decoder = Decoder(Arc::new(setup.clone()));
    registry.with("decode", move |_| Ok(AnyStage::source(decoder.clone())));
    registry
}

/// The stock decoder of DNGs, with troubles.
#[derive(Debug, Clone)]
struct Decoder(Arc<Setup>);

struct Reader(Arc<Setup>, String, Box<dyn ClipReader>);

impl StageInfo for Decoder {
    fn name(&self) -> &'static str {
        "decode"
    }
    fn version(&self) -> u32 {
        1
    }
    fn params(&self) -> serde_json::Value {
        serde_json::json!({})
    }
}

impl Source for Decoder {
    fn accepts(&self, clip: &ClipRef) -> Result<()> {
        DngSource::default().accepts(clip)
    }
    fn open(&self, clip: &ClipRef) -> Result<Box<dyn ClipReader>> {
        if self.0.blind {
            return Err(Error::new(ErrorKind::NotFound, "the card is gone on purpose"));
        }
        Ok(Box::new(Reader(Arc::clone(&self.0), clip.name.clone(), DngSource::default().open(clip)?)))
    }
}

impl ClipReader for Reader {
    fn format(&self, frame: i64) -> Result<FrameFormat> {
        self.2.format(frame)
    }
    fn bytes_needed(&self, frame: i64) -> Result<u64> {
        self.2.bytes_needed(frame)
    }
    fn decode(&self, frame: i64) -> Result<Box<dyn SourceFrame>> {
        if self.0.poison.as_ref() == Some(&self.1) {
            std::process::abort();
        }
        std::thread::sleep(Duration::from_millis(self.0.slow));
        self.2.decode(frame)
    }
}
