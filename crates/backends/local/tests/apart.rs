//! Units in processes of their own: what becomes of those processes.
#![cfg(unix)]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rushes_core::ErrorKind;
use rushes_core::plan::Unit;
use rushes_core::run::{Busy, CancellationToken, Event, Events, Executor, Outcome, RunContext, UnitReport};
use rushes_local::{Apart, LocalExecutor};

fn unit() -> Unit {
    serde_json::from_value(serde_json::json!({
        "format": 1, "id": "A.0-0", "range": { "first": 0, "last": 0 }, "tree": [], "out": "out", "overwrite": false,
        "bytes_per_frame": 1,
        "clip": { "name": "A", "format": "dng", "media": { "files": [] }, "range": null, "metadata": {}, "substitutes": [] },
    }))
    .unwrap()
}

fn apart(script: &str) -> Apart {
    let here = LocalExecutor::new(rushes_core::conformance::stages::registry());
    Apart::new(Arc::new(here), "sh", vec!["-c".into(), script.into()])
}

#[tokio::test]
async fn a_unit_that_crashes_its_process_is_told_with_what_it_said_last() {
    let report = apart("read unit; echo 'about to decode' >&2; kill -SEGV $$").run(&unit(), &RunContext::plain()).await;
    let Outcome::Failed(failure) = &report.outcome else { panic!("{report:?}") };
    assert!(failure.kind == ErrorKind::Panicked && failure.retryable, "{failure:?}");
    assert!(failure.message.contains("signal: 11") && failure.message.contains("about to decode"), "{failure:?}");
    assert_eq!(report.findings[0].code, "unit-lost");
}

#[tokio::test]
async fn events_and_the_report_come_through_and_noise_does_not() {
    let report = UnitReport::begin(&unit(), "local");
    let frame = Event::FrameDone { unit: "A.0-0".into(), frame: 0, done: 1, total: 1 };
    let busy = Event::UnitBusy { unit: "A.0-0".into(), with: Busy::Finishing { stage: "movie".into(), seconds: 10 } };
    let lines = [&frame, &busy, &Event::UnitFinished { report: report.clone() }]
        .map(|e| serde_json::to_string(e).unwrap())
        .join("\n");
    let script = format!("read unit; echo noise; cat <<'EOF'\n{lines}\nEOF");
    let heard = Arc::new(Mutex::new(Vec::new()));
    let events = {
        let heard = Arc::clone(&heard);
        Events::to(move |e| heard.lock().unwrap().push(e))
    };
    let made = apart(&script).run(&unit(), &RunContext { events, ..RunContext::plain() }).await;
    assert_eq!((made, heard.lock().unwrap().clone()), (report, vec![frame, busy]));
}

#[tokio::test]
async fn the_end_of_its_input_cancels_it() {
    let cancel = CancellationToken::new();
    let cx = RunContext { cancel: cancel.clone(), ..RunContext::plain() };
    let began = Instant::now();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        cancel.cancel();
    });
    // Ends at the end of its input, without a report.
    let report = apart("read unit; cat >/dev/null").run(&unit(), &cx).await;
    assert_eq!(report.outcome, Outcome::Cancelled);
    assert!(began.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn processes_share_memory_and_a_frame_that_needs_more_than_a_share_has_it() {
    for (bytes_per_frame, want) in [(1, "250"), (200, "400"), (900, "1000")] {
        let unit = Unit { bytes_per_frame, ..unit() };
        let report = UnitReport::begin(&unit, "local");
        let line = serde_json::to_string(&Event::UnitFinished { report }).unwrap();
        let script = format!("read unit; [ \"$0\" = --memory={want} ] && cat <<'EOF'\n{line}\nEOF");
        let made = apart(&script).memory(1000, 4).run(&unit, &RunContext::plain()).await;
        assert!(made.is_done(), "{bytes_per_frame}: {made:?}");
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_an_error() {
    let here = LocalExecutor::new(rushes_core::conformance::stages::registry());
    let apart = Apart::new(Arc::new(here), "/nowhere/rushes", Vec::new());
    let Outcome::Failed(failure) = apart.run(&unit(), &RunContext::plain()).await.outcome else { panic!() };
    assert!(failure.message.contains("/nowhere/rushes"), "{failure:?}");
}
