//! Orders for render farms: what a template says, and that what its tasks make is what a run makes, however they are cut.

use std::sync::{Arc, Mutex};

use rushes::core::graph::Registry;
use rushes::core::media::FrameRange;
use rushes::core::run::{Event, Events, Orders as _, Outcome, RunContext, UnitRef};
use rushes::order::openjd::{Numbering, TemplateOptions};
use rushes::order::{Order, Spread};
use rushes::recipes::Dailies;
use rushes::{ErrorKind, Job};
use serde_json::Value;

use crate::orders::{desk, same};
use crate::support::{Bench, damaged, recipe};

/// Plates: outputs that may be made in parts.
fn parts() -> Dailies {
    recipe().plates_only()
}

fn of_bench(bench: &Bench, recipe: &Dailies, out: &str) -> Job {
    bench.job(recipe, out).frames_per_unit(5)
}

async fn order(job: &Job) -> (Order, String) {
    let order = job.order(Spread::default()).await.unwrap();
    let name = order.folder().to_str().unwrap().to_owned();
    (order, name)
}

/// The template without what differs from one test folder to the other.
async fn template(bench: &Bench, recipe: &Dailies) -> String {
    let job = of_bench(bench, recipe, "out");
    let (order, _) = order(&job).await;
    let options = TemplateOptions { folder: bench.path("out"), flags: vec!["--threads=2".into()], memory: None };
    let text = order.job_template(&job.desk(), &options).unwrap().to_json().unwrap();
    let here = bench.path("").to_str().unwrap().trim_end_matches('/').to_owned();
    text.replace(&here, "<folder>").replace(order.id(), "<order>")
}

#[tokio::test]
async fn a_template_has_a_step_for_each_clip_in_chunks_of_frames() {
    let bench = Bench::new();
    insta::assert_snapshot!("openjd-plates", template(&bench, &parts()).await);
}

#[tokio::test]
async fn a_clip_that_an_output_needs_whole_is_one_task() {
    let bench = Bench::new();
    let text = template(&bench, &recipe()).await;
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json.get("extensions"), None);
    let steps = json["steps"].as_array().unwrap();
    assert!(steps.len() == 3 && steps.iter().all(|s| s.get("parameterSpace").is_none()), "{text}");
    let args = steps[0]["script"]["actions"]["onRun"]["args"].as_array().unwrap();
    assert_eq!(args[4..6], ["--clip", "0"].map(Value::from));
}

/// All frames of an order's clips, as a farm cuts them; then what is left.
async fn cut(registry: impl Fn() -> Registry, order: &Order, chunk: u64) -> bool {
    let name = order.folder().to_str().unwrap();
    for clip in 0..order.head().clips {
        // A process of its own each, and the last chunk first.
        let numbering = Numbering::of(order, &[clip], &desk(registry())).unwrap();
        let (first, last) = numbering.to_range().split_once('-').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let range = FrameRange::new(first.parse().unwrap(), last.parse().unwrap()).unwrap();
        let chunks: Vec<FrameRange> = range.chunks(chunk).collect();
        for chunk in chunks.into_iter().rev() {
            for (clip, frames) in numbering.frames(chunk).unwrap() {
                desk(registry()).run_frames(name, clip, frames, &RunContext::plain()).await.unwrap();
            }
        }
    }
    desk(registry()).complete(name, true, &RunContext::plain()).await.unwrap()
}

async fn whatever_the_chunks(recipe: &Dailies, registry: impl Fn() -> Registry, complete: bool) {
    let bench = Bench::new();
    of_bench(&bench, recipe, "run").registry(registry()).run().await.unwrap();
    for chunk in [1, 3, 4, 5, 8] {
        let out = format!("by-{chunk}");
        let (order, _) = order(&of_bench(&bench, recipe, &out).registry(registry())).await;
        assert_eq!(cut(&registry, &order, chunk).await, complete, "chunks of {chunk}");
        same(&bench.path("run"), &bench.path(&out));
    }
    if complete {
        // A run in the same folder finds that all of it stands.
        let done = of_bench(&bench, recipe, "by-3").registry(registry()).run().await.unwrap();
        assert!(done.report.units.iter().all(|u| u.ran_on.starts_with("cache of ")), "{:?}", done.report.units);
    }
}

#[tokio::test]
async fn whatever_the_chunks_are_the_same_comes_of_them() {
    whatever_the_chunks(&parts(), rushes::registry, true).await;
}

#[tokio::test]
async fn damaged_frames_are_replaced_whatever_the_chunks_are() {
    whatever_the_chunks(&parts(), || damaged(&[3, 4], false), true).await;
}

#[tokio::test]
async fn damaged_frames_that_are_not_replaced_are_told_whatever_the_chunks_are() {
    let refuse = Dailies { on_bad_frame: "refuse".into(), ..parts() };
    whatever_the_chunks(&refuse, || damaged(&[3, 4, 6], false), false).await;
}

