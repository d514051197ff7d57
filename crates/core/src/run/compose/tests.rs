use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::Executors;
use crate::media::{ClipFormat, ClipMedia, FrameRange};
use crate::plan::{ClipPlan, Plan, Unit};
use crate::run::{CancellationToken, Executor, Outcome, RunContext, RunReport, Runner, UnitReport, Verdict};
use crate::stage::ClipRef;
use crate::{Error, ErrorKind};

/// Takes clips of one kind, or all of them, in a time of its own.
#[derive(Debug)]
struct Fake {
    name: &'static str,
    takes: Option<ClipFormat>,
    ms: u64,
    says: Option<u64>,
    /// How often it fails in a way that may pass.
    fails: AtomicUsize,
    running: AtomicUsize,
    most: AtomicUsize,
    asked: AtomicUsize,
    ran: Mutex<Vec<String>>,
}

fn fake(name: &'static str, takes: Option<ClipFormat>, ms: u64) -> Fake {
    Fake {
        name,
        takes,
        ms,
        says: None,
        fails: 0.into(),
        running: 0.into(),
        most: 0.into(),
        asked: 0.into(),
        ran: Mutex::default(),
    }
}

#[async_trait::async_trait]
impl Executor for Fake {
    fn name(&self) -> &str {
        self.name
    }

    async fn accepts(&self, unit: &Unit) -> Verdict {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match self.takes {
            Some(takes) if takes != unit.clip.format => Verdict::No(format!("it takes {takes:?}")),
            _ => Verdict::Yes,
        }
    }

    fn cost(&self, _: &Unit) -> Option<Duration> {
        self.says.map(Duration::from_millis)
    }

    async fn run(&self, unit: &Unit, _: &RunContext) -> UnitReport {
        let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(self.ms)).await;
        self.running.fetch_sub(1, Ordering::SeqCst);
        self.ran.lock().unwrap().push(unit.id.clone());
        let mut report = UnitReport::begin(unit, self.name);
        report.wall_ms = self.ms as f64;
        let fail = self.fails.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
        if fail { report.failed(&Error::new(ErrorKind::Io, "the device is lost").retryable()) } else { report }
    }
}

fn plan(formats: &[ClipFormat]) -> Plan {
    let unit = |(i, &format): (usize, &ClipFormat)| Unit {
        format: Unit::FORMAT,
        id: format!("u{i}"),
        clip: ClipRef {
            name: format!("clip{i}"),
            format,
            media: ClipMedia::Files(Vec::new()),
            range: None,
            metadata: Arc::default(),
            substitutes: Vec::new(),
        },
        range: FrameRange { first: 0, last: 9 },
        tree: Arc::default(),
        out: "out".into(),
        overwrite: false,
        priority: 0,
        bytes_per_frame: 1_000_000,
        standing: Vec::new(),
    };
    let clip = ClipPlan {
        clip: "clip".into(),
        range: None,
        skipped: None,
        nodes: Vec::new(),
        notes: Vec::new(),
        units: formats.iter().enumerate().map(unit).collect(),
    };
    Plan { workflow: "test".into(), clips: vec![clip], findings: Vec::new() }
}

fn ran_on(report: &RunReport) -> Vec<&str> {
    report.units.iter().map(|u| u.ran_on.split([' ', ',']).next().unwrap_or("")).collect()
}

const DNG: ClipFormat = ClipFormat::CinemaDng;
const R3D: ClipFormat = ClipFormat::R3d;

#[tokio::test(start_paused = true)]
async fn each_unit_goes_to_one_that_takes_it_and_what_was_passed_over_is_told() {
    let (local, server) = (Arc::new(fake("local", Some(DNG), 10)), Arc::new(fake("server", None, 10)));
    let executors = Executors::new().prefer(local).then(server).by_preference();
    let report = Runner::over(executors).run(&plan(&[DNG, R3D, DNG])).await;
    assert_eq!(ran_on(&report), ["local", "server", "local"]);
    assert_eq!(report.units[1].ran_on, "server after local: it takes CinemaDng");
    assert_eq!(report.findings.iter().filter(|f| f.code == "executor-fallback").count(), 1);
    assert!(report.units.iter().all(UnitReport::is_done));
}

