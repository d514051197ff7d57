//! `run-unit`: one unit in a fresh, stateless process.

use std::io::Read as _;

use rushes::backends::local::LocalExecutor;
use rushes::core::plan::Unit;
use rushes::core::run::{Budget, Events, Executor as _, Outcome, RunContext};
use rushes::{Error, ErrorKind, Result};

use super::Ended;
use crate::args::RunUnit;

pub(crate) async fn run(a: &RunUnit) -> Result<Ended> {
    let mut text = String::new();
    // One byte more than a unit may have, so that a larger file is refused and not read whole.
    let most = Unit::MAX_BYTES as u64 + 1;
    let read = if a.unit.as_os_str() == "-" {
        std::io::stdin().take(most).read_to_string(&mut text)
    } else {
        std::fs::File::open(&a.unit).and_then(|f| f.take(most).read_to_string(&mut text))
    };
    read.map_err(|e| Error::io(&a.unit, e).doing("reading a unit"))?;
    let unit = Unit::from_json(&text).map_err(|e| e.path(&a.unit))?;

    let mut local = LocalExecutor::new(rushes::registry());
    if let Some(threads) = a.threads {
        local = local.threads(threads);
    }
    let cx = RunContext {
        cancel: super::cancelled_by_signal(),
        events: Events::none(),
        budget: Budget::new(a.memory.unwrap_or_else(rushes::job::half_of_memory)),
    };
    let report = local.run(&unit, &cx).await;
    let text = serde_json::to_string_pretty(&report).map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()))?;
    println!("{text}");
    Ok(match report.outcome {
        Outcome::Done => Ended::Done,
        Outcome::Cancelled => Ended::Cancelled,
        Outcome::Failed(_) => Ended::NotDone,
    })
}
