use std::sync::Arc;

use rushes::backends::local::LocalExecutor;
use rushes::core::plan::Unit;
use rushes::core::run::{Executor, Executors, RunContext, UnitReport, Verdict};
use rushes::{Error, ErrorKind};

use crate::support::{Bench, expect_done, recipe};

/// The local executor under another name, for the clips whose names begin so.
#[derive(Debug)]
struct Elsewhere {
    local: LocalExecutor,
    clips: &'static str,
    /// Fails units of these clips in a way that may pass.
    breaks: bool,
}

fn elsewhere(clips: &'static str) -> Elsewhere {
    Elsewhere { local: LocalExecutor::new(rushes::registry()), clips, breaks: false }
}

fn local() -> Arc<dyn Executor> {
    Arc::new(LocalExecutor::new(rushes::registry()))
}

#[async_trait::async_trait]
impl Executor for Elsewhere {
    fn name(&self) -> &str {
        "elsewhere"
    }

    fn pictures(&self) -> &str {
        self.local.pictures()
    }

    async fn accepts(&self, unit: &Unit) -> Verdict {
        if unit.clip.name.starts_with(self.clips) {
            Verdict::Yes
        } else {
            Verdict::No(format!("it takes clips of {} alone", self.clips))
        }
    }

    async fn run(&self, unit: &Unit, cx: &RunContext) -> UnitReport {
        if self.breaks {
            let e = Error::new(ErrorKind::Io, "the device is gone").retryable();
            return UnitReport::begin(unit, self.name()).failed(&e);
        }
        UnitReport { ran_on: self.name().into(), ..self.local.run(unit, cx).await }
    }
}

#[tokio::test]
async fn units_go_where_they_are_taken_and_one_manifest_has_them_all() {
    let bench = Bench::new();
    let executors = Executors::new().prefer(Arc::new(elsewhere("B"))).then(local()).by_preference();
    let done = bench.job(&recipe(), "out").executors(executors).run().await.unwrap();
    expect_done(&done);
    for unit in &done.report.units {
        let want =
            if unit.clip.starts_with('B') { "elsewhere" } else { "local after elsewhere: it takes clips of B alone" };
        assert_eq!(unit.ran_on, want, "{}", unit.unit);
    }
    let told: Vec<_> = done.report.findings.iter().filter(|f| f.code == "executor-fallback").collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].text.contains("ran on local because elsewhere"), "{}", told[0].text);
    assert_eq!(done.manifest.clips.len(), 2);

    // Alone, each makes the same bytes; the manifests tell of the same files.
    let alone = bench.job(&recipe(), "alone").run().await.unwrap();
    let files = |done: &rushes::Done| {
        let mut files: Vec<_> = done.report.outputs().map(|o| (o.path.clone(), o.digest.clone())).collect();
        files.sort();
        files
    };
    assert_eq!(files(&done), files(&alone));
}

#[tokio::test]
async fn a_unit_that_one_of_them_made_is_not_made_again_by_another_but_never_mixed() {
    let bench = Bench::new();
    let first = bench.job(&recipe(), "out").executor(Arc::new(elsewhere(""))).run().await.unwrap();
    expect_done(&first);
    let both = || Executors::new().prefer(local()).then(Arc::new(elsewhere(""))).by_preference();
    let again = bench.job(&recipe(), "out").executors(both()).run().await.unwrap();
    expect_done(&again);
    assert!(again.report.units.iter().all(|u| u.ran_on.starts_with("cache of")), "{:?}", again.report.units);

    // One frame is missing: what is made now is made by the other, all of it.
    let plate = first.report.outputs().find(|o| o.role == "plate" && o.path.contains("A001")).unwrap().path.clone();
    std::fs::remove_file(bench.path("out").join(&plate)).unwrap();
    let (_, why) = bench.job(&recipe(), "out").executors(both()).why().await.unwrap();
    let mended = bench.job(&recipe(), "out").executors(both()).run().await.unwrap();
    expect_done(&mended);
    for findings in [&why, &mended.report.findings] {
        let texts: Vec<&str> = findings.iter().filter(|f| f.code == "made-again").map(|f| f.text.as_str()).collect();
        assert!(texts.iter().any(|t| t.contains("made by `local` now, by `elsewhere` before")), "{texts:?}");
    }
    let unit = mended.report.units.iter().find(|u| u.clip.starts_with('A')).unwrap();
    assert_eq!(unit.ran_on, "local");
    assert!(mended.report.units.iter().filter(|u| u.clip.starts_with('B')).all(|u| u.ran_on.starts_with("cache")));

    // Without the other, what it made does not count.
    let alone = bench.job(&recipe(), "out").run().await.unwrap();
    expect_done(&alone);
    assert!(alone.report.units.iter().filter(|u| u.clip.starts_with('B')).all(|u| u.ran_on == "local"));
}

