//! The checks.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::control::{cancels, keeps_budget, makes_only_what_does_not_stand, works_wrapped};
use super::stages::{Pattern, registry};
use crate::ErrorKind;
use crate::frame::{Band, BandMut};
use crate::graph::{AnyStage, Registry};
use crate::media::{ClipFormat, ClipMedia, FileSequence, FrameRange, StandIn, Substitute};
use crate::plan::{Unit, UnitNode};
use crate::run::{Event, Events, Executor, Outcome, RunContext, UnitReport, Verdict};
use crate::stage::ClipRef;

/// A promise that was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The check's name.
    pub check: &'static str,
    /// What was seen.
    pub what: String,
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.check, self.what)
    }
}

pub(super) type Checked = Result<(), String>;

/// Runs every check on executors made by `make`, in sub-folders of the empty folder `out`.
/// Gives what failed; nothing means that the executor conforms.
pub async fn check(make: &(dyn Fn(Registry) -> Arc<dyn Executor> + Sync), out: &Path) -> Vec<Failed> {
    let mut failed = Vec::new();
    let mut note = |check, result: Checked| {
        if let Err(what) = result {
            failed.push(Failed { check, what });
        }
    };
    let fresh = || make(registry());
    note("refuses a stage it does not know", refuses_unknown(fresh(), out).await);
    note("refuses a unit planned with another stage version", refuses_version(fresh(), out).await);
    note("makes the reference's pixels", makes_reference(fresh(), &out.join("reference")).await);
    note("makes equal bytes twice", equal_twice(make, &out.join("twice")).await);
    note("makes a part of a clip", makes_part(fresh(), &out.join("part")).await);
    note("lets frames stand in", stands_in(fresh(), &out.join("stand-in")).await);
    note("tells progress in order", tells_progress(fresh(), &out.join("progress")).await);
    note("reports a damaged frame", reports_damage(fresh(), &out.join("damage")).await);
    note("reports a panic with the stage's name", reports_panic(fresh(), &out.join("panic")).await);
    note("does not replace outputs unasked", keeps_existing(fresh(), &out.join("existing")).await);
    note("answers a cancellation and leaves nothing half-done", cancels(fresh(), &out.join("cancel")).await);
    note("makes only what does not stand", makes_only_what_does_not_stand(fresh(), &out.join("standing")).await);
    note("keeps to the memory budget", keeps_budget(fresh(), &out.join("budget")).await);
    note("works inside every wrapper", works_wrapped(make, &out.join("wrapped")).await);
    failed
}

pub(super) fn unit(out: &Path, frames: i64, pattern: Pattern) -> Unit {
    let node =
        |id: &str, stage: &str, from, params| UnitNode { id: id.into(), stage: stage.into(), version: 1, from, params };
    Unit {
        format: Unit::FORMAT,
        id: format!("CLIP.0-{}", frames - 1),
        clip: ClipRef {
            name: "CLIP".into(),
            format: ClipFormat::CinemaDng,
            media: ClipMedia::Sequence(FileSequence {
                folder: "nowhere".into(),
                prefix: "CLIP_".into(),
                padding: 4,
                suffix: ".test".into(),
                present: vec![FrameRange { first: 0, last: frames - 1 }],
            }),
            range: None,
            metadata: std::sync::Arc::default(),
            substitutes: Vec::new(),
        },
        range: FrameRange { first: 0, last: frames - 1 },
        tree: vec![
            node("source", "test-pattern", None, serde_json::to_value(pattern).unwrap_or_default()),
            node("blur", "test-blur", Some(0), json!({ "radius": 3 })),
            node("half", "test-half", Some(1), json!({})),
            node("wide", "test-blur", Some(2), json!({ "radius": 9 })),
            node("frames", "test-frames", Some(1), json!({ "folder": "frames" })),
            node("reel", "test-reel", Some(3), json!({ "folder": "reel" })),
        ]
        .into(),
        out: out.into(),
        overwrite: false,
        shared: false,
        priority: 0,
        bytes_per_frame: 100_000,
        standing: Vec::new(),
    }
}

