//! Faults, with real processes: workers that are killed, frozen, blind or poisoned, a server that dies, clocks that are wrong. At
//! the end every output is there, once, with the digest that a run on one machine gives it.
#![cfg(unix)]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rushes::Job;
use rushes::order::{Order, Spread};
use rushes::recipes::Dailies;
use rushes_temporal::{Ended, Pace, Run, Submission};
use rushes_testcard::{Card, CardSpec};
use support::fleet::{SETUP, Setup, WorkerProcess, now, work};
use support::temporal::TestServer;

/// Not a test: what this program is when it was started as a worker.
#[test]
#[ignore = "it is the worker process of the other tests"]
fn worker_process() {
    let setup = std::env::var(SETUP).expect("it is started by the other tests");
    if let Err(e) = work(&serde_json::from_str(&setup).unwrap()) {
        eprintln!("worker: {e}");
        std::process::exit(1);
    }
}

/// A card, what a run on one machine makes of it, and a server.
struct Fleet {
    folder: tempfile::TempDir,
    server: TestServer,
    order: Order,
    run: Run,
}

/// A worker that is silent for so long is lost.
const HEARTBEAT: u64 = 2000;

impl Fleet {
    /// With an order of two frames a unit, submitted; nobody works on it yet.
    async fn new(server: impl FnOnce(&Path) -> Option<TestServer>) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let server = server(folder.path())?;
        let card = Card::write(&folder.path().join("card"), CardSpec::tiny()).unwrap();
        let job = |out: &str| {
            let recipe = Dailies { exr: "zip".into(), on_bad_frame: "hold".into(), ..Dailies::default() };
            Job::new(recipe.plates_only().workflow(), &card.root, folder.path().join(out)).frames_per_unit(4)
        };
        job("alone").run().await.unwrap();
        let order = job("fleet").order(Spread::default()).await.unwrap();
        let pace = Pace { heartbeat_ms: HEARTBEAT, ..Pace::default() };
        let submission = Submission::new(order.id(), order.folder().to_str().unwrap()).pace(pace);
        let run = submission.start(&server.server()).await.unwrap();
        Some(Self { folder, server, order, run })
    }

    fn setup(&self, queues: &[&str]) -> Setup {
        let queues = queues.iter().map(|q| (*q).to_owned()).collect();
        Setup { server: self.server.address(), queues, slow: 150, ..Setup::default() }
    }

    fn worker(&self, queues: &[&str]) -> WorkerProcess {
        WorkerProcess::start(&self.setup(queues))
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("fleet")
    }

    /// Waits until so many plates stand.
    async fn plates(&self, at_least: usize) {
        let since = Instant::now();
        loop {
            let there = files(&self.out()).keys().filter(|n| n.ends_with(".exr")).count();
            if there >= at_least {
                return;
            }
            assert!(since.elapsed() < Duration::from_secs(120), "only {there} plates in two minutes");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn ended(&self) -> Ended {
        tokio::time::timeout(Duration::from_secs(240), self.run.wait()).await.expect("it does not end").unwrap()
    }

    /// It ended well, and made what a run on one machine makes: each file once, and nothing besides.
    async fn expect_as_alone(&self) {
        let ended = self.ended().await;
        let Ended::Done(tally) = ended else { panic!("{ended:?}") };
        let report = self.order.report().unwrap().unwrap();
        assert!(report.is_complete(), "{:?}", report.findings);
        assert_eq!(tally.failed + tally.cancelled, 0);
        let (alone, fleet) = (files(&self.folder.path().join("alone")), files(&self.out()));
        assert_eq!(alone.keys().collect::<Vec<_>>(), fleet.keys().collect::<Vec<_>>());
        for (name, bytes) in &alone {
            assert!(*bytes == fleet[name], "{name} differs");
        }
    }
}

/// Every file below `out`, but for what is kept for later runs and the page, which has a date.
fn files(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![out.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).into_iter().flatten().map(|e| e.unwrap().path()) {
            let name = path.strip_prefix(out).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                if name != ".rushes" && name != "report" {
                    folders.push(path);
                }
            } else if let Ok(bytes) = std::fs::read(&path) {
                // Temporaries come and go while it is looked.
                files.insert(name, bytes);
            }
        }
    }
    files
}

