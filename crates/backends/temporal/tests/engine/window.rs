//! How much of an order is in work at a time, whatever its size.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rushes_core::run::Fanout;
use rushes_temporal::{Ended, Pace, State, Submission, replay};
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;

use crate::support::held::Held;
use crate::support::temporal::TestServer;
use crate::{Nothing, PACE, Working, plan};

/// More units than the server lets wait at a time, and more clips than are in work at a time, with histories that are
/// continued as new ones over and over.
#[tokio::test(flavor = "multi_thread")]
async fn long_clips_and_many_clips_go_through_a_narrow_window() {
    let Some(server) = TestServer::start() else { return };
    let at = server.server();
    for (id, longest, clips, fanout, events) in [
        ("long", "long/1", vec![1, 1200], Fanout { clips: 2, units: 60 }, 1000),
        ("many", "many", vec![1; 150], Fanout { clips: 12, units: 4 }, 400),
    ] {
        let executor = Arc::new(Nothing::default());
        let mut held = Held::new(plan(&clips), executor.clone());
        (held.fanout, held.bad_clip) = (fanout, Some(0));
        let held = Arc::new(held);
        let _working = Working::on(&at, &held, &["orchestrate", "cpu"], 16);
        let pace = Pace { events, ..PACE };
        let run = Submission::new(id, "memory").pace(pace).start(&at).await.unwrap();
        // But for the first clip, which nobody can read.
        let all = clips.iter().sum::<usize>() as u64 - 1;
        match run.wait().await.unwrap() {
            Ended::Done(tally) => assert_eq!((tally.done, tally.frames, tally.failed), (all, all, 1)),
            other => panic!("{id}: {other:?}"),
        }
        assert_eq!(executor.0.load(Ordering::Relaxed), all, "{id}");
        let status = run.status().await.unwrap();
        assert_eq!((status.state, status.clips, status.clips_waiting), (State::Done, clips.len() as u64, 0));
        assert!(matches!(&status.troubles[..], [one] if one.contains("the clip is bad on purpose")), "{status:?}");
        // The newest run went on with what one before it had done, and what it knew.
        let (from, work) = began(&rushes_temporal::Run::find(&at, longest).await.unwrap()).await;
        assert!(!from.is_empty(), "{id} was not continued: {work}");
        let at = &work["at"];
        let next = at["next"].as_u64().unwrap();
        let (done, failed) = (at["tally"]["done"].as_u64().unwrap_or(0), at["tally"]["failed"].as_u64().unwrap_or(0));
        assert!(next > 0 && done + failed == next, "{id}: {at}");
        assert_eq!(at["troubles"].as_array().map_or(0, Vec::len), usize::from(id == "many"), "{id}: {at}");
        replay(&run.history().await.unwrap()).unwrap();
    }
}

/// The run that the newest run of an order or a clip goes on from, and what it was given.
async fn began(run: &rushes_temporal::Run) -> (String, serde_json::Value) {
    let history = temporalio_client::WorkflowHistory::from_json(&run.history().await.unwrap()).unwrap();
    let first = history.into_events().await.unwrap().remove(0);
    let Some(Attributes::WorkflowExecutionStartedEventAttributes(began)) = first.attributes else {
        panic!("{first:?}")
    };
    let work = serde_json::from_slice(&began.input.unwrap().payloads[0].data).unwrap();
    (began.continued_execution_run_id, work)
}

/// The number of things of a kind that wait or run, once it stays the same.
async fn still(server: &TestServer, workflow: &str, kind: &str) -> usize {
    let (mut known, mut since) = (0, 0);
    for _ in 0..600 {
        let now = server.describe(workflow)[kind].as_array().map_or(0, Vec::len);
        (known, since) = (now, if now == known && now > 0 { since + 1 } else { 0 });
        if since >= 10 {
            return known;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{workflow} does not come to rest, at {known} {kind}");
}

#[tokio::test(flavor = "multi_thread")]
async fn as_much_waits_as_the_fan_out_says_and_no_more() {
    let Some(server) = TestServer::start() else { return };
    let at = server.server();
    for (id, workflow, kind, clips, fanout) in [
        ("deep", "rushes-deep/0", "pendingActivities", vec![1200], Fanout { clips: 1, units: 60 }),
        ("wide", "rushes-wide", "pendingChildren", vec![1; 150], Fanout { clips: 12, units: 4 }),
    ] {
        let mut held = Held::new(plan(&clips), Arc::new(Nothing::default()));
        held.fanout = fanout;
        let held = Arc::new(held);
        // Nobody runs units.
        let _working = Working::on(&at, &held, &["orchestrate"], 1);
        let run = Submission::new(id, "memory").pace(PACE).start(&at).await.unwrap();
        assert_eq!(still(&server, workflow, kind).await, fanout.clips.max(fanout.units).min(60), "{id}");
        run.cancel("seen enough").await.unwrap();
        assert_eq!(run.wait().await.unwrap(), Ended::Cancelled);
    }
}

/// What the numbers of a production come to: a clip of 100,000 frames, 240 to a unit, and 10,000 clips in one order.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; run it by name with --ignored after changes of the interpreter or its limits"]
async fn a_clip_of_100_000_frames_and_10_000_clips_go_through() {
    let Some(server) = TestServer::start() else { return };
    let at = server.server();
    for (id, clips) in [("frames", vec![100_000_usize.div_ceil(240)]), ("clips", vec![2; 10_000])] {
        let executor = Arc::new(Nothing::default());
        let held = Arc::new(Held::new(plan(&clips), executor.clone()));
        let _working = Working::on(&at, &held, &["orchestrate", "cpu"], 32);
        let begun = std::time::Instant::now();
        let run = Submission::new(id, "memory").start(&at).await.unwrap();
        let all = clips.iter().sum::<usize>() as u64;
        let ended = run.wait().await.unwrap();
        eprintln!("{id}: {all} units in {:.0} s", begun.elapsed().as_secs_f64());
        let Ended::Done(tally) = ended else { panic!("{id}: {ended:?}") };
        assert_eq!((tally.done, tally.failed, executor.0.load(Ordering::Relaxed)), (all, 0, all));
        assert!(held.report().is_complete());
        replay(&run.history().await.unwrap()).unwrap();
    }
}
