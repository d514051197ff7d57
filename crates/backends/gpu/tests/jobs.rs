//! Whole jobs on the synthetic card: plates, proxies and stills with a GPU, beside those of the CPU alone.

use std::path::Path;
use std::sync::Arc;

use exr::prelude::{FlatSamples, read_first_flat_layer_from_file};
use rushes::backends::local::{LocalExecutor, Preview};
use rushes::core::plan::Unit;
use rushes::core::run::{Executor, Executors, Outcome, RunContext, UnitReport, Verdict};
use rushes::core::stage::ClipRef;
use rushes::recipes::{Dailies, ProxyOrder};
use rushes::{Done, Job};
use rushes_gpu::{GpuExecutor, GpuPreview, Packing, Settings, testing};
use rushes_testcard::{Card, CardSpec};

/// The channels of a plate, by their names.
fn plate(path: &Path) -> Vec<(String, Vec<f32>)> {
    let image = read_first_flat_layer_from_file(path).unwrap();
    let channels = image.layer_data.channel_data.list.iter();
    let samples = |s: &FlatSamples| s.values_as_f32().collect();
    channels.map(|c| (c.name.to_string(), samples(&c.sample_data))).collect()
}

fn outputs(done: &Done) -> Vec<String> {
    for unit in &done.report.units {
        assert_eq!(unit.outcome, Outcome::Done, "{}: {:?}", unit.unit, unit.findings);
    }
    let mut paths: Vec<String> = done.report.outputs().map(|o| o.path.clone()).collect();
    paths.sort();
    paths
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_developed_as_on_the_cpu() {
    let folder = tempfile::tempdir().unwrap();
    let card = Card::write(&folder.path().join("card"), CardSpec::tiny()).unwrap();
    let recipe = Dailies { exr: "zip".into(), on_bad_frame: "hold".into(), ..Dailies::default() };
    let job = |out: &str| Job::new(recipe.workflow(), &card.root, folder.path().join(out)).page(false);
    let want = job("cpu").run().await.unwrap();
    // Whole frames, and strips of a few rows.
    for (out, max_binding) in [("whole", 128 << 20), ("strips", 60_000)] {
        let Some(device) = testing::device(Settings { max_binding, ..Settings::default() }) else { return };
        let ran_on = format!("gpu ({})", device.adapter().name);
        let executor = Arc::new(GpuExecutor::new(rushes::registry(), device.clone()));
        let got = job(out).executor(executor).run().await.unwrap();
        assert_eq!(outputs(&got), outputs(&want));
        assert!(got.report.units.iter().all(|u| u.ran_on == ran_on), "{:?}", got.report.units[0].ran_on);
        assert!(device.bytes_in_use() > 0, "nothing was computed on the device");
        let left = got.report.findings.iter().chain(got.report.units.iter().flat_map(|u| &u.findings));
        assert!(!left.into_iter().any(|f| f.code == "gpu-stage-on-cpu"), "a stage has no program");
        let plates: Vec<String> = outputs(&want).into_iter().filter(|p| p.ends_with(".exr")).collect();
        assert!(!plates.is_empty());
        for path in plates {
            same_plate(&folder.path().join(out).join(&path), &folder.path().join("cpu").join(&path));
        }
    }
}

/// The same picture but for the last bit of a half.
fn same_plate(got: &Path, want: &Path) {
    let (ours, theirs) = (plate(got), plate(want));
    assert_eq!(ours.len(), theirs.len());
    for ((name, ours), (_, theirs)) in ours.iter().zip(&theirs) {
        for (i, (g, w)) in ours.iter().zip(theirs).enumerate() {
            // A half has eleven bits: its next neighbour at most.
            let near = w.abs().max(1e-3) / 1000.0;
            assert!((g - w).abs() <= near, "{}, {name}, sample {i}: {g}, not {w}", got.display());
        }
    }
}

/// The GPU for every other unit.
#[derive(Debug)]
struct EveryOther(GpuExecutor);

#[async_trait::async_trait]
impl Executor for EveryOther {
    fn name(&self) -> &str {
        self.0.name()
    }
    fn results(&self) -> &str {
        self.0.results()
    }
    fn pictures(&self) -> &str {
        self.0.pictures()
    }
    async fn accepts(&self, unit: &Unit) -> Verdict {
        match unit.range.first % 4 {
            0 => self.0.accepts(unit).await,
            _ => Verdict::No("it takes every other unit".into()),
        }
    }
    async fn run(&self, unit: &Unit, cx: &RunContext) -> UnitReport {
        self.0.run(unit, cx).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn units_of_one_clip_may_be_made_on_both() {
    let Some(device) = testing::device(Settings::default()) else { return };
    let folder = tempfile::tempdir().unwrap();
    Card::write_clean(&folder.path().join("card"), CardSpec::tiny()).unwrap();
    let recipe = Dailies { exr: "zip".into(), ..Dailies::default() }.plates_only();
    let job = |out: &str| {
        let job = Job::new(recipe.workflow(), folder.path().join("card"), folder.path().join(out)).page(false);
        job.frames_per_unit(2)
    };
    let want = job("cpu").run().await.unwrap();
    let local = Arc::new(LocalExecutor::new(rushes::registry()));
    let gpu = Arc::new(EveryOther(GpuExecutor::new(rushes::registry(), device.clone())));
    let got = job("both").executors(Executors::new().prefer(gpu).then(local).by_preference()).run().await.unwrap();
    assert_eq!(outputs(&got), outputs(&want));
    let on: Vec<bool> = got.report.units.iter().map(|u| u.ran_on.starts_with("gpu")).collect();
    assert_eq!(on, [true, false, true, false], "{:?}", got.report.units);
    for path in outputs(&want) {
        same_plate(&folder.path().join("both").join(&path), &folder.path().join("cpu").join(&path));
    }
    // Done is done, on whichever of them.
    let again = job("both").gpu(&device).run().await.unwrap();
    assert!(
        again.report.units.iter().all(|u| u.is_done() && u.ran_on.starts_with("cache")),
        "{:?}",
        again.report.units
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_shows_what_the_cpu_shows() {
    let folder = tempfile::tempdir().unwrap();
    let card = Card::write(&folder.path().join("card"), CardSpec::tiny()).unwrap();
    let root = &card.clips[0].folder;
    let understood =
        Job::new(rushes::recipes::inspect(false), root, folder.path().join("out")).understand().await.unwrap();
    let clip = ClipRef::of(&understood.last().clips[0]);
    let frame = clip.range.unwrap().first;
    for order in [ProxyOrder::RenderFirst, ProxyOrder::ScaleFirst] {
        let chain = Dailies { order, ..Dailies::default() }.picture();
        let (format, want) = Preview::open(&rushes::registry(), &clip, &chain).unwrap().frame(frame).unwrap();
        let Some(device) = testing::device(Settings::default()) else { return };
        let preview = GpuPreview::open(device, &rushes::registry(), &clip, &chain).unwrap();
        let (same, got) = preview.frame(frame).unwrap();
        assert_eq!(same, format);
        let far = got.iter().zip(&want).filter(|(g, w)| (*g - *w).abs() > 2e-4).count();
        // Where the output transform is not steady a few pixels may be further.
        assert!(far * 1000 <= got.len(), "{far} of {} samples are far from the CPU's", got.len());
        let mut words = Vec::new();
        preview.packed_into(frame, Packing::Rgb10A2, &mut words).unwrap();
        let (width, pixels) = (format.width, format.width * format.height);
        let codes = (0..3 * pixels).map(|i| (i / pixels, i % pixels));
        let off = codes.filter(|(p, i)| {
            let code = (words[*i] >> (10 * p)) & 1023;
            (code as f32 - got[[*p, i / width, i % width]] * 1023.0).abs() > 0.51
        });
        assert_eq!(off.count(), 0);
    }
}
