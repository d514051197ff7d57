//! Progress on a terminal, or events as JSON lines.

use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use rushes::core::error::Plain;
use rushes::core::media::{Finding, Severity};
use rushes::core::run::{Event, Events, Outcome, RunReport};
use rushes::custody::offload::{OffloadEvent, OffloadEvents};

/// Set when standard error belongs to log lines for machines.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Nothing for people is written to standard error any more.
pub(crate) fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// A line for people.
pub(crate) fn tell(line: impl std::fmt::Display) {
    if !QUIET.load(Ordering::Relaxed) {
        // At once: standard error has no buffer, and others write to it too.
        let line = line.to_string();
        eprintln!("{line}");
    }
}

/// Hears events and shows them.
pub(crate) fn events(as_json: bool) -> Events {
    if as_json {
        return Events::to(|event| match serde_json::to_string(&event) {
            Ok(line) => println!("{line}"),
            Err(e) => eprintln!("rushes: an event cannot be written: {e}"),
        });
    }
    let shown = Shown::default();
    Events::to(move |event| shown.show(&event))
}

/// A bar of bytes that are read, where there is a terminal.
pub(crate) struct Reading(Option<ProgressBar>);

impl Reading {
    pub(crate) fn begin() -> Self {
        let shown = std::io::stderr().is_terminal() && !QUIET.load(Ordering::Relaxed);
        let bar = || ProgressBar::new_spinner().with_style(style("{spinner} {bytes} read, {bytes_per_sec}"));
        Self(shown.then(bar))
    }

    pub(crate) fn more(&self, bytes: u64) {
        self.0.iter().for_each(|bar| bar.inc(bytes));
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.iter().for_each(ProgressBar::finish_and_clear);
    }
}

/// A bar of an offload, where there is a terminal.
pub(crate) fn offloading() -> OffloadEvents {
    let shown = std::io::stderr().is_terminal() && !QUIET.load(Ordering::Relaxed);
    let bar = if shown { ProgressBar::new(0) } else { ProgressBar::hidden() };
    bar.set_style(style("{msg:30!} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta} left"));
    OffloadEvents::to(move |event| match event {
        OffloadEvent::Planned { to_read, .. } => bar.set_length(to_read),
        OffloadEvent::FileStarted { path, .. } => bar.set_message(path.to_string()),
        OffloadEvent::Read { done, .. } => bar.set_position(done),
        OffloadEvent::DestinationFailed { destination, why } => {
            bar.suspend(|| tell(format_args!("destination {}: {}", destination + 1, Plain(&why))));
        }
        OffloadEvent::Finished { .. } => bar.finish_and_clear(),
        OffloadEvent::Found { .. } | OffloadEvent::Delivered { .. } => {}
    })
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// What is left to say at the end: findings by severity, then what was made.
pub(crate) fn summary(report: &RunReport, out: &std::path::Path) {
    for finding in report.findings.iter().filter(|f| f.code == "made-again") {
        tell(finding);
    }
    for finding in sorted(&report.findings) {
        tell(finding);
    }
    for unit in &report.units {
        if let Outcome::Failed(f) = &unit.outcome {
            tell(format_args!("error unit-failed [{}]: {}", Plain(&unit.unit), Plain(&f.message)));
        }
    }
    let bytes: u64 = report.outputs().map(|o| o.bytes).sum();
    let done = report.units.iter().filter(|u| u.is_done()).count();
    tell(format_args!(
        "{done} of {} units done: {} frames, {} files, {:.1} MB in {}",
        report.units.len(),
        report.frames(),
        report.outputs().count(),
        bytes as f64 / 1e6,
        out.display()
    ));
}

fn sorted(findings: &[Finding]) -> Vec<&Finding> {
    let mut all: Vec<&Finding> = findings.iter().filter(|f| f.severity > Severity::Info).collect();
    all.sort_by_key(|f| std::cmp::Reverse(f.severity));
    all
}

struct Shown {
    bars: MultiProgress,
    open: Mutex<HashMap<String, ProgressBar>>,
    terminal: bool,
}

impl Default for Shown {
    fn default() -> Self {
        Self {
            bars: MultiProgress::new(),
            open: Mutex::default(),
            terminal: std::io::stderr().is_terminal() && !QUIET.load(Ordering::Relaxed),
        }
    }
}

impl Shown {
    fn show(&self, event: &Event) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::UnitStarted { unit, frames, .. } if self.terminal => {
                let bar = self.bars.add(ProgressBar::new(*frames));
                bar.set_style(style("{msg:30!} {bar:30} {pos}/{len} {per_sec} {eta} left"));
                bar.set_message(unit.clone());
                open.insert(unit.clone(), bar);
            }
            Event::FrameDone { unit, done, .. } => {
                if let Some(bar) = open.get(unit) {
                    bar.set_position(*done);
                }
            }
            Event::UnitRetrying { unit, attempt, why, after_ms } => {
                self.say(&format!("{unit}: attempt {attempt} failed ({why}); again in {after_ms} ms"));
            }
            Event::UnitFinished { report } => {
                if let Some(bar) = open.remove(&report.unit) {
                    bar.finish_and_clear();
                }
                let how = match &report.outcome {
                    Outcome::Done => "done".to_owned(),
                    Outcome::Cancelled => "cancelled".to_owned(),
                    Outcome::Failed(_) => "failed".to_owned(),
                };
                let rate = report.frames as f64 / (report.wall_ms / 1e3).max(1e-3);
                self.say(&format!(
                    "{}: {how}, {} frames, {rate:.1} frames/s, on {}",
                    report.unit, report.frames, report.ran_on
                ));
            }
            _ => {}
        }
    }

    fn say(&self, line: &str) {
        if self.terminal {
            // Above the bars; a terminal that cannot be written to has nobody reading it.
            let _ = self.bars.println(line);
        } else {
            tell(line);
        }
    }
}
