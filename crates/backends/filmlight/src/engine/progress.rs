//! Following a render to its end, whatever end that is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rushes_core::media::Finding;
use rushes_core::plan::Unit;
use rushes_core::run::{BadFrame, Event, RunContext, UnitReport};
use rushes_core::{Error, ErrorKind, Result};

use super::failure::as_core;
use super::order::Render;
use super::render::{Numbers, shown};
use crate::Watchdog;
use crate::api::RenderProcessor;
use crate::types::{LogType, OpStatus, RenderProcessorLogItem, RenderStatus, Short};

/// Lines of a render's log that become findings; of more, the number is told.
const LOG_LINES: usize = 100;

/// Characters of a line's message, and of its detail, that are told.
const LOG_LINE: usize = 500;

/// The frames of a unit, and which of them were told.
pub(crate) struct Told<'a> {
    unit: &'a Unit,
    cx: &'a RunContext,
    left: BTreeSet<i64>,
    done: u64,
    total: u64,
    /// Whether the server was told to begin the render under way.
    pub(crate) started: bool,
}

impl<'a> Told<'a> {
    pub(crate) fn new(unit: &'a Unit, cx: &'a RunContext, frames: BTreeSet<i64>) -> Self {
        let total = frames.len() as u64;
        Self { unit, cx, left: frames, done: 0, total, started: false }
    }

    /// Frames that were told.
    pub(crate) fn done(&self) -> u64 {
        self.done
    }

    /// The first `count` frames of `render` are made.
    fn made(&mut self, render: &Render, count: u64) {
        for frame in render.frames.iter().flat_map(|r| r.iter()).take(usize::try_from(count).unwrap_or(usize::MAX)) {
            if self.left.remove(&frame) {
                self.done += 1;
                let (unit, done, total) = (self.unit.id.clone(), self.done, self.total);
                self.cx.events.send(Event::FrameDone { unit, frame, done, total });
            }
        }
    }
}

/// A render under way.
pub(crate) struct Follow<'a> {
    pub(crate) processor: &'a RenderProcessor,
    pub(crate) numbers: Numbers,
    pub(crate) render: &'a Render,
    pub(crate) poll: Duration,
}