/// What the outputs of `frame` must hold, computed whole frame by whole frame: the full-size
/// picture and the half-size one.
fn reference(unit: &Unit, frame: i64) -> Result<[Vec<u8>; 2], String> {
    let pattern: Pattern = serde_json::from_value(unit.tree[0].params.clone()).map_err(|e| e.to_string())?;
    let (w, h) = (pattern.width, pattern.height);
    let mut picture: Vec<f32> = (0..w * h).map(|i| Pattern::sample(frame, i / w, i % w)).collect();
    let mut height = h;
    let mut made = Vec::new();
    for node in &unit.tree[1..4] {
        let stage = registry().make(&node.stage, node.params.clone()).map_err(|e| e.to_string())?;
        let AnyStage::Frame(stage) = stage else { return Err("not a frame stage".into()) };
        let format = crate::frame::FrameFormat {
            state: crate::frame::ImageState::Mosaic,
            width: w,
            height,
            facts: crate::frame::FrameFacts::default(),
        };
        let kernel = stage.prepare(&format).map_err(|e| e.to_string())?;
        let mut next = vec![0.0; w * kernel.format().height];
        let rows = kernel.format().height;
        kernel.run(&Band::new(&picture, 1, w, 0..height), &mut BandMut::new(&mut next, 1, w, 0..rows));
        (picture, height) = (next, rows);
        made.push(picture.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>());
    }
    // After the first stage and after the last; the one between is on no output.
    Ok([made.swap_remove(0), made.swap_remove(0)])
}

pub(super) fn expect_done(report: &UnitReport) -> Checked {
    if report.is_done() { Ok(()) } else { Err(format!("the unit ended as {:?}", report.outcome)) }
}

fn frame_path(unit: &Unit, frame: i64) -> PathBuf {
    unit.out.join(format!("frames/CLIP.{frame:07}.f32"))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))
}

