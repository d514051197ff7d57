use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::Executors;
use crate::media::{ClipFormat, ClipMedia, FrameRange};
use crate::plan::{ClipPlan, Plan, Unit};
use crate::run::{
    CancellationToken, Event, Events, Executor, Outcome, RunContext, RunReport, Runner, UnitReport, Verdict,
};
use crate::stage::{ClipRef, OutputFile};
use crate::{Error, ErrorKind};

/// Takes clips of one kind, or all of them, in a time of its own.
#[derive(Debug)]
struct Fake {
    name: &'static str,
    takes: Option<ClipFormat>,
    ms: u64,
    says: Option<u64>,
    /// The class of its pictures.
    pictures: &'static str,
    /// How often it cannot say whether it takes a unit.
    absent: AtomicUsize,
    /// How long it takes to say whether it takes a unit.
    thinks: u64,
    /// Whether failed attempts leave a file.
    leaves: bool,
    overwrote: Mutex<Vec<bool>>,
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
        pictures: "equal",
        absent: 0.into(),
        thinks: 0,
        leaves: false,
        overwrote: Mutex::default(),
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

    fn pictures(&self) -> &str {
        self.pictures
    }

    async fn accepts(&self, unit: &Unit) -> Verdict {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.thinks > 0 {
            tokio::time::sleep(Duration::from_millis(self.thinks)).await;
        }
        if self.absent.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
            return Verdict::NotNow("nobody is there".into());
        }
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
        self.overwrote.lock().unwrap().push(unit.overwrite);
        let mut report = UnitReport::begin(unit, self.name);
        report.frames = unit.range.len();
        report.wall_ms = self.ms as f64;
        let fail = self.fails.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
        if self.leaves {
            let (digest, frames) = (crate::media::Digest::xxh64(b""), unit.range);
            report.outputs = vec![OutputFile { role: "plate".into(), path: "a".into(), bytes: 0, digest, frames }];
        }
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
        shared: false,
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
    let began = tokio::time::Instant::now();
    let report = Runner::over(executors).run(&plan(&[DNG; 30])).await;
    let (on_gpu, on_local) = (gpu.ran.lock().unwrap().len(), local.ran.lock().unwrap().len());
    assert_eq!(on_gpu + on_local, 30);
    // In the time that ten units take here, one is made there: side by side, 30 units take 2.8 s, and some more until it
    // is found out.
    assert!((1..=3).contains(&on_gpu), "{on_gpu} of 30 units ran on what takes ten times as long");
    assert!(began.elapsed().as_millis() < 3300, "{:?}", began.elapsed());
    assert!(report.units.iter().any(|u| u.ran_on == "local, which was expected to be done sooner"));
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[tokio::test(start_paused = true)]
async fn equals_share_the_work_and_a_single_unit_goes_to_the_preferred_one() {
    for says in [None, Some(100)] {
        let two = || ["gpu", "local"].map(|name| Arc::new(Fake { says, ..fake(name, None, 100) }));
        let [gpu, local] = two();
        let report = Runner::over(Executors::new().prefer(gpu).then(local.clone())).run(&plan(&[DNG])).await;
        assert_eq!((ran_on(&report), local.ran.lock().unwrap().len()), (vec!["gpu"], 0));

        let [gpu, local] = two();
        let executors = Executors::new().prefer(gpu.clone()).at_once(1).then(local.clone()).at_once(1);
        let began = tokio::time::Instant::now();
        let report = Runner::over(executors).run(&plan(&[DNG; 20])).await;
        assert!(report.units.iter().all(UnitReport::is_done));
        assert_eq!((gpu.ran.lock().unwrap().len(), local.ran.lock().unwrap().len()), (10, 10));
        assert_eq!(began.elapsed().as_millis(), 1000);
    }
}

#[tokio::test(start_paused = true)]
async fn many_units_that_wait_for_a_seat_hold_up_nobody_else() {
    let (local, server) = (Arc::new(fake("local", Some(DNG), 10)), Arc::new(fake("server", Some(R3D), 100)));
    let executors = Executors::new().prefer(local.clone()).then(server).at_once(1);
    let mut formats = vec![R3D; 300];
    formats.extend([DNG; 4]);
    let began = tokio::time::Instant::now();
    let first = Arc::new(Mutex::new(None));
    let events = {
        let first = Arc::clone(&first);
        Events::to(move |e| {
            if let Event::UnitFinished { report } = e
                && report.ran_on.starts_with("local")
            {
                first.lock().unwrap().get_or_insert(began.elapsed());
            }
        })
    };
    Runner::over(executors).events(events).run(&plan(&formats)).await;
    assert!(first.lock().unwrap().unwrap() < Duration::from_millis(200), "{first:?}");
}

#[tokio::test(start_paused = true)]
async fn who_takes_long_to_answer_holds_up_nobody_and_a_cancellation_does_not_wait() {
    let local = Arc::new(fake("local", Some(DNG), 10));
    let server = Arc::new(Fake { thinks: 20_000, ..fake("server", Some(R3D), 10) });
    let executors = || Executors::new().prefer(local.clone()).then(server.clone()).by_preference();
    let plan = plan(&[R3D, DNG, DNG, DNG]);
    let began = tokio::time::Instant::now();
    let cancel = CancellationToken::new();
    let run = {
        let (runner, plan) = (Runner::over(executors()).cancel(cancel.clone()), plan.clone());
        tokio::spawn(async move { runner.run(&plan).await })
    };
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(local.ran.lock().unwrap().len(), 3, "they waited for a server that they do not need");
    cancel.cancel();
    let report = run.await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(report.units[0].outcome, Outcome::Cancelled);
    assert!(report.units[1..].iter().all(UnitReport::is_done));
}

#[tokio::test(start_paused = true)]
async fn a_clip_is_made_by_one_kind_of_pipeline() {
    // Two units of one clip; the second finds the preferred executor busy, and the other one makes other pictures.
    let local = Arc::new(fake("local", None, 1000));
    let server = Arc::new(Fake { pictures: "vendor's", ..fake("server", None, 1000) });
    let executors = || Executors::new().prefer(local.clone()).at_once(1).then(server.clone()).at_once(1);
    let mut one = plan(&[DNG, DNG]);
    for unit in &mut one.clips[0].units {
        unit.clip.name = "clip".into();
    }
    let report = Runner::over(executors()).run(&one).await;
    assert_eq!(ran_on(&report), ["local", "local"]);
    // Two clips go to both.
    let report = Runner::over(executors()).run(&plan(&[DNG, DNG])).await;
    assert_eq!(ran_on(&report), ["local", "server"]);
    // Nor does a failure that may pass change it.
    let broken = Arc::new(Fake { fails: 9.into(), ..fake("local", None, 10) });
    let report = Runner::over(Executors::new().prefer(broken).then(server.clone())).run(&plan(&[DNG])).await;
    assert!(matches!(report.units[0].outcome, Outcome::Failed(_)), "{:?}", report.units);
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
    let [a, b, c] = [
        Arc::new(Fake { fails: 1.into(), leaves: true, ..fake("a", None, 10) }),
        Arc::new(fake("b", Some(R3D), 10)),
        Arc::new(fake("c", None, 10)),
    ];
    let report = Runner::over(Executors::new().prefer(a).then(b).then(c.clone())).run(&plan(&[DNG])).await;
    assert_eq!(report.units[0].ran_on, "c after b: it takes R3d; a: it failed: the device is lost");
    assert_eq!(*c.overwrote.lock().unwrap(), [true], "a file of the failed attempt is in the way");
    let alone = Executors::new().prefer(Arc::new(Fake { fails: 1.into(), ..fake("gpu", None, 10) }));
    let report = Runner::over(alone).run(&plan(&[DNG])).await;
    assert!(matches!(report.units[0].outcome, Outcome::Failed(_)));
}

#[tokio::test(start_paused = true)]
async fn a_clip_that_was_begun_elsewhere_goes_on_there() {
    // The server is not there for the first unit, and is for the others.
    for preference in [true, false] {
        let server = Arc::new(Fake { absent: 1.into(), pictures: "vendor's", ..fake("server", None, 10) });
        let local = Arc::new(Fake { takes: Some(DNG), ..fake("local", None, 10) });
        let executors = Executors::new().prefer(server).then(local).at_once(1);
        let executors = if preference { executors.by_preference() } else { executors };
        let mut one = plan(&[DNG; 4]);
        for unit in &mut one.clips[0].units {
            unit.clip.name = "clip".into();
        }
        let report = Runner::over(executors).run(&one).await;
        assert_eq!(ran_on(&report), ["local"; 4], "{:?}", report.units);
        let why = &report.units[3].ran_on;
        assert_eq!(why, "local after server: other units of the clip are made with the pictures of `equal`");
    }
}

#[tokio::test(start_paused = true)]
async fn who_failed_is_tried_again_after_a_while() {
    let gpu = Arc::new(Fake { fails: 1.into(), ..fake("gpu", None, 1000) });
    let local = Arc::new(fake("local", None, 1000));
    let executors = Executors::new().prefer(gpu.clone()).at_once(1).then(local).at_once(1).by_preference();
    let report = Runner::over(executors).run(&plan(&[DNG; 90])).await;
    assert!(report.units.iter().all(UnitReport::is_done));
    // Alone for a minute, then it has all: it is preferred.
    let on_gpu = gpu.ran.lock().unwrap().len();
    assert!((25..=35).contains(&on_gpu), "{on_gpu} of 90 units ran on what failed once");
}

#[tokio::test(start_paused = true)]
async fn where_all_have_failed_all_are_tried_all_the_same() {
    for preference in [true, false] {
        let [gpu, local] = ["gpu", "local"].map(|name| Arc::new(Fake { fails: 2.into(), ..fake(name, None, 10) }));
        let executors = Executors::new().prefer(gpu).at_once(1).then(local).at_once(1);
        let executors = if preference { executors.by_preference() } else { executors };
        let report = Runner::over(executors).run(&plan(&[DNG; 6])).await;
        assert!(report.units.iter().all(|u| u.outcome != Outcome::Cancelled), "{:?}", report.units);
        assert!(report.units.iter().filter(|u| u.is_done()).count() >= 4, "{:?}", report.units);
    }
}

#[tokio::test(start_paused = true)]
async fn who_failed_is_left_alone_for_a_while() {
    let gpu = Arc::new(Fake { fails: 99.into(), ..fake("gpu", None, 10) });
    let local = Arc::new(fake("local", None, 10));
    let executors = Executors::new().prefer(gpu.clone()).at_once(1).then(local).at_once(1).by_preference();
    let report = Runner::over(executors).run(&plan(&[DNG; 8])).await;
    assert!(report.units.iter().all(UnitReport::is_done));
    assert!(gpu.ran.lock().unwrap().len() <= 2, "{:?}", gpu.ran);
    let last = &report.units[7].ran_on;
    assert_eq!(last, "local after gpu: it failed a moment ago: the device is lost");
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