impl Follow<'_> {
    /// Looks at the render until it is done and well.
    ///
    /// # Errors
    /// However else it ends; the render is shut down then.
    pub(crate) async fn until_done(
        &self,
        mut dog: Watchdog,
        cx: &RunContext,
        told: &mut Told<'_>,
        report: &mut UnitReport,
    ) -> Result<()> {
        let frames: u64 = self.render.frames.iter().map(|f| f.len()).sum();
        // Whether the end says of frames, and of nothing else, that they failed.
        let mut frames_failed = false;
        let ended = loop {
            let status = tokio::select! {
                status = self.processor.progress() => status,
                () = cx.cancel.cancelled() => break Err(Error::new(ErrorKind::Cancelled, "cancelled")),
            };
            let status = match status {
                Ok(status) => status,
                Err(e) => break Err(as_core(e)),
            };
            if status.is_over() {
                let unsaid = status.error.as_deref().is_none_or(str::is_empty);
                frames_failed = matches!(status.status, OpStatus::Done) && status.failed > 0 && unsaid;
                break self.judged(&status);
            }
            // A server may count a frame once for each output: what counts is the part of the whole.
            if status.total > 0 {
                let part = status.complete.clamp(0, status.total) as u64;
                let made = u128::from(frames) * u128::from(part) / u128::from(status.total as u64);
                told.made(self.render, u64::try_from(made).unwrap_or(frames));
            }
            if let Some(stuck) = dog.see(status.progress, status.complete, Instant::now()) {
                break Err(Error::new(ErrorKind::Io, stuck.to_string())
                    .advice("look at the server's log; the unit is tried again on a fresh server")
                    .retryable());
            }
            tokio::select! {
                () = tokio::time::sleep(self.poll) => {}
                () = cx.cancel.cancelled() => break Err(Error::new(ErrorKind::Cancelled, "cancelled")),
            }
        };
        let cancelled = matches!(&ended, Err(e) if e.kind() == ErrorKind::Cancelled);
        // Who has cancelled wants the server's work to end, and only then to hear of it.
        if cancelled {
            shut_down(self.processor).await;
        }
        self.log(frames_failed, report).await;
        match ended {
            Ok(()) => told.made(self.render, frames),
            Err(_) if cancelled => {}
            Err(_) => shut_down(self.processor).await,
        }
        ended.map_err(|e| self.with_bad_frames(e, report))
    }

    /// What the last status means.
    fn judged(&self, status: &RenderStatus) -> Result<()> {
        let failed = |kind, what: String| Err(Error::new(kind, what).doing("rendering on a FilmLight server"));
        match (&status.status, status.failure()) {
            (OpStatus::Crashed, Some(what)) => failed(ErrorKind::Io, what).map_err(Error::retryable),
            (OpStatus::TooNew, Some(what)) => failed(ErrorKind::Unsupported, what),
            (_, Some(what)) if what.to_lowercase().contains("licen") => failed(ErrorKind::InUse, what),
            (_, Some(what)) => failed(ErrorKind::Io, what),
            (OpStatus::Stopped, None) => failed(ErrorKind::Io, "somebody stopped the render on the server".into()),
            (_, None) => Ok(()),
        }
    }

    /// The lines of the log that are worth telling become findings. Frames they name are bad where `frames_failed`:
    /// elsewhere a line about a frame says where the render was when the disk was full, not that the frame is bad.
    async fn log(&self, frames_failed: bool, report: &mut UnitReport) {
        let log = match tokio::time::timeout(Duration::from_secs(10), self.processor.log()).await {
            Ok(Ok(log)) => log,
            // The end itself is told; of the log nothing is known.
            _ => return,
        };
        self.told(log, frames_failed, report);
    }

    fn told(&self, log: Vec<RenderProcessorLogItem>, frames_failed: bool, report: &mut UnitReport) {
        let mut bad: BTreeMap<i64, String> = BTreeMap::new();
        let (mut told, mut left_out) = (0, 0);
        for item in log {
            let severe = match item.kind {
                LogType::Fail => true,
                LogType::Warn => false,
                _ => continue,
            };
            let frame = item.frame.filter(|f| *f >= 0).map(|f| self.numbers.to_clip(f));
            // A server may name any frame; only those it was asked for can be bad.
            if let Some(frame) = frame.filter(|f| severe && frames_failed && self.is_asked(*f)) {
                bad.entry(frame).or_insert_with(|| line(&item));
            }
            if told == LOG_LINES {
                left_out += 1;
                continue;
            }
            told += 1;
            let text = format!("FilmLight: {}", line(&item));
            let finding =
                if severe { Finding::error("filmlight-log", text) } else { Finding::warning("filmlight-log", text) };
            let finding = finding.clip(&report.clip);
            report.findings.push(match frame {
                Some(frame) => finding.frame(frame),
                None => finding,
            });
        }
        if left_out > 0 {
            let text = format!("FilmLight: {left_out} more lines of the render's log are left out");
            report.findings.push(Finding::warning("filmlight-log", text).clip(&report.clip));
        }
        let known: BTreeSet<i64> = report.bad_frames.iter().map(|b| b.frame).collect();
        let new = bad.into_iter().filter(|(frame, _)| !known.contains(frame));
        report.bad_frames.extend(new.map(|(frame, why)| BadFrame { frame, kind: ErrorKind::BadMedia, why }));
    }

    fn is_asked(&self, frame: i64) -> bool {
        self.render.frames.iter().any(|r| r.contains(frame))
    }

    /// An error that names the frames that failed is one about media.
    fn with_bad_frames(&self, e: Error, report: &UnitReport) -> Error {
        let said = matches!(e.kind(), ErrorKind::Cancelled | ErrorKind::InUse | ErrorKind::Unsupported);
        if said || e.is_retryable() || report.bad_frames.is_empty() {
            return e;
        }
        let frames = shown(report.bad_frames.iter().map(|b| b.frame).collect());
        Error::new(ErrorKind::BadMedia, format!("{}; frames that failed: {frames}", e.detail()))
            .doing("rendering on a FilmLight server")
    }
}

/// Ends a render that nobody wants any more, and waits until it writes no more files, not for long. The server may be
/// beyond hearing this; a private one is ended next.
pub(crate) async fn shut_down(processor: &RenderProcessor) {
    let ending = async {
        if processor.shutdown().await.is_ok() {
            // A server that has nothing to say of a render that is no more has said enough.
            while processor.progress().await.is_ok_and(|s| !s.is_over()) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    drop(tokio::time::timeout(Duration::from_secs(5), ending).await);
}

fn line(item: &RenderProcessorLogItem) -> String {
    let message = Short(&item.message, LOG_LINE);
    match item.detail.as_deref() {
        Some(detail) if !detail.is_empty() => format!("{message} ({})", Short(detail, LOG_LINE)),
        _ => message.to_string(),
    }
}
