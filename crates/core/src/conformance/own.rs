//! The checks that need no stages of ours: for executors that run their own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::suite::{Checked, Failed, expect_done, files_below, refused};
use crate::ErrorKind;
use crate::media::{Digest, FrameRange};
use crate::plan::{Standing, Unit};
use crate::run::{
    CancellationToken, Event, Events, Executor, Limit, Outcome, Retry, RunContext, Trace, UnitReport, Verdict,
};

/// Makes an executor.
type Make<'a> = &'a (dyn Fn() -> Arc<dyn Executor> + Sync);

/// Runs the checks that every executor can pass on executors made by `make`, with `unit`: media of theirs, of at least
/// four frames, with a single sink that makes a file for each frame. Outputs go to sub-folders of the empty folder
/// `out`, whatever the unit says. Gives what failed; nothing means that the executor conforms as far as can be told without
/// [`stages`](super::stages) made for it.
pub async fn check_own(make: Make<'_>, unit: &Unit, out: &Path) -> Vec<Failed> {
    let mut failed = Vec::new();
    let mut note = |check, result: Checked| {
        if let Err(what) = result {
            failed.push(Failed { check, what });
        }
    };
    let at = |folder: &str| Unit { out: out.join(folder), ..unit.clone() };
    note(
        "refuses a stage it does not know",
        refuses(make, at("unknown"), |node| node.stage = "no-such-stage".into()).await,
    );
    note(
        "refuses a unit planned with another stage version",
        refuses(make, at("version"), |node| node.version = 99).await,
    );
    let whole = makes_all(make, &at("whole")).await;
    let reference = whole.as_ref().map_or_else(|_| BTreeMap::new(), |r| digests(&r.outputs));
    note("makes a file for each frame, and tells it", whole.map(drop));
    note("makes equal bytes twice", equal(make, &at("twice"), &reference).await);
    note("makes a part of a clip", part(make, at("part"), &reference).await);
    note("does not replace outputs unasked", keeps_existing(make, at("existing"), &reference).await);
    note("answers a cancellation and leaves nothing half-done", cancels(make, &at("cancel"), &reference).await);
    note("makes only what does not stand", only_what_does_not_stand(make, at("standing"), &reference).await);
    note("works inside every wrapper", wrapped(make, &at("wrapped"), &reference).await);
    failed
}

type Made = BTreeMap<String, Digest>;

fn digests(outputs: &[crate::stage::OutputFile]) -> Made {
    outputs.iter().map(|o| (o.path.clone(), o.digest.clone())).collect()
}

async fn refuses(make: Make<'_>, mut unit: Unit, change: impl Fn(&mut crate::plan::UnitNode)) -> Checked {
    // A frame stage or the sink: the source may be the executor's own affair.
    if let Some(last) = Arc::make_mut(&mut unit.tree).last_mut() {
        change(last);
    }
    refused(make(), &unit).await
}

async fn makes_all(make: Make<'_>, unit: &Unit) -> Result<UnitReport, String> {
    let executor = make();
    match executor.accepts(unit).await {
        Verdict::Yes => {}
        other => return Err(format!("asked whether it takes the unit, it says {other:?}")),
    }
    let told = Arc::new(Mutex::new((Vec::new(), Vec::new())));
    let events = {
        let told = Arc::clone(&told);
        Events::to(move |e| {
            if let Ok(mut told) = told.lock() {
                match e {
                    Event::FrameDone { done, total, .. } => told.0.push((done, total)),
                    Event::OutputFinished { output, .. } => told.1.push(output.path),
                    _ => {}
                }
            }
        })
    };
    let report = executor.run(unit, &RunContext { events, ..RunContext::plain() }).await;
    expect_done(&report)?;
    let frames = unit.range.len();
    if report.frames != frames || report.outputs.len() as u64 != frames {
        return Err(format!("of {frames} frames it reports {} and {} files", report.frames, report.outputs.len()));
    }
    for o in &report.outputs {
        let (digest, bytes) = Digest::xxh64_of_file(&unit.out.join(&o.path)).map_err(|e| e.to_string())?;
        if (&digest, bytes) != (&o.digest, o.bytes) {
            return Err(format!("digest or size of {} is wrong in the report", o.path));
        }
    }
    let (progress, mut named) = told.lock().map_err(|e| e.to_string())?.clone();
    let ordered = progress.windows(2).all(|w| w[0].0 < w[1].0) && progress.iter().all(|p| p.1 == frames);
    if !ordered || progress.last() != Some(&(frames, frames)) {
        return Err(format!("it told {progress:?} of its progress"));
    }
    named.sort();
    if named != digests(&report.outputs).into_keys().collect::<Vec<_>>() {
        return Err(format!("it told of {named:?}"));
    }
    Ok(report)
}