#[tokio::test]
async fn chunks_that_overlap_and_leave_something_out_are_made_up_for() {
    let bench = Bench::new();
    of_bench(&bench, &parts(), "run").run().await.unwrap();
    let job = of_bench(&bench, &parts(), "out");
    let (order, name) = order(&job).await;
    for (first, last) in [(0, 2), (1, 3), (2, 6), (0, 2)] {
        let frames = FrameRange::new(first, last);
        let reports = desk(rushes::registry()).run_frames(&name, 0, frames, &RunContext::plain()).await.unwrap();
        assert!(reports.iter().all(|r| r.outcome == Outcome::Done), "{reports:?}");
    }
    let made = Arc::new(Mutex::new(0));
    let events = {
        let made = Arc::clone(&made);
        Events::to(move |e| *made.lock().unwrap() += i32::from(matches!(e, Event::FrameDone { .. })))
    };
    let cx = RunContext { events, ..RunContext::plain() };
    assert!(desk(rushes::registry()).complete(&name, true, &cx).await.unwrap());
    same(&bench.path("run"), &bench.path("out"));
    // Frame 7 of the first clip, and all of the second.
    let left = 1 + order.units(1).unwrap().iter().map(|u| u.range.len()).sum::<u64>();
    assert_eq!(*made.lock().unwrap() as u64, left);
}

#[tokio::test]
async fn what_is_left_may_be_told_and_not_made() {
    let bench = Bench::new();
    let (order, name) = order(&of_bench(&bench, &parts(), "out")).await;
    desk(rushes::registry()).run_frames(&name, 0, None, &RunContext::plain()).await.unwrap();
    assert!(!desk(rushes::registry()).complete(&name, false, &RunContext::plain()).await.unwrap());
    let report = order.report().unwrap().unwrap();
    let of = |outcome: Outcome| report.units.iter().filter(|u| u.outcome == outcome).count();
    assert_eq!((of(Outcome::Done), of(Outcome::Cancelled)), (2, 2), "{:?}", report.units);
}

#[tokio::test]
async fn what_stands_in_the_way_is_not_replaced_by_the_second_attempt_either() {
    let bench = Bench::new();
    let (order, name) = order(&of_bench(&bench, &parts(), "out")).await;
    let unit = UnitRef { clip: 0, generation: 0, unit: 0 };
    let plates = bench.path("out").join("plates").join(&order.clip(0).unwrap().name);
    std::fs::create_dir_all(&plates).unwrap();
    let first = format!("{}.0000000.exr", order.clip(0).unwrap().name);
    std::fs::write(plates.join(&first), "somebody else's").unwrap();
    for _ in 0..3 {
        let report = desk(rushes::registry()).run(&name, unit, &RunContext::plain()).await.unwrap();
        let Outcome::Failed(why) = &report.outcome else { panic!("{report:?}") };
        assert_eq!(why.kind, ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(plates.join(&first)).unwrap(), b"somebody else's");
    }
}

#[tokio::test]
async fn frames_that_cannot_be_asked_for_say_why() {
    let bench = Bench::new();
    let (_, name) = order(&of_bench(&bench, &parts(), "parts")).await;
    let cx = RunContext::plain();
    let e = desk(rushes::registry()).run_frames(&name, 0, FrameRange::new(90, 99), &cx).await.unwrap_err();
    assert!(e.kind() == ErrorKind::NotFound && e.to_string().contains("no frames 90-99"), "{e}");
    let e = desk(rushes::registry()).run_frames(&name, 9, None, &cx).await.unwrap_err();
    assert!(e.to_string().contains("no clip 9"), "{e}");
    let (order, name) = order(&of_bench(&bench, &recipe(), "movies")).await;
    assert!(order.is_whole(0, &rushes::registry()).unwrap());
    let e = desk(rushes::registry()).run_frames(&name, 0, FrameRange::new(0, 3), &cx).await.unwrap_err();
    assert!(e.to_string().contains("needs all of its frames 0-7"), "{e}");
}

#[tokio::test]
async fn options_that_mean_something_else_in_a_template_are_refused() {
    let bench = Bench::new();
    let job = of_bench(&bench, &parts(), "out");
    let (order, _) = order(&job).await;
    let options = TemplateOptions { flags: vec!["--filmlight={{Param.X}}".into()], ..TemplateOptions::default() };
    let e = order.job_template(&job.desk(), &options).unwrap_err();
    assert!(e.to_string().contains("{{Param.X}}"), "{e}");
}

#[tokio::test]
async fn a_step_of_several_clips_numbers_their_frames_through() {
    let bench = Bench::new();
    let (order, _) = order(&of_bench(&bench, &parts(), "parts")).await;
    let numbering = Numbering::of(&order, &order.clips_named("0-1").unwrap(), &desk(rushes::registry())).unwrap();
    assert_eq!(numbering.to_range(), "0-7,9-16");
    assert_eq!(numbering.frames(FrameRange::new(9, 11).unwrap()).unwrap(), [(1, FrameRange::new(0, 2))]);
    let (order, name) = self::order(&of_bench(&bench, &recipe(), "movies")).await;
    let numbering = Numbering::of(&order, &[0, 1], &desk(rushes::registry())).unwrap();
    assert_eq!(numbering.to_range(), "0,2");
    for (clip, frames) in numbering.frames(FrameRange::new(2, 2).unwrap()).unwrap() {
        assert_eq!((clip, frames), (1, None));
        let reports = desk(rushes::registry()).run_frames(&name, clip, frames, &RunContext::plain()).await.unwrap();
        assert!(reports.len() == 1 && reports[0].is_done() && reports[0].frames == 8, "{reports:?}");
    }
    assert!(order.clips_named("0-2").unwrap_err().to_string().contains("which has 2"));
}
