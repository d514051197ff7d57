//! The executor.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rushes_core::graph::Registry;
use rushes_core::plan::{PreparedTree, Unit};
use rushes_core::run::{Executor, RunContext, UnitReport, Verdict};
use rushes_core::{Error, ErrorKind, Result};
use rushes_local::{Coprocessor, LocalExecutor, OpenCoprocessor, first_tree};

use crate::adapter::{Adapter, Kind};
use crate::device::{Device, lock};
use crate::program::Programs;
use crate::unit::OnDevice;

/// Runs units with a GPU: it computes the stages that have a program, from the source on; the CPU decodes, computes
/// the others and writes.
///
/// ```no_run
/// use std::sync::Arc;
/// use rushes_core::graph::Registry;
/// use rushes_core::run::Runner;
/// use rushes_gpu::{Device, GpuExecutor, Settings};
///
/// # fn stock() -> Registry { Registry::new() }
/// let device = Device::open("best", Settings::default())?;
/// let runner = Runner::new(Arc::new(GpuExecutor::new(stock(), device)));
/// # Ok::<(), rushes_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct GpuExecutor {
    registry: Registry,
    local: LocalExecutor,
    gpu: Arc<Gpu>,
    results: String,
}

impl GpuExecutor {
    /// With the stages of `registry`, of which those have programs that come with Rushes.
    pub fn new(registry: Registry, device: Device) -> Self {
        Self::with_programs(registry, device, Programs::stock())
    }

    /// With the programs of `programs` alone.
    pub fn with_programs(registry: Registry, device: Device, programs: Programs) -> Self {
        let results = class(device.adapter(), &programs);
        let gpu = Arc::new(Gpu::new(device, programs));
        // While some wait for the device, others decode and write.
        let threads = std::thread::available_parallelism().map_or(1, usize::from) + 2;
        let local = LocalExecutor::new(registry.clone()).threads(threads).coprocessor(gpu.clone());
        Self { registry, local, gpu, results }
    }

    /// Frames in work at the same time, at least one: two more than there are cores if not said.
    pub fn threads(mut self, threads: usize) -> Self {
        self.local = self.local.threads(threads);
        self
    }
}

#[async_trait::async_trait]
impl Executor for GpuExecutor {
    fn name(&self) -> &str {
        "gpu"
    }

    /// Another device, another driver, another compiler or another program may round otherwise.
    fn results(&self) -> &str {
        &self.results
    }

    /// Those of the CPU, within the tolerances of `crates/backends/README.md`.
    fn pictures(&self) -> &str {
        self.local.pictures()
    }

    async fn accepts(&self, unit: &Unit) -> Verdict {
        let (this, unit) = (self.clone(), unit.clone());
        // Reads a header, and compiles what is not compiled yet.
        let look = move || first_tree(&this.registry, &unit).and_then(|tree| this.gpu.ready(&tree).map(|_| ()));
        match tokio::task::spawn_blocking(look).await {
            Ok(Ok(())) => Verdict::Yes,
            Ok(Err(e)) if e.is_retryable() => Verdict::NotNow(e.to_string()),
            Ok(Err(e)) => Verdict::No(e.to_string()),
            Err(e) => Verdict::No(format!("looking at the unit ended early: {e}")),
        }
    }

    /// A part of what the CPU takes, by the kind of the device: decoding and writing are left to it in any case.
    fn cost(&self, unit: &Unit) -> Option<Duration> {
        let part = match self.gpu.adapter.kind {
            Kind::Discrete => 0.4,
            Kind::Integrated | Kind::Virtual | Kind::Other => 0.7,
            Kind::Software => 10.0,
        };
        self.local.cost(unit).map(|cost| cost.mul_f64(part))
    }

    async fn run(&self, unit: &Unit, cx: &RunContext) -> UnitReport {
        self.local.run(unit, cx).await
    }
}

/// What decides the bits that come out, as far as can be known.
fn class(adapter: &Adapter, programs: &Programs) -> String {
    format!("gpu {adapter} on {}, {COMPILER}, programs {}", std::env::consts::OS, programs.digest())
}

/// What makes of a program what a driver takes.
const COMPILER: &str = "naga 30.0.2";

/// A device that is opened anew when it was lost, and its programs.
#[derive(Debug)]
pub(crate) struct Gpu {
    device: Mutex<Device>,
    /// What it is, for those who cannot wait: opening it anew takes as long as its driver wants.
    adapter: Adapter,
    programs: Programs,
}

impl Gpu {
    pub(crate) fn new(device: Device, programs: Programs) -> Self {
        Self { adapter: device.adapter().clone(), device: Mutex::new(device), programs }
    }

    /// Gets ready for frames of `tree`.
    pub(crate) fn ready(&self, tree: &PreparedTree) -> Result<OnDevice> {
        OnDevice::new(&self.device()?, &self.programs, tree)
    }

    /// The device; after a loss, the same adapter again.
    fn device(&self) -> Result<Device> {
        let mut device = lock(&self.device);
        if let Some(why) = device.lost() {
            let adapter = &self.adapter;
            *device = device.again().map_err(|e| {
                Error::new(ErrorKind::Io, format!("{adapter} was lost ({why}) and cannot be opened again: {e}"))
                    .advice("use the CPU, or start again when the GPU is there")
                    .retryable()
            })?;
        }
        Ok(device.clone())
    }
}

impl Coprocessor for Gpu {
    fn name(&self) -> &str {
        "gpu"
    }

    fn ran_on(&self) -> String {
        format!("gpu ({})", self.adapter.name)
    }

    fn open(&self, tree: &PreparedTree) -> Result<Box<dyn OpenCoprocessor>> {
        Ok(Box::new(self.ready(tree)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_of_results_has_the_compiler_that_is_used() {
        let lock = include_str!("../../../../Cargo.lock");
        let (_, after) = lock.split_once("name = \"naga\"\nversion = \"").unwrap();
        let (version, _) = after.split_once('"').unwrap();
        assert_eq!(COMPILER, format!("naga {version}"), "another compiler may round otherwise: say so");
    }

    #[test]
    fn what_a_gpu_is_can_be_told_while_it_is_opened() {
        let Some(device) = crate::testing::device(crate::Settings::default()) else { return };
        let gpu = Arc::new(Gpu::new(device, Programs::none()));
        let opening = lock(&gpu.device);
        let (told, ran_on) = std::sync::mpsc::channel();
        let asks = Arc::clone(&gpu);
        std::thread::spawn(move || told.send(asks.ran_on()));
        let ran_on = ran_on.recv_timeout(Duration::from_secs(10)).expect("it waits for the device to be opened");
        assert_eq!(ran_on, format!("gpu ({})", opening.adapter().name));
    }
}
