//! Temporal as an engine, against the real server: the promises of every engine, and those of this one.

#[path = "engine/given_back.rs"]
mod given_back;
#[path = "engine/histories.rs"]
mod histories;
#[path = "engine/shares.rs"]
mod shares;
#[path = "engine/stuck.rs"]
mod stuck;
mod support;
#[path = "engine/window.rs"]
mod window;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rushes_core::conformance::{Engine, check_engine};
use rushes_core::plan::{ClipPlan, Plan, Unit};
use rushes_core::run::{
    Busy, CancellationToken, Event, Executor, FOUND, Orders, RunContext, RunReport, UnitReport, Verdict,
};
use rushes_core::{Error, ErrorKind};
use rushes_temporal::{Ended, Pace, Server, Submission, Worker, replay};
use support::held::Held;
use support::temporal::TestServer;

const PACE: Pace = Pace { heartbeat_ms: 8000, unit_ms: 3_600_000, events: 16_000, attempts: 100 };

/// A worker in a thread of its own, until it is dropped.
struct Working {
    stop: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Working {
    fn on<O: Orders + 'static>(
        server: &Server,
        orders: &Arc<O>,
        queues: &'static [&'static str],
        at_once: usize,
    ) -> Self {
        let (stop, server) = (CancellationToken::new(), server.clone());
        let orders: Arc<dyn Orders> = Arc::<O>::clone(orders);
        let until = stop.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            let worker = Worker::new(orders).units_at_once(at_once).grace(Duration::from_secs(1));
            let worker = queues.iter().fold(worker, |w, q| w.queue(q));
            runtime.block_on(worker.run(&server, until)).unwrap();
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the worker panicked");
        }
    }
}

/// An engine that is a whole fleet of one worker.
struct Temporal {
    server: Server,
    orders: AtomicU64,
}

