//! `simulate`: a production on paper.

use std::path::Path;

use rushes::{Error, ErrorKind, Result};
use rushes_simulate::{Outcome, Profile, Scenario, chart, simulate};
use serde_json::json;

use super::{Ended, blocking};
use crate::args::Simulate;

pub(crate) async fn run(a: Simulate) -> Result<Ended> {
    if a.example {
        print!("{}", Scenario::EXAMPLE);
        return Ok(Ended::Done);
    }
    // It may compute for a while and writes nothing before it is done.
    let _cancel = super::ended_by_signal();
    blocking(move || all(&a)).await
}

fn all(a: &Simulate) -> Result<Ended> {
    let profile = a.profile.as_deref().ok_or_else(|| Error::new(ErrorKind::Invalid, "no profile is named"))?;
    let text = std::fs::read_to_string(profile).map_err(|e| Error::io(profile, e).doing("reading a profile"))?;
    let profile = Profile::from_json(&text).map_err(|e| e.path(profile))?;
    let mut scenario = match &a.scenario {
        Some(path) => Scenario::read(path)?,
        None => Scenario::example()?,
    };
    scenario.seed = a.seed.unwrap_or(scenario.seed);
    scenario.pending = a.pending.unwrap_or(scenario.pending);
    scenario.frames_per_unit = a.frames_per_unit.unwrap_or(scenario.frames_per_unit);

    let class = a.class.as_deref();
    let mut runs: Vec<(usize, Outcome)> = Vec::new();
    for n in &a.workers {
        runs.push((*n, simulate(&scenario.clone().with_workers(class, *n)?, &profile)?));
    }
    if runs.is_empty() {
        let outcome = simulate(&scenario, &profile)?;
        runs.push((outcome.workers.iter().map(|w| w.most_workers).sum(), outcome));
    }
    if a.json {
        let runs: Vec<_> = runs.iter().map(|(n, o)| json!({ "workers": n, "outcome": o })).collect();
        println!("{:#}", json!({ "profile": profile, "scenario": scenario, "runs": runs }));
    } else if let [(_, one)] = runs.as_slice() {
        print!("{}", one.to_text());
    } else {
        print!("{}", Outcome::compared(&runs));
    }
    if let Some(path) = &a.chart {
        let subtitle = format!("{} · {}", scenario.name, profile.measured);
        write(path, &chart::turnaround(&runs, &subtitle))?;
    }
    Ok(Ended::Done)
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|e| Error::io(path, e).doing("writing a chart"))
}