pub(super) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(f) = folders.pop() {
        for entry in std::fs::read_dir(f).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

pub(super) fn compare(unit: &Unit, source_of: impl Fn(i64) -> Option<i64>) -> Checked {
    let mut reel = Vec::new();
    for frame in unit.range.iter() {
        let [mut full, mut half] = reference(unit, source_of(frame).unwrap_or(frame))?;
        if source_of(frame).is_none() {
            full.fill(0);
            half.fill(0);
        }
        if read(&frame_path(unit, frame))? != full {
            return Err(format!("frame {frame} differs from the reference"));
        }
        reel.extend(half);
    }
    if read(&unit.out.join("reel/CLIP.f32"))? != reel {
        return Err("the reel differs from the reference".into());
    }
    Ok(())
}

async fn refuses_unknown(executor: Arc<dyn Executor>, out: &Path) -> Checked {
    let mut unit = unit(out, 1, Pattern::default());
    Arc::make_mut(&mut unit.tree)[1].stage = "no-such-stage".into();
    refused(executor, &unit).await
}

async fn refuses_version(executor: Arc<dyn Executor>, out: &Path) -> Checked {
    let mut unit = unit(out, 1, Pattern::default());
    Arc::make_mut(&mut unit.tree)[1].version = 99;
    refused(executor, &unit).await
}

pub(super) async fn refused(executor: Arc<dyn Executor>, unit: &Unit) -> Checked {
    if !matches!(executor.accepts(unit).await, Verdict::No(_)) {
        return Err("it accepted the unit".into());
    }
    // A runner asks first, an engine may not: running it must fail too, and not panic.
    match executor.run(unit, &RunContext::plain()).await.outcome {
        Outcome::Failed(_) => Ok(()),
        other => Err(format!("running it all the same ended as {other:?}")),
    }
}

async fn makes_reference(executor: Arc<dyn Executor>, out: &Path) -> Checked {
    let unit = unit(out, 5, Pattern::default());
    if let Verdict::No(why) | Verdict::NotNow(why) = executor.accepts(&unit).await {
        return Err(format!("it refused the unit: {why}"));
    }
    let report = executor.run(&unit, &RunContext::plain()).await;
    expect_done(&report)?;
    compare(&unit, Some)?;
    if report.frames != 5 || report.outputs.len() != 6 {
        return Err(format!("it reported {} frames and {} files", report.frames, report.outputs.len()));
    }
    for o in &report.outputs {
        let (digest, bytes) =
            crate::media::Digest::xxh64_of_file(&unit.out.join(&o.path)).map_err(|e| e.to_string())?;
        if (digest, bytes) != (o.digest.clone(), o.bytes) {
            return Err(format!("digest or size of {} is wrong in the report", o.path));
        }
    }
    Ok(())
}

async fn equal_twice(make: &(dyn Fn(Registry) -> Arc<dyn Executor> + Sync), out: &Path) -> Checked {
    let mut seen: Vec<Vec<(String, String)>> = Vec::new();
    for run in ["a", "b"] {
        let unit = unit(&out.join(run), 9, Pattern { width: 33, height: 200, ..Pattern::default() });
        let report = make(registry()).run(&unit, &RunContext::plain()).await;
        expect_done(&report)?;
        seen.push(report.outputs.iter().map(|o| (o.path.clone(), o.digest.to_string())).collect());
    }
    if seen[0] == seen[1] { Ok(()) } else { Err("two runs made different files".into()) }
}

async fn makes_part(executor: Arc<dyn Executor>, out: &Path) -> Checked {
    let mut unit = unit(out, 9, Pattern::default());
    unit.range = FrameRange { first: 3, last: 5 };
    expect_done(&executor.run(&unit, &RunContext::plain()).await)?;
    compare(&unit, Some)?;
    if frame_path(&unit, 2).exists() || frame_path(&unit, 6).exists() {
        return Err("it made frames outside the unit's range".into());
    }
    Ok(())
}

async fn stands_in(executor: Arc<dyn Executor>, out: &Path) -> Checked {
    let mut unit = unit(out, 6, Pattern { fail_at: Some(2), panic_at: Some(4), ..Pattern::default() });
    let one = |f| FrameRange { first: f, last: f };
    unit.clip.substitutes = vec![
        Substitute { frames: one(2), with: StandIn::Hold(1) },
        Substitute { frames: one(4), with: StandIn::Black },
    ];
    let report = executor.run(&unit, &RunContext::plain()).await;
    expect_done(&report)?;
    compare(&unit, |f| match f {
        2 => Some(1),
        4 => None,
        f => Some(f),
    })?;
    if report.findings.len() < 2 {
        return Err("it did not tell that frames stand in for others".into());
    }
    Ok(())
}

async fn tells_progress(executor: Arc<dyn Executor>, out: &Path) -> Checked {
    let unit = unit(out, 12, Pattern::default());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let events = {
        let heard = Arc::clone(&heard);
        Events::to(move |e| {
            if let (Event::FrameDone { frame, done, total, .. }, Ok(mut heard)) = (e, heard.lock()) {
                heard.push((frame, done, total));
            }
        })
    };
    expect_done(&executor.run(&unit, &RunContext { events, ..RunContext::plain() }).await)?;
    let heard = heard.lock().map(|h| h.clone()).unwrap_or_default();
    let want: Vec<_> = (0..12).map(|f| (f, f as u64 + 1, 12)).collect();
    if heard == want { Ok(()) } else { Err(format!("it told {heard:?}")) }
}

async fn reports_damage(executor: Arc<dyn Executor>, out: &Path) -> Checked {
    let unit = unit(out, 8, Pattern { fail_at: Some(5), ..Pattern::default() });
    let report = executor.run(&unit, &RunContext::plain()).await;
    let Outcome::Failed(failure) = &report.outcome else {
        return Err(format!("the unit ended as {:?}", report.outcome));
    };
    if failure.kind != ErrorKind::BadMedia || !failure.message.contains("frame 5") || failure.retryable {
        return Err(format!("the failure says {failure:?}"));
    }
    if report.bad_frames.iter().map(|b| (b.frame, b.kind)).collect::<Vec<_>>() != [(5, ErrorKind::BadMedia)] {
        return Err(format!("the bad frames are said to be {:?}", report.bad_frames));
    }
    no_half_done(&unit)
}

async fn reports_panic(executor: Arc<dyn Executor>, out: &Path) -> Checked {
    let mut unit = unit(out, 4, Pattern::default());
    Arc::make_mut(&mut unit.tree)[3].params = json!({ "radius": 1, "panic_at": 7 });
    let report = executor.run(&unit, &RunContext::plain()).await;
    match &report.outcome {
        Outcome::Failed(f) if f.kind == ErrorKind::Panicked && f.message.contains("wide") => no_half_done(&unit),
        other => Err(format!("the unit ended as {other:?}")),
    }
}

/// Whatever stands under a final name is whole, and the reel was not finished.
pub(super) fn no_half_done(unit: &Unit) -> Checked {
    for path in files_below(&unit.out) {
        let frame = unit.range.iter().find(|f| frame_path(unit, *f) == path);
        let whole = match frame {
            Some(f) => read(&path)? == reference(unit, f)?[0],
            None => false,
        };
        if !whole {
            return Err(format!("{} was left behind", path.display()));
        }
    }
    Ok(())
}

async fn keeps_existing(executor: Arc<dyn Executor>, out: &Path) -> Checked {
    let mut unit = unit(out, 3, Pattern::default());
    let path = frame_path(&unit, 1);
    let io = |e: std::io::Error| e.to_string();
    std::fs::create_dir_all(unit.out.join("frames")).map_err(io)?;
    std::fs::write(&path, b"mine").map_err(io)?;
    let report = executor.run(&unit, &RunContext::plain()).await;
    match &report.outcome {
        Outcome::Failed(f) if f.kind == ErrorKind::AlreadyExists => {}
        other => return Err(format!("the unit ended as {other:?}")),
    }
    if read(&path)? != b"mine" || files_below(&unit.out).len() != 1 {
        return Err("it touched the folder before it refused".into());
    }
    unit.overwrite = true;
    expect_done(&executor.run(&unit, &RunContext::plain()).await)?;
    compare(&unit, Some)
}
