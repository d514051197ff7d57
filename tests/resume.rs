use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rushes::core::media::Digest;
use rushes::core::run::{Event, Events};
use rushes::ledger::{Checked, Ledger, Lineage, trace};
use rushes::recipes::Dailies;
use rushes::{Done, Job};

use crate::support::{Bench, expect_done, recipe};

/// The outputs that a run of `job` made now, and the run.
async fn made(job: Job) -> (Vec<String>, Done) {
    let files = Arc::new(Mutex::new(Vec::new()));
    let events = {
        let files = Arc::clone(&files);
        Events::to(move |e| {
            if let Event::OutputFinished { output, .. } = e {
                files.lock().unwrap().push(output.path);
            }
        })
    };
    let done = job.events(events).run().await.unwrap();
    expect_done(&done);
    let mut files = files.lock().unwrap().clone();
    files.sort();
    (files, done)
}

fn digests(out: &Path, done: &Done) -> BTreeMap<String, Digest> {
    done.report
        .outputs()
        .map(|o| (o.path.clone(), Digest::xxh64_of_file(&out.join(&o.path)).map(|d| d.0).unwrap()))
        .collect()
}

fn whys(done: &Done) -> Vec<String> {
    done.report.findings.iter().filter(|f| f.code == "made-again").map(|f| f.text.clone()).collect()
}

fn cdl(folder: &Bench, slope: &str) -> Dailies {
    let path = folder.path("look.cc");
    std::fs::write(
        &path,
        format!("<ColorCorrection id=\"a\"><SOPNode><Slope>{slope} 1 1</Slope><Offset>0 0 0</Offset><Power>1 1 1</Power></SOPNode></ColorCorrection>"),
    )
    .unwrap();
    Dailies { cdl: Some(path), ..recipe() }
}

#[tokio::test]
async fn a_changed_look_makes_again_what_shows_it_and_nothing_else() {
    let bench = Bench::new();
    let (_, first) = made(bench.job(&cdl(&bench, "1"), "out")).await;
    let before = digests(&bench.path("out"), &first);
    let (files, _) = made(bench.job(&cdl(&bench, "1"), "out")).await;
    assert!(files.is_empty(), "{files:?}");

    let (files, second) = made(bench.job(&cdl(&bench, "1.25"), "out")).await;
    let with_look: Vec<String> = before.keys().filter(|p| !p.starts_with("plates/")).cloned().collect();
    assert_eq!(files, with_look);
    assert!(whys(&second).iter().any(|w| w.contains("`slope` of `cdl` is [1.25,1.0,1.0], was [1.0,1.0,1.0]")));
    let after = digests(&bench.path("out"), &second);
    for (path, digest) in &before {
        assert_eq!(after[path] == *digest, path.starts_with("plates/"), "{path}");
    }
    // The same as if it had been made so from the start.
    let (_, fresh) = made(bench.job(&cdl(&bench, "1.25"), "fresh")).await;
    assert_eq!(digests(&bench.path("fresh"), &fresh), after);
    let manifest = |out: &str| std::fs::read_to_string(bench.path(out).join("manifest.json")).unwrap();
    assert_eq!(manifest("fresh"), manifest("out"));
}

#[tokio::test]
async fn missing_and_altered_frames_are_made_again_alone() {
    let bench = Bench::new();
    let (_, first) = made(bench.job(&recipe(), "out")).await;
    let before = digests(&bench.path("out"), &first);
    let plates: Vec<&String> = before.keys().filter(|p| p.starts_with("plates/A001")).collect();
    std::fs::remove_file(bench.path("out").join(plates[1])).unwrap();
    let altered = bench.path("out").join(plates[4]);
    let mut bytes = std::fs::read(&altered).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&altered, bytes).unwrap();

    let (told, why) = {
        let (plan, why) = bench.job(&recipe(), "out").why().await.unwrap();
        (plan.units().count(), why.iter().map(|f| f.text.clone()).collect::<Vec<_>>().join("\n"))
    };
    assert_eq!(told, 2);
    assert!(why.contains("the file is gone") && why.contains("not what was written"), "{why}");

    let (files, second) = made(bench.job(&recipe(), "out")).await;
    assert_eq!(files, [plates[1].clone(), plates[4].clone()]);
    assert_eq!(digests(&bench.path("out"), &second), before);
}

