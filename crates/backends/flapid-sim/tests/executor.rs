//! The simulator renders with Rushes' own stages, so what comes out is compared byte for byte with what the local
//! executor makes of the same workflow.

use std::sync::{Arc, Mutex};

use flapid_sim::{CallFault, Does, Faults};
use rushes::backends::local::LocalExecutor;
use rushes::core::media::{FrameRange, Rate, StandIn, Substitute};
use rushes::core::plan::{Standing, Unit};
use rushes::core::run::{Event, Events, Executor as _, Outcome, RunContext, Verdict};
use rushes::recipes::{Dailies, ProxyOrder};
use rushes_filmlight::types::RangeEnd;
use rushes_filmlight::{FilmLight, Pool, Server, Settings};
use serde_json::json;

use crate::support::{Shoot, launch, on, pool, settings, sim, tree};

fn executor(pool: Pool) -> FilmLight {
    FilmLight::new(pool, rushes::registry()).settings(settings())
}

/// Runs the first unit of `recipe` here and on a server, and compares all files.
async fn compared(shoot: &Shoot, recipe: &Dailies, filmlight: &FilmLight) -> rushes::core::run::UnitReport {
    let local = shoot.units(recipe, "local").await.remove(0);
    let report = LocalExecutor::new(rushes::registry()).run(&local, &RunContext::plain()).await;
    assert!(report.is_done(), "{:?}", report.outcome);
    let unit = shoot.units(recipe, "server").await.remove(0);
    assert_eq!(filmlight.accepts(&unit).await, Verdict::Yes);
    let report = filmlight.run(&unit, &RunContext::plain()).await;
    assert!(report.is_done(), "{:?}", report.outcome);
    let (ours, theirs) = (tree(&shoot.out("local")), tree(&shoot.out("server")));
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (name, bytes) in &ours {
        assert!(theirs[name] == *bytes, "{name} differs");
    }
    for o in &report.outputs {
        assert_eq!(rushes::core::media::Digest::xxh64(&theirs[&o.path]), o.digest, "{}", o.path);
    }
    assert_eq!(report.outputs.len(), ours.len());
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn plates_proxies_and_stills_are_those_of_the_workflow() {
    let (shoot, sim) = (Shoot::new(), sim(Faults { extra_fields: true, ..Faults::default() }).await);
    let recipe = Dailies { exr: "piz".into(), exposure: 0.5, ..Dailies::default() };
    let report = compared(&shoot, &recipe, &executor(pool(&sim))).await;
    assert_eq!((report.ran_on.as_str(), report.frames), ("filmlight", 8));
    assert!(report.findings.iter().any(|f| f.code == "vendor-debayer"));
    let roles = |role| report.outputs.iter().filter(|o| o.role == role).count();
    assert_eq!((roles("plate"), roles("still"), roles("proxy")), (8, 3, 1));
    // Plates and movie in one render, stills in another.
    assert_eq!(sim.calls("RenderProcessor.start"), 2);
    assert_eq!(sim.calls("Scene.close_scene"), 3, "one was only looked at");
    let asked = sim.heard().into_iter().find(|h| h.contains("set_decode_parameters")).unwrap();
    assert!(asked.contains(r#""decode_params":{"Exposure":0.5}"#), "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn white_balance_and_a_cdl_reach_the_picture() {
    let (shoot, sim) = (Shoot::new(), sim(Faults::default()).await);
    let cdl = shoot.dir.path().join("look.cdl");
    let text = r#"<ColorDecisionList xmlns="urn:ASC:CDL:v1.01"><ColorDecision><ColorCorrection id="a"><SOPNode>
        <Slope>1.2 1.0 0.9</Slope><Offset>0.01 0 -0.02</Offset><Power>1 1.1 1</Power></SOPNode>
        <SatNode><Saturation>0.8</Saturation></SatNode></ColorCorrection></ColorDecision></ColorDecisionList>"#;
    std::fs::write(&cdl, text).unwrap();
    let recipe = Dailies {
        exr: "zip".into(),
        white: Some(json!({ "kelvin": { "kelvin": 4300.0, "tint": 5.0 } })),
        cdl: Some(cdl),
        proxy_size: (80, 44),
        ..Dailies::default()
    };
    compared(&shoot, &recipe, &executor(pool(&sim))).await;
    let layer = sim.heard().into_iter().find(|h| h.contains("insert_cdl_layer")).unwrap();
    assert!(layer.contains("[1.2,1.0,0.9,0.01,0.0,-0.02,1.0,1.1,1.0,0.8]"), "{layer}");
    let scene = sim.heard().into_iter().rfind(|h| h.contains("temporary_scene")).unwrap();
    assert!(scene.contains(r#""colourspace":"ACEScct""#), "{scene}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_job_runs_on_private_servers_one_for_each_render() {
    let shoot = Shoot::new();
    let pool = Pool::new(Server::Private(Box::new(launch(&Faults::default()))), 1);
    let recipe = Dailies { exr: "piz".into(), ..Dailies::default() };
    let done = shoot.job(&recipe, "out").executor(Arc::new(executor(pool.clone()))).run().await.unwrap();
    assert!(done.report.is_complete(), "{:?}", done.report);
    assert_eq!(done.report.outputs().count(), 12);
    // What stands is not made again.
    let again = shoot.job(&recipe, "out").executor(Arc::new(executor(pool.clone()))).run().await.unwrap();
    assert!(
        again.report.is_complete() && again.report.units[0].ran_on.contains("cache"),
        "{:?}",
        again.report.units[0]
    );
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_clips_are_made_whatever_ends_of_ranges_mean() {
    let shoot = Shoot::new();
    for exclusive in [false, true] {
        let sim = sim(Faults { exclusive_ends: exclusive, ..Faults::default() }).await;
        let out = format!("out-{exclusive}");
        let mut unit = shoot.plates(&out).await;
        unit.standing = vec![Standing { sink: unit.tree.len() - 1, frames: FrameRange { first: 2, last: 3 } }];
        let right = if exclusive { RangeEnd::Excluded } else { RangeEnd::Included };
        let made = |end| executor(pool(&sim)).settings(Settings { range_end: end, ..settings() });
        let report = made(right).run(&unit, &RunContext::plain()).await;
        assert!(report.is_done(), "{:?}", report.outcome);
        let frames: Vec<i64> = report.outputs.iter().map(|o| o.frames.first).collect();
        assert_eq!(frames, [0, 1, 4, 5, 6, 7]);
        if exclusive {
            unit.overwrite = true;
            let report = made(RangeEnd::Included).run(&unit, &RunContext::plain()).await;
            let Outcome::Failed(failure) = report.outcome else { panic!("a frame was missing and nobody said so") };
            assert!(
                failure.message.contains("frame 1") && failure.message.contains("not there"),
                "{}",
                failure.message
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_told_frame_by_frame_and_files_as_they_stand() {
    let (shoot, sim) = (Shoot::new(), sim(Faults { slow_ms: 20, ..Faults::default() }).await);
    let unit = shoot.plates("out").await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let events = {
        let heard = Arc::clone(&heard);
        Events::to(move |e| heard.lock().unwrap().push(e))
    };
    let report = executor(pool(&sim)).run(&unit, &RunContext { events, ..RunContext::plain() }).await;
    assert!(report.is_done());
    let heard = heard.lock().unwrap();
    let frames: Vec<_> = heard
        .iter()
        .filter_map(|e| match e {
            Event::FrameDone { frame, done, total, .. } => Some((*frame, *done, *total)),
            _ => None,
        })
        .collect();
    assert_eq!(frames, (0..8).map(|f| (f, f as u64 + 1, 8)).collect::<Vec<_>>());
    assert_eq!(heard.iter().filter(|e| matches!(e, Event::OutputFinished { .. })).count(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_cannot_be_asked_for_is_refused_with_the_reason() {
    let (shoot, sim) = (Shoot::new(), sim(Faults::default()).await);
    let filmlight = executor(pool(&sim));
    let base = || Dailies { exr: "piz".into(), ..Dailies::default() };
    for (recipe, said) in [
        (Dailies::default(), "set container = \"relaxed\" and a compression, such as \"piz\", or exr = \"piz\""),
        (Dailies { debayer: "rcd".into(), ..base() }, "method = \"rcd\""),
        (Dailies { keep_highlights: true, ..base() }, "highlights = \"keep\""),
        (Dailies { white: Some(json!({ "xy": [0.31, 0.33] })), ..base() }, "give it in kelvin"),
        (Dailies { exposure: 20.0, ..base() }, "-8 to 8"),
        (Dailies { order: ProxyOrder::ScaleFirst, ..base() }, "`proxy-size`"),
        (Dailies { display: "rec2100-pq-1000".into(), ..base() }, "rec2100-pq-1000"),
    ] {
        let units = shoot.units(&recipe, "out").await;
        let Verdict::No(why) = filmlight.accepts(&units[0]).await else { panic!("it took {recipe:?}") };
        assert!(why.contains(said), "{why}");
        // An engine may not ask first.
        let report = filmlight.run(&units[0], &RunContext::plain()).await;
        assert!(matches!(report.outcome, Outcome::Failed(_)));
    }
    let unit = shoot.plates("out").await;
    // A second branch, which is developed brighter than the first.
    let mut two = unit.clone();
    let developed = two.tree.iter().position(|n| n.stage == "input-transform").unwrap();
    let more = two.tree.len() - developed;
    let mut tree: Vec<_> = two.tree.iter().cloned().collect();
    for mut node in two.tree[developed..].iter().cloned() {
        node.id.push_str("-2");
        node.from = node.from.map(|n| if n >= developed { n + more } else { n });
        if node.stage == "input-transform" {
            node.params["exposure"] = json!(1.0);
        }
        tree.push(node);
    }
    two.tree = tree.into();
    let Verdict::No(why) = filmlight.accepts(&two).await else { panic!("one exposure was dropped") };
    assert!(why.contains("developed differently") && why.contains("-2`"), "{why}");
    let held = Substitute { frames: FrameRange { first: 2, last: 2 }, with: StandIn::Hold(1) };
    let mut with_stand_in = unit.clone();
    with_stand_in.clip.substitutes = vec![held];
    let mut other_version = unit.clone();
    Arc::make_mut(&mut other_version.tree)[1].version = 99;
    let mut gone = unit.clone();
    gone.clip.media = rushes::core::media::ClipMedia::Files(vec![shoot.out("nowhere.dng")]);
    for (unit, said) in [(with_stand_in, "stand-ins"), (other_version, "version 99"), (gone, "nowhere.dng")] {
        let Verdict::No(why) = filmlight.accepts(&unit).await else { panic!("it took the unit: {said}") };
        assert!(why.contains(said), "{why}");
    }
    let nameless = Settings { acescg: "x".into(), aces2065_1: "Nowhere_lin".into(), ..settings() };
    let Verdict::No(why) = executor(pool(&sim)).settings(nameless).accepts(&unit).await else { panic!() };
    assert!(why.contains("Nowhere_lin") && why.contains("ACES_lin"), "{why}");
    let decode = [("Sharpness".to_owned(), json!(1))].into();
    let Verdict::No(why) = executor(pool(&sim)).settings(Settings { decode, ..settings() }).accepts(&unit).await else {
        panic!("a decode parameter was dropped")
    };
    assert!(why.contains("Sharpness") && why.contains("Exposure"), "{why}");
    assert!(!shoot.out("out").exists(), "something was written");
    assert_eq!(sim.calls("RenderProcessor.start"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_licence_that_is_missing_for_movies_is_said_and_plates_are_made() {
    let shoot = Shoot::new();
    let does = Does::Error("No licence for movie rendering".into());
    let faults = Faults {
        calls: vec![CallFault { method: "RenderSetup.get_movie_types".into(), nth: 0, does }],
        ..Faults::default()
    };
    let sim = sim(faults).await;
    let filmlight = executor(pool(&sim));
    let unit = shoot.units(&Dailies { exr: "piz".into(), ..Dailies::default() }, "out").await.remove(0);
    let Verdict::No(why) = filmlight.accepts(&unit).await else { panic!() };
    assert!(why.contains("No licence for movie rendering") && why.contains("seat"), "{why}");
    let unit = shoot.plates("out").await;
    assert!(filmlight.run(&unit, &RunContext::plain()).await.is_done());
}

/// A file of somebody else's where a plate is to be.
fn in_the_way(shoot: &Shoot) -> std::path::PathBuf {
    let mine = shoot.out("out").join(format!("plates/{0}/{0}.0000003.exr", shoot.clip.name));
    std::fs::create_dir_all(mine.parent().unwrap()).unwrap();
    std::fs::write(&mine, b"mine").unwrap();
    mine
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_that_exist_are_kept_unless_they_may_be_replaced() {
    let (shoot, sim) = (Shoot::new(), sim(Faults::default()).await);
    let filmlight = executor(pool(&sim));
    let mut unit = shoot.plates("out").await;
    let mine = in_the_way(&shoot);
    let report = filmlight.run(&unit, &RunContext::plain()).await;
    let Outcome::Failed(failure) = report.outcome else { panic!() };
    assert_eq!(failure.kind, rushes::ErrorKind::AlreadyExists);
    assert_eq!(tree(&shoot.out("out")).len(), 1);
    unit.overwrite = true;
    assert!(filmlight.run(&unit, &RunContext::plain()).await.is_done());
    assert_ne!(std::fs::read(&mine).unwrap(), b"mine");
    // Nothing is written beside camera originals.
    unit.out = shoot.clip.folder.clone();
    assert!(matches!(filmlight.run(&unit, &RunContext::plain()).await.outcome, Outcome::Failed(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_others_run_too_replaces_nothing_that_is_not_its_own() {
    let (shoot, sim) = (Shoot::new(), sim(Faults::default()).await);
    let filmlight = executor(pool(&sim));
    let unit = Unit { shared: true, ..shoot.plates("out").await };
    let mine = in_the_way(&shoot);
    let report = filmlight.run(&unit, &RunContext::plain()).await;
    let Outcome::Failed(failure) = report.outcome else { panic!() };
    assert_eq!(failure.kind, rushes::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(&mine).unwrap(), b"mine");
    std::fs::remove_file(&mine).unwrap();
    // What the first attempt named stands, and its bytes are as good.
    let again = filmlight.run(&unit, &RunContext::plain()).await;
    assert!(again.is_done(), "{:?}", again.outcome);
    assert_eq!(again.outputs.len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_build_that_cannot_say_where_files_go_is_served_as_well() {
    let shoot = Shoot::new();
    let lacks = vec!["RenderSetup.get_output_filename_for_deliverable".to_owned()];
    let sim = sim(Faults { lacks, ..on("Application.get_sdk_versions", Does::Silence) }).await;
    let unit = shoot.plates("out").await;
    let report = executor(pool(&sim)).run(&unit, &RunContext::plain()).await;
    assert!(report.is_done(), "{:?}", report.outcome);
    assert_eq!(tree(&shoot.out("out")).len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn plates_have_the_size_the_space_and_the_facts_of_the_clip() {
    let (shoot, sim) = (Shoot::new(), sim(Faults::default()).await);
    let unit = shoot.plates("out").await;
    assert!(executor(pool(&sim)).run(&unit, &RunContext::plain()).await.is_done());
    let path = shoot.out("out").join(format!("plates/{0}/{0}.0000000.exr", shoot.clip.name));
    let meta = exr::meta::MetaData::read_from_file(path, false).unwrap();
    let header = &meta.headers[0];
    assert_eq!((header.layer_size.width(), header.layer_size.height()), (160, 90));
    assert_eq!(header.compression, exr::compression::Compression::PIZ);
    assert_eq!(header.shared_attributes.chromaticities.unwrap().red.x(), 0.7347);
    assert_eq!(shoot.clip.start.rate(), Rate::FPS_23_976);
}

#[tokio::test(flavor = "multi_thread")]
async fn units_side_by_side_take_turns_at_a_server_that_has_one_processor() {
    let (shoot, sim) = (Shoot::new(), sim(Faults { slow_ms: 10, ..Faults::default() }).await);
    let job = shoot.job(&crate::support::plates(), "out").frames_per_unit(3).units_at_once(3);
    let done = job.executor(Arc::new(executor(pool(&sim)))).run().await.unwrap();
    assert!(done.report.is_complete(), "{:?}", done.report);
    assert_eq!((done.report.units.len(), done.report.outputs().count()), (3, 8));
    assert_eq!(sim.calls("Shot.get_codec"), 1, "one look serves all units of a clip");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_promises_of_an_executor() {
    let (shoot, sim) = (Shoot::new(), sim(Faults { slow_ms: 10, ..Faults::default() }).await);
    let unit = shoot.plates("unsaid").await;
    let filmlight: Arc<dyn rushes::core::run::Executor> = Arc::new(executor(pool(&sim)));
    let failed = rushes::core::conformance::check_own(&|| Arc::clone(&filmlight), &unit, &shoot.out("own")).await;
    assert!(failed.is_empty(), "{failed:#?}");
}
