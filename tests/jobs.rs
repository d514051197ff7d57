use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rushes::backends::local::{LocalExecutor, Mode};
use rushes::core::media::{Digest, Severity};
use rushes::core::run::{CancellationToken, Event, Events, Outcome};

use crate::support::{Bench, damaged, expect_done, recipe};
use rushes::recipes::Dailies;

#[tokio::test]
async fn a_card_becomes_plates_proxies_and_stills() {
    let bench = Bench::new();
    let done = bench.job(&recipe(), "out").run().await.unwrap();
    expect_done(&done);
    let mut roles: BTreeMap<&str, usize> = BTreeMap::new();
    for output in done.report.outputs() {
        *roles.entry(output.role.as_str()).or_default() += 1;
        let (digest, bytes) = Digest::xxh64_of_file(&bench.path("out").join(&output.path)).unwrap();
        assert_eq!((&digest, bytes), (&output.digest, output.bytes), "{}", output.path);
    }
    assert_eq!(roles, BTreeMap::from([("plate", 16), ("proxy", 2), ("still", 6)]));
    let codes: Vec<_> =
        done.report.findings.iter().filter(|f| f.severity > Severity::Info).map(|f| f.code.as_str()).collect();
    assert_eq!(codes, ["frame-truncated", "sequence-gap"]);
    let held = done.report.findings.iter().filter(|f| f.code == "frame-held").count();
    assert_eq!(held, 2, "each unit says what stands in");
    assert!(!done.manifest.inputs.is_empty() && done.manifest.clips.len() == 2);
}

#[tokio::test]
async fn the_bytes_do_not_depend_on_threads_or_mode() {
    let bench = Bench::new();
    let mut seen = Vec::new();
    for (name, threads, mode) in [("a", 1, Mode::Frames), ("b", 3, Mode::Frames), ("c", 3, Mode::Bands)] {
        let executor = LocalExecutor::new(rushes::registry()).threads(threads).mode(mode);
        let done = bench.job(&recipe(), name).executor(Arc::new(executor)).run().await.unwrap();
        expect_done(&done);
        let mut files: Vec<_> = done.report.outputs().map(|o| (o.path.clone(), o.digest.clone())).collect();
        files.sort();
        seen.push((files, std::fs::read_to_string(bench.path(name).join("manifest.json")).unwrap()));
    }
    assert_eq!(seen[0].0, seen[1].0);
    assert_eq!(seen[0].0, seen[2].0);
    assert_eq!(seen[0].1, seen[1].1, "the manifests differ");
}

#[tokio::test]
async fn damaged_clips_are_refused_unless_told_otherwise() {
    let bench = Bench::new();
    let done =
        bench.job(&rushes::recipes::Dailies { on_bad_frame: "refuse".into(), ..recipe() }, "out").run().await.unwrap();
    assert_eq!(done.report.units.len(), 1);
    assert!(!done.report.is_complete());
    let skipped = done.plan.clips.iter().find(|c| c.clip.starts_with('B')).unwrap();
    assert!(skipped.skipped.as_deref().is_some_and(|s| s.contains("refused")), "{:?}", skipped.skipped);
}

#[tokio::test]
async fn what_is_done_is_not_done_again_and_what_was_interrupted_goes_on() {
    let bench = Bench::new();
    let cancel = CancellationToken::new();
    let events = {
        let cancel = cancel.clone();
        Events::to(move |e| {
            if matches!(e, Event::UnitFinished { .. }) {
                cancel.cancel();
            }
        })
    };
    let job = bench.job(&recipe().plates_only(), "out").frames_per_unit(2).units_at_once(1);
    let first = job.clone().events(events).cancel(cancel).run().await.unwrap();
    assert!(first.report.units.iter().any(|u| u.outcome == Outcome::Cancelled));
    let again = job.run().await.unwrap();
    expect_done(&again);
    assert!(again.report.units.iter().any(|u| u.ran_on.starts_with("cache")), "nothing was kept");

    // An output that changed on disk is made again, and is then what it was.
    let output = again.report.outputs().next().unwrap().clone();
    let path = bench.path("out").join(&output.path);
    std::fs::write(&path, b"damaged").unwrap();
    let mended = job.run().await.unwrap();
    expect_done(&mended);
    assert_eq!(Digest::xxh64_of_file(&path).unwrap().0, output.digest);
}

