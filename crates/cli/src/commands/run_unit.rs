//! `run-unit`: one unit in a fresh, stateless process.

use std::io::{BufRead as _, Read};

use rushes::backends::local::LocalExecutor;
use rushes::core::plan::Unit;
use rushes::core::run::{Budget, CancellationToken, Event, Events, Executor as _, Outcome, RunContext};
use rushes::{Error, ErrorKind, Result};

use super::Ended;
use crate::args::RunUnit;
use crate::progress;

pub(crate) async fn run(a: &RunUnit) -> Result<Ended> {
    let mut text = String::new();
    // One byte more than a unit may have, so that a larger file is refused and not read whole.
    let most = Unit::MAX_BYTES as u64 + 1;
    let read = if a.attended {
        std::io::stdin().lock().take(most).read_line(&mut text)
    } else if a.unit.as_os_str() == "-" {
        std::io::stdin().take(most).read_to_string(&mut text)
    } else {
        std::fs::File::open(&a.unit).and_then(|f| f.take(most).read_to_string(&mut text))
    };
    read.map_err(|e| Error::io(&a.unit, e).doing("reading a unit"))?;
    let unit = Unit::from_json(text.trim_end()).map_err(|e| e.path(&a.unit))?;

    let mut local = LocalExecutor::new(rushes::registry());
    if let Some(threads) = a.threads {
        local = local.threads(threads);
    }
    let cx = RunContext {
        cancel: super::cancelled_by_signal(),
        events: if a.attended { progress::events(true) } else { Events::none() },
        budget: Budget::new(a.memory.unwrap_or_else(rushes::job::half_of_memory)),
    };
    if a.attended {
        let cancel = cx.cancel.clone();
        std::thread::spawn(move || at_the_end_of_input(&cancel));
    }
    let report = local.run(&unit, &cx).await;
    let outcome = report.outcome.clone();
    if a.attended {
        cx.events.send(Event::UnitFinished { report });
    } else {
        let text = serde_json::to_string_pretty(&report).map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()))?;
        println!("{text}");
    }
    Ok(match outcome {
        Outcome::Done => Ended::Done,
        Outcome::Cancelled => Ended::Cancelled,
        Outcome::Failed(_) => Ended::NotDone,
    })
}

/// Whoever watches has had enough, or is gone.
fn at_the_end_of_input(cancel: &CancellationToken) {
    let mut bytes = [0u8; 64];
    while matches!(std::io::stdin().read(&mut bytes), Ok(1..)) {}
    cancel.cancel();
}
