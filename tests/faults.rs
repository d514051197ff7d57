//! What goes wrong around a run, and what is promised then: docs/RELIABILITY.md has the table.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rushes::core::frame::{Band, BandMut, FrameFormat, ImageState};
use rushes::core::graph::AnyStage;
use rushes::core::media::Digest;
use rushes::core::run::{Event, Events, Outcome};
use rushes::core::stage::{FrameKernel, FrameStage, StageInfo};
use rushes::{Done, ErrorKind, Job, Result};

use crate::support::{Bench, damaged_by, expect_done, recipe};

/// Events that do something once, when the first plate stands.
fn at_first_output(what: impl Fn() + Send + Sync + 'static) -> Events {
    let done = AtomicBool::new(false);
    Events::to(move |e| {
        if matches!(e, Event::OutputFinished { .. }) && !done.swap(true, Ordering::SeqCst) {
            what();
        }
    })
}

/// Every file below `out` but what a run keeps for itself, with its digest.
fn files(out: &Path) -> BTreeMap<PathBuf, Digest> {
    let mut all = BTreeMap::new();
    let mut folders = vec![out.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != ".rushes" && name != "report" {
                folders.push(path);
            } else if path.is_file() {
                all.insert(path.strip_prefix(out).unwrap().to_owned(), Digest::xxh64_of_file(&path).unwrap().0);
            }
        }
    }
    all
}

fn failures(done: &Done) -> Vec<String> {
    let failed = done.report.units.iter().filter_map(|u| match &u.outcome {
        Outcome::Failed(f) => Some(f.message.clone()),
        _ => None,
    });
    failed.collect()
}

/// Nothing half-written is left, and what stands is what an undisturbed run makes.
fn nothing_half_written(out: &Path, whole: &BTreeMap<PathBuf, Digest>) {
    for (path, digest) in files(out) {
        let name = path.to_string_lossy().into_owned();
        assert!(!name.contains("rushes-part"), "left behind: {name}");
        if !name.ends_with(".json") {
            assert_eq!(Some(&digest), whole.get(&path), "{name}");
        }
    }
}

fn quiet_job(bench: &Bench, out: impl Into<PathBuf>) -> Job {
    Job::new(recipe().plates_only().workflow(), &bench.card.root, out).units_at_once(1).attempts(1)
}

#[tokio::test]
async fn a_card_that_vanishes_loses_nothing_but_the_rest() {
    let bench = Bench::new();
    expect_done(&quiet_job(&bench, bench.path("whole")).run().await.unwrap());
    let whole = files(&bench.path("whole"));
    let (card, away) = (bench.card.root.clone(), bench.path("away"));
    let pulled = {
        let (card, away) = (card.clone(), away.clone());
        at_first_output(move || std::fs::rename(&card, &away).unwrap())
    };
    let done = quiet_job(&bench, bench.path("out")).events(pulled).run().await.unwrap();
    let said = failures(&done);
    assert_eq!(said.len(), 2);
    assert!(said.iter().all(|m| m.contains("No such file") && m.contains(".dng")), "{said:?}");
    assert!(files(&bench.path("out")).keys().any(|p| p.starts_with("plates")), "what was finished stands");
    nothing_half_written(&bench.path("out"), &whole);
    std::fs::rename(&away, &card).unwrap();
    expect_done(&quiet_job(&bench, bench.path("out")).run().await.unwrap());
    assert_eq!(files(&bench.path("out")), whole);
}

#[tokio::test]
async fn an_output_folder_that_vanishes_is_an_error_and_comes_back() {
    let bench = Bench::new();
    expect_done(&quiet_job(&bench, bench.path("whole")).run().await.unwrap());
    let (plates, file) = (bench.path("out/plates"), bench.path("out/plates"));
    // Another disk's content, or somebody's mistake: a file has the folder's name now.
    let gone = at_first_output(move || {
        // The next plate may be on its way into the folder.
        while std::fs::remove_dir_all(&plates).is_err() || std::fs::write(&plates, b"").is_err() {}
    });
    let done = quiet_job(&bench, bench.path("out")).events(gone).run().await.unwrap();
    let said = failures(&done);
    assert!(!said.is_empty() && said.iter().all(|m| m.contains("out/plates")), "{said:?}");
    std::fs::remove_file(file).unwrap();
    expect_done(&quiet_job(&bench, bench.path("out")).run().await.unwrap());
    assert_eq!(files(&bench.path("out")), files(&bench.path("whole")));
}

#[tokio::test]
async fn a_bad_sector_costs_its_frame_and_is_never_held_over() {
    let bench = Bench::new();
    let job = || quiet_job(&bench, bench.path("out"));
    let done = job().registry(damaged_by(&[3], ErrorKind::Io)).run().await.unwrap();
    let said = failures(&done);
    assert_eq!(said.len(), 2);
    assert!(said[0].contains("frame 3"), "{said:?}");
    // A file that cannot be read may be whole on the card: nothing stands in for it, whatever the policy.
    assert!(!done.report.findings.iter().any(|f| f.code == "frame-undecodable"));
    assert_eq!(done.report.outputs().filter(|o| o.path.contains("A001")).count(), 7);
    expect_done(&job().run().await.unwrap());
}

