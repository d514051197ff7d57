use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::media::{ClipFormat, ClipMedia, FrameRange};
use crate::plan::ClipPlan;
use crate::run::{Limit, Retry, Verdict};
use crate::stage::{ClipRef, OutputFile};

/// Takes notes: which unit began, and how many ran at once. Fails as often as it is told.
#[derive(Debug, Default)]
struct Notes {
    began: Mutex<Vec<String>>,
    running: AtomicUsize,
    most: AtomicUsize,
    failures: AtomicUsize,
    for_good: bool,
    /// Whether failed attempts leave a finished file behind.
    leaves: bool,
    /// Whether each attempt might replace files.
    overwrote: Mutex<Vec<bool>>,
    /// How often it cannot say whether it takes a unit.
    absent: AtomicUsize,
}

#[async_trait::async_trait]
impl Executor for Notes {
    fn name(&self) -> &str {
        "notes"
    }

    async fn accepts(&self, _: &Unit) -> Verdict {
        match self.absent.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)) {
            Ok(_) => Verdict::NotNow("nobody is there".into()),
            Err(_) => Verdict::Yes,
        }
    }

    async fn run(&self, unit: &Unit, _: &RunContext) -> UnitReport {
        if let Verdict::NotNow(why) = self.accepts(unit).await {
            return UnitReport::begin(unit, "notes").failed(&Error::new(ErrorKind::Io, why).retryable());
        }
        self.overwrote.lock().unwrap().push(unit.overwrite);
        self.began.lock().unwrap().push(unit.id.clone());
        let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.running.fetch_sub(1, Ordering::SeqCst);
        let mut report = UnitReport::begin(unit, "notes");
        if self.leaves {
            let (digest, frames) = (crate::media::Digest::xxh64(b""), unit.range);
            report.outputs = vec![OutputFile { role: "plate".into(), path: "a".into(), bytes: 0, digest, frames }];
        }
        let fail = self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
        match (fail, self.for_good) {
            (false, _) => report,
            (true, true) => report.failed(&Error::new(ErrorKind::BadMedia, "damaged")),
            (true, false) => report.failed(&Error::new(ErrorKind::Io, "busy").retryable()),
        }
    }
}

fn plan(priorities: &[i32]) -> Plan {
    let unit = |(i, &priority): (usize, &i32)| Unit {
        format: Unit::FORMAT,
        id: format!("u{i}"),
        clip: ClipRef {
            name: "clip".into(),
            format: ClipFormat::Dng,
            media: ClipMedia::Files(Vec::new()),
            range: None,
            metadata: std::sync::Arc::default(),
            substitutes: Vec::new(),
        },
        range: FrameRange { first: 0, last: 0 },
        tree: Arc::default(),
        out: "out".into(),
        overwrite: false,
        shared: false,
        priority,
        bytes_per_frame: 1,
        standing: Vec::new(),
    };
    let clip = ClipPlan {
        clip: "clip".into(),
        range: None,
        skipped: None,
        nodes: Vec::new(),
        notes: Vec::new(),
        units: priorities.iter().enumerate().map(unit).collect(),
    };
    Plan { workflow: "test".into(), clips: vec![clip], findings: Vec::new() }
}

#[tokio::test]
async fn urgent_units_run_first_and_reports_keep_the_order_of_the_plan() {
    let notes = Arc::new(Notes::default());
    let report = Runner::new(notes.clone()).concurrency(1).run(&plan(&[0, 5, 0, 9])).await;
    assert_eq!(*notes.began.lock().unwrap(), ["u3", "u1", "u0", "u2"]);
    assert_eq!(report.units.iter().map(|u| u.unit.as_str()).collect::<Vec<_>>(), ["u0", "u1", "u2", "u3"]);
}

#[tokio::test]
async fn concurrency_and_seats_are_bounds() {
    let notes = Arc::new(Notes::default());
    Runner::new(notes.clone()).concurrency(3).run(&plan(&[0; 12])).await;
    assert_eq!(notes.most.load(Ordering::SeqCst), 3);
    let notes = Arc::new(Notes::default());
    Runner::new(Arc::new(Limit::new(notes.clone(), 2))).concurrency(6).run(&plan(&[0; 12])).await;
    assert_eq!(notes.most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_will_not_is_not() {
    for (failures, for_good, attempts, done) in [(2, false, 3, true), (9, false, 3, false), (9, true, 1, false)] {
        let notes = Arc::new(Notes { failures: failures.into(), for_good, ..Notes::default() });
        let told = Arc::new(AtomicUsize::new(0));
        let events = {
            let told = Arc::clone(&told);
            Events::to(move |e| {
                told.fetch_add(usize::from(matches!(e, Event::UnitRetrying { .. })), Ordering::SeqCst);
            })
        };
        let retry = Retry::new(notes, 3, Duration::from_millis(1));
        let report = Runner::new(Arc::new(retry)).events(events).run(&plan(&[0])).await;
        assert_eq!((report.units[0].attempts, report.units[0].is_done()), (attempts, done));
        assert_eq!(told.load(Ordering::SeqCst), attempts as usize - 1);
    }
}

#[tokio::test]
async fn who_cannot_say_now_is_passed_over_and_asked_again() {
    let absent = |times: usize| Arc::new(Notes { absent: times.into(), ..Notes::default() });
    // The runner asks, then the first attempt, then the second.
    for (times, attempts) in [(0, 1), (2, 2), (3, 3)] {
        let retry = Retry::new(absent(times), 3, Duration::from_millis(1));
        let report = Runner::new(Arc::new(retry)).run(&plan(&[0])).await;
        assert_eq!((report.units[0].attempts, report.units[0].is_done()), (attempts, true), "{:?}", report.units);
    }
    let (first, second) = (absent(9), absent(0));
    let report = Runner::over(Executors::new().prefer(first.clone()).then(second)).run(&plan(&[0])).await;
    assert!(report.units[0].is_done() && report.units[0].ran_on.contains("nobody is there"));
    assert!(first.began.lock().unwrap().is_empty());
}

#[tokio::test]
async fn only_what_an_attempt_left_is_replaced_by_the_next() {
    for (leaves, overwrote) in [(false, [false, false]), (true, [false, true])] {
        let notes = Arc::new(Notes { failures: 1.into(), leaves, ..Notes::default() });
        let retry = Retry::new(notes.clone(), 3, Duration::from_millis(1));
        Runner::new(Arc::new(retry)).run(&plan(&[0])).await;
        assert_eq!(*notes.overwrote.lock().unwrap(), overwrote);
    }
}

#[tokio::test]
async fn after_a_cancellation_nothing_begins() {
    let notes = Arc::new(Notes::default());
    let cancel = CancellationToken::new();
    cancel.cancel();
    let report = Runner::new(notes.clone()).cancel(cancel).run(&plan(&[0; 4])).await;
    assert!(notes.began.lock().unwrap().is_empty());
    assert!(report.units.iter().all(|u| u.outcome == Outcome::Cancelled));
}
