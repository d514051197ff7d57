//! Checks of how an executor is steered: cancellation, memory, what stands already, wrappers.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::stages::{Pattern, registry};
use super::suite::{Checked, compare, expect_done, no_half_done, unit};
use crate::graph::Registry;
use crate::media::FrameRange;
use crate::plan::{Standing, Unit};
use crate::run::{
    Budget, CancellationToken, Event, Events, Executor, Executors, Limit, Outcome, Retry, RunContext, Trace,
    UnitReport, Verdict,
};
use crate::{Error, ErrorKind};

/// Decodes so far of a unit that counts them in `path`.
fn decodes(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |m| m.len())
}

pub(super) async fn cancels(executor: Arc<dyn Executor>, out: &Path) -> Checked {
    std::fs::create_dir_all(out).map_err(|e| e.to_string())?;
    let count = out.join("decodes");
    let unit =
        unit(&out.join("out"), 400, Pattern { slow_ms: 20, count_in: Some(count.clone()), ..Pattern::default() });
    let cancel = CancellationToken::new();
    let at_cancel = Arc::new(Mutex::new(None));
    let events = {
        let (cancel, at_cancel, count) = (cancel.clone(), Arc::clone(&at_cancel), count.clone());
        Events::to(move |e| {
            if let (Event::FrameDone { done: 3, .. }, Ok(mut at)) = (e, at_cancel.lock()) {
                *at = Some((decodes(&count), Instant::now()));
                cancel.cancel();
            }
        })
    };
    let report = executor.run(&unit, &RunContext { cancel, events, ..RunContext::plain() }).await;
    if report.outcome != Outcome::Cancelled {
        return Err(format!("the unit ended as {:?}", report.outcome));
    }
    let Some((before, when)) = *at_cancel.lock().map_err(|e| e.to_string())? else {
        return Err("it did not tell of the third frame".into());
    };
    // What is in work may be finished: a frame for each thread, and there are no more threads than this.
    let in_work = std::thread::available_parallelism().map_or(1, |n| n.get() as u64).max(8);
    let after = decodes(&count) - before;
    if after > in_work || when.elapsed() > Duration::from_secs(2) {
        return Err(format!("it decoded {after} more frames in {:?} after the cancellation", when.elapsed()));
    }
    no_half_done(&unit)
}

pub(super) async fn keeps_budget(executor: Arc<dyn Executor>, out: &Path) -> Checked {
    std::fs::create_dir_all(out).map_err(|e| e.to_string())?;
    let count = out.join("decodes");
    let mut unit = unit(&out.join("out"), 10, Pattern { count_in: Some(count.clone()), ..Pattern::default() });
    let budget = Budget::new(unit.bytes_per_frame);
    // While somebody else has the memory, nothing is decoded.
    let held = budget.reserve(unit.bytes_per_frame, &CancellationToken::new()).map_err(|e| e.to_string())?;
    let running = {
        let (executor, unit) = (Arc::clone(&executor), unit.clone());
        let cx = RunContext { budget: budget.clone(), ..RunContext::plain() };
        tokio::spawn(async move { executor.run(&unit, &cx).await })
    };
    tokio::time::sleep(Duration::from_millis(150)).await;
    let early = decodes(&count);
    drop(held);
    expect_done(&running.await.map_err(|e| e.to_string())?)?;
    if early > 0 {
        return Err(format!("it decoded {early} frames while there was no memory for one"));
    }
    compare(&unit, Some)?;
    if budget.free() != budget.total() {
        return Err("it did not give all of the memory back".into());
    }
    unit.overwrite = true;
    unit.bytes_per_frame += 1;
    match executor.run(&unit, &RunContext { budget, ..RunContext::plain() }).await.outcome {
        Outcome::Failed(f) if f.kind == ErrorKind::Budget => Ok(()),
        other => Err(format!("a budget too small for one frame ended as {other:?}")),
    }
}

pub(super) async fn works_wrapped(make: &(dyn Fn(Registry) -> Arc<dyn Executor> + Sync), out: &Path) -> Checked {
    let inner = make(registry());
    let never: Arc<dyn Executor> = Arc::new(Never);
    let retry = Retry::new(Arc::new(Trace::new(inner)), 3, Duration::from_millis(1));
    let wrapped = Executors::new().prefer(never).then(Arc::new(Limit::new(Arc::new(retry), 1))).at_once(1);
    let unit = unit(&out.join("out"), 3, Pattern::default());
    let first = wrapped.run(&unit, &RunContext::plain()).await;
    expect_done(&first)?;
    compare(&unit, Some)?;
    if !first.ran_on.contains("after never") || !first.findings.iter().any(|f| f.code == "executor-fallback") {
        return Err(format!("the fallback was not told: it ran on `{}`", first.ran_on));
    }
    Ok(())
}

pub(super) async fn makes_only_what_does_not_stand(executor: Arc<dyn Executor>, out: &Path) -> Checked {
    let mut unit = unit(out, 9, Pattern::default());
    expect_done(&executor.run(&unit, &RunContext::plain()).await)?;
    let frames = out.join("frames");
    let path = |f: i64| frames.join(format!("CLIP.{f:07}.f32"));
    // Frame 4 is to be made again, the others and the reel stand; a stranger's file among them is not touched.
    let (missing, strange) = (path(4), path(2));
    if !missing.is_file() || !strange.is_file() {
        return Err("the frames are not where the sink said".into());
    }
    std::fs::remove_file(&missing).and_then(|()| std::fs::write(&strange, b"strange")).map_err(|e| e.to_string())?;
    let range = |first, last| FrameRange { first, last };
    unit.standing =
        [(4, range(0, 3)), (4, range(5, 8)), (5, range(0, 8))].map(|(sink, frames)| Standing { sink, frames }).to_vec();
    let told = Arc::new(Mutex::new(Vec::new()));
    let events = {
        let told = Arc::clone(&told);
        Events::to(move |e| {
            if let (Event::OutputFinished { output, .. }, Ok(mut told)) = (e, told.lock()) {
                told.push(output.path);
            }
        })
    };
    let report = executor.run(&unit, &RunContext { events, ..RunContext::plain() }).await;
    expect_done(&report)?;
    let made: Vec<String> = report.outputs.iter().map(|o| o.path.clone()).collect();
    let told = told.lock().map_err(|e| e.to_string())?.clone();
    if report.frames != 1 || made.len() != 1 || told != made || !missing.is_file() {
        return Err(format!("of one frame to make it made {} and {made:?}, and told {told:?}", report.frames));
    }
    match std::fs::read(&strange) {
        Ok(bytes) if bytes == b"strange" => Ok(()),
        _ => Err("it touched a frame that was said to stand".into()),
    }
}

/// An executor that takes nothing.
#[derive(Debug)]
struct Never;

#[async_trait::async_trait]
impl Executor for Never {
    fn name(&self) -> &str {
        "never"
    }
    async fn accepts(&self, _: &Unit) -> Verdict {
        Verdict::No("it is out of order".into())
    }
    async fn run(&self, unit: &Unit, _: &RunContext) -> UnitReport {
        UnitReport::begin(unit, "never").failed(&Error::new(ErrorKind::Unsupported, "it is out of order"))
    }
}