#[tokio::test]
async fn a_camera_file_that_changed_makes_its_frame_again() {
    let bench = Bench::new();
    let job = || bench.job(&recipe().plates_only(), "out");
    let (_, first) = made(job()).await;
    let plates: Vec<String> = first.report.outputs().map(|o| o.path.clone()).filter(|p| p.contains("A001")).collect();
    let frames = std::fs::read_dir(&bench.card.clips[0].folder).unwrap().map(|e| e.unwrap().path());
    let mut frames: Vec<PathBuf> = frames.filter(|p| p.extension().is_some_and(|e| e == "dng")).collect();
    frames.sort();

    // Touched but the same: nothing to do.
    let bytes = std::fs::read(&frames[2]).unwrap();
    std::fs::write(&frames[2], &bytes).unwrap();
    assert!(made(job()).await.0.is_empty());

    let mut changed = bytes.clone();
    let sample = changed.len() - 100;
    changed[sample] ^= 0x40;
    std::fs::write(&frames[2], &changed).unwrap();
    let (files, second) = made(job()).await;
    assert_eq!(files, [plates[2].clone()]);
    assert!(whys(&second)[0].contains("the camera file changed"), "{:?}", whys(&second));
}

#[tokio::test]
async fn another_clip_of_the_same_name_is_not_made_over_the_first() {
    let bench = Bench::new();
    let job = || bench.job(&recipe().plates_only(), "out");
    let (_, first) = made(job()).await;
    let before = digests(&bench.path("out"), &first);
    // Another production's card: every frame of the first clip is another.
    for frame in std::fs::read_dir(&bench.card.clips[0].folder).unwrap().map(|e| e.unwrap().path()) {
        let mut bytes = std::fs::read(&frame).unwrap();
        let sample = bytes.len() - 100;
        bytes[sample] ^= 0x40;
        std::fs::write(&frame, &bytes).unwrap();
    }
    let done = job().run().await.unwrap();
    let failed: Vec<String> =
        done.report.units.iter().filter(|u| !u.is_done()).map(|u| format!("{:?}", u.outcome)).collect();
    assert_eq!(failed.len(), 1);
    assert!(failed[0].contains("another clip of the same name"), "{failed:?}");
    assert_eq!(digests(&bench.path("out"), &first), before);
    expect_done(&job().overwrite(true).run().await.unwrap());
    assert_ne!(digests(&bench.path("out"), &first), before);
}

#[tokio::test]
async fn a_card_mounted_elsewhere_is_the_same_card() {
    let bench = Bench::new();
    let (_, first) = made(bench.job(&recipe(), "out")).await;
    let before = digests(&bench.path("out"), &first);
    std::fs::rename(&bench.card.root, bench.path("moved")).unwrap();
    let job = Job::new(recipe().workflow(), bench.path("moved"), bench.path("out"));
    let (files, _) = made(job).await;
    assert!(files.is_empty(), "{files:?}");
    assert_eq!(digests(&bench.path("out"), &first), before);
}