#[async_trait::async_trait]
impl Engine for Temporal {
    async fn run(
        &self,
        plan: Plan,
        executor: Arc<dyn Executor>,
        at_once: usize,
        cancel: CancellationToken,
    ) -> RunReport {
        let held = Arc::new(Held::new(plan, executor));
        let _working = Working::on(&self.server, &held, &["orchestrate", "cpu"], at_once);
        let id = format!("conformance-{}", self.orders.fetch_add(1, Ordering::Relaxed));
        let run = Submission::new(&id, "memory").pace(PACE).start(&self.server).await.unwrap();
        let ended = tokio::select! {
            ended = run.wait() => ended.unwrap(),
            () = cancel.cancelled() => {
                run.cancel("the test says so").await.unwrap();
                run.wait().await.unwrap()
            }
        };
        assert_eq!(matches!(ended, Ended::Cancelled), cancel.is_cancelled(), "{ended:?}");
        assert_eq!(*held.finished.lock().unwrap(), 1);
        let history = run.history().await.unwrap();
        replay(&history).unwrap();
        held.report()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_promises_of_every_engine() {
    let Some(server) = TestServer::start() else { return };
    let engine = Temporal { server: server.server(), orders: AtomicU64::new(0) };
    assert_eq!(check_engine(&engine).await, []);
}

/// Runs nothing, at once.
#[derive(Debug, Default)]
struct Nothing(AtomicU64);

/// The units are made already, but for some that cannot be made yet, or ever.
#[derive(Debug)]
struct Mixed;

#[async_trait::async_trait]
impl Executor for Mixed {
    fn name(&self) -> &str {
        "mixed"
    }
    async fn accepts(&self, _: &Unit) -> Verdict {
        Verdict::Yes
    }
    async fn run(&self, unit: &Unit, _: &RunContext) -> UnitReport {
        match unit.id.as_str() {
            "CLIP0000.0" => {
                UnitReport::begin(unit, "mixed").failed(&Error::new(ErrorKind::InUse, "in use on purpose").retryable())
            }
            "CLIP0000.1" => UnitReport::begin(unit, "mixed").failed(&Error::new(ErrorKind::BadMedia, "bad on purpose")),
            "CLIP0000.2" => UnitReport { frames: 7, ..UnitReport::begin(unit, "mixed") },
            _ => UnitReport { frames: 7, ..UnitReport::begin(unit, format!("{FOUND}mixed")) },
        }
    }
}

#[async_trait::async_trait]
impl Executor for Nothing {
    fn name(&self) -> &str {
        "nothing"
    }
    async fn accepts(&self, _: &Unit) -> Verdict {
        Verdict::Yes
    }
    async fn run(&self, unit: &Unit, _: &RunContext) -> UnitReport {
        self.0.fetch_add(1, Ordering::Relaxed);
        let mut report = UnitReport::begin(unit, "nothing");
        report.frames = unit.range.len();
        report
    }
}

fn plan(clips: &[usize]) -> Plan {
    let unit: Unit = serde_json::from_value(serde_json::json!({
        "format": 1, "id": "u", "range": { "first": 0, "last": 0 }, "tree": [], "out": "out", "overwrite": false,
        "bytes_per_frame": 1,
        "clip": { "name": "c", "format": "dng", "media": { "files": [] }, "range": null, "metadata": {}, "substitutes": [] },
    }))
    .unwrap();
    let clips = clips.iter().enumerate().map(|(c, &units)| ClipPlan {
        clip: format!("CLIP{c:04}"),
        range: None,
        skipped: None,
        nodes: Vec::new(),
        notes: Vec::new(),
        units: (0..units).map(|u| Unit { id: format!("CLIP{c:04}.{u}"), ..unit.clone() }).collect(),
    });
    Plan { workflow: "test".into(), clips: clips.collect(), findings: Vec::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_runs_is_not_started_again_and_an_unknown_one_says_so() {
    let Some(server) = TestServer::start() else { return };
    let at = server.server();
    let executor = Arc::new(Nothing::default());
    let held = Arc::new(Held::new(plan(&[5]), executor.clone()));
    let submission = Submission::new("twice", "memory").pace(PACE).priority(1).show("nightfall", 2.0);
    let run_id = || server.describe("rushes-twice")["workflowExecutionInfo"]["execution"]["runId"].clone();
    let (one, first) = (submission.start(&at).await.unwrap(), run_id());
    let (other, second) = (submission.start(&at).await.unwrap(), run_id());
    assert!(first.is_string() && first == second, "{first} and {second}");
    assert!(one.began_here() && !other.began_here());
    let _working = Working::on(&at, &held, &["orchestrate", "cpu"], 2);
    assert_eq!(one.wait().await.unwrap(), other.wait().await.unwrap());
    assert_eq!(executor.0.load(Ordering::Relaxed), 5);
    // It can be told to end as often as one likes, and says that it has.
    let e = one.cancel("too late").await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Invalid);
    assert!(e.to_string().contains("the order `twice` runs no more: it came to its end"), "{e}");
    // Once it has ended it is begun anew.
    let third = submission.start(&at).await.unwrap();
    assert!(third.began_here() && run_id() != first);
    third.wait().await.unwrap();
    let unknown = rushes_temporal::Run::find(&at, "nobody-knows-it").await.unwrap();
    for e in
        [unknown.status().await.unwrap_err(), unknown.cancel("x").await.unwrap_err(), unknown.wait().await.unwrap_err()]
    {
        assert!(e.to_string().contains("knows no order `nobody-knows-it`"), "{e}");
    }
}

fn get(port: u16, path: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: here\r\n\r\n").as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_tells_how_it_is() {
    let Some(server) = TestServer::start() else { return };
    let at = server.server();
    let held = Arc::new(Held::new(plan(&[5]), Arc::new(Mixed)));
    let port = support::temporal::free_port();
    let stop = CancellationToken::new();
    let thread = std::thread::spawn({
        let (at, held, stop) = (at.clone(), Arc::clone(&held), stop.clone());
        move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            let worker = Worker::new(held).queue("orchestrate").queue("cpu").metrics(([127, 0, 0, 1], port).into());
            runtime.block_on(worker.run(&at, stop)).unwrap();
        }
    });
    let run = Submission::new("watched", "memory").pace(PACE).start(&at).await.unwrap();
    run.wait().await.unwrap();
    assert!(get(port, "/healthz").starts_with("HTTP/1.1 200"));
    assert!(get(port, "/readyz").contains("ready\n"));
    let metrics = get(port, "/metrics");
    // One that may pass fails twice for now, and then for good; what was found is no work.
    let units = [("done", 1), ("found", 2), ("failed_for_now", 2), ("failed", 2)];
    let units = units.map(|(outcome, n)| format!("rushes_units_total{{outcome=\"{outcome}\"}} {n}\n"));
    let others = ["rushes_frames_total 7\n".to_owned(), "rushes_units_running 0\n".to_owned()];
    for line in units.iter().chain(&others) {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    assert_eq!(metrics.matches("rushes_units_total{").count(), units.len(), "{metrics}");
    assert!(get(port, "/secrets").starts_with("HTTP/1.1 404"));
    // Two workers cannot have one port.
    let e = Worker::new(held).queue("cpu").metrics(([127, 0, 0, 1], port).into());
    let e = tokio::task::LocalSet::new().run_until(e.run(&at, CancellationToken::new())).await.unwrap_err();
    assert!(e.to_string().contains("port for metrics"), "{e}");
    stop.cancel();
    thread.join().unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_that_says_where() {
    let at = Server::from_env().unwrap().at(&format!("127.0.0.1:{}", support::temporal::free_port())).unwrap();
    let e = Submission::new("x", "memory").start(&at).await.unwrap_err();
    assert!(e.is_retryable() && e.to_string().contains("connecting to the Temporal server at 127.0.0.1:"), "{e}");
    assert!(Server::from_env().unwrap().at("http://[x").is_err());
}

/// Finds no file, ever.
#[derive(Debug)]
struct Gone;

#[async_trait::async_trait]
impl Executor for Gone {
    fn name(&self) -> &str {
        "gone"
    }
    async fn accepts(&self, _: &Unit) -> Verdict {
        Verdict::Yes
    }
    async fn run(&self, unit: &Unit, _: &RunContext) -> UnitReport {
        let e = Error::new(ErrorKind::NotFound, "there is no such frame").retryable();
        UnitReport::begin(unit, "gone").failed(&e)
    }
}

/// All of its units end for want of a file, one after another, though the storage is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_clip_that_is_gone_ends_no_worker() {
    let Some(server) = TestServer::start() else { return };
    let at = server.server();
    let held = Arc::new(Held::new(plan(&[5]), Arc::new(Gone)));
    let working = Working::on(&at, &held, &["orchestrate", "cpu"], 1);
    let run = Submission::new("gone", "memory").pace(PACE).start(&at).await.unwrap();
    let Ended::Done(tally) = run.wait().await.unwrap() else { panic!("it was given up") };
    assert_eq!((tally.done, tally.failed), (0, 5));
    assert!(!working.thread.as_ref().unwrap().is_finished());
}

/// Finishes no frame for twice as long as a unit may, and says what it is at, or nothing.
#[derive(Debug)]
struct Slow {
    tells: bool,
}

#[async_trait::async_trait]
impl Executor for Slow {
    fn name(&self) -> &str {
        "slow"
    }
    async fn accepts(&self, _: &Unit) -> Verdict {
        Verdict::Yes
    }
    async fn run(&self, unit: &Unit, cx: &RunContext) -> UnitReport {
        for bytes in 0..30 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            if self.tells {
                let with = Busy::Reading { path: "A001.mxf".into(), bytes };
                cx.events.send(Event::UnitBusy { unit: unit.id.clone(), with });
            }
        }
        UnitReport::begin(unit, "slow")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_waits_for_what_reads_a_large_file_and_gives_up_on_what_hangs() {
    let Some(server) = TestServer::start() else { return };
    let at = server.server();
    for tells in [true, false] {
        let held = Arc::new(Held::new(plan(&[1]), Arc::new(Slow { tells })));
        let worker = Worker::new(held).queue("orchestrate").queue("cpu").stall(Duration::from_secs(3));
        let run = Submission::new(&format!("slow-{tells}"), "memory").pace(PACE).start(&at).await.unwrap();
        let (stop, server) = (CancellationToken::new(), at.clone());
        let until = stop.clone();
        let working = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            runtime.block_on(worker.run(&server, until))
        });
        if tells {
            assert!(matches!(run.wait().await.unwrap(), Ended::Done(tally) if tally.done == 1));
            stop.cancel();
            working.join().unwrap().unwrap();
        } else {
            // It ends by itself.
            let e = tokio::task::spawn_blocking(|| working.join().unwrap()).await.unwrap().unwrap_err();
            assert!(e.to_string().contains("a unit hangs"), "{e}");
        }
    }
}
