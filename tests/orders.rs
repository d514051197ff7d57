//! Orders: the same work, planned by one and done by others, one piece at a time.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rushes::backends::local::LocalExecutor;
use rushes::core::graph::Registry;
use rushes::core::media::ClipMedia;
use rushes::core::run::{Event, Events, Executors, FOUND, Orders, Outcome, RunContext, UnitRef};
use rushes::order::{Desk, Order, Spread};
use rushes::{Error, ErrorKind, Job};

use crate::support::{Bench, damaged, recipe};

pub(crate) fn desk(registry: Registry) -> Desk {
    let local = LocalExecutor::new(registry.clone()).threads(2);
    Desk::new(registry, Executors::new().prefer(Arc::new(local)))
}

/// All of an order, as an engine would ask for it.
pub(crate) async fn work(desk: &Desk, order: &Order) -> bool {
    let name = order.folder().to_str().unwrap();
    for clip in 0..desk.head(name).await.unwrap().clips {
        let mut head = desk.clip(name, clip).await.unwrap();
        loop {
            for unit in 0..head.units {
                desk.run(name, UnitRef { clip, generation: head.generation, unit }, &RunContext::plain())
                    .await
                    .unwrap();
            }
            match desk.settle(name, clip, head.generation).await.unwrap() {
                Some(next) => head = next,
                None => break,
            }
        }
    }
    desk.finish(name).await.unwrap()
}

/// Every file below the outputs, but for what is kept for later runs and the page, which has a date.
fn files(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![out.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(out).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                if name != ".rushes" && name != "report" {
                    folders.push(path);
                }
            } else {
                files.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    files
}

pub(crate) fn same(one: &Path, other: &Path) {
    let (one, other) = (files(one), files(other));
    assert!(one.contains_key("manifest.json") && one.contains_key("lineage.json"));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, bytes) in &one {
        if *bytes != other[name] {
            let text = |b: &[u8]| String::from_utf8_lossy(&b[..b.len().min(20_000)]).into_owned();
            pretty(name, &text(bytes), &text(&other[name]));
        }
    }
}

fn pretty(name: &str, one: &str, other: &str) {
    let at = one.lines().zip(other.lines()).take_while(|(a, b)| a == b).count();
    let there = |text: &str| text.lines().skip(at.saturating_sub(8)).take(16).collect::<Vec<_>>().join("\n");
    panic!("{name} differs:\n{}\n---\n{}", there(one), there(other));
}

async fn job_and_order(registry: impl Fn() -> Registry) -> (Bench, Order) {
    let bench = Bench::new();
    let job = |out: &str| bench.job(&recipe(), out).frames_per_unit(5).registry(registry());
    job("run").run().await.unwrap();
    let order = job("order").order(Spread::default()).await.unwrap();
    work(&desk(registry()), &order).await;
    (bench, order)
}

#[tokio::test]
async fn an_order_makes_what_a_run_makes() {
    let (bench, order) = job_and_order(rushes::registry).await;
    same(&bench.path("run"), &bench.path("order"));
    assert!(order.report().unwrap().unwrap().is_complete());
    // A run in the same folder finds that all of it stands.
    let done = bench.job(&recipe(), "order").frames_per_unit(5).run().await.unwrap();
    assert!(done.report.units.iter().all(|u| u.ran_on.starts_with("cache of ")), "{:?}", done.report.units);
    same(&bench.path("run"), &bench.path("order"));
}

#[tokio::test]
async fn damaged_frames_are_replaced_as_a_run_replaces_them() {
    let (bench, order) = job_and_order(|| damaged(&[3, 4], false)).await;
    same(&bench.path("run"), &bench.path("order"));
    let codes: Vec<String> = order.report().unwrap().unwrap().findings.into_iter().map(|f| f.code).collect();
    // Two frames of each clip.
    assert_eq!(codes.iter().filter(|c| *c == "frame-undecodable").count(), 4, "{codes:?}");
}