#[derive(Debug, Clone)]
struct Panics;

impl StageInfo for Panics {
    fn name(&self) -> &'static str {
        "linearize"
    }
    fn version(&self) -> u32 {
        1
    }
    fn params(&self) -> serde_json::Value {
        serde_json::json!({})
    }
}

impl FrameStage for Panics {
    fn input(&self) -> ImageState {
        ImageState::Mosaic
    }
    fn output(&self) -> ImageState {
        ImageState::Linear
    }
    fn prepare(&self, input: &FrameFormat) -> Result<Box<dyn FrameKernel>> {
        let format = FrameFormat { state: ImageState::Linear, ..input.clone() };
        Ok(Box::new(PanicsKernel(format)))
    }
}

struct PanicsKernel(FrameFormat);

impl FrameKernel for PanicsKernel {
    fn format(&self) -> &FrameFormat {
        &self.0
    }
    fn input_rows(&self, output: std::ops::Range<usize>) -> std::ops::Range<usize> {
        output
    }
    fn run(&self, _: &Band<'_>, _: &mut BandMut<'_>) {
        panic!("the stage panics on purpose");
    }
}

#[tokio::test]
async fn a_stage_that_panics_fails_its_unit_by_name_and_the_rest_goes_on() {
    let bench = Bench::new();
    let mut registry = rushes::registry();
    registry.with("linearize", |_| Ok(AnyStage::frame(Panics)));
    let done = quiet_job(&bench, bench.path("out")).registry(registry).run().await.unwrap();
    let said = failures(&done);
    assert_eq!(said.len(), 2, "both units were tried");
    assert!(said.iter().all(|m| m.contains("linearize") && m.contains("on purpose")), "{said:?}");
    assert_eq!(files(&bench.path("out")).keys().filter(|p| p.starts_with("plates")).count(), 0);
    expect_done(&quiet_job(&bench, bench.path("out")).run().await.unwrap());
}

/// A file system of its own, as small as wanted; gone with it.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf, size: &str) -> Option<Self> {
        std::fs::create_dir_all(&at).unwrap();
        let ok = Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(&at).output();
        if ok.is_ok_and(|o| o.status.success()) {
            return Some(Self(at));
        }
        eprintln!("NOT TESTED: a small disk cannot be mounted here (it takes root on Linux)");
        None
    }

    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        assert!(Command::new("mount").args(["-o", &options]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_keeps_what_is_finished_and_goes_on_when_there_is_room() {
    let bench = Bench::new();
    expect_done(&quiet_job(&bench, bench.path("whole")).run().await.unwrap());
    let whole = files(&bench.path("whole"));
    let bytes: u64 = whole.keys().map(|p| bench.path("whole").join(p).metadata().unwrap().len()).sum();
    // Room for the ledger and half of the plates.
    let ledger = bench.path("whole/.rushes/ledger.redb").metadata().unwrap().len();
    let Some(disk) = SmallDisk::mount(bench.path("disk"), &format!("{}k", (ledger + bytes / 2) / 1024)) else { return };
    let out = disk.0.join("out");
    let ended = quiet_job(&bench, &out).run().await;
    let said = match &ended {
        Ok(done) => failures(done).join("\n"),
        Err(e) => e.to_string(),
    };
    assert!(said.contains("No space left"), "{said}");
    nothing_half_written(&out, &whole);
    let kept = files(&out).len();
    disk.remount("size=100m");
    let made = Mutex::new(0usize);
    let made = std::sync::Arc::new(made);
    let count = {
        let made = made.clone();
        Events::to(move |e| {
            if matches!(e, Event::OutputFinished { .. }) {
                *made.lock().unwrap() += 1;
            }
        })
    };
    expect_done(&quiet_job(&bench, &out).events(count).run().await.unwrap());
    assert_eq!(files(&out), whole);
    assert!(*made.lock().unwrap() <= 16 - kept.min(16) + 1, "what stood was made again");
}

#[tokio::test]
async fn a_disk_that_refuses_writing_is_an_error_that_says_so() {
    let bench = Bench::new();
    let Some(disk) = SmallDisk::mount(bench.path("disk"), "50m") else { return };
    disk.remount("ro");
    let e = quiet_job(&bench, disk.0.join("out")).run().await.unwrap_err();
    assert!(e.to_string().contains("Read-only file system") && e.to_string().contains("disk/out"), "{e}");
    disk.remount("rw");
    expect_done(&quiet_job(&bench, disk.0.join("out")).run().await.unwrap());
}
