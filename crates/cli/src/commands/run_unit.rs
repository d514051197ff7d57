//! `run-unit`: one unit, or some frames of an order, in a fresh, stateless process.

use std::io::{BufRead as _, Read};
use std::path::Path;

use rushes::core::plan::Unit;
use rushes::core::run::{CancellationToken, Event, Events, Outcome, UnitReport};
use rushes::core::storage;
use rushes::order::Order;
use rushes::order::openjd::Numbering;
use rushes::{Error, ErrorKind, Result};

use super::{Ended, finish, openjd};
use crate::args::RunUnit;
use crate::progress;

pub(crate) async fn run(a: &RunUnit) -> Result<Ended> {
    match (&a.unit, &a.order) {
        (Some(file), _) => of_file(a, file).await,
        (None, Some(folder)) => {
            let ended = of_order(a, folder).await;
            if a.openjd
                && let Err(e) = &ended
            {
                openjd::fail(e);
            }
            ended
        }
        (None, None) => Err(Error::new(ErrorKind::Invalid, "neither a unit nor an order is named")),
    }
}

async fn of_file(a: &RunUnit, file: &Path) -> Result<Ended> {
    // One byte more than a unit may have, so that a larger one is refused and not read whole.
    let most = Unit::MAX_BYTES as u64 + 1;
    let text = if storage::is_uri(file) {
        let path = file.to_owned();
        super::blocking(move || storage::read_text(&path, most).map_err(|e| e.doing("reading a unit"))).await?
    } else {
        let mut text = String::new();
        let read = if a.attended {
            std::io::stdin().lock().take(most).read_line(&mut text)
        } else if file.as_os_str() == "-" {
            std::io::stdin().take(most).read_to_string(&mut text)
        } else {
            std::fs::File::open(file).and_then(|f| f.take(most).read_to_string(&mut text))
        };
        read.map_err(|e| Error::io(file, e).doing("reading a unit"))?;
        text
    };
    let unit = Unit::from_json(text.trim_end()).map_err(|e| e.path(file))?;
    if a.host.elsewhere.asks_filmlight() {
        return Err(Error::new(ErrorKind::Unsupported, "a unit in a file runs on this machine")
            .doing("reading the command line")
            .advice("leave out --filmlight, or make an order of the job with `rushes export`"));
    }
    let executors = a.host.elsewhere.here(a.host.threads)?;
    if !a.attended {
        super::clear_scratch().await;
        let report = executors.run(&unit, &a.host.context(Events::none())).await;
        print(&report)?;
        return Ok(ended(&report.outcome));
    }
    let cx = a.host.context(progress::events(true));
    let cancel = cx.cancel.clone();
    std::thread::spawn(move || at_the_end_of_input(&cancel));
    let report = executors.run(&unit, &cx).await;
    let ended = ended(&report.outcome);
    cx.events.send(Event::UnitFinished { report });
    Ok(ended)
}

/// Whoever watches has had enough, or is gone.
fn at_the_end_of_input(cancel: &CancellationToken) {
    let mut bytes = [0u8; 64];
    while matches!(std::io::stdin().read(&mut bytes), Ok(1..)) {}
    cancel.cancel();
}

async fn of_order(a: &RunUnit, folder: &Path) -> Result<Ended> {
    super::clear_scratch().await;
    let (order, desk) = finish::desk(folder, &a.host).await?;
    let named = a.clip.as_deref().unwrap_or_default();
    let numbering = Numbering::of(&order, &order.clips_named(named)?, &desk)?;
    let work = match a.frames {
        Some(frames) => numbering.frames(frames)?,
        None => numbering.whole(),
    };
    let events = if a.openjd { openjd::events(frames_of(&order, &work)?) } else { Events::none() };
    let cx = a.host.context(events);
    let mut reports = Vec::new();
    for (clip, frames) in work {
        reports.extend(desk.run_frames(finish::name(folder)?, clip, frames, &cx).await?);
        if cx.cancel.is_cancelled() {
            break;
        }
    }
    if !a.openjd {
        print(&reports)?;
    }
    let worst = reports.iter().map(|r| match ended(&r.outcome) {
        // What would fail again is written down, and `finish` replaces it or tells of it: the other clips go on.
        Ended::NotDone if a.openjd && fails_for_good(r) => Ended::Done,
        ended => ended,
    });
    let worst = worst.max_by_key(|e| [Ended::Done, Ended::NotDone, Ended::Cancelled].iter().position(|w| w == e));
    let ended = if cx.cancel.is_cancelled() { Ended::Cancelled } else { worst.unwrap_or(Ended::Done) };
    if a.openjd {
        tell(&reports, ended);
    }
    Ok(ended)
}

/// How it went, in the lines of Open Job Description.
fn tell(reports: &[UnitReport], ended: Ended) {
    for report in reports {
        match &report.outcome {
            Outcome::Failed(f) if ended == Ended::NotDone && !fails_for_good(report) => {
                openjd::fail(format_args!("{}: {}", report.unit, f.message));
            }
            Outcome::Failed(f) => openjd::status(format_args!("{}: left to `finish`: {}", report.unit, f.message)),
            Outcome::Done => {
                openjd::status(format_args!("{}: {} frames on {}", report.unit, report.frames, report.ran_on));
            }
            Outcome::Cancelled => openjd::status(format_args!("{}: cancelled", report.unit)),
        }
    }
    if ended == Ended::Done {
        openjd::progress(100);
    }
}

fn frames_of(order: &Order, work: &[(u64, Option<rushes::core::media::FrameRange>)]) -> Result<u64> {
    let mut all = 0;
    for (clip, frames) in work {
        all += match frames {
            Some(frames) => frames.len(),
            None => order.units(*clip)?.iter().map(|u| u.range.len()).sum(),
        };
    }
    Ok(all)
}

fn fails_for_good(report: &UnitReport) -> bool {
    matches!(&report.outcome, Outcome::Failed(f) if !f.retryable)
}

fn ended(outcome: &Outcome) -> Ended {
    match outcome {
        Outcome::Done => Ended::Done,
        Outcome::Cancelled => Ended::Cancelled,
        Outcome::Failed(_) => Ended::NotDone,
    }
}

fn print(report: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(report).map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()))?;
    println!("{text}");
    Ok(())
}