#[tokio::test]
async fn a_device_that_is_lost_costs_no_clip() {
    let bench = Bench::new();
    let broken = Elsewhere { breaks: true, ..elsewhere("") };
    let executors = Executors::new().prefer(Arc::new(broken)).then(local());
    let done = bench.job(&recipe(), "out").executors(executors).attempts(1).run().await.unwrap();
    expect_done(&done);
    assert!(done.report.units.iter().all(|u| u.ran_on == "local after elsewhere: it failed: the device is gone"));
}

#[tokio::test]
async fn clips_that_no_executor_takes_are_told_before_anything_runs() {
    let bench = Bench::new();
    let (_, plan) = bench.job(&recipe(), "out").executor(Arc::new(elsewhere("A"))).plan().await.unwrap();
    let skipped = plan.clips.iter().find(|c| c.clip.starts_with('B')).unwrap();
    let why = skipped.skipped.as_deref().unwrap_or_default();
    assert!(why.contains("`elsewhere` does not take the unit: it takes clips of A alone"), "{why}");
    assert!(skipped.units.is_empty() && plan.findings.iter().any(|f| f.code == "clip-skipped"));
    assert!(plan.clips.iter().any(|c| c.clip.starts_with('A') && !c.units.is_empty()));
}

#[tokio::test]
async fn an_executor_of_media_of_its_own_has_a_suite_too() {
    let bench = Bench::new();
    let plates = rushes::recipes::Dailies { exr: "piz".into(), on_bad_frame: "hold".into(), ..recipe() }.plates_only();
    let (_, plan) = bench.job(&plates, "unsaid").plan().await.unwrap();
    let unit = plan.units().find(|u| u.clip.name.starts_with('A')).unwrap();
    let failed = rushes::core::conformance::check_own(&local, unit, &bench.path("own")).await;
    assert!(failed.is_empty(), "{failed:#?}");

    // One that forgets a promise is found out.
    let forgetful = || Arc::new(Forgetful(LocalExecutor::new(rushes::registry()))) as Arc<dyn Executor>;
    let failed = rushes::core::conformance::check_own(&forgetful, unit, &bench.path("forgetful")).await;
    let checks: Vec<&str> = failed.iter().map(|f| f.check).collect();
    assert_eq!(checks, ["does not replace outputs unasked", "makes only what does not stand"], "{failed:#?}");
}

/// Replaces whatever is there, and makes all of it again.
#[derive(Debug)]
struct Forgetful(LocalExecutor);

#[async_trait::async_trait]
impl Executor for Forgetful {
    fn name(&self) -> &str {
        "forgetful"
    }

    async fn accepts(&self, unit: &Unit) -> Verdict {
        self.0.accepts(unit).await
    }

    async fn run(&self, unit: &Unit, cx: &RunContext) -> UnitReport {
        self.0.run(&Unit { overwrite: true, standing: Vec::new(), ..unit.clone() }, cx).await
    }
}
