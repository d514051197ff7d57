use rushes::ErrorKind;
use rushes::core::media::{FileSequence, StandIn};
use rushes::core::plan::Unit;
use rushes::recipes::{Dailies, ProxyOrder};

use crate::support::{Bench, recipe};

#[tokio::test]
async fn a_plan_explains_itself_in_four_forms() {
    let bench = Bench::new();
    let (_, plan) = bench.job(&recipe(), "out").plan().await.unwrap();
    insta::assert_snapshot!("plan-text", plan.to_text());
    insta::assert_snapshot!("plan-mermaid", plan.to_mermaid());
    insta::assert_snapshot!("plan-dot", plan.to_dot());
    let json = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<rushes::core::plan::Plan>(&json).unwrap(), plan);
}

#[tokio::test]
async fn proxies_may_be_scaled_before_they_are_rendered() {
    let bench = Bench::new();
    let order = |order| Dailies { order, proxy_size: (80, 46), ..recipe() };
    let mut pictures = Vec::new();
    for (name, recipe) in [("render", order(ProxyOrder::RenderFirst)), ("scale", order(ProxyOrder::ScaleFirst))] {
        let (_, plan) = bench.job(&recipe, name).plan().await.unwrap();
        let text = plan.to_text();
        let (size, display) =
            (text.find("proxy-size (scale)").unwrap(), text.find("display (output-transform)").unwrap());
        assert_eq!(size < display, name == "scale", "{text}");
        let done = bench.job(&recipe, name).run().await.unwrap();
        assert!(done.report.is_complete());
        let still = done.report.outputs().find(|o| o.role == "still").unwrap();
        let bytes = std::fs::read(bench.path(name).join(&still.path)).unwrap();
        pictures.push(jpeg_decoder::Decoder::new(&bytes[..]).decode().unwrap());
    }
    let off = pictures[0].iter().zip(&pictures[1]).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>();
    let mean = off / pictures[0].len() as f64;
    assert!(mean > 0.0 && mean < 2.0, "{mean} code values apart");
}

#[tokio::test]
async fn units_are_small_and_survive_json() {
    let bench = Bench::new();
    let (_, plan) = bench.job(&recipe(), "out").plan().await.unwrap();
    assert_eq!(plan.units().count(), 2);
    for unit in plan.units() {
        let json = unit.to_json().unwrap();
        assert!(json.len() < Unit::MAX_BYTES / 4, "{} bytes", json.len());
        assert_eq!(Unit::from_json(&json).unwrap(), *unit);
    }
    let damaged = plan.units().find(|u| u.clip.name.starts_with('B')).unwrap();
    assert_eq!(damaged.clip.stand_in(2), Some(StandIn::Hold(1)));
}

#[tokio::test]
async fn a_unit_too_large_is_refused_and_never_sent() {
    let bench = Bench::new();
    let (_, plan) = bench.job(&recipe(), "out").plan().await.unwrap();
    let mut unit = plan.units().next().unwrap().clone();
    if let rushes::core::media::ClipMedia::Sequence(s) = &mut unit.clip.media {
        s.present = FileSequence::ranges_of((0..20_000).map(|f| f * 2).collect());
    }
    let e = unit.to_json().unwrap_err();
    assert!(e.to_string().contains("at most 65536"), "{e}");
    assert!(Unit::from_json(&"x".repeat(Unit::MAX_BYTES + 1)).is_err());
}

#[tokio::test]
async fn plates_alone_are_cut_into_units() {
    let bench = Bench::new();
    let job = bench.job(&recipe().plates_only(), "out").frames_per_unit(3);
    let (_, plan) = job.plan().await.unwrap();
    let ids: Vec<_> = plan.units().map(|u| u.id.as_str()).collect();
    let name = &bench.card.clips[0].name;
    assert!(ids.contains(&format!("{name}.0-2").as_str()) && ids.contains(&format!("{name}.6-7").as_str()), "{ids:?}");
    assert_eq!(plan.frames(), 16);
}

#[tokio::test]
async fn a_budget_too_small_for_a_frame_is_an_error_before_anything_runs() {
    let bench = Bench::new();
    let e = bench.job(&recipe(), "out").memory(100_000).run().await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Budget);
    assert!(e.to_string().contains("allow at least"), "{e}");
    assert!(!bench.path("out").exists());
}
