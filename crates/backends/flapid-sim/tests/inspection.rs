//! What a server says about clips.

use std::sync::Arc;

use flapid_sim::Faults;
use rushes::core::graph::{StageSpec, WorkflowFile};
use rushes::core::media::ClipFormat;
use rushes::core::stage::ClipRef;
use rushes_filmlight::{FilmLight, compare, inspect, with_server_formats};
use serde_json::json;

use crate::support::{Shoot, pair, plates, pool, settings, sim};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_and_our_readers_agree_on_the_synthetic_camera() {
    let (shoot, (_sim, client)) = (Shoot::new(), pair(Faults::default()).await);
    let clip = shoot.job(&plates(), "out").understand().await.unwrap().last().clips.remove(0);
    let record = inspect(&client, &ClipRef::of(&clip)).await.unwrap();
    assert_eq!(record.range, clip.range);
    assert_eq!(compare(&clip.name, &clip.metadata, &record.metadata), []);
    let (ours, theirs) = (&clip.metadata, &record.metadata);
    assert_eq!(theirs.start_timecode.as_ref().unwrap().value, ours.start_timecode.as_ref().unwrap().value);
    assert_eq!(theirs.rate.as_ref().unwrap().value, ours.rate.as_ref().unwrap().value);
    assert_eq!(theirs.reel.as_ref().unwrap().value, shoot.clip.reel);
    assert_eq!(theirs.make.as_ref().map(|m| &m.value), ours.make.as_ref().map(|m| &m.value));
    assert!(theirs.iso.is_some() && theirs.model.is_some());
    assert!(theirs.reel.as_ref().unwrap().origin.tag.starts_with("FilmLight:"));
    assert!(!record.verbatim.0.is_empty());
    let mut other = clip.metadata.clone();
    other.iso.as_mut().unwrap().value *= 2.0;
    let told = compare(&clip.name, &other, &record.metadata);
    assert_eq!((told.len(), told[0].code.as_str()), (1, "sources-disagree"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_that_only_a_server_decodes_becomes_plates() {
    let (shoot, sim) = (Shoot::new(), sim(Faults::default()).await);
    // REDCODE as far as our own recognition looks; the simulator plays it with the frames of the DNG clip.
    let card = shoot.dir.path().join("red");
    std::fs::create_dir(&card).unwrap();
    std::fs::write(card.join("A001_C001.R3D"), b"\0\0\x04\x88RED2 and no picture").unwrap();
    let note = json!({ "codec": "R3D", "frames": shoot.clip.folder });
    std::fs::write(card.join("A001_C001.R3D.flapid-sim"), note.to_string()).unwrap();

    let mut workflow: WorkflowFile = plates().workflow();
    let at = workflow.stages.iter().position(|s| s.stage == "normalize").unwrap();
    let inspect = StageSpec {
        id: None,
        stage: "filmlight-inspect".into(),
        from: Some("normalize".into()),
        params: serde_json::Map::new(),
    };
    workflow.stages.insert(at + 1, inspect);
    let decode = workflow.stages.iter_mut().find(|s| s.stage == "decode").unwrap();
    decode.from = Some("filmlight-inspect".into());

    let pool = pool(&sim);
    let registry = with_server_formats(rushes::registry(), &pool).unwrap();
    let filmlight = FilmLight::new(pool, registry.clone()).settings(settings());
    let job =
        |out: &str| rushes::Job::new(workflow.clone(), &card, shoot.out(out)).registry(registry.clone()).page(false);
    let understood = job("out").understand().await.unwrap().last();
    let clip = &understood.clips[0];
    assert_eq!((clip.format, clip.needs.is_none()), (ClipFormat::R3d, true), "{understood:?}");
    assert_eq!(clip.metadata.stored_size.as_ref().unwrap().value, (160, 90));

    let done = job("out").executor(Arc::new(filmlight)).run().await.unwrap();
    assert!(done.report.units.iter().all(|u| u.is_done()) && done.report.outputs().count() == 8, "{:?}", done.report);
    // The same frames as DNGs through the local executor.
    let local = shoot.job(&plates(), "local").run().await.unwrap();
    assert_eq!(local.report.outputs().count(), 8);
    // Without the executor the units are refused before they run, with the way out.
    let here = job("here").run().await.unwrap();
    assert!(!here.report.is_complete());
    let told = format!("{:?}", here.report);
    assert!(told.contains("run the unit on the executor `filmlight`"), "{told}");
}