#[tokio::test]
async fn a_unit_that_is_delivered_again_is_not_made_again() {
    let bench = Bench::new();
    let order = bench.job(&recipe(), "out").order(Spread::default()).await.unwrap();
    let name = order.folder().to_str().unwrap();
    let unit = UnitRef { clip: 0, generation: 0, unit: 0 };
    let first = desk(rushes::registry()).run(name, unit, &RunContext::plain()).await.unwrap();
    assert_eq!(first.outcome, Outcome::Done);
    let made = Arc::new(std::sync::Mutex::new(0));
    let events = {
        let made = Arc::clone(&made);
        Events::to(move |e| *made.lock().unwrap() += i32::from(matches!(e, Event::FrameDone { .. })))
    };
    let cx = RunContext { events, ..RunContext::plain() };
    let found = desk(rushes::registry()).run(name, unit, &cx).await.unwrap();
    assert_eq!((found.outcome, &found.outputs), (Outcome::Done, &first.outputs));
    assert_eq!(found.ran_on, format!("{FOUND}{}", first.ran_on));
    assert_eq!(*made.lock().unwrap(), 0);
    // One whose output was lost meanwhile is made again, and that output alone.
    let lost = bench.path("out").join(&first.outputs[0].path);
    let bytes = std::fs::read(&lost).unwrap();
    std::fs::remove_file(&lost).unwrap();
    let again = desk(rushes::registry()).run(name, unit, &cx).await.unwrap();
    assert_eq!((again.outcome, again.outputs), (Outcome::Done, first.outputs));
    assert_eq!(std::fs::read(lost).unwrap(), bytes);
    assert_eq!(*made.lock().unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_race_for_one_output() {
    let bench = Bench::new();
    bench.job(&recipe(), "run").run().await.unwrap();
    let order = bench.job(&recipe(), "out").order(Spread::default()).await.unwrap();
    let (one, other) = (desk(rushes::registry()), desk(rushes::registry()));
    let (a, b) = tokio::join!(work(&one, &order), async {
        // Who finishes second finds the ledger taken for a moment.
        let name = order.folder().to_str().unwrap();
        for clip in 0..order.head().clips {
            let unit = UnitRef { clip, generation: 0, unit: 0 };
            let report = other.run(name, unit, &RunContext::plain()).await.unwrap();
            assert_eq!(report.outcome, Outcome::Done, "{report:?}");
        }
        true
    });
    assert!(a && b);
    same(&bench.path("run"), &bench.path("out"));
}

#[tokio::test]
async fn an_attempt_goes_on_where_the_one_before_was_killed() {
    let bench = Bench::new();
    let job = || bench.job(&recipe().plates_only(), "out");
    let order = job().order(Spread::default()).await.unwrap();
    let name = order.folder().to_str().unwrap().to_owned();
    let unit = UnitRef { clip: 0, generation: 0, unit: 0 };
    // Dropped after some frames, as a process that is killed: no receipt, but notes.
    let (tell, mut hear) = tokio::sync::mpsc::unbounded_channel();
    let events = Events::to(move |e| {
        if let Event::FrameDone { done, .. } = e {
            std::thread::sleep(std::time::Duration::from_millis(30));
            let _ = tell.send(done);
        }
    });
    let killed = desk(rushes::registry()).note_every(std::time::Duration::from_millis(5));
    let process = tokio::runtime::Runtime::new().unwrap();
    let running = process.spawn({
        let name = name.clone();
        async move { killed.run(&name, unit, &RunContext { events, ..RunContext::plain() }).await }
    });
    let notes = order.folder().join("receipts/0.0.0.made.json");
    while !notes.exists() {
        hear.recv().await.expect("it ended before anything was noted");
    }
    running.abort();
    let _ = running.await;
    // A process that is gone writes nothing any more: a note that is being written is waited for.
    tokio::task::spawn_blocking(move || drop(process)).await.unwrap();
    let made = Arc::new(std::sync::Mutex::new(Vec::new()));
    let events = {
        let made = Arc::clone(&made);
        Events::to(move |e| {
            if let Event::OutputFinished { output, .. } = e {
                made.lock().unwrap().push(output.path);
            }
        })
    };
    let report =
        desk(rushes::registry()).run(&name, unit, &RunContext { events, ..RunContext::plain() }).await.unwrap();
    let made = made.lock().unwrap().len();
    assert_eq!(report.outcome, Outcome::Done);
    assert!(made < report.outputs.len(), "all {made} outputs were made again");
    assert!(!notes.exists());
    let finished = desk(rushes::registry());
    work(&finished, &order).await;
    job().run().await.unwrap();
    Job::new(recipe().plates_only().workflow(), &bench.card.root, bench.path("run")).run().await.unwrap();
    same(&bench.path("run"), &bench.path("out"));
}

#[tokio::test]
async fn a_unit_that_takes_its_worker_down_is_a_finding_and_the_rest_is_made() {
    let bench = Bench::new();
    let order = bench.job(&recipe(), "out").order(Spread::default()).await.unwrap();
    let name = order.folder().to_str().unwrap();
    let desk = desk(rushes::registry());
    let why = Error::new(ErrorKind::Panicked, "the worker was lost three times");
    desk.lost(name, UnitRef { clip: 0, generation: 0, unit: 0 }, why).await.unwrap();
    assert!(order.head().clips > 1);
    for clip in 1..order.head().clips {
        desk.run(name, UnitRef { clip, generation: 0, unit: 0 }, &RunContext::plain()).await.unwrap();
    }
    assert!(!desk.finish(name).await.unwrap());
    let report = order.report().unwrap().unwrap();
    assert_eq!(report.units.iter().filter(|u| u.is_done()).count() as u64, order.head().clips - 1);
    let lost = report.findings.iter().find(|f| f.code == "unit-lost").unwrap();
    assert!(lost.text.contains("three times") && lost.clip.is_some(), "{lost:?}");
}

#[tokio::test]
async fn orders_that_are_not_there_or_make_no_sense_say_so() {
    let bench = Bench::new();
    let desk = desk(rushes::registry());
    let e = desk.head(bench.path("nowhere").to_str().unwrap()).await.unwrap_err();
    assert!(e.kind() == ErrorKind::NotFound && e.to_string().contains("order.json"), "{e}");
    let order = bench.job(&recipe(), "out").order(Spread::default()).await.unwrap();
    let name = order.folder().to_str().unwrap();
    let e = desk.run(name, UnitRef { clip: 99, generation: 0, unit: 0 }, &RunContext::plain()).await.unwrap_err();
    assert!(e.to_string().contains("no clip 99"), "{e}");
    let e = desk.run(name, UnitRef { clip: 0, generation: 0, unit: 99 }, &RunContext::plain()).await.unwrap_err();
    assert!(e.to_string().contains("no such unit"), "{e}");
    let path = order.folder().join("order.json");
    let text = std::fs::read_to_string(&path).unwrap().replacen("\"format\":1", "\"format\":9", 1);
    std::fs::write(&path, text).unwrap();
    let e = desk.head(name).await.unwrap_err();
    assert!(e.to_string().contains("form is 9"), "{e}");
    std::fs::write(&path, "{").unwrap();
    assert_eq!(desk.head(name).await.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn an_order_lies_where_no_disk_is() {
    let bench = Bench::new();
    bench.job(&recipe(), "run").frames_per_unit(5).run().await.unwrap();
    let memory = Arc::new(rushes::core::storage::Memory::new());
    rushes::core::storage::register("orders-test", Arc::clone(&memory) as _);
    let out = std::path::PathBuf::from("orders-test://bucket/out");
    let job = Job::new(recipe().workflow(), &bench.card.root, &out).frames_per_unit(5);
    let order = job.order(Spread::default()).await.unwrap();
    assert!(work(&desk(rushes::registry()), &order).await);
    for (name, bytes) in files(&bench.path("run")) {
        let there =
            rushes::core::storage::read_whole(&out.join(&name), 1 << 30).unwrap_or_else(|e| panic!("{name}: {e}"));
        // The manifest names the digests of all outputs.
        assert!(there == bytes, "{name} differs");
    }
    let left: Vec<String> =
        memory.uris().into_iter().filter(|u| u.contains("made.json") || u.contains("begun-")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn camera_files_that_changed_are_made_again_and_not_believed() {
    let bench = Bench::new();
    let job = || bench.job(&recipe().plates_only(), "out");
    let order = job().order(Spread::default()).await.unwrap();
    assert!(work(&desk(rushes::registry()), &order).await);
    // A frame that was copied badly is copied again: same size, same header, another picture.
    let clip = &order.units(0).unwrap()[0].clip;
    let rushes::core::media::ClipMedia::Sequence(frames) = &clip.media else { panic!("{:?}", clip.media) };
    let path = frames.path(0);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0x55);
    std::fs::write(&path, bytes).unwrap();
    let plate = bench.path("out").join(format!("plates/{0}/{0}.0000000.exr", clip.name));
    let before = std::fs::read(&plate).unwrap();
    let again = job().order(Spread::default()).await.unwrap();
    assert_eq!(again.id(), order.id());
    assert!(work(&desk(rushes::registry()), &again).await);
    assert_ne!(std::fs::read(&plate).unwrap(), before);
    bench.job(&recipe().plates_only(), "run").run().await.unwrap();
    same(&bench.path("run"), &bench.path("out"));
}

#[tokio::test]
async fn camera_files_that_change_while_a_unit_is_made_are_told_of() {
    let bench = Bench::new();
    let job = || bench.job(&recipe().plates_only(), "out");
    let order = job().order(Spread::default()).await.unwrap();
    let units = order.units(0).unwrap();
    let ClipMedia::Sequence(frames) = &units[0].clip.media else { panic!("{:?}", units[0].clip) };
    let (file, name) = (frames.path(1), order.folder().to_str().unwrap());
    let once = std::sync::Once::new();
    let events = Events::to(move |e| {
        if let Event::FrameDone { .. } = e {
            once.call_once(|| {
                let mut bytes = std::fs::read(&file).unwrap();
                let sample = bytes.len() - 100;
                bytes[sample] ^= 0x40;
                std::fs::write(&file, bytes).unwrap();
            });
        }
    });
    let (unit, cx) = (UnitRef { clip: 0, generation: 0, unit: 0 }, RunContext { events, ..RunContext::plain() });
    let report = desk(rushes::registry()).run(name, unit, &cx).await.unwrap();
    let Outcome::Failed(why) = report.outcome else { panic!("{report:?}") };
    assert!(why.retryable && why.message.contains("changed while"), "{why:?}");
    // What it made is this order's own, whatever it is of.
    assert_eq!(desk(rushes::registry()).run(name, unit, &RunContext::plain()).await.unwrap().outcome, Outcome::Done);
    let order = job().order(Spread::default()).await.unwrap();
    assert!(work(&desk(rushes::registry()), &order).await);
    bench.job(&recipe().plates_only(), "run").run().await.unwrap();
    same(&bench.path("run"), &bench.path("out"));
}

/// Root reads everything, so a folder that is none stands for one that cannot be read.
#[tokio::test]
async fn a_clip_that_cannot_be_looked_at_is_told_of_and_the_others_are_finished() {
    let bench = Bench::new();
    let order = bench.job(&recipe().plates_only(), "out").order(Spread::default()).await.unwrap();
    let folder = &bench.card.clips[0].folder;
    std::fs::rename(folder, bench.path("elsewhere")).unwrap();
    std::fs::write(folder, "a file, below which nothing can be").unwrap();
    let desk = desk(rushes::registry());
    let (name, lost) = (order.folder().to_str().unwrap(), UnitRef { clip: 0, generation: 0, unit: 0 });
    assert!(!work(&desk, &order).await);
    let report = order.report().unwrap().unwrap();
    let done = |u: &&rushes::core::run::UnitReport| u.is_done();
    assert_eq!((report.units.len(), report.units.iter().filter(done).count()), (2, 1), "{report:?}");
    desk.lost(name, lost, rushes::Error::new(ErrorKind::Panicked, "no worker came to its end")).await.unwrap();
    assert!(!desk.complete(name, true, &RunContext::plain()).await.unwrap());
}

/// Frames before it are made, and it is not replaced, however often it is tried.
#[tokio::test]
async fn a_foreign_file_in_the_way_is_never_replaced() {
    let bench = Bench::new();
    let order = bench.job(&recipe().plates_only(), "out").order(Spread::default()).await.unwrap();
    let clip = order.clip(0).unwrap().name;
    let foreign = bench.path("out").join(format!("plates/{clip}/{clip}.0000003.exr"));
    std::fs::create_dir_all(foreign.parent().unwrap()).unwrap();
    std::fs::write(&foreign, "somebody else's").unwrap();
    let (name, unit) = (order.folder().to_str().unwrap(), UnitRef { clip: 0, generation: 0, unit: 0 });
    for _ in 0..3 {
        let report = desk(rushes::registry()).run(name, unit, &RunContext::plain()).await.unwrap();
        let Outcome::Failed(why) = report.outcome else { panic!("{report:?}") };
        assert_eq!(why.kind, ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&foreign).unwrap(), b"somebody else's");
    }
}

#[tokio::test]
async fn a_late_attempt_takes_nothing_away() {
    let bench = Bench::new();
    let order = bench.job(&recipe().plates_only(), "out").order(Spread::default()).await.unwrap();
    let name = order.folder().to_str().unwrap().to_owned();
    let unit = UnitRef { clip: 0, generation: 0, unit: 0 };
    // It hangs in its first frame until others have done all of it, and is cancelled then.
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let (tell, mut began) = tokio::sync::mpsc::unbounded_channel();
    let events = Events::to(move |e| {
        if let Event::FrameDone { done: 1, .. } = e {
            let _ = tell.send(());
            let _ = wait.lock().unwrap().recv();
        }
    });
    let cx = RunContext { events, ..RunContext::plain() };
    let cancel = cx.cancel.clone();
    let late = tokio::spawn({
        let name = name.clone();
        async move { desk(rushes::registry()).run(&name, unit, &cx).await.unwrap() }
    });
    began.recv().await.unwrap();
    let done = desk(rushes::registry()).run(&name, unit, &RunContext::plain()).await.unwrap();
    assert_eq!(done.outcome, Outcome::Done);
    cancel.cancel();
    drop(go_on);
    assert_eq!(late.await.unwrap().outcome, Outcome::Cancelled);
    assert!(work(&desk(rushes::registry()), &order).await);
    assert!(order.report().unwrap().unwrap().is_complete());
}

#[tokio::test]
async fn units_that_write_elsewhere_than_their_order_are_refused() {
    let bench = Bench::new();
    let order = bench.job(&recipe(), "out").order(Spread::default()).await.unwrap();
    let path = order.folder().join("clips/0.0.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let out = serde_json::to_string(&bench.path("out")).unwrap();
    let elsewhere = serde_json::to_string(&bench.path("elsewhere")).unwrap();
    std::fs::write(&path, text.replace(&format!("\"out\":{out}"), &format!("\"out\":{elsewhere}"))).unwrap();
    let unit = UnitRef { clip: 0, generation: 0, unit: 0 };
    let name = order.folder().to_str().unwrap();
    let e = desk(rushes::registry()).run(name, unit, &RunContext::plain()).await.unwrap_err();
    assert!(e.to_string().contains("elsewhere than the order's"), "{e}");
    assert!(!bench.path("elsewhere").exists());
}

#[tokio::test]
async fn a_mount_that_is_gone_is_out_of_reach() {
    let bench = Bench::new();
    let order = bench.job(&recipe(), "out").order(Spread::default()).await.unwrap();
    let (name, desk) = (order.folder().to_str().unwrap(), desk(rushes::registry()));
    desk.reach(name).await.unwrap();
    // What is left where something was mounted.
    std::fs::rename(&bench.card.root, bench.path("elsewhere")).unwrap();
    std::fs::create_dir(&bench.card.root).unwrap();
    let e = desk.reach(name).await.unwrap_err();
    assert!(e.is_retryable() && e.to_string().contains("looking for the card of an order"), "{e}");
    std::fs::remove_dir(&bench.card.root).unwrap();
    desk.reach(name).await.unwrap_err();
}
