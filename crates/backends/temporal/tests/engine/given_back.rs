//! Attempts that do not count, and those that do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rushes_core::plan::Unit;
use rushes_core::run::{CancellationToken, Event, Executor, Outcome, RunContext, UnitReport, Verdict};
use rushes_core::{Error, ErrorKind};
use rushes_temporal::{Ended, Pace, Submission, Worker};

use crate::stuck::status;
use crate::support::held::Held;
use crate::support::temporal::TestServer;
use crate::{PACE, Working, plan};

/// Goes on until it is told to end, so many times, when it has told of three frames.
#[derive(Debug)]
struct Interrupted {
    times: u64,
    begun: AtomicU64,
}

#[async_trait::async_trait]
impl Executor for Interrupted {
    fn name(&self) -> &str {
        "interrupted"
    }
    async fn accepts(&self, _: &Unit) -> Verdict {
        Verdict::Yes
    }
    async fn run(&self, unit: &Unit, cx: &RunContext) -> UnitReport {
        cx.events.send(Event::FrameDone { unit: unit.id.clone(), frame: 102, done: 3, total: 9 });
        let report = UnitReport::begin(unit, "interrupted");
        if self.begun.fetch_add(1, Ordering::Relaxed) >= self.times {
            return report;
        }
        cx.cancel.cancelled().await;
        report.failed(&Error::new(ErrorKind::Cancelled, "cancelled"))
    }
}

/// What an activity told of itself.
fn told(activity: &serde_json::Value) -> String {
    activity["heartbeatDetails"].to_string().replace('\\', "")
}

/// Has workers begin a unit and end, one after another, and gives how it was when the last of them was at work.
async fn drained(server: &TestServer, held: &Arc<Held>, executor: &Interrupted) -> serde_json::Value {
    let at = server.server();
    let mut last = serde_json::Value::Null;
    for n in 1..=executor.times {
        let _working = Working::on(&at, held, &["cpu"], 1);
        for tries in 0.. {
            assert!(tries < 600, "it is not begun for the {n}th time");
            tokio::time::sleep(Duration::from_millis(100)).await;
            last = server.describe("rushes-drained/0")["pendingActivities"][0].clone();
            let tells = || told(&last).contains("frames\":3");
            // The last of them is waited for until it tells of its frames.
            if executor.begun.load(Ordering::Relaxed) >= n && (n < executor.times || tells()) {
                break;
            }
        }
    }
    last
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_end_use_up_no_attempt_and_units_in_work_tell_their_frames() {
    let Some(server) = TestServer::start() else { return };
    let at = server.server();
    // More than the attempts that an order has, lost workers included.
    let executor = Arc::new(Interrupted { times: 7, begun: AtomicU64::new(0) });
    let held = Arc::new(Held::new(plan(&[1]), executor.clone()));
    let _orchestrates = Working::on(&at, &held, &["orchestrate"], 1);
    let run = Submission::new("drained", "memory").pace(PACE).start(&at).await.unwrap();
    let last = drained(&server, &held, &executor).await;
    assert_eq!(last["attempt"], 7, "{last}");
    let told = told(&last);
    assert!(told.contains("frames\":3") && told.contains("given_back\":6"), "{last}");
    let _works = Working::on(&at, &held, &["cpu"], 1);
    let Ended::Done(tally) = run.wait().await.unwrap() else { panic!("it was given up") };
    assert_eq!((tally.done, tally.failed, tally.cancelled), (1, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_is_given_back_for_ever_is_lost_and_not_cancelled() {
    let Some(server) = TestServer::start() else { return };
    let at = server.server();
    let executor = Arc::new(Interrupted { times: 2, begun: AtomicU64::new(0) });
    let held = Arc::new(Held::new(plan(&[1]), executor.clone()));
    let _orchestrates = Working::on(&at, &held, &["orchestrate"], 1);
    let run = Submission::new("drained", "memory").pace(Pace { attempts: 2, ..PACE }).start(&at).await.unwrap();
    drained(&server, &held, &executor).await;
    let Ended::Done(tally) = run.wait().await.unwrap() else { panic!("it was given up") };
    assert_eq!((tally.done, tally.failed, tally.cancelled), (0, 1, 0));
    let report = held.report().units.remove(0);
    assert!(matches!(&report.outcome, Outcome::Failed(f) if f.kind == ErrorKind::Panicked), "{report:?}");
}

/// Reads nothing while storage is away, and says so as a decoder would.
#[derive(Debug)]
struct Reads(Arc<AtomicBool>, AtomicU64);

#[async_trait::async_trait]
impl Executor for Reads {
    fn name(&self) -> &str {
        "reads"
    }
    async fn accepts(&self, _: &Unit) -> Verdict {
        Verdict::Yes
    }
    async fn run(&self, unit: &Unit, _: &RunContext) -> UnitReport {
        let report = UnitReport::begin(unit, "reads");
        if !self.0.load(Ordering::Relaxed) {
            return report;
        }
        self.1.fetch_add(1, Ordering::Relaxed);
        report.failed(&Error::new(ErrorKind::Io, "a read failed").retryable())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn units_wait_for_storage_that_comes_back() {
    let Some(server) = TestServer::start() else { return };
    let at = server.server();
    let away = Arc::new(AtomicBool::new(true));
    let executor = Arc::new(Reads(Arc::clone(&away), AtomicU64::new(0)));
    let held = Arc::new(Held::new(plan(&[1]), executor.clone()));
    let _orchestrates = Working::on(&at, &held, &["orchestrate"], 1);
    let run = Submission::new("away", "memory").pace(PACE).start(&at).await.unwrap();
    for tries in 0.. {
        assert!(tries < 600, "its clip does not begin");
        if server.describe("rushes-away")["pendingChildren"].is_array() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for tries in 0.. {
        assert!(tries < 600, "its unit does not wait");
        if server.describe("rushes-away/0")["pendingActivities"][0]["activityId"] == "0.0.0.cpu" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    held.away.store(true, Ordering::Relaxed);
    // Workers that see nothing end, and are started again.
    let stop = CancellationToken::new();
    let restarted = std::thread::spawn({
        let (at, held, stop) = (at.clone(), Arc::clone(&held), stop.clone());
        move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            while !stop.is_cancelled() {
                let worker = Worker::new(held.clone()).queue("cpu").grace(Duration::from_millis(100));
                let _ = runtime.block_on(worker.run(&at, stop.clone()));
            }
        }
    });
    let why = status(&run, |s| !s.waiting_for.is_empty()).await.waiting_for;
    assert!(why[0].starts_with("unit 0.0.0.cpu, attempt ") && why[0].contains("a read failed"), "{why:?}");
    // One more than the failures that count.
    for tries in 0.. {
        assert!(tries < 2400, "it is not tried again");
        if executor.1.load(Ordering::Relaxed) >= 4 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    away.store(false, Ordering::Relaxed);
    held.away.store(false, Ordering::Relaxed);
    let Ended::Done(tally) = run.wait().await.unwrap() else { panic!("it was given up") };
    assert_eq!((tally.done, tally.failed), (1, 0));
    assert_eq!(run.status().await.unwrap().waiting_for, [] as [String; 0]);
    stop.cancel();
    restarted.join().unwrap();
}