#[tokio::test(start_paused = true)]
async fn by_preference_nobody_is_asked_in_vain() {
    let (local, server) = (Arc::new(fake("local", Some(DNG), 10)), Arc::new(fake("server", None, 10)));
    let executors = Executors::new().prefer(local).then(Arc::clone(&server) as Arc<dyn Executor>).by_preference();
    Runner::over(executors).run(&plan(&[DNG; 5])).await;
    assert_eq!(server.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_unit_that_nobody_takes_says_what_each_of_them_said() {
    let executors = Executors::new().prefer(Arc::new(fake("a", Some(DNG), 1))).then(Arc::new(fake("b", Some(DNG), 1)));
    let report = Runner::over(executors).run(&plan(&[R3D, DNG])).await;
    let Outcome::Failed(failure) = &report.units[0].outcome else { panic!("{:?}", report.units[0]) };
    assert!(failure.message.contains("a: it takes CinemaDng; b: it takes CinemaDng"), "{}", failure.message);
    assert!(report.units[1].is_done());
}

#[tokio::test(start_paused = true)]
async fn seats_are_kept_and_units_that_wait_for_one_let_others_pass() {
    let (local, server) = (Arc::new(fake("local", Some(DNG), 10)), Arc::new(fake("server", Some(R3D), 1000)));
    let executors = Executors::new()
        .prefer(Arc::clone(&local) as Arc<dyn Executor>)
        .then(Arc::clone(&server) as Arc<dyn Executor>)
        .at_once(1);
    let began = tokio::time::Instant::now();
    let report = Runner::over(executors).run(&plan(&[R3D, R3D, R3D, DNG, DNG, DNG, DNG])).await;
    assert!(report.units.iter().all(UnitReport::is_done));
    assert_eq!(server.most.load(Ordering::SeqCst), 1);
    assert_eq!(local.most.load(Ordering::SeqCst), 2);
    // Side by side: the DNGs took none of the time.
    assert_eq!(began.elapsed().as_millis(), 3000);
}

#[tokio::test(start_paused = true)]
async fn work_is_shared_by_what_it_was_measured_to_cost() {
    // What it says is wrong by a factor of a hundred, which the first unit shows.
    let gpu = Arc::new(Fake { says: Some(10), ..fake("gpu", None, 1000) });
    let local = Arc::new(Fake { says: Some(100), ..fake("local", None, 100) });
    let executors = Executors::new().prefer(gpu.clone()).at_once(1).then(local.clone()).at_once(1);
    let report = Runner::over(executors).run(&plan(&[DNG; 30])).await;
    let (on_gpu, on_local) = (gpu.ran.lock().unwrap().len(), local.ran.lock().unwrap().len());
    assert_eq!(on_gpu + on_local, 30);
    assert!((1..=5).contains(&on_gpu), "{on_gpu} of 30 units ran on what takes ten times as long");
    assert!(report.units.iter().any(|u| u.ran_on == "local, which was expected to be done sooner"));
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[tokio::test(start_paused = true)]
async fn of_equals_the_preferred_one_runs_all() {
    let (gpu, local) = (Arc::new(fake("gpu", None, 100)), Arc::new(fake("local", None, 100)));
    let executors = Executors::new().prefer(gpu).then(local.clone());
    let report = Runner::over(executors).concurrency(1).run(&plan(&[DNG])).await;
    assert_eq!((ran_on(&report), local.ran.lock().unwrap().len()), (vec!["gpu"], 0));
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_that_may_pass_the_next_one_takes_over_and_says_so() {
    for preference in [false, true] {
        let gpu = Arc::new(Fake { fails: 1.into(), ..fake("gpu", None, 10) });
        let local = Arc::new(fake("local", None, 10));
        let executors = Executors::new().prefer(gpu).then(local);
        let executors = if preference { executors.by_preference() } else { executors };
        let report = Runner::over(executors).run(&plan(&[DNG])).await;
        assert!(report.units[0].is_done());
        assert_eq!(report.units[0].ran_on, "local after gpu: it failed: the device is lost");
        assert_eq!(report.findings[0].code, "executor-fallback");
    }
    let alone = Executors::new().prefer(Arc::new(Fake { fails: 1.into(), ..fake("gpu", None, 10) }));
    let report = Runner::over(alone).run(&plan(&[DNG])).await;
    assert!(matches!(report.units[0].outcome, Outcome::Failed(_)));
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_is_answered_by_units_that_wait_for_a_seat() {
    let server = Arc::new(fake("server", None, 100));
    let executors = Arc::new(Executors::new().prefer(server.clone()).at_once(1));
    let cancel = CancellationToken::new();
    let cx = RunContext { cancel: cancel.clone(), ..RunContext::plain() };
    let plan = plan(&[DNG, DNG]);
    let units: Vec<Unit> = plan.units().cloned().collect();
    let run = |unit: Unit| {
        let (executors, cx) = (Arc::clone(&executors), cx.clone());
        tokio::spawn(async move { executors.run(&unit, &cx).await })
    };
    let (first, second) = (run(units[0].clone()), run(units[1].clone()));
    tokio::time::sleep(Duration::from_millis(10)).await;
    cancel.cancel();
    assert_eq!(second.await.unwrap().outcome, Outcome::Cancelled);
    assert_eq!(server.asked.load(Ordering::SeqCst), 2);
    first.await.unwrap();
}
