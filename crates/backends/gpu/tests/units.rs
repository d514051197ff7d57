//! Units on the GPU against the same on the CPU, and what becomes of them when the device fails.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rushes_core::conformance::stages::{self, Pattern};
use rushes_core::frame::FrameFormat;
use rushes_core::graph::AnyStage;
use rushes_core::media::{ClipFormat, ClipMedia, FileSequence, FrameRange};
use rushes_core::plan::{Unit, UnitNode};
use rushes_core::run::{Event, Events, Executor, Outcome, Retry, RunContext, UnitReport, Verdict};
use rushes_core::stage::{ClipReader, ClipRef, Source, SourceFrame, StageInfo};
use rushes_gpu::{Device, GpuExecutor, Program, Programs, Settings, testing};
use rushes_local::LocalExecutor;
use serde_json::json;

const HALF: &str = "
@compute @workgroup_size(WG_X, WG_Y)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (!inside(id)) { return; }
    let row = row_of(id);
    let next = min(row * 2u + 1u, g.src_height - 1u);
    store(0u, row, id.x, (src_at(0u, row * 2u, id.x) + src_at(0u, next, id.x)) * 0.5);
}";

fn programs() -> Programs {
    Programs::none().with("test-half", Program::new(HALF).workgroup(64, 1))
}

