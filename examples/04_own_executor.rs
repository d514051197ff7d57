//! An executor of your own: each unit in a process of its own, so that a crash of a decoder
//! takes one unit with it and not the host. It must pass the conformance suite, and does.
//!
//! The child is this program again, called with `unit`: it reads the unit from its first line
//! of input, prints events as JSON lines and at the end its report. When its input closes, it
//! cancels.
#![allow(clippy::print_stdout, reason = "a program prints")]

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use rushes::backends::local::LocalExecutor;
use rushes::core::conformance;
use rushes::core::graph::Registry;
use rushes::core::plan::{Tree, Unit};
use rushes::core::run::{Budget, CancellationToken, Event, Events, Executor, RunContext, UnitReport, Verdict};
use rushes::recipes::Dailies;
use rushes::{Error, ErrorKind, Job, Result};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

mod common;

/// One line of the child's output.
#[derive(Serialize, Deserialize)]
enum Line {
    Event(Box<Event>),
    Report(Box<UnitReport>),
}

#[derive(Debug)]
struct OwnProcess {
    registry: Registry,
}

#[async_trait::async_trait]
impl Executor for OwnProcess {
    fn name(&self) -> &str {
        "own-process"
    }

    async fn accepts(&self, unit: &Unit) -> Verdict {
        match Tree::make(&unit.tree, &self.registry) {
            Ok(_) => Verdict::Yes,
            Err(e) => Verdict::No(e.to_string()),
        }
    }

    async fn run(&self, unit: &Unit, cx: &RunContext) -> UnitReport {
        match self.run_child(unit, cx).await {
            Ok(report) => UnitReport { ran_on: self.name().to_owned(), ..report },
            Err(e) => UnitReport::begin(unit, self.name()).failed(&e.clip(&unit.clip.name)),
        }
    }
}

impl OwnProcess {
    async fn run_child(&self, unit: &Unit, cx: &RunContext) -> Result<UnitReport> {
        // The child's memory is the host's to give: one frame at a time.
        let (budget, cancel, bytes) = (cx.budget.clone(), cx.cancel.clone(), unit.bytes_per_frame);
        let reserved = tokio::task::spawn_blocking(move || budget.reserve(bytes, &cancel)).await;
        let _memory = reserved.unwrap_or_else(|e| Err(Error::new(ErrorKind::Panicked, e.to_string())))?;

        let io =
            |e: std::io::Error| Error::new(ErrorKind::Io, e.to_string()).doing("running a unit in its own process");
        let mut child = Command::new(std::env::current_exe().map_err(io)?)
            .arg("unit")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(io)?;
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::new(ErrorKind::Io, "the child has no pipes"));
        };
        stdin.write_all((unit.to_json()? + "\n").as_bytes()).await.map_err(io)?;
        let mut stdin = Some(stdin);
        let mut lines = BufReader::new(stdout).lines();
        let mut report = None;
        loop {
            let line = tokio::select! {
                () = cx.cancel.cancelled(), if stdin.is_some() => {
                    stdin = None; // closes the child's input: it cancels, tidies up and reports
                    continue;
                }
                line = lines.next_line() => line.map_err(io)?,
            };
            match line.as_deref().map(serde_json::from_str::<Line>) {
                None => break,
                Some(Ok(Line::Event(event))) => cx.events.send(*event),
                Some(Ok(Line::Report(r))) => report = Some(*r),
                Some(Err(e)) => {
                    return Err(Error::new(ErrorKind::Invalid, format!("the child said something else: {e}")));
                }
            }
        }
        let status = child.wait().await.map_err(io)?;
        report.ok_or_else(|| {
            Error::new(ErrorKind::Panicked, format!("the child ended ({status}) without a report")).retryable()
        })
    }
}

/// The child's side.
async fn child(registry: Registry) -> Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let text = lines.next_line().await.ok().flatten().unwrap_or_default();
    let unit = Unit::from_json(&text)?;
    let cancel = CancellationToken::new();
    let watch = cancel.clone();
    tokio::spawn(async move {
        while let Ok(Some(_)) = lines.next_line().await {}
        watch.cancel();
    });
    let say = |line: &Line| println!("{}", serde_json::to_string(line).unwrap_or_default());
    let events = Events::to(move |e| say(&Line::Event(Box::new(e))));
    let budget = Budget::new(unit.bytes_per_frame);
    let report = LocalExecutor::new(registry).threads(1).run(&unit, &RunContext { cancel, events, budget }).await;
    say(&Line::Report(Box::new(report)));
    // The thread that waits for input would keep the runtime from ending.
    std::process::exit(0);
}

/// The stock stages, and those of the suite.
fn registry() -> Registry {
    let mut registry = rushes::registry();
    registry.extend(conformance::stages::registry());
    registry
}

#[tokio::main]
async fn main() -> Result<()> {
    if std::env::args().nth(1).as_deref() == Some("unit") {
        return child(registry()).await;
    }
    let (card, out) = common::args("own-executor-out");

    let tests = out.join("conformance");
    if tests.exists() {
        std::fs::remove_dir_all(&tests).map_err(|e| Error::io(&tests, e))?;
    }
    let failed = conformance::check(&|_| Arc::new(OwnProcess { registry: registry() }), Path::new(&tests)).await;
    for failure in &failed {
        eprintln!("{failure}");
    }
    println!("conformance: {}", if failed.is_empty() { "every check passed" } else { "FAILED" });

    let workflow = Dailies { on_bad_frame: "hold".into(), ..Dailies::default() }.plates_only().workflow();
    let executor = Arc::new(OwnProcess { registry: registry() });
    let done = Job::new(workflow, card, out.join("plates")).executor(executor).overwrite(true).run().await?;
    for unit in &done.report.units {
        println!("{}: {} frames on {}", unit.unit, unit.frames, unit.ran_on);
    }
    if !failed.is_empty() || !done.report.units.iter().all(UnitReport::is_done) {
        std::process::exit(1);
    }
    Ok(())
}
