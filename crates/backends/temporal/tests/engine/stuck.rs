//! Orders that cannot go on: they say why, and can be ended.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rushes_temporal::{Ended, Run, State, Status, Submission};

use crate::support::held::{Held, Several};
use crate::support::temporal::TestServer;
use crate::{Nothing, PACE, Working, plan};

/// Its status, once it is as it should be.
pub(crate) async fn status(run: &Run, is: impl Fn(&Status) -> bool) -> Status {
    for tries in 0.. {
        let status = run.status().await;
        assert!(tries < 200, "{status:?}");
        if let Ok(status) = status
            && is(&status)
        {
            return status;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    unreachable!()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_nobody_sees_says_so_and_can_be_cancelled() {
    let Some(server) = TestServer::start() else { return };
    let at = server.server();
    let held = || Held::new(plan(&[1]), Arc::new(Nothing::default()));
    let several = Arc::new(Several([("unseen", held()), ("full", held())].into()));
    several.0["unseen"].away.store(true, Ordering::Relaxed);
    several.0["full"].full.store(true, Ordering::Relaxed);
    let _working = Working::on(&at, &several, &["orchestrate", "cpu"], 1);
    let unseen = Submission::new("unseen", "unseen").pace(PACE).start(&at).await.unwrap();
    let full = Submission::new("full", "full").pace(PACE).start(&at).await.unwrap();
    let why = status(&unseen, |s| !s.waiting_for.is_empty()).await.waiting_for;
    assert!(
        why[0].starts_with("head, attempt ") && why[0].contains("the order's folder is away on purpose"),
        "{why:?}"
    );
    let status = status(&full, |s| s.state == State::Finishing && !s.waiting_for.is_empty()).await;
    assert!(status.waiting_for[0].contains("the disk is full on purpose"), "{status:?}");
    for run in [&unseen, &full] {
        run.cancel("the test says so").await.unwrap();
    }
    for (run, why) in [(&unseen, None), (&full, Some("the disk is full on purpose"))] {
        let ended = tokio::time::timeout(Duration::from_secs(120), run.wait()).await.expect("it does not end");
        assert_eq!(ended.unwrap(), Ended::Cancelled);
        let status = run.status().await.unwrap();
        assert_eq!(status.state, State::Cancelled);
        assert!(why.is_none_or(|why| status.troubles.iter().any(|t| t.contains(why))), "{status:?}");
        rushes_temporal::replay(&run.history().await.unwrap()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_whose_name_is_taken_for_a_while_is_begun_later() {
    let Some(server) = TestServer::start() else { return };
    let at = server.server();
    // What is left for a moment of a run that was terminated.
    let start = ["workflow", "start", "--type", "left", "--task-queue", "nobody", "--workflow-id", "rushes-taken/0"];
    server.ask(&start);
    let held = Arc::new(Held::new(plan(&[1]), Arc::new(Nothing::default())));
    let _working = Working::on(&at, &held, &["orchestrate", "cpu"], 1);
    let run = Submission::new("taken", "memory").pace(PACE).start(&at).await.unwrap();
    for tries in 0.. {
        assert!(tries < 300, "the clip's name is not found taken");
        if !server.events("rushes-taken", "startChildWorkflowExecutionFailedEventAttributes").is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    server.ask(&["workflow", "terminate", "--workflow-id", "rushes-taken/0"]);
    assert!(matches!(run.wait().await.unwrap(), Ended::Done(tally) if (tally.done, tally.failed) == (1, 0)));
    rushes_temporal::replay(&run.history().await.unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_a_newer_build_waits_for_a_worker_that_knows_it() {
    let Some(server) = TestServer::start() else { return };
    let at = server.server();
    let held = Arc::new(Held::new(plan(&[1]), Arc::new(Nothing::default())));
    let _working = Working::on(&at, &held, &["orchestrate", "cpu"], 1);
    let pace = serde_json::to_value(PACE).unwrap();
    let work =
        serde_json::json!({ "version": 2, "order": "memory", "pace": pace, "head": null, "clip": null, "news": 1 });
    let start = ["workflow", "start", "--type", "rushes-order", "--task-queue", "rushes-orchestrate"];
    server.ask(&[&start[..], &["--workflow-id", "rushes-newer", "--input", &work.to_string()]].concat());
    for tries in 0.. {
        assert!(tries < 300, "nobody takes it");
        let failed = server.events("rushes-newer", "workflowTaskFailedEventAttributes");
        if let Some(failed) = failed.first() {
            assert!(failed.to_string().contains("this build knows version 1"), "{failed}");
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let described = server.describe("rushes-newer");
    assert_eq!(described["workflowExecutionInfo"]["status"], "WORKFLOW_EXECUTION_STATUS_RUNNING", "{described}");
}
