//! The same units as an order on a Temporal server, which workers of one thread each take from.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rushes_core::{Error, ErrorKind, Result};
use rushes_simulate::reality::Run;

use crate::{FRAMES, FRAMES_PER_UNIT, everybody, hundredths};

/// A process that ends with this.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server in memory, and who works on its orders.
pub(crate) struct Fleet<'a> {
    rushes: &'a Path,
    address: String,
    server: Ends,
}

impl<'a> Fleet<'a> {
    /// Starts the server `temporal`.
    pub(crate) fn start(rushes: &'a Path, temporal: &Path) -> Result<Self> {
        let port = std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|l| l.local_addr());
        let address = port.map_err(|e| Error::io("127.0.0.1", e))?.to_string();
        let mut server = Command::new(temporal);
        server.args(["server", "start-dev", "--ip", "127.0.0.1", "--headless", "--log-level", "error", "--port"]);
        server.arg(address.rsplit(':').next().unwrap_or_default());
        server.stdout(Stdio::null());
        for config in ["matching.numTaskqueueReadPartitions=1", "matching.numTaskqueueWritePartitions=1"] {
            server.args(["--dynamic-config-value", config]);
        }
        let server = Ends(started(&mut server)?);
        let healthy = || {
            let mut ask = Command::new(temporal);
            ask.args(["operator", "cluster", "health", "--address", &address])
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            Ok(ask.status().is_ok_and(|s| s.success()))
        };
        until("the server to come up", Duration::from_millis(200), healthy)?;
        Ok(Self { rushes, address, server })
    }

    /// Makes all plates of `card` with so many workers, which wait for work when it begins.
    pub(crate) fn run(&self, card: &Path, out: &Path, workers: usize) -> Result<Run> {
        let orchestrates = self.worker("orchestrate")?;
        let working: Vec<Ends> = (0..workers).map(|_| self.worker("cpu")).collect::<Result<_>>()?;
        // They ask for work, and are asked for nothing yet.
        std::thread::sleep(Duration::from_secs(2));
        let used = || working.iter().map(|w| used_by(w.0.id())).sum::<f64>();
        // The engine itself is nobody else.
        let engine = || used_by(self.server.0.id()) + used_by(orchestrates.0.id());
        let (mine, all) = (used(), everybody() - engine());
        let mut submit = Command::new(self.rushes);
        submit.args(["submit", "plates", "--detach", "--exr", "piz", "--server", &self.address]);
        submit.args(["--frames-per-unit", &FRAMES_PER_UNIT.to_string(), "--out"]).arg(out).arg(card);
        let order = submit.stderr(Stdio::inherit()).output().map_err(|e| Error::io(self.rushes, e))?;
        let begun = Instant::now();
        let order = String::from_utf8_lossy(&order.stdout).trim().to_owned();
        until("the plates", Duration::from_millis(5), || Ok(plates(&out.join("plates"))? == FRAMES as usize))?;
        let (seconds, core_seconds) = (begun.elapsed().as_secs_f64(), used() - mine);
        let others_core_seconds = (everybody() - engine() - all - core_seconds).max(0.0);
        let mut status = Command::new(self.rushes);
        status.args(["status", &order, "--server", &self.address]);
        until("the order's end", Duration::from_millis(200), || {
            let told = status.output().map_err(|e| Error::io(self.rushes, e))?;
            Ok(String::from_utf8_lossy(&told.stdout).starts_with("done"))
        })?;
        Ok(Run { workers, seconds, core_seconds, others_core_seconds })
    }

    fn worker(&self, queue: &str) -> Result<Ends> {
        let mut worker = Command::new(self.rushes);
        worker.args(["worker", "--threads", "1", "--grace", "1", "--server", &self.address, "--queue", queue]);
        started(&mut worker).map(Ends)
    }
}

fn started(command: &mut Command) -> Result<Child> {
    command.stdin(Stdio::null()).spawn().map_err(|e| Error::io(command.get_program(), e))
}

/// Files that have their names.
fn plates(folder: &Path) -> Result<usize> {
    let listed = |folder: &Path| match std::fs::read_dir(folder) {
        Ok(entries) => entries.map(|e| e.map(|e| e.path())).collect::<io::Result<Vec<PathBuf>>>(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(e),
    };
    let io = |e| Error::io(folder, e);
    let mut count = 0;
    for clip in listed(folder).map_err(io)? {
        count += listed(&clip).map_err(io)?.iter().filter(|p| p.extension().is_some_and(|x| x == "exr")).count();
    }
    Ok(count)
}

fn until(what: &str, every: Duration, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let begun = Instant::now();
    while !is_so()? {
        if begun.elapsed() > Duration::from_secs(300) {
            return Err(Error::new(ErrorKind::Io, "it does not come").doing(format!("waiting for {what}")));
        }
        std::thread::sleep(every);
    }
    Ok(())
}

/// Core seconds of a process (proc(5), utime and stime).
fn used_by(pid: u32) -> f64 {
    hundredths(&format!("/proc/{pid}/stat"), 11)
}