async fn fleet() -> Option<Fleet> {
    Fleet::new(|_| TestServer::start()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_killed() {
    let Some(fleet) = fleet().await else { return };
    let (_orchestrates, killed) = (fleet.worker(&["orchestrate"]), fleet.worker(&["cpu"]));
    fleet.plates(3).await;
    killed.signal("-KILL");
    let _other = fleet.worker(&["cpu"]);
    fleet.expect_as_alone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_orchestrate_are_killed() {
    let Some(fleet) = fleet().await else { return };
    let (killed, _works) = (fleet.worker(&["orchestrate"]), fleet.worker(&["cpu"]));
    fleet.plates(2).await;
    killed.signal("-KILL");
    let _other = fleet.worker(&["orchestrate"]);
    fleet.expect_as_alone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_freezes_and_wakes_when_others_have_done_its_work() {
    let Some(fleet) = fleet().await else { return };
    let (_orchestrates, frozen) = (fleet.worker(&["orchestrate"]), fleet.worker(&["cpu"]));
    fleet.plates(3).await;
    frozen.signal("-STOP");
    let _other = fleet.worker(&["cpu"]);
    let ended = fleet.ended().await;
    assert!(matches!(ended, Ended::Done(_)), "{ended:?}");
    frozen.signal("-CONT");
    // It finishes what it was at, finds it made, and changes nothing.
    tokio::time::sleep(Duration::from_secs(3)).await;
    frozen.signal("-KILL");
    fleet.expect_as_alone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_killed_and_started_again() {
    let Some(mut fleet) = Fleet::new(|folder| TestServer::with_database(&folder.join("temporal.db"))).await else {
        return;
    };
    let _worker = fleet.worker(&["orchestrate", "cpu"]);
    fleet.plates(3).await;
    fleet.server.kill();
    tokio::time::sleep(Duration::from_secs(2)).await;
    fleet.server.restart();
    fleet.expect_as_alone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_loses_its_storage_and_gives_up() {
    let Some(fleet) = fleet().await else { return };
    let _orchestrates = fleet.worker(&["orchestrate"]);
    let mut blind = WorkerProcess::start(&Setup { blind: true, ..fleet.setup(&["cpu"]) });
    // It takes units before anybody else is there, and ends by itself.
    let since = Instant::now();
    while blind.is_running() {
        assert!(since.elapsed() < Duration::from_secs(60), "it goes on and on");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let _other = fleet.worker(&["cpu"]);
    fleet.expect_as_alone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_goes_away_in_the_middle_ends_workers_and_no_unit() {
    let Some(fleet) = fleet().await else { return };
    let _orchestrates = fleet.worker(&["orchestrate"]);
    let mut works = fleet.worker(&["cpu"]);
    fleet.plates(3).await;
    let (card, away) = (fleet.folder.path().join("card"), fleet.folder.path().join("away"));
    std::fs::rename(&card, &away).unwrap();
    let since = Instant::now();
    while works.is_running() {
        assert!(since.elapsed() < Duration::from_secs(120), "it goes on and on");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(works.0.wait().unwrap().code(), Some(1));
    std::fs::rename(&away, &card).unwrap();
    let _other = fleet.worker(&["cpu"]);
    fleet.expect_as_alone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_that_takes_its_worker_down_is_a_finding_and_the_others_are_made() {
    let Some(fleet) = fleet().await else { return };
    let _orchestrates = fleet.worker(&["orchestrate"]);
    let poison = fleet.order.clip(0).unwrap().name;
    let setup = Setup { poison: Some(poison.clone()), slow: 0, ..fleet.setup(&["cpu"]) };
    // Whoever dies is started again, as a cluster would.
    let waits = fleet.run.wait();
    let mut waits = std::pin::pin!(waits);
    let (mut worker, mut starts) = (WorkerProcess::start(&setup), 1);
    let ended = loop {
        tokio::select! {
            ended = &mut waits => break ended.unwrap(),
            () = tokio::time::sleep(Duration::from_millis(100)) => {
                if !worker.is_running() {
                    (worker, starts) = (WorkerProcess::start(&setup), starts + 1);
                    assert!(starts < 100, "it goes on and on");
                }
            }
        }
    };
    let Ended::Done(tally) = ended else { panic!("{ended:?}") };
    assert!(tally.failed > 0 && tally.done > 0, "{tally:?}");
    let report = fleet.order.report().unwrap().unwrap();
    let lost: Vec<_> = report.findings.iter().filter(|f| f.code == "unit-lost").collect();
    assert!(!lost.is_empty() && lost.iter().all(|f| f.clip.as_ref() == Some(&poison)), "{lost:?}");
    for unit in &report.units {
        assert_eq!(unit.is_done(), unit.clip != poison, "{}: {:?}", unit.unit, unit.outcome);
    }
    let (alone, fleet) = (files(&fleet.folder.path().join("alone")), files(&fleet.out()));
    for (name, bytes) in alone.iter().filter(|(n, _)| n.ends_with(".exr") && !n.contains(&poison)) {
        assert!(fleet.get(name) == Some(bytes), "{name} differs");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_told_to_end_gives_its_units_back() {
    let Some(fleet) = fleet().await else { return };
    let (_orchestrates, mut told) = (fleet.worker(&["orchestrate"]), fleet.worker(&["cpu"]));
    fleet.plates(3).await;
    told.signal("-TERM");
    let since = Instant::now();
    while told.is_running() {
        assert!(since.elapsed() < Duration::from_secs(30), "it does not end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(told.0.wait().unwrap().success());
    let _other = fleet.worker(&["cpu"]);
    fleet.expect_as_alone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_with_time_to_spare_ends_what_it_is_at() {
    let Some(fleet) = fleet().await else { return };
    let _orchestrates = fleet.worker(&["orchestrate"]);
    let mut told = WorkerProcess::start(&Setup { grace: Some(60_000), ..fleet.setup(&["cpu"]) });
    fleet.plates(3).await;
    told.signal("-TERM");
    let since = Instant::now();
    while told.is_running() {
        assert!(since.elapsed() < Duration::from_secs(50), "it does not end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(told.0.wait().unwrap().success());
    // Nothing was begun that is not done.
    let mut waiting = 0;
    let order = fleet.server.describe(&format!("rushes-{}", fleet.run.id()));
    for clip in order["pendingChildren"].as_array().unwrap() {
        let clip = fleet.server.describe(clip["workflowId"].as_str().unwrap());
        for unit in clip["pendingActivities"].as_array().into_iter().flatten() {
            assert!(unit["attempt"] == 1 && unit["lastFailure"].is_null(), "{unit}");
            waiting += 1;
        }
    }
    assert!(waiting > 0, "it did all of it: {order}");
    let _other = fleet.worker(&["cpu"]);
    fleet.expect_as_alone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_are_wrong() {
    // Debian's place for it.
    let fake = Path::new("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1");
    if !fake.exists() {
        assert!(std::env::var_os("RUSHES_TEMPORAL_REQUIRED").is_none(), "libfaketime is not installed");
        eprintln!("NOT TESTED: libfaketime is not installed (apt install libfaketime)");
        return;
    }
    let Some(fleet) = fleet().await else { return };
    let _orchestrates = fleet.worker(&["orchestrate"]);
    let clock = |by: &str| fleet.folder.path().join(format!("clock{by}"));
    let skewed = |by: &'static str| {
        let setup = Setup { clock: Some(clock(by)), ..fleet.setup(&["cpu"]) };
        WorkerProcess::start_with(&setup, &[("LD_PRELOAD", fake), ("FAKETIME", Path::new(by))])
    };
    let (_ahead, behind) = (skewed("+3d"), skewed("-2h"));
    fleet.plates(3).await;
    let hours = |by: &str| {
        let told: i64 = std::fs::read_to_string(clock(by)).unwrap().parse().unwrap();
        (told - now() as i64 + 1800).div_euclid(3600)
    };
    assert_eq!((hours("+3d"), hours("-2h")), (72, -2));
    behind.signal("-KILL");
    fleet.expect_as_alone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_order_ends_within_seconds_and_goes_on_when_it_is_submitted_again() {
    let Some(fleet) = fleet().await else { return };
    let _worker = fleet.worker(&["orchestrate", "cpu"]);
    fleet.plates(3).await;
    let since = Instant::now();
    fleet.run.cancel("the test says so").await.unwrap();
    assert_eq!(fleet.ended().await, Ended::Cancelled);
    assert!(since.elapsed() < Duration::from_secs(30), "{:?}", since.elapsed());
    let report = fleet.order.report().unwrap().unwrap();
    assert!(!report.is_complete() && report.findings.iter().all(|f| f.code != "unit-lost"), "{report:?}");
    let pace = Pace { heartbeat_ms: HEARTBEAT, ..Pace::default() };
    let again = Submission::new(fleet.order.id(), fleet.order.folder().to_str().unwrap()).pace(pace);
    again.start(&fleet.server.server()).await.unwrap();
    fleet.expect_as_alone().await;
}