async fn equal(make: Make<'_>, unit: &Unit, reference: &Made) -> Checked {
    let report = make().run(unit, &RunContext::plain()).await;
    expect_done(&report)?;
    if digests(&report.outputs) == *reference { Ok(()) } else { Err("two runs made different files".into()) }
}

async fn part(make: Make<'_>, mut unit: Unit, reference: &Made) -> Checked {
    unit.range = FrameRange { first: unit.range.first + 1, last: unit.range.last - 1 };
    let report = make().run(&unit, &RunContext::plain()).await;
    expect_done(&report)?;
    let made = digests(&report.outputs);
    if made.len() as u64 != unit.range.len() || files_below(&unit.out).len() != made.len() {
        return Err(format!("of {} frames it made {made:?}", unit.range.len()));
    }
    if made.iter().all(|(path, digest)| reference.get(path) == Some(digest)) {
        Ok(())
    } else {
        Err("its files differ from those of the whole clip".into())
    }
}

async fn keeps_existing(make: Make<'_>, mut unit: Unit, reference: &Made) -> Checked {
    let path = unit.out.join(reference.keys().next().ok_or("it made nothing")?);
    let io = |e: std::io::Error| e.to_string();
    std::fs::create_dir_all(path.parent().unwrap_or(&unit.out))
        .and_then(|()| std::fs::write(&path, b"mine"))
        .map_err(io)?;
    match make().run(&unit, &RunContext::plain()).await.outcome {
        Outcome::Failed(f) if f.kind == ErrorKind::AlreadyExists => {}
        other => return Err(format!("the unit ended as {other:?}")),
    }
    if std::fs::read(&path).map_err(io)? != b"mine" || files_below(&unit.out).len() != 1 {
        return Err("it touched the folder before it refused".into());
    }
    unit.overwrite = true;
    equal(make, &unit, reference).await
}

async fn cancels(make: Make<'_>, unit: &Unit, reference: &Made) -> Checked {
    let cancel = CancellationToken::new();
    let events = {
        let cancel = cancel.clone();
        Events::to(move |e| {
            if let Event::FrameDone { .. } = e {
                cancel.cancel();
            }
        })
    };
    let (executor, cx) = (make(), RunContext { cancel, events, ..RunContext::plain() });
    let ended = tokio::time::timeout(Duration::from_secs(60), executor.run(unit, &cx)).await;
    let report = ended.map_err(|_| "a minute after the cancellation it still runs".to_owned())?;
    // It may have been done already.
    if !matches!(report.outcome, Outcome::Cancelled | Outcome::Done) {
        return Err(format!("the unit ended as {:?}", report.outcome));
    }
    for path in files_below(&unit.out) {
        let name = path.strip_prefix(&unit.out).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let digest = Digest::xxh64_of_file(&path).map_err(|e| e.to_string())?.0;
        if reference.get(&name) != Some(&digest) {
            return Err(format!("{name} was left behind"));
        }
    }
    Ok(())
}

async fn only_what_does_not_stand(make: Make<'_>, mut unit: Unit, reference: &Made) -> Checked {
    let first = make().run(&unit, &RunContext::plain()).await;
    expect_done(&first)?;
    let (sink, missing) = (unit.tree.len() - 1, unit.range.first + 1);
    let of_it = first.outputs.iter().find(|o| o.frames.first == missing);
    let path = &of_it.ok_or("no file is said to hold the second frame")?.path;
    std::fs::remove_file(unit.out.join(path)).map_err(|e| e.to_string())?;
    let stands = |first, last| Standing { sink, frames: FrameRange { first, last } };
    unit.standing = vec![stands(unit.range.first, unit.range.first), stands(missing + 1, unit.range.last)];
    let report = make().run(&unit, &RunContext::plain()).await;
    expect_done(&report)?;
    let made = digests(&report.outputs);
    if report.frames == 1 && made.len() == 1 && made.get(path) == reference.get(path) {
        Ok(())
    } else {
        Err(format!("of one frame to make, {path}, it made {} and {made:?}", report.frames))
    }
}

async fn wrapped(make: Make<'_>, unit: &Unit, reference: &Made) -> Checked {
    let retry = Retry::new(Arc::new(Trace::new(make())), 3, Duration::from_millis(1));
    let limit: Arc<dyn Executor> = Arc::new(Limit::new(Arc::new(retry), 1));
    equal(&|| Arc::clone(&limit), unit, reference).await
}