#[tokio::test]
async fn outputs_of_somebody_else_are_left_alone() {
    let bench = Bench::new();
    let path = bench.path("out/proxies").join(format!("{}.mov", bench.card.clips[0].name));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, b"mine").unwrap();
    let done = bench.job(&recipe(), "out").run().await.unwrap();
    let failed = done.report.units.iter().find(|u| u.clip == bench.card.clips[0].name).unwrap();
    match &failed.outcome {
        Outcome::Failed(f) => assert!(f.message.contains("exists already"), "{}", f.message),
        other => panic!("{other:?}"),
    }
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
}

#[tokio::test]
async fn the_card_is_not_written_to() {
    let bench = Bench::new();
    let before = listing(&bench.card.root);
    expect_done(&bench.job(&recipe(), "out").run().await.unwrap());
    assert_eq!(listing(&bench.card.root), before);
    let inside = rushes::Job::new(recipe().workflow(), &bench.card.root, bench.card.root.join("out"));
    assert!(inside.run().await.unwrap_err().to_string().contains("inside the card"));
    assert_eq!(listing(&bench.card.root), before);
}

fn listing(folder: &std::path::Path) -> BTreeMap<std::path::PathBuf, Option<Digest>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(listing(&path));
        }
        all.insert(path.clone(), Digest::xxh64_of_file(&path).ok().map(|d| d.0));
    }
    all
}

#[tokio::test]
async fn frames_that_turn_out_to_be_damaged_lose_nothing_but_themselves() {
    let bench = Bench::new();
    for panics in [false, true] {
        let out = if panics { "panics" } else { "errors" };
        let refused = bench.job(&Dailies { on_bad_frame: "refuse".into(), ..recipe() }, out);
        let refused = refused.registry(damaged(&[3, 4], panics)).run().await.unwrap();
        let unit = refused.report.units.iter().find(|u| u.clip.starts_with("A001")).unwrap();
        assert_eq!(unit.bad_frames.iter().map(|b| b.frame).collect::<Vec<_>>(), [3, 4]);
        let Outcome::Failed(f) = &unit.outcome else { panic!("{:?}", unit.outcome) };
        assert!(f.message.contains("frame 3") && f.message.contains("1 more"), "{}", f.message);
        // The other plates are there, the proxy, which needs every frame, is not.
        let roles: Vec<_> = unit.outputs.iter().map(|o| o.role.as_str()).collect();
        assert_eq!(roles.iter().filter(|r| **r == "plate").count(), 6);
        assert!(!roles.contains(&"proxy") && !bench.path(out).join("proxies/A001C001_261123_R1AB.mov").exists());

        // With the frames held, in the same folder, only what is missing is made.
        let made = Arc::new(Mutex::new(Vec::new()));
        let events = {
            let made = Arc::clone(&made);
            Events::to(move |e| {
                if let Event::OutputFinished { output, .. } = e {
                    made.lock().unwrap().push(output.path);
                }
            })
        };
        let held = bench.job(&recipe(), out).registry(damaged(&[3, 4], panics)).events(events).run().await.unwrap();
        expect_done(&held);
        let plates: Vec<_> = held.report.outputs().filter(|o| o.path.contains("plates/A001")).collect();
        assert_eq!(plates.len(), 8);
        let again = made.lock().unwrap().iter().filter(|p| p.contains("plates/A001")).count();
        assert_eq!(again, 2, "{:?}", made.lock().unwrap());
        let said: Vec<_> =
            held.report.findings.iter().filter(|f| f.code == "frame-undecodable").map(|f| (&f.clip, f.frame)).collect();
        assert_eq!(said.len(), 4, "two frames of each clip: {said:?}");
        let lineage = rushes::ledger::trace(&bench.path(out).join(&plates[4].path)).unwrap();
        assert!(lineage.from[0].file.path.to_string_lossy().ends_with("_000002.dng"), "{:?}", lineage.from);
    }
}
