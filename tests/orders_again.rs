use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rushes::core::plan::Unit;
use rushes::core::run::{
    Event, Events, Executor, Executors, Orders as _, Outcome, RunContext, UnitRef, UnitReport, Verdict,
};
use rushes::ledger::{Ledger, Lineage};
use rushes::order::{Desk, Order, Spread};
use rushes::recipes::Dailies;
use rushes::{Error, ErrorKind, Job};

use crate::orders::{desk, same, work};
use crate::support::{Bench, damaged_by, recipe};

/// Plates with other pixels, in files of the same size.
fn changed() -> Dailies {
    Dailies { exposure: 0.5, ..plates() }
}

fn plates() -> Dailies {
    Dailies { exr: "none".into(), ..recipe().plates_only() }
}

async fn order(job: Job) -> Order {
    job.order(Spread::default()).await.unwrap()
}

/// Works on all units, and gives the outputs that were made.
async fn made(order: &Order) -> Vec<String> {
    let files = Arc::new(Mutex::new(Vec::new()));
    let events = {
        let files = Arc::clone(&files);
        Events::to(move |e| {
            if let Event::OutputFinished { output, .. } = e {
                files.lock().unwrap().push(output.path);
            }
        })
    };
    let name = order.folder().to_str().unwrap();
    let cx = RunContext { events, ..RunContext::plain() };
    assert!(desk(rushes::registry()).complete(name, true, &cx).await.unwrap(), "{:?}", order.report());
    let mut files = files.lock().unwrap().clone();
    files.sort();
    files
}

fn plate(bench: &Bench, out: &str, clip: &str, frame: i64) -> PathBuf {
    bench.path(out).join(format!("plates/{clip}/{clip}.{frame:07}.exr"))
}

#[tokio::test]
async fn what_comes_onto_the_card_later_is_made_and_what_stands_is_kept() {
    let bench = Bench::new();
    let (later, away) = (&bench.card.clips[1].folder, bench.path("later"));
    std::fs::rename(later, &away).unwrap();
    let first = order(bench.job(&recipe(), "out")).await;
    assert!(!made(&first).await.is_empty());
    std::fs::rename(&away, later).unwrap();
    let second = order(bench.job(&recipe(), "out")).await;
    assert_ne!(first.id(), second.id());
    let files = made(&second).await;
    assert!(!files.is_empty() && files.iter().all(|f| f.contains(&bench.card.clips[1].name)), "{files:?}");
    bench.job(&recipe(), "run").run().await.unwrap();
    same(&bench.path("run"), &bench.path("out"));
}

#[tokio::test]
async fn another_cut_into_units_makes_nothing_again() {
    let bench = Bench::new();
    let job = |out: &str, frames| bench.job(&plates(), out).frames_per_unit(frames);
    made(&order(job("out", 5)).await).await;
    let again = order(job("out", 3)).await;
    assert_eq!(made(&again).await, Vec::<String>::new());
    job("run", 3).run().await.unwrap();
    same(&bench.path("run"), &bench.path("out"));
}

