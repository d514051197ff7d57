use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rushes::Result;
use rushes::core::graph::{AnyStage, Registry};
use rushes::core::media::{ClipMedia, Digest};
use rushes::core::run::{Busy, Event, Events, Orders as _, Outcome, RunContext, UnitRef};
use rushes::core::stage::{ClipReader, ClipRef, Source, StageInfo};
use rushes::ledger::Lineage;
use rushes::order::{Order, Spread};
use rushes::stages::ingest::dng::DngSource;
use serde_json::{Value, json};

use crate::orders::desk;
use crate::support::{Bench, recipe};

/// Says that a file has all frames of a clip, and takes them from elsewhere.
#[derive(Debug, Clone, serde::Serialize)]
struct Container(ClipMedia);

impl StageInfo for Container {
    fn name(&self) -> &'static str {
        "decode"
    }
    fn version(&self) -> u32 {
        1
    }
    fn params(&self) -> Value {
        json!({})
    }
}

impl Source for Container {
    fn accepts(&self, _: &ClipRef) -> Result<()> {
        Ok(())
    }
    fn open(&self, clip: &ClipRef) -> Result<Box<dyn ClipReader>> {
        DngSource::default().open(&ClipRef { media: self.0.clone(), ..clip.clone() })
    }
}

/// An order whose first clip is one large file, and the stages that make it.
async fn of_container(bench: &Bench, file: &Path) -> (Order, Registry) {
    let job = bench.job(&recipe().plates_only(), "out").frames_per_unit(2).page(false).overwrite(true);
    let order = job.order(Spread::default()).await.unwrap();
    let media = order.units(0).unwrap()[0].clip.media.clone();
    let path = order.folder().join("clips/0.0.json");
    let mut json: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let instead = serde_json::to_value(ClipMedia::Files(vec![file.to_owned()])).unwrap();
    json["clip"]["media"] = instead.clone();
    for unit in json["plan"]["units"].as_array_mut().unwrap() {
        unit["clip"]["media"] = instead.clone();
    }
    std::fs::write(path, json.to_string()).unwrap();
    let mut registry = rushes::registry();
    registry.with("decode", move |_| Ok(AnyStage::source(Container(media.clone()))));
    (order, registry)
}

/// Runs a unit of the first clip on a machine of its own, and gives how far it was with reading what for its digest.
async fn run(order: &Order, registry: &Registry, unit: u64) -> Vec<(PathBuf, u64)> {
    let read = Arc::new(Mutex::new(Vec::new()));
    let events = {
        let read = Arc::clone(&read);
        Events::to(move |e| {
            if let Event::UnitBusy { with: Busy::Reading { path, bytes }, .. } = e {
                read.lock().unwrap().push((path, bytes));
            }
        })
    };
    let cx = RunContext { events, ..RunContext::plain() };
    let unit = UnitRef { clip: 0, generation: 0, unit };
    let report = desk(registry.clone()).run(order.folder().to_str().unwrap(), unit, &cx).await.unwrap();
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    std::mem::take(&mut *read.lock().unwrap())
}

#[tokio::test]
async fn a_file_of_many_frames_is_read_once_for_its_digest_and_tells_so() {
    let bench = Bench::new();
    let file = bench.path("A001.mov");
    // It has no blocks on disk.
    let made = File::create(&file).unwrap();
    made.set_len(200 << 20).unwrap();
    let (order, registry) = of_container(&bench, &file).await;
    let read = run(&order, &registry, 0).await;
    let far: Vec<u64> = read.iter().map(|(_, bytes)| bytes >> 20).collect();
    assert!(far == [64, 128, 192] && read.iter().all(|(path, _)| *path == file), "{read:?}");
    for unit in [1, 2] {
        assert_eq!(run(&order, &registry, unit).await, []);
    }
    // Another file is read, and what is told of the one before is not believed.
    (&made).write_all(b"changed").unwrap();
    assert_eq!(run(&order, &registry, 3).await.len(), 3);
    assert_eq!(run(&order, &registry, 1).await, []);
    // Nor is what makes no sense.
    for entry in std::fs::read_dir(order.folder().join("beside")).unwrap() {
        std::fs::write(entry.unwrap().path(), "{").unwrap();
    }
    assert_eq!(run(&order, &registry, 2).await.len(), 3);
    assert_eq!(run(&order, &registry, 0).await, []);

    let name = order.folder().to_str().unwrap();
    assert!(desk(registry).complete(name, true, &RunContext::plain()).await.unwrap());
    let lineage = Lineage::read(order.out()).unwrap().unwrap();
    let digest = Digest::xxh64_of_file(&file).unwrap().0;
    let of_file: Vec<_> = lineage.outputs.iter().flat_map(|o| &o.from).filter(|f| f.path == file).collect();
    assert!(of_file.len() == 8 && of_file.iter().all(|f| f.digest == digest), "{of_file:?}");
}
