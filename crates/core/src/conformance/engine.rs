//! What every engine promises that has plans run: the in-process runner, and distributed ones.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::stages::Pattern;
use super::suite::{Checked, Failed, unit};
use crate::plan::{ClipPlan, Plan, Unit};
use crate::run::{CancellationToken, Executor, Outcome, RunContext, RunReport, Runner, UnitReport, Verdict};
use crate::{Error, ErrorKind};

/// Has the units of a plan run.
#[async_trait::async_trait]
pub trait Engine: Send + Sync {
    /// Runs `plan` to its end on `executor`, `at_once` units at a time at most. A unit that fails in a way that may pass is
    /// tried three times.
    async fn run(
        &self,
        plan: Plan,
        executor: Arc<dyn Executor>,
        at_once: usize,
        cancel: CancellationToken,
    ) -> RunReport;
}

/// Runs every check on `engine`. Gives what failed; nothing means that the engine conforms.
pub async fn check_engine(engine: &dyn Engine) -> Vec<Failed> {
    let mut failed = Vec::new();
    let mut note = |check, result: Checked| {
        if let Err(what) = result {
            failed.push(Failed { check, what });
        }
    };
    note("has every unit run exactly once", once(engine).await);
    note("goes through a clip of any length", long(engine).await);
    note("tries again what may pass, and nothing else", tries_again(engine).await);
    note("lets a failed unit stop no other", goes_on(engine).await);
    note("runs what is urgent first", urgent_first(engine).await);
    note("runs no more at once than it may", at_once(engine).await);
    note("answers a cancellation within seconds", cancels(engine).await);
    note("goes on after an interruption", resumes(engine).await);
    failed
}

/// The in-process runner, as an engine.
#[async_trait::async_trait]
impl Engine for fn(Arc<dyn Executor>) -> Runner {
    async fn run(
        &self,
        plan: Plan,
        executor: Arc<dyn Executor>,
        at_once: usize,
        cancel: CancellationToken,
    ) -> RunReport {
        self(executor).concurrency(at_once).cancel(cancel).run(&plan).await
    }
}

/// What units do, by their ids.
#[derive(Debug, Clone, Copy, Default)]
struct Does {
    /// It fails so often in a way that may pass.
    passing: u32,
    /// It fails for good.
    bad: bool,
    /// How long it takes.
    takes: Duration,
}

/// An executor that writes down what is asked of it.
#[derive(Debug, Default)]
struct Probe {
    does: BTreeMap<String, Does>,
    seen: Mutex<Seen>,
    /// What was made already is not made again.
    remembers: bool,
}

#[derive(Debug, Default)]
struct Seen {
    /// Ids of units, as they were begun.
    begun: Vec<String>,
    /// Those that had an effect.
    made: Vec<String>,
    running: usize,
    most: usize,
    last: Option<Instant>,
}

impl Probe {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait::async_trait]
impl Executor for Probe {
    fn name(&self) -> &str {
        "probe"
    }

    async fn accepts(&self, _: &Unit) -> Verdict {
        Verdict::Yes
    }

    async fn run(&self, unit: &Unit, cx: &RunContext) -> UnitReport {
        let does = self.does.get(&unit.id).copied().unwrap_or_default();
        let attempt = {
            let mut seen = self.seen();
            seen.begun.push(unit.id.clone());
            seen.last = Some(Instant::now());
            seen.running += 1;
            seen.most = seen.most.max(seen.running);
            seen.begun.iter().filter(|id| **id == unit.id).count() as u32
        };
        let cancelled = tokio::select! {
            () = tokio::time::sleep(does.takes) => cx.cancel.is_cancelled(),
            () = cx.cancel.cancelled() => true,
        };
        let mut report = UnitReport::begin(unit, "probe");
        let mut seen = self.seen();
        seen.running -= 1;
        if cancelled {
            return report.failed(&Error::new(ErrorKind::Cancelled, "cancelled"));
        }
        if does.bad {
            return report.failed(&Error::new(ErrorKind::BadMedia, "bad on purpose"));
        }
        if attempt <= does.passing {
            return report.failed(&Error::new(ErrorKind::InUse, "failing on purpose").retryable());
        }
        if !(self.remembers && seen.made.contains(&unit.id)) {
            seen.made.push(unit.id.clone());
        }
        report.frames = unit.range.len();
        report
    }
}

/// A plan of clips with so many units each, and the priorities of the clips.
fn plan(clips: &[(usize, i32)]) -> Plan {
    let one = unit(Path::new("nowhere"), 1, Pattern::default());
    let clips = clips.iter().enumerate().map(|(c, &(units, priority))| {
        let name = format!("CLIP{c:04}");
        let units = (0..units).map(|u| {
            let mut unit = Unit { id: format!("{name}.{u}"), priority, ..one.clone() };
            unit.clip.name.clone_from(&name);
            unit
        });
        ClipPlan {
            clip: name.clone(),
            range: None,
            skipped: None,
            nodes: Vec::new(),
            notes: Vec::new(),
            units: units.collect(),
        }
    });
    Plan { workflow: "conformance".into(), clips: clips.collect(), findings: Vec::new() }
}