#[tokio::test]
async fn a_changed_recipe_replaces_what_was_made_and_so_does_its_return() {
    let bench = Bench::new();
    let job = |recipe: &Dailies, out: &str| bench.job(recipe, out).frames_per_unit(3);
    for (n, recipe) in [plates(), changed(), plates(), changed()].iter().enumerate() {
        let order = order(job(recipe, "out")).await;
        let frames = order.frames().unwrap();
        assert_eq!(made(&order).await.len() as u64, frames, "round {n}");
        let run = format!("run-{n}");
        job(recipe, &run).run().await.unwrap();
        same(&bench.path(&run), &bench.path("out"));
        // Who asks again finds it.
        assert_eq!(made(&order).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn another_clip_of_the_same_name_is_not_made_over_the_first_by_an_order() {
    let bench = Bench::new();
    made(&order(bench.job(&plates(), "out")).await).await;
    // Another production's card: every frame of the first clip is another.
    for frame in std::fs::read_dir(&bench.card.clips[0].folder).unwrap().map(|e| e.unwrap().path()) {
        let mut bytes = std::fs::read(&frame).unwrap();
        let sample = bytes.len() - 100;
        bytes[sample] ^= 0x40;
        std::fs::write(&frame, &bytes).unwrap();
    }
    let first = plate(&bench, "out", &bench.card.clips[0].name, 0);
    let before = std::fs::read(&first).unwrap();
    let order = order(bench.job(&changed(), "out")).await;
    let Outcome::Failed(why) = run(&order, Events::none()).await else { panic!("it was made") };
    assert!(why.message.contains("another clip of the same name"), "{why:?}");
    assert_eq!(std::fs::read(&first).unwrap(), before);
}

#[tokio::test]
async fn what_others_made_otherwise_since_is_not_told_as_made() {
    let bench = Bench::new();
    let job = |recipe: &Dailies| bench.job(recipe, "out").frames_per_unit(3);
    for recipe in [plates(), changed()] {
        made(&order(job(&recipe)).await).await;
    }
    let lineage = || Lineage::read(&bench.path("out")).unwrap().unwrap();
    let before = lineage();
    let again = order(job(&plates())).await;
    let name = again.folder().to_str().unwrap();
    assert!(!desk(rushes::registry()).complete(name, false, &RunContext::plain()).await.unwrap());
    let report = again.report().unwrap().unwrap();
    assert!(report.units.iter().all(|u| u.outcome == Outcome::Cancelled), "{report:?}");
    assert_eq!(lineage(), before);
}

#[tokio::test]
async fn what_a_run_left_is_known_to_an_order_at_a_uri_too() {
    let bench = Bench::new();
    rushes::core::storage::register("orders-again", Arc::new(rushes::core::storage::Memory::new()));
    let job = |recipe: Dailies| Job::new(recipe.workflow(), &bench.card.root, "orders-again://bucket/out");
    job(plates()).run().await.unwrap();
    assert_eq!(made(&order(job(plates()).frames_per_unit(3)).await).await, Vec::<String>::new());
    let order = order(job(changed())).await;
    assert_eq!(made(&order).await.len() as u64, order.frames().unwrap());
}

/// An output folder that knows of the first five frames of each clip, made otherwise than they would be now, and of no others.
async fn known_in_part(bench: &Bench) -> String {
    bench.job(&plates(), "out").run().await.unwrap();
    let out = bench.path("out");
    let mut lineage = Lineage::read(&out).unwrap().unwrap();
    for other in lineage.outputs.extract_if(.., |r| r.output.frames.first > 4) {
        std::fs::remove_file(out.join(&other.output.path)).unwrap();
    }
    lineage.write(&out).unwrap();
    std::fs::remove_dir_all(out.join(".rushes")).unwrap();
    bench.card.clips[0].name.clone()
}

async fn run(order: &Order, events: Events) -> Outcome {
    let (name, unit) = (order.folder().to_str().unwrap(), UnitRef { clip: 0, generation: 0, unit: 0 });
    let cx = RunContext { events, ..RunContext::plain() };
    desk(rushes::registry()).run(name, unit, &cx).await.unwrap().outcome
}

#[tokio::test]
async fn what_is_not_known_is_not_replaced_beside_what_is() {
    let bench = Bench::new();
    let clip = known_in_part(&bench).await;
    let foreign = plate(&bench, "out", &clip, 6);
    std::fs::write(&foreign, "somebody else's").unwrap();
    let known = plate(&bench, "out", &clip, 1);
    let before = std::fs::read(&known).unwrap();
    let order = order(bench.job(&changed(), "out")).await;
    for _ in 0..2 {
        let Outcome::Failed(why) = run(&order, Events::none()).await else { panic!("it was made") };
        assert!(why.kind == ErrorKind::AlreadyExists && why.message.contains(".0000006.exr"), "{why:?}");
        assert_eq!(std::fs::read(&foreign).unwrap(), b"somebody else's");
        assert_eq!(std::fs::read(&known).unwrap(), before);
    }
    std::fs::remove_file(&foreign).unwrap();
    assert_eq!(run(&order, Events::none()).await, Outcome::Done);
    assert_ne!(std::fs::read(&known).unwrap(), before);
}

#[tokio::test]
async fn an_attempt_that_was_killed_while_it_replaced_outputs_is_gone_on_with() {
    let bench = Bench::new();
    let clip = known_in_part(&bench).await;
    let order = order(bench.job(&changed(), "out")).await;
    let (tell, mut hear) = tokio::sync::mpsc::unbounded_channel();
    let events = Events::to(move |e| {
        if let Event::OutputFinished { output, .. } = e {
            let _ = tell.send(output.frames.last);
        }
    });
    let killed = tokio::spawn({
        let order = order.clone();
        async move { run(&order, events).await }
    });
    // One of those of which nothing was known before.
    while hear.recv().await.expect("it ended before the sixth frame") < 6 {}
    killed.abort();
    let _ = killed.await;
    // Whatever became of it: its receipt is lost.
    let _ = std::fs::remove_file(order.folder().join("receipts/0.0.0.json"));
    let _ = std::fs::remove_file(order.folder().join("receipts/0.0.0.made.json"));
    assert!(plate(&bench, "out", &clip, 6).exists());
    // And what it left is not what is to be there now.
    std::fs::write(plate(&bench, "out", &clip, 6), "half of it").unwrap();
    assert_eq!(run(&order, Events::none()).await, Outcome::Done);
    bench.job(&changed(), "run").run().await.unwrap();
    work(&desk(rushes::registry()), &order).await;
    same(&bench.path("run"), &bench.path("out"));
}

#[tokio::test]
async fn a_folder_that_another_run_has_is_refused_but_for_the_order_that_is_there() {
    let bench = Bench::new();
    let job = |recipe: &Dailies| bench.job(recipe, "out");
    let first = order(job(&plates())).await;
    made(&first).await;
    let held = Ledger::open(&bench.path("out")).unwrap();
    let e = job(&changed()).order(Spread::default()).await.unwrap_err();
    assert!(e.kind() == ErrorKind::InUse && e.to_string().contains("another run"), "{e}");
    let again = order(job(&plates())).await;
    assert_eq!(again.id(), first.id());
    drop(held);
    assert_eq!(made(&order(job(&plates())).await).await, Vec::<String>::new());
}

#[tokio::test]
async fn orders_begin_no_ledger_and_say_what_they_know_only_where_there_is_something() {
    let bench = Bench::new();
    let first = order(bench.job(&plates(), "out")).await;
    let again = order(bench.job(&plates(), "out")).await;
    let known = |order: &Order| order.folder().join("clips/0.known.json").exists();
    assert!(!known(&first) && !known(&again) && !Path::new(&bench.path("out/.rushes/ledger.redb")).exists());
    made(&again).await;
    assert!(known(&order(bench.job(&plates(), "out")).await));
}

/// Freezes when it has begun, and is told to end when it wakes: by then another has come to the end of the unit.
#[derive(Debug)]
struct Frozen {
    other: Desk,
    order: String,
}

#[async_trait::async_trait]
impl Executor for Frozen {
    fn name(&self) -> &'static str {
        "frozen"
    }
    async fn accepts(&self, _: &Unit) -> Verdict {
        Verdict::Yes
    }
    async fn run(&self, unit: &Unit, _: &RunContext) -> UnitReport {
        let all = UnitRef { clip: 0, generation: 0, unit: 0 };
        self.other.run(&self.order, all, &RunContext::plain()).await.unwrap();
        UnitReport::begin(unit, "frozen").failed(&Error::new(ErrorKind::Cancelled, "cancelled"))
    }
}

#[tokio::test]
async fn who_is_interrupted_late_takes_nobody_s_verdict_away() {
    let bench = Bench::new();
    for (out, registry) in [("done", rushes::registry()), ("failed", damaged_by(&[3], ErrorKind::Unsupported))] {
        let order = order(bench.job(&plates(), out)).await;
        let name = order.folder().to_str().unwrap().to_owned();
        let frozen = Frozen { other: desk(registry), order: name.clone() };
        let frozen = Desk::new(rushes::registry(), Executors::new().prefer(Arc::new(frozen)));
        let unit = UnitRef { clip: 0, generation: 0, unit: 0 };
        let report = frozen.run(&name, unit, &RunContext::plain()).await.unwrap();
        assert_eq!(report.outcome, Outcome::Cancelled);
        frozen.finish(&name).await.unwrap();
        let ended = order.report().unwrap().unwrap().units.remove(0);
        match ended.outcome {
            Outcome::Done => assert_eq!(out, "done"),
            Outcome::Failed(f) => assert_eq!((out, f.kind), ("failed", ErrorKind::Unsupported)),
            Outcome::Cancelled => panic!("{out}: the verdict is gone"),
        }
    }
}
