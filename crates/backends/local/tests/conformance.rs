//! The local executor keeps every promise of the suite, in both modes and at several thread counts.

use std::sync::Arc;

use rushes_core::conformance;
use rushes_core::graph::Registry;
use rushes_core::plan::Unit;
use rushes_core::run::{Budget, CancellationToken, Event, Events, Executor, RunContext, UnitReport, Verdict};
use rushes_local::{LocalExecutor, Mode};

#[tokio::test]
async fn the_local_executor_conforms() {
    for mode in [Mode::Frames, Mode::Bands] {
        for threads in [1, 2, 5] {
            let out = tempfile::tempdir().unwrap();
            let failed =
                conformance::check(&|r| Arc::new(LocalExecutor::new(r).threads(threads).mode(mode)), out.path()).await;
            assert!(failed.is_empty(), "{mode:?}, {threads} threads:\n{}", lines(&failed));
        }
    }
}

fn lines(failed: &[conformance::Failed]) -> String {
    failed.iter().map(|f| format!("{f}\n")).collect()
}

/// An executor that breaks one promise.
#[derive(Debug)]
struct Broken {
    inner: LocalExecutor,
    how: How,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum How {
    IgnoresTheBudget,
    IgnoresCancellation,
    IgnoresWhatStands,
    ReplacesOutputs,
    LosesTheLastFrame,
    TellsNothing,
    TellsEverythingTwice,
    HidesBadFrames,
    TakesAnyVersion,
}

#[async_trait::async_trait]
impl Executor for Broken {
    fn name(&self) -> &str {
        "broken"
    }

    async fn accepts(&self, unit: &Unit) -> Verdict {
        self.inner.accepts(unit).await
    }

    async fn run(&self, unit: &Unit, cx: &RunContext) -> UnitReport {
        let (mut unit, mut cx) = (unit.clone(), cx.clone());
        let events = cx.events.clone();
        match self.how {
            How::IgnoresTheBudget => cx.budget = Budget::unlimited(),
            How::IgnoresCancellation => cx.cancel = CancellationToken::new(),
            How::IgnoresWhatStands => (unit.standing, unit.overwrite) = (Vec::new(), true),
            How::ReplacesOutputs => unit.overwrite = true,
            How::LosesTheLastFrame => unit.range.last -= 1,
            How::TellsNothing => cx.events = Events::none(),
            How::TellsEverythingTwice => {
                cx.events = Events::to(move |e: Event| {
                    events.send(e.clone());
                    events.send(e);
                });
            }
            How::HidesBadFrames => {}
            How::TakesAnyVersion => Arc::make_mut(&mut unit.tree).iter_mut().for_each(|n| n.version = 1),
        }
        let mut report = self.inner.run(&unit, &cx).await;
        if self.how == How::HidesBadFrames {
            report.bad_frames.clear();
        }
        report
    }
}

#[tokio::test]
async fn the_suite_catches_executors_that_break_a_promise() {
    use How as H;
    for (how, check) in [
        (H::IgnoresTheBudget, "keeps to the memory budget"),
        (H::IgnoresCancellation, "answers a cancellation and leaves nothing half-done"),
        (H::IgnoresWhatStands, "makes only what does not stand"),
        (H::ReplacesOutputs, "does not replace outputs unasked"),
        (H::LosesTheLastFrame, "makes the reference's pixels"),
        (H::TellsNothing, "tells progress in order"),
        (H::TellsEverythingTwice, "tells progress in order"),
        (H::HidesBadFrames, "reports a damaged frame"),
        (H::TakesAnyVersion, "refuses a unit planned with another stage version"),
    ] {
        let out = tempfile::tempdir().unwrap();
        let make = |r: Registry| -> Arc<dyn Executor> { Arc::new(Broken { inner: LocalExecutor::new(r), how }) };
        let failed = conformance::check(&make, out.path()).await;
        assert!(failed.iter().any(|f| f.check == check), "{how:?}: {}", lines(&failed));
    }
}