fn probe(does: impl IntoIterator<Item = (&'static str, Does)>) -> Arc<Probe> {
    Arc::new(Probe { does: does.into_iter().map(|(id, d)| (id.to_owned(), d)).collect(), ..Probe::default() })
}

async fn run(engine: &dyn Engine, plan: &Plan, probe: &Arc<Probe>, at_once: usize) -> RunReport {
    let executor: Arc<dyn Executor> = Arc::clone(probe) as _;
    engine.run(plan.clone(), executor, at_once, CancellationToken::new()).await
}

/// Every unit has one report, in the plan's order, and `probe` saw the effects of `made` once each.
fn complete(plan: &Plan, report: &RunReport, probe: &Probe, made: usize) -> Checked {
    let planned: Vec<&str> = plan.units().map(|u| u.id.as_str()).collect();
    let told: Vec<&str> = report.units.iter().map(|u| u.unit.as_str()).collect();
    if planned != told {
        let (known, some) = (told.len(), &told[..told.len().min(50)]);
        return Err(format!("{} units were planned, and it told of {known} ({some:?})", planned.len()));
    }
    let seen = probe.seen();
    let unique: BTreeSet<&String> = seen.made.iter().collect();
    if seen.made.len() != made || unique.len() != made {
        return Err(format!("{made} effects were expected, and there were {} of {}", seen.made.len(), unique.len()));
    }
    Ok(())
}

async fn once(engine: &dyn Engine) -> Checked {
    let (plan, probe) = (plan(&[(1, 0), (40, 0), (3, 0)]), probe([]));
    let report = run(engine, &plan, &probe, 3).await;
    complete(&plan, &report, &probe, 44)?;
    let begun = probe.seen().begun.len();
    if begun == 44 && report.is_complete() { Ok(()) } else { Err(format!("units were begun {begun} times")) }
}

async fn long(engine: &dyn Engine) -> Checked {
    // More than an engine may keep in mind at a time.
    let (plan, probe) = (plan(&[(2500, 0)]), probe([]));
    let report = run(engine, &plan, &probe, 16).await;
    complete(&plan, &report, &probe, 2500)?;
    if report.is_complete() { Ok(()) } else { Err("not all of it is done".into()) }
}

async fn tries_again(engine: &dyn Engine) -> Checked {
    let passing = |passing| Does { passing, ..Does::default() };
    let does = [
        ("CLIP0000.0", passing(2)),
        ("CLIP0000.1", passing(1000)),
        ("CLIP0000.2", Does { bad: true, ..Does::default() }),
    ];
    let (plan, probe) = (plan(&[(3, 0)]), probe(does));
    let report = run(engine, &plan, &probe, 3).await;
    complete(&plan, &report, &probe, 1)?;
    let times = |id: &str| probe.seen().begun.iter().filter(|b| *b == id).count();
    let times = [times("CLIP0000.0"), times("CLIP0000.1"), times("CLIP0000.2")];
    if times != [3, 3, 1] {
        return Err(format!("it tried {times:?} times, and 3, 3 and 1 were right"));
    }
    let kinds: Vec<Option<ErrorKind>> = report
        .units
        .iter()
        .map(|u| match &u.outcome {
            Outcome::Failed(f) => Some(f.kind),
            _ => None,
        })
        .collect();
    if kinds == [None, Some(ErrorKind::InUse), Some(ErrorKind::BadMedia)] {
        Ok(())
    } else {
        Err(format!("the units ended as {kinds:?}"))
    }
}

async fn goes_on(engine: &dyn Engine) -> Checked {
    let bad = Does { bad: true, ..Does::default() };
    let (plan, probe) = (plan(&[(2, 0), (2, 0), (1, 0)]), probe([("CLIP0000.0", bad), ("CLIP0002.0", bad)]));
    let report = run(engine, &plan, &probe, 2).await;
    complete(&plan, &report, &probe, 3)
}

async fn urgent_first(engine: &dyn Engine) -> Checked {
    // One holds the only place while the others gather; a few may have come before it, as they were handed in.
    let gate = Does { takes: Duration::from_secs(2), ..Does::default() };
    let priorities = [2, -1, 0, 1];
    let (plan, probe) =
        (plan(&[1, 4, 4, 4].into_iter().zip(priorities).collect::<Vec<_>>()), probe([("CLIP0000.0", gate)]));
    let report = run(engine, &plan, &probe, 1).await;
    complete(&plan, &report, &probe, 13)?;
    let begun = probe.seen().begun.clone();
    let of = |id: &String| priorities[id.as_bytes().get(7).map_or(0, |c| usize::from(c - b'0'))];
    let after: Vec<i32> = begun.iter().skip_while(|id| *id != "CLIP0000.0").map(of).collect();
    if after.len() >= 8 && after.is_sorted_by(|a, b| a >= b) {
        Ok(())
    } else {
        Err(format!("they were begun as {begun:?}"))
    }
}

async fn at_once(engine: &dyn Engine) -> Checked {
    let (plan, mut probe) = (plan(&[(30, 0), (10, 0)]), Probe::default());
    let takes = Does { takes: Duration::from_millis(20), ..Does::default() };
    probe.does = plan.units().map(|u| (u.id.clone(), takes)).collect();
    let probe = Arc::new(probe);
    let report = run(engine, &plan, &probe, 4).await;
    complete(&plan, &report, &probe, 40)?;
    let most = probe.seen().most;
    if (2..=4).contains(&most) { Ok(()) } else { Err(format!("{most} units ran at the same time, and 4 may")) }
}

async fn cancels(engine: &dyn Engine) -> Checked {
    let (plan, mut probe) = (plan(&[(20, 0), (20, 0)]), Probe::default());
    let takes = Does { takes: Duration::from_secs(600), ..Does::default() };
    probe.does = plan.units().map(|u| (u.id.clone(), takes)).collect();
    let (probe, cancel) = (Arc::new(probe), CancellationToken::new());
    let executor: Arc<dyn Executor> = Arc::clone(&probe) as _;
    let mut running = std::pin::pin!(engine.run(plan.clone(), executor, 2, cancel.clone()));
    let (begun, mut since): (Instant, Option<Instant>) = (Instant::now(), None);
    let report = loop {
        tokio::select! {
            report = &mut running => break report,
            () = tokio::time::sleep(Duration::from_millis(20)) => {
                let running = probe.seen().running;
                if since.is_none() && (running == 2 || begun.elapsed() > Duration::from_secs(10)) {
                    cancel.cancel();
                    since = Some(Instant::now());
                }
                if since.is_some_and(|since| since.elapsed() > Duration::from_secs(60)) {
                    return Err("it did not end in a minute".into());
                }
            }
        }
    };
    let Some(since) = since else { return Err("it ended before it was cancelled".into()) };
    complete(&plan, &report, &probe, 0)?;
    if since.elapsed() > Duration::from_secs(20) {
        return Err(format!("it took {:?}", since.elapsed()));
    }
    let seen = probe.seen();
    if seen.begun.len() > 4 {
        return Err(format!("{} units were begun all the same", seen.begun.len()));
    }
    match report.units.iter().find(|u| u.outcome != Outcome::Cancelled) {
        None => Ok(()),
        Some(other) => Err(format!("{} ended as {:?}", other.unit, other.outcome)),
    }
}

async fn resumes(engine: &dyn Engine) -> Checked {
    let (plan, mut probe) = (plan(&[(12, 0)]), Probe { remembers: true, ..Probe::default() });
    let takes = Does { takes: Duration::from_millis(50), ..Does::default() };
    probe.does = plan.units().map(|u| (u.id.clone(), takes)).collect();
    let (probe, cancel) = (Arc::new(probe), CancellationToken::new());
    let executor: Arc<dyn Executor> = Arc::clone(&probe) as _;
    let mut running = std::pin::pin!(engine.run(plan.clone(), executor, 2, cancel.clone()));
    loop {
        tokio::select! {
            _ = &mut running => break,
            () = tokio::time::sleep(Duration::from_millis(10)) => {
                if probe.seen().made.len() >= 4 {
                    cancel.cancel();
                }
            }
        }
    }
    let report = run(engine, &plan, &probe, 2).await;
    complete(&plan, &report, &probe, 12)?;
    if report.is_complete() { Ok(()) } else { Err("not all of it is done".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Retry;

    #[tokio::test]
    async fn the_runner_is_an_engine() {
        let runner: fn(Arc<dyn Executor>) -> Runner =
            |executor| Runner::new(Arc::new(Retry::new(executor, 3, Duration::from_millis(1))));
        assert_eq!(check_engine(&runner).await, []);
    }

    /// An engine that gives a unit out twice, whatever came of it, and one that forgets the last.
    struct Broken(bool);

    #[async_trait::async_trait]
    impl Engine for Broken {
        async fn run(&self, plan: Plan, executor: Arc<dyn Executor>, _: usize, cancel: CancellationToken) -> RunReport {
            let cx = RunContext { cancel, ..RunContext::plain() };
            let mut report = RunReport::default();
            for unit in plan.units() {
                if self.0 {
                    executor.run(unit, &cx).await;
                }
                report.units.push(executor.run(unit, &cx).await);
            }
            if !self.0 {
                report.units.pop();
            }
            report
        }
    }

    #[tokio::test]
    async fn engines_that_break_promises_are_found_out() {
        for twice in [true, false] {
            let failed = check_engine(&Broken(twice)).await;
            assert!(failed.iter().any(|f| f.check.contains("exactly once")), "{failed:?}");
        }
    }
}