#[tokio::test]
async fn a_damaged_ledger_is_noticed_and_built_again() {
    let bench = Bench::new();
    let (_, first) = made(bench.job(&recipe(), "out")).await;
    let before = digests(&bench.path("out"), &first);
    let path = bench.path("out/.rushes/ledger.redb");
    let whole = std::fs::read(&path).unwrap();
    let cases: [(&str, Vec<u8>); 3] = [
        ("cut short", whole[..whole.len() / 3].to_vec()),
        ("noise", whole.iter().enumerate().map(|(i, b)| b ^ (i * 31 % 251) as u8).collect()),
        ("empty", Vec::new()),
    ];
    for (name, damaged) in cases {
        std::fs::write(&path, damaged).unwrap();
        let (files, again) = made(bench.job(&recipe(), "out")).await;
        assert!(files.is_empty(), "{name}: the lineage vouches for {files:?}");
        assert_eq!(digests(&bench.path("out"), &again), before, "{name}");
        let told = again.report.findings.iter().any(|f| f.code == "ledger-rebuilt");
        assert!(told || name == "empty", "{name}: nobody was told");
    }
    // A bit that flips anywhere may cost time, and nothing else.
    for i in 0..32 {
        let mut damaged = whole.clone();
        let at = (i * 7919 * 13 + i * i * 101) % damaged.len();
        damaged[at] ^= 1 << (i % 8);
        std::fs::write(&path, damaged).unwrap();
        let (_, again) = made(bench.job(&recipe(), "out")).await;
        assert_eq!(digests(&bench.path("out"), &again), before, "the bit at {at}");
    }
    // Nothing is believed: with a lineage that lies, what differs is made again.
    std::fs::remove_file(&path).unwrap();
    let lineage = bench.path("out/lineage.json");
    let text = std::fs::read_to_string(&lineage).unwrap();
    let lie = before.values().next().unwrap().to_string();
    std::fs::write(&lineage, text.replace(&lie, "xxh64:0123456789abcdef")).unwrap();
    let (files, again) = made(bench.job(&recipe(), "out")).await;
    assert_eq!(files, [before.keys().next().unwrap().clone()]);
    assert_eq!(digests(&bench.path("out"), &again), before);
}

#[tokio::test]
async fn one_run_at_a_time_in_a_folder() {
    let bench = Bench::new();
    let out = bench.path("out");
    std::fs::create_dir_all(&out).unwrap();
    let held = Ledger::open(&out).unwrap();
    let e = bench.job(&recipe(), "out").run().await.unwrap_err();
    assert_eq!(e.kind(), rushes::ErrorKind::InUse);
    insta::assert_snapshot!(e.to_string().replace(&*bench.path("").to_string_lossy(), ""));
    drop(held);
    expect_done(&bench.job(&recipe(), "out").run().await.unwrap());
}

#[tokio::test]
async fn every_output_leads_back_to_the_card() {
    let bench = Bench::new();
    let (_, done) = made(bench.job(&recipe(), "out")).await;
    let lineage = Lineage::read(&bench.path("out")).unwrap().unwrap();
    assert_eq!(lineage.outputs.len(), done.report.outputs().count());
    assert!(lineage.check(&bench.path("out")).values().all(|c| *c == Checked::Same));
    for output in done.report.outputs() {
        let found = trace(&bench.path("out").join(&output.path)).unwrap();
        assert_eq!((found.now, &found.record.output), (Checked::Same, output));
        assert_eq!(found.from.len() as u64, output.frames.len(), "a file for every frame");
        assert!(found.from.iter().all(|f| f.now == Checked::Same && f.file.path.starts_with(&bench.card.root)));
        assert_eq!(found.recipe.stages[0].stage, "decode");
    }
    // A held frame is made of the frame that stands in for it.
    let held = done.report.outputs().find(|o| o.path.contains("B002") && o.role == "proxy").unwrap();
    let found = trace(&bench.path("out").join(&held.path)).unwrap();
    assert!(!found.record.stand_ins.is_empty());

    let plate = done.report.outputs().find(|o| o.role == "plate").unwrap();
    let (path, from) =
        (bench.path("out").join(&plate.path), &trace(&bench.path("out").join(&plate.path)).unwrap().from[0]);
    std::fs::write(&path, b"somebody's").unwrap();
    std::fs::remove_file(&from.file.path).unwrap();
    let found = trace(&path).unwrap();
    assert_eq!((found.now, found.from[0].now), (Checked::Altered, Checked::Missing));
    assert!(trace(&bench.card.clips[0].folder).is_err());
}
