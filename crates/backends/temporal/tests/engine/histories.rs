//! Histories of this build and of earlier ones.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rushes_core::plan::Unit;
use rushes_core::run::{Executor, Fanout, RunContext, UnitReport, Verdict};
use rushes_core::{Error, ErrorKind};
use rushes_temporal::{Pace, Run, State, Submission, replay};

use crate::support::held::{Held, Several};
use crate::support::temporal::TestServer;
use crate::{Nothing, PACE, Working, plan};

/// The fixed histories that every build has to replay.
const HISTORIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/histories");

/// Histories that earlier builds left: an order that is still running when workers are replaced has to go on as it was
/// begun. `RUSHES_RECORD=1` writes those that are missing.
#[tokio::test(flavor = "multi_thread")]
async fn histories_of_earlier_builds_are_replayed() {
    if std::env::var_os("RUSHES_RECORD").is_some() {
        record().await;
    }
    let mut replayed = 0;
    for entry in std::fs::read_dir(HISTORIES).unwrap() {
        let path = entry.unwrap().path();
        let history = std::fs::read(&path).unwrap();
        replay(&history).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        replayed += 1;
        // The same history with other decisions in it is found out.
        let mut other = String::from_utf8(history).unwrap();
        for activity in ["head", "clip", "unit", "finish"] {
            other = other.replacen(&format!("\"rushes-{activity}\""), "\"rushes-other\"", 1);
        }
        assert!(replay(other.as_bytes()).is_err(), "{}: the replay cannot fail", path.display());
    }
    assert!(replayed >= 9, "there are no histories");
}

/// Fails at first, and waits to be cancelled where it has that to do.
#[derive(Debug, Default)]
struct Fails {
    runs: AtomicU64,
    waits: bool,
}

#[async_trait::async_trait]
impl Executor for Fails {
    fn name(&self) -> &str {
        "fails"
    }
    async fn accepts(&self, _: &Unit) -> Verdict {
        Verdict::Yes
    }
    async fn run(&self, unit: &Unit, cx: &RunContext) -> UnitReport {
        let report = UnitReport::begin(unit, "fails");
        if self.waits {
            cx.cancel.cancelled().await;
            return report.failed(&Error::new(ErrorKind::Cancelled, "cancelled"));
        }
        match self.runs.fetch_add(1, Ordering::Relaxed) {
            0 => report.failed(&Error::new(ErrorKind::BadMedia, "bad on purpose")),
            _ => report,
        }
    }
}

async fn record() {
    let server = TestServer::start().expect("the server is needed to record histories");
    let at = server.server();
    let held = |clips: &[usize], executor: Arc<dyn Executor>| Held::new(plan(clips), executor);
    let mut orders = BTreeMap::new();
    orders.insert("order", held(&[3, 1], Arc::new(Nothing::default())));
    orders.insert("failed", held(&[2], Arc::new(Fails::default())));
    orders.insert("settled", held(&[2], Arc::new(Fails::default())));
    orders.insert("cancelled", held(&[3], Arc::new(Fails { waits: true, ..Fails::default() })));
    orders.insert("full", held(&[1], Arc::new(Nothing::default())));
    orders.insert("long", held(&[30, 1, 1], Arc::new(Nothing::default())));
    orders.get_mut("settled").unwrap().again = true;
    orders.get_mut("long").unwrap().fanout = Fanout { clips: 1, units: 2 };
    orders["full"].full.store(true, Ordering::Relaxed);
    let orders = Arc::new(Several(orders));
    let _working = Working::on(&at, &orders, &["orchestrate", "cpu"], 4);
    std::fs::create_dir_all(HISTORIES).unwrap();
    let mut runs = BTreeMap::new();
    for &order in orders.0.keys() {
        let events = if order == "long" { 30 } else { PACE.events };
        let run = Submission::new(order, order).pace(Pace { events, ..PACE }).start(&at).await.unwrap();
        runs.insert(order, run);
    }
    for (order, state) in [("cancelled", State::Running), ("full", State::Finishing)] {
        let is_there = |s: &rushes_temporal::Status| {
            s.state == state && (state == State::Finishing && !s.waiting_for.is_empty() || s.clips_running == 1)
        };
        while !runs[order].status().await.is_ok_and(|s| is_there(&s)) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        runs[order].cancel("recorded").await.unwrap();
    }
    for (order, run) in &runs {
        run.wait().await.unwrap();
        let clip = Run::find(&at, &format!("{order}/0")).await.unwrap();
        for (what, run) in [("order", run), ("clip", &clip)] {
            // The first two have the names that they always had.
            let name = if *order == "order" { format!("{what}-v1.json") } else { format!("{order}-{what}-v1.json") };
            let history = run.history().await.unwrap();
            replay(&history).unwrap();
            let path = Path::new(HISTORIES).join(name);
            if !path.exists() {
                std::fs::write(path, history).unwrap();
            }
        }
    }
}
