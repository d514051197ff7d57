//! `dailies`, `plates`, `proxies`, `run`: jobs on a card.

use std::path::Path;

use rushes::core::graph::WorkflowFile;
use rushes::core::run::Outcome;
use rushes::recipes::{Dailies, ProxyOrder};
use rushes::{Error, ErrorKind, Job, Result};

use super::Ended;
use crate::args::{JobArgs, Picture, Recipe, Run};
use crate::progress;

pub(crate) async fn dailies(a: &Recipe) -> Result<Ended> {
    run_job(job(asking(a)?.workflow(), &a.path, &a.job)?, &a.job).await
}

pub(crate) async fn plates(a: &Recipe) -> Result<Ended> {
    if a.picture.cdl.is_some() || a.picture.lut.is_some() {
        return Err(Error::new(ErrorKind::Invalid, "plates carry no look: they are scene-linear ACES")
            .doing("reading the command line")
            .advice("leave out --cdl and --lut, or make dailies"));
    }
    run_job(job(asking(a)?.plates_only().workflow(), &a.path, &a.job)?, &a.job).await
}

pub(crate) async fn proxies(a: &Recipe) -> Result<Ended> {
    run_job(job(asking(a)?.proxies_only().workflow(), &a.path, &a.job)?, &a.job).await
}

pub(crate) async fn workflow(a: &Run) -> Result<Ended> {
    run_job(job(WorkflowFile::read(&a.workflow)?, &a.path, &a.job)?, &a.job).await
}

fn asking(a: &Recipe) -> Result<Dailies> {
    Ok(Dailies { ask_filmlight: a.job.elsewhere.asks_filmlight(), ..recipe(&a.picture)? })
}

/// The workflow that is called `dailies`, `plates` or `proxies`, or stands in a file.
pub(crate) fn named(workflow: &str, picture: &Picture, a: &JobArgs) -> Result<WorkflowFile> {
    let ask_filmlight = a.elsewhere.asks_filmlight();
    let recipe = || recipe(picture).map(|r| Dailies { ask_filmlight, ..r });
    Ok(match workflow {
        "dailies" => recipe()?.workflow(),
        "plates" => recipe()?.plates_only().workflow(),
        "proxies" => recipe()?.proxies_only().workflow(),
        path => WorkflowFile::read(Path::new(path))
            .map_err(|e| e.advice("write dailies, plates, proxies or the path of a workflow file"))?,
    })
}

/// The job that the arguments describe.
pub(crate) fn job(workflow: WorkflowFile, input: &Path, a: &JobArgs) -> Result<Job> {
    if !a.elsewhere.asks_filmlight() && workflow.stages.iter().any(|s| s.stage == "filmlight-inspect") {
        return Err(Error::new(
            ErrorKind::Invalid,
            "the workflow asks a FilmLight server about its clips, and none is named",
        )
        .doing("reading the command line")
        .advice("name one with --filmlight, or leave the stage `filmlight-inspect` out"));
    }
    let job = Job::new(workflow, input, &a.out)
        .executors(a.elsewhere.here(a.threads)?)
        .overwrite(a.overwrite)
        .attempts(a.attempts)
        .frames_per_unit(a.frames_per_unit);
    a.elsewhere.join(match a.memory {
        Some(bytes) => job.memory(bytes),
        None => job,
    })
}

/// Runs a job to its end and says how it went.
pub(crate) async fn run_job(job: Job, a: &JobArgs) -> Result<Ended> {
    let cancel = super::cancelled_by_signal();
    let done = job.events(progress::events(a.show.events)).cancel(cancel).run().await?;
    if !a.show.events {
        progress::summary(&done.report, &a.out);
    }
    if done.report.units.iter().any(|u| u.outcome == Outcome::Cancelled) {
        return Ok(Ended::Cancelled);
    }
    if done.report.units.is_empty() {
        let why = if done.plan.clips.is_empty() { "no clips were found" } else { "no clip could be made" };
        return Err(Error::new(ErrorKind::NotFound, why)
            .doing("making outputs")
            .advice("`rushes inspect` says what is there and what it needs"));
    }
    Ok(if done.report.is_complete() { Ended::Done } else { Ended::NotDone })
}

/// The dailies that the arguments describe.
pub(crate) fn recipe(a: &Picture) -> Result<Dailies> {
    let bad = |what: String| Error::new(ErrorKind::Invalid, what).doing("reading the command line");
    let (width, height) = a
        .proxy_size
        .split_once(['x', 'X'])
        .and_then(|(w, h)| Some((w.parse::<usize>().ok()?, h.parse::<usize>().ok()?)))
        .filter(|(w, h)| *w > 0 && *h > 0)
        .ok_or_else(|| bad(format!("`{}` is not a size", a.proxy_size)).advice("write it as 1920x1080"))?;
    Ok(Dailies {
        debayer: a.debayer.clone(),
        white: a.white.as_deref().map(white).transpose()?,
        exposure: a.exposure,
        keep_highlights: a.keep_highlights,
        rate: a.rate.as_deref().map(str::parse).transpose()?,
        reel: a.reel.clone(),
        timecode: a.timecode.clone(),
        cdl: a.cdl.clone(),
        lut: a.lut.clone(),
        look_space: a.look_space.clone(),
        display: a.display.clone(),
        exr: a.exr.clone(),
        proxy_size: (width, height),
        order: if a.scale_first { ProxyOrder::ScaleFirst } else { ProxyOrder::RenderFirst },
        proxy_codec: a.proxy_codec.clone(),
        on_bad_frame: a.on_bad_frame.clone(),
        ..Dailies::default()
    })
}

/// `neutral=0.5,1,0.6`, `xy=0.31,0.33` or `kelvin=5600`, as the input transform's parameter.
fn white(text: &str) -> Result<serde_json::Value> {
    let bad = || {
        Error::new(ErrorKind::Invalid, format!("`{text}` is not a white"))
            .doing("reading the command line")
            .advice("write neutral=R,G,B (camera values of a grey), xy=X,Y or kelvin=K")
    };
    let (kind, numbers) = text.split_once('=').ok_or_else(bad)?;
    let n: Vec<f64> =
        numbers.split(',').map(|v| v.trim().parse::<f64>()).collect::<Result<_, _>>().map_err(|_| bad())?;
    Ok(match (kind.trim(), n.as_slice()) {
        ("neutral", [r, g, b]) => serde_json::json!({ "neutral": [r, g, b] }),
        ("xy", [x, y]) => serde_json::json!({ "xy": [x, y] }),
        ("kelvin", [k]) => serde_json::json!({ "kelvin": { "kelvin": k } }),
        ("kelvin", [k, tint]) => serde_json::json!({ "kelvin": { "kelvin": k, "tint": tint } }),
        _ => return Err(bad()),
    })
}