/// Halves of halves, each of which goes to files; one of them through a stage that stays on the CPU.
fn unit(out: &Path, frames: i64, pattern: &Pattern) -> Unit {
    let node =
        |id: &str, stage: &str, from, params| UnitNode { id: id.into(), stage: stage.into(), version: 1, from, params };
    let range = FrameRange { first: 0, last: frames - 1 };
    Unit {
        format: Unit::FORMAT,
        id: "CLIP".into(),
        clip: ClipRef {
            name: "CLIP".into(),
            format: ClipFormat::CinemaDng,
            media: ClipMedia::Sequence(FileSequence {
                folder: "nowhere".into(),
                prefix: "CLIP_".into(),
                padding: 4,
                suffix: ".test".into(),
                present: vec![range],
            }),
            range: None,
            metadata: Arc::default(),
            substitutes: Vec::new(),
        },
        range,
        tree: vec![
            node("source", "test-pattern", None, serde_json::to_value(pattern).unwrap()),
            node("half", "test-half", Some(0), json!({})),
            node("quarter", "test-half", Some(1), json!({})),
            node("blurred", "test-blur", Some(1), json!({ "radius": 2 })),
            node("halves", "test-frames", Some(1), json!({ "folder": "halves" })),
            node("quarters", "test-frames", Some(2), json!({ "folder": "quarters" })),
            node("softer", "test-reel", Some(3), json!({ "folder": "softer" })),
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

fn files(report: &UnitReport) -> BTreeMap<String, String> {
    assert!(report.is_done(), "{:?}", report.outcome);
    report.outputs.iter().map(|o| (o.path.clone(), o.digest.to_string())).collect()
}

async fn on_cpu(frames: i64, pattern: &Pattern) -> BTreeMap<String, String> {
    let out = tempfile::tempdir().unwrap();
    files(&LocalExecutor::new(stages::registry()).run(&unit(out.path(), frames, pattern), &RunContext::plain()).await)
}

fn gpu(device: &Device) -> GpuExecutor {
    GpuExecutor::with_programs(stages::registry(), device.clone(), programs())
}

#[tokio::test(flavor = "multi_thread")]
async fn strips_of_any_height_make_the_cpus_bytes() {
    let pattern = Pattern { width: 70, height: 301, ..Pattern::default() };
    let want = on_cpu(4, &pattern).await;
    // A frame takes 84280 bytes; a row of the quarters needs four of it.
    for max_binding in [1 << 20, 84_280, 84_000, 40_000, 7_001, 4 * 70 * 4] {
        let Some(device) = testing::device(Settings { max_binding, ..Settings::default() }) else { return };
        let out = tempfile::tempdir().unwrap();
        let report = gpu(&device).run(&unit(out.path(), 4, &pattern), &RunContext::plain()).await;
        assert_eq!(files(&report), want, "bindings of {max_binding}");
        assert_eq!(report.ran_on, format!("gpu ({})", device.adapter().name));
        let told: Vec<_> = report.findings.iter().filter(|f| f.code == "gpu-stage-on-cpu").collect();
        assert!(told.len() == 1 && told[0].text.contains("`blurred`"), "{:?}", report.findings);
        assert!(
            report.stage_ms.contains_key("gpu") && report.stage_ms.contains_key("blurred"),
            "{:?}",
            report.stage_ms
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_in_flight_keep_to_the_devices_memory() {
    let pattern = Pattern { width: 70, height: 300, ..Pattern::default() };
    let want = on_cpu(24, &pattern).await;
    // Up 84000, down 63000, between 147000; there is room for one frame, and not for two.
    let memory = 400_000;
    let Some(device) = testing::device(Settings { memory, ..Settings::default() }) else { return };
    let most = Arc::new(Mutex::new(0));
    let events = {
        let (most, device) = (Arc::clone(&most), device.clone());
        Events::to(move |e| {
            if let Event::FrameDone { .. } = e {
                let mut most = most.lock().unwrap();
                *most = device.bytes_in_use().max(*most);
            }
        })
    };
    let out = tempfile::tempdir().unwrap();
    let executor = gpu(&device).threads(6);
    let report = executor.run(&unit(out.path(), 24, &pattern), &RunContext { events, ..RunContext::plain() }).await;
    assert_eq!(files(&report), want);
    let most = *most.lock().unwrap();
    assert!((200_000..=memory).contains(&most), "{most}");
    // Frames of another size take the place of the buffers that are left.
    let other = Pattern { width: 71, height: 290, ..Pattern::default() };
    let out = tempfile::tempdir().unwrap();
    let report = executor.run(&unit(out.path(), 3, &other), &RunContext::plain()).await;
    assert_eq!(files(&report), on_cpu(3, &other).await);
    device.trim();
    assert_eq!(device.bytes_in_use(), 0);
    // Too little for one frame.
    let large = unit(out.path(), 1, &Pattern { height: 3000, ..pattern });
    let Verdict::No(why) = executor.accepts(&large).await else { panic!("it takes a frame that has no room") };
    assert!(why.contains("bytes on the GPU") && why.contains("400000 are allowed"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_program_is_refused_and_a_broken_program_is_named() {
    let Some(device) = testing::device(Settings::default()) else { return };
    for (programs, says) in [
        (Programs::none(), "no program for the first stages of the unit (`half`, `quarter`, `blurred`)"),
        (Programs::none().with("test-half", Program::new("not a program")), "program `test-half`"),
    ] {
        let executor = GpuExecutor::with_programs(stages::registry(), device.clone(), programs);
        let out = tempfile::tempdir().unwrap();
        let unit = unit(&out.path().join("out"), 1, &Pattern::default());
        let Verdict::No(why) = executor.accepts(&unit).await else { panic!("it takes the unit") };
        assert!(why.contains(says), "{why}");
        let report = executor.run(&unit, &RunContext::plain()).await;
        let Outcome::Failed(failure) = report.outcome else { panic!("{:?}", report.outcome) };
        assert!(failure.message.contains(says) && !failure.retryable, "{failure:?}");
        assert!(!out.path().join("out").exists(), "something was written");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_device_fails_its_unit_and_is_opened_again_for_the_next() {
    let Some(device) = testing::device(Settings::default()) else { return };
    let pattern = Pattern { slow_ms: 5, ..Pattern::default() };
    let want = on_cpu(12, &pattern).await;
    let executor = Arc::new(gpu(&device));
    let events = {
        let device = device.clone();
        Events::to(move |e| {
            if let Event::FrameDone { done: 3, .. } = e {
                device.close();
            }
        })
    };
    let out = tempfile::tempdir().unwrap();
    let mut unit = unit(out.path(), 12, &pattern);
    let report = executor.run(&unit, &RunContext { events: events.clone(), ..RunContext::plain() }).await;
    let Outcome::Failed(failure) = &report.outcome else { panic!("{:?}", report.outcome) };
    assert!(failure.retryable && failure.message.contains("was lost"), "{failure:?}");
    assert!(device.lost().is_some());
    unit.overwrite = true;
    assert_eq!(files(&executor.run(&unit, &RunContext::plain()).await), want);
    // The same, by the wrapper that tries again.
    let Some(device) = testing::device(Settings::default()) else { return };
    let lose = device.clone();
    let events = Events::to(move |e| {
        if let Event::FrameDone { done: 3, .. } = e {
            lose.close();
        }
    });
    let again = Retry::new(Arc::new(gpu(&device)), 3, Duration::from_millis(1));
    let out = tempfile::tempdir().unwrap();
    let report = again.run(&self::unit(out.path(), 12, &pattern), &RunContext { events, ..RunContext::plain() }).await;
    assert_eq!((files(&report), report.attempts), (want, 2));
}

/// Says what frames are, and decodes none.
#[derive(Debug, Clone)]
struct Elsewhere(Pattern);

impl StageInfo for Elsewhere {
    fn name(&self) -> &'static str {
        "elsewhere"
    }
    fn version(&self) -> u32 {
        1
    }
    fn params(&self) -> serde_json::Value {
        json!({})
    }
}

impl Source for Elsewhere {
    fn accepts(&self, _: &ClipRef) -> rushes_core::Result<()> {
        Ok(())
    }
    fn decodes_here(&self, _: &ClipRef) -> bool {
        false
    }
    fn open(&self, _: &ClipRef) -> rushes_core::Result<Box<dyn ClipReader>> {
        Ok(Box::new(self.clone()))
    }
}

impl ClipReader for Elsewhere {
    fn format(&self, frame: i64) -> rushes_core::Result<FrameFormat> {
        self.0.format(frame)
    }
    fn bytes_needed(&self, frame: i64) -> rushes_core::Result<u64> {
        self.0.bytes_needed(frame)
    }
    fn decode(&self, _: i64) -> rushes_core::Result<Box<dyn SourceFrame>> {
        Err(rushes_core::Error::new(rushes_core::ErrorKind::Unsupported, "a server decodes it"))
    }
}

#[tokio::test]
async fn a_clip_that_is_decoded_elsewhere_is_refused() {
    let Some(device) = testing::device(Settings::default()) else { return };
    let mut registry = stages::registry();
    registry.with("elsewhere", |_| Ok(AnyStage::source(Elsewhere(Pattern::default()))));
    let executor = GpuExecutor::with_programs(registry, device, programs());
    let out = tempfile::tempdir().unwrap();
    let mut unit = unit(out.path(), 1, &Pattern::default());
    assert!(matches!(executor.accepts(&unit).await, Verdict::Yes));
    let mut tree = unit.tree.to_vec();
    tree[0].stage = "elsewhere".into();
    tree[0].params = json!({});
    unit.tree = tree.into();
    let Verdict::No(why) = executor.accepts(&unit).await else { panic!("it takes the unit") };
    assert!(why.contains("clip CLIP") && why.contains("not decoded on this machine"), "{why}");
}

#[test]
fn an_adapter_that_is_not_there_is_an_error_with_those_that_are() {
    let e = Device::open("no such adapter", Settings::default()).unwrap_err();
    assert_eq!(e.kind(), rushes_core::ErrorKind::NotFound);
    let there = rushes_gpu::adapters();
    let says = there.first().map_or("no GPU was found", |a| a.name.as_str());
    assert!(e.to_string().contains(says), "{e}");
    for adapter in there {
        assert!(adapter.max_binding > 0 && !adapter.backend.is_empty(), "{adapter:?}");
        let by_index = Device::open(&adapter.index.to_string(), Settings::default()).unwrap();
        assert_eq!(by_index.adapter(), &adapter);
    }
}
