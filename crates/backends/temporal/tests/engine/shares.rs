//! Who comes first: priorities of orders, and shows that share workers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rushes_core::plan::Unit;
use rushes_core::run::{Executor, Fanout, RunContext, UnitReport, Verdict};
use rushes_temporal::{Ended, Submission};

use crate::support::held::{Held, Several};
use crate::support::temporal::TestServer;
use crate::{PACE, Working, plan};

/// Writes down whose units it begins.
#[derive(Debug)]
struct Begins {
    whose: &'static str,
    begun: Arc<Mutex<Vec<&'static str>>>,
}

#[async_trait::async_trait]
impl Executor for Begins {
    fn name(&self) -> &str {
        "begins"
    }
    async fn accepts(&self, _: &Unit) -> Verdict {
        Verdict::Yes
    }
    async fn run(&self, unit: &Unit, _: &RunContext) -> UnitReport {
        self.begun.lock().unwrap().push(self.whose);
        UnitReport::begin(unit, "begins")
    }
}

/// Has the units of two orders wait, the second after the first, and then run one at a time. Gives whose units were begun, in
/// order.
async fn begun(server: &TestServer, orders: [(&'static str, usize, Submission); 2]) -> Vec<&'static str> {
    let at = server.server();
    let begun = Arc::new(Mutex::new(Vec::new()));
    let held = |&(whose, units, _): &(&'static str, usize, Submission)| {
        let mut held = Held::new(plan(&[units]), Arc::new(Begins { whose, begun: Arc::clone(&begun) }));
        held.fanout = Fanout { clips: 1, units };
        (whose, held)
    };
    let several = Arc::new(Several(orders.iter().map(held).collect::<BTreeMap<_, _>>()));
    let _orchestrates = Working::on(&at, &several, &["orchestrate"], 1);
    let mut runs = Vec::new();
    for (whose, units, submission) in &orders {
        runs.push(submission.clone().pace(PACE).start(&at).await.unwrap());
        let clip = format!("rushes-{whose}/0");
        for tries in 0.. {
            assert!(tries < 600, "{whose} does not wait");
            let children =
                server.describe(&format!("rushes-{whose}"))["pendingChildren"].as_array().map_or(0, Vec::len);
            if children == 1 && server.describe(&clip)["pendingActivities"].as_array().map_or(0, Vec::len) == *units {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    // That they wait is known to the history a moment before the queue has all of them.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let _works = Working::on(&at, &several, &["cpu"], 1);
    for run in runs {
        assert!(matches!(run.wait().await.unwrap(), Ended::Done(tally) if tally.failed == 0));
    }
    let begun = begun.lock().unwrap();
    begun.clone()
}

/// How many of the first `n` are of the order `whose`.
fn among(begun: &[&str], n: usize, whose: &str) -> usize {
    begun.iter().take(n).filter(|b| **b == whose).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_more_urgent_order_passes_what_waits() {
    let Some(server) = TestServer::start() else { return };
    let late = Submission::new("late", "late").priority(5);
    let urgent = Submission::new("urgent", "urgent").priority(1);
    let begun = begun(&server, [("late", 30, late), ("urgent", 10, urgent)]).await;
    assert_eq!(begun.len(), 40);
    // All of it within its own number and a few, which may have been on their way already.
    assert_eq!(among(&begun, 15, "urgent"), 10, "{begun:?}");
    for (workflow, level) in [("rushes-urgent", 1), ("rushes-urgent/0", 1), ("rushes-late/0", 5)] {
        let began = &server.events(workflow, "workflowExecutionStartedEventAttributes")[0];
        assert_eq!(began["priority"]["priorityKey"], level, "{workflow}: {began}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shows_of_one_priority_share_the_workers() {
    let Some(server) = TestServer::start() else { return };
    let first = Submission::new("first", "first").show("nightfall", 1.0);
    let second = Submission::new("second", "second").show("daybreak", 1.0);
    let begun = begun(&server, [("first", 60, first), ("second", 20, second)]).await;
    assert_eq!(begun.len(), 80);
    // In turns they would have 20 each of the first 40; one after another it would be 40 and none.
    assert!(among(&begun, 40, "second") >= 12 && among(&begun, 40, "first") >= 12, "{begun:?}");
    for (workflow, show) in [("rushes-first/0", "nightfall"), ("rushes-second/0", "daybreak")] {
        let began = &server.events(workflow, "workflowExecutionStartedEventAttributes")[0];
        let (key, weight) = (&began["priority"]["fairnessKey"], began["priority"]["fairnessWeight"].as_f64());
        assert_eq!((key, weight), (&show.into(), Some(1.0)));
    }
}
