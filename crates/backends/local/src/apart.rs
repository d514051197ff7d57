//! Units in processes of their own.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rushes_core::media::Finding;
use rushes_core::plan::Unit;
use rushes_core::run::{Event, Executor, RunContext, UnitReport, Verdict};
use rushes_core::{Error, ErrorKind, Result};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

/// Runs each unit in a process of its own: what a decoder does to that, a crash or a memory that never ends, befalls the unit
/// alone. The price is a process start a unit.
///
/// The process is given the unit as one line of standard input, whose end cancels it, and prints events as JSON lines
/// ([`Event`]), the last of which is [`Event::UnitFinished`]: `rushes run-unit - --attended` does. It makes what the
/// executor would make that answers for it here.
#[derive(Debug)]
pub struct Apart {
    here: Arc<dyn Executor>,
    program: PathBuf,
    args: Vec<String>,
    memory: Option<(u64, u64)>,
}

/// Longest line that is read from a unit's process.
const LONGEST: u64 = 64 << 20;

/// How long a process may take to end that was told to.
const TO_END: Duration = Duration::from_secs(20);

impl Apart {
    /// Units that `here` takes, by running `program` with `args`.
    pub fn new(here: Arc<dyn Executor>, program: impl Into<PathBuf>, args: Vec<String>) -> Self {
        Self { here, program: program.into(), args, memory: None }
    }

    /// `memory` bytes for frames in flight of all processes, `at_once` of which may run: each is told its share (`--memory=N`), and
    /// one whose frames do not fit into that twice the frame, as long as there is so much. More than one of those may then have
    /// more than there is together.
    pub fn memory(mut self, memory: u64, at_once: usize) -> Self {
        self.memory = Some((memory, at_once.max(1) as u64));
        self
    }

    fn memory_of(&self, unit: &Unit) -> Option<String> {
        let (all, at_once) = self.memory?;
        let share = (all / at_once).max(unit.bytes_per_frame.saturating_mul(2)).min(all);
        Some(format!("--memory={share}"))
    }

    async fn attend(&self, unit: &Unit, cx: &RunContext) -> Result<UnitReport> {
        let io = |e: std::io::Error| Error::io(&self.program, e).doing("running a unit in a process of its own");
        let mut line = unit.to_json()?;
        line.push('\n');
        let mut child = Command::new(&self.program)
            .args(&self.args)
            .args(self.memory_of(unit))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(io)?;
        let (mut stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        // One that died before it read is told of below.
        if let Some(stdin) = &mut stdin {
            let _ = stdin.write_all(line.as_bytes()).await;
        }
        let said = tokio::spawn(async move {
            let mut kept = Vec::new();
            if let Some(stderr) = stderr {
                // To its end, so that its writer never waits; a process that says too much is cut short.
                let _ = stderr.take(1 << 20).read_to_end(&mut kept).await;
            }
            kept
        });
        let mut lines = stdout.map(|out| BufReader::new(out.take(LONGEST)).lines());
        let mut report = None;
        let mut cancelled = false;
        while let Some(lines) = &mut lines {
            let line = tokio::select! {
                line = lines.next_line() => line.map_err(io)?,
                () = cx.cancel.cancelled(), if !cancelled => {
                    cancelled = true;
                    stdin = None;
                    continue;
                }
                () = tokio::time::sleep(TO_END), if cancelled => break,
            };
            match line.as_deref().map(serde_json::from_str::<Event>) {
                None => break,
                Some(Ok(Event::UnitFinished { report: of_unit })) => report = Some(of_unit),
                Some(Ok(event @ (Event::FrameDone { .. } | Event::OutputFinished { .. } | Event::UnitBusy { .. }))) => {
                    cx.events.send(event);
                }
                // Anything else that is printed is not for us.
                Some(_) => {}
            }
        }
        drop(stdin);
        match report {
            Some(report) => Ok(report),
            None => Err(self.gone(&mut child, said, cancelled).await),
        }
    }

    async fn gone(&self, child: &mut Child, said: tokio::task::JoinHandle<Vec<u8>>, cancelled: bool) -> Error {
        if cancelled {
            let _ = child.kill().await;
            return Error::new(ErrorKind::Cancelled, "cancelled");
        }
        let status = match tokio::time::timeout(TO_END, child.wait()).await {
            Ok(Ok(status)) => status.to_string(),
            _ => {
                let _ = child.kill().await;
                "no answer".to_owned()
            }
        };
        let said = said.await.unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let last = said.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("it said nothing").trim();
        // It may have been too much for a machine with little memory: another may do better.
        Error::new(ErrorKind::Panicked, format!("the process that ran the unit ended with {status}: {last}"))
            .advice("run the clip alone; if it happens again, report it with the file")
            .retryable()
    }
}

#[async_trait::async_trait]
impl Executor for Apart {
    fn name(&self) -> &str {
        self.here.name()
    }

    fn results(&self) -> &str {
        self.here.results()
    }

    fn pictures(&self) -> &str {
        self.here.pictures()
    }

    async fn accepts(&self, unit: &Unit) -> Verdict {
        self.here.accepts(unit).await
    }

    fn cost(&self, unit: &Unit) -> Option<Duration> {
        self.here.cost(unit)
    }

    async fn run(&self, unit: &Unit, cx: &RunContext) -> UnitReport {
        match self.attend(unit, cx).await {
            Ok(report) => report,
            Err(e) => {
                let mut report = UnitReport::begin(unit, self.name());
                if e.kind() == ErrorKind::Panicked {
                    let text = format!("{}: {}", unit.id, e.detail());
                    report.findings.push(Finding::error("unit-lost", text).clip(&unit.clip.name));
                }
                report.failed(&e.clip(&unit.clip.name))
            }
        }
    }
}
