use std::path::PathBuf;

use rushes::frame_at::{FrameAt, Point};
use rushes::recipes::Dailies;
use serde_json::Value;

use crate::support::expect_done;

/// The footage beside the checkout, or a loud word that it is not there.
fn footage(part: &str) -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/footage")).join(part);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: there is no {}; this test needs real camera files", path.display());
    None
}

#[tokio::test]
async fn a_cinema_dng_clip_becomes_plates_that_say_what_they_are() {
    let Some(card) = footage("raw/cinemadng-seq-derived") else { return };
    let out = tempfile::tempdir().unwrap();
    let recipe = Dailies { debayer: "bilinear".into(), ..Dailies::default() };
    let done = rushes::Job::new(recipe.workflow(), card, out.path().join("out")).run().await.unwrap();
    expect_done(&done);
    let clip = &done.manifest.clips[0];
    assert_eq!(clip.reel.as_deref(), Some("A001"));
    assert_eq!(clip.start_timecode.map(|t| t.to_string()).as_deref(), Some("08:01:55:14"));
    assert_eq!(done.report.outputs().filter(|o| o.role == "plate").count(), 16);
}

#[tokio::test]
async fn every_stored_sample_is_right() {
    let Some(folder) = footage("raw/dng-derived") else { return };
    let expected: Value = serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
    for (name, facts) in expected.as_object().unwrap() {
        let request = FrameAt { path: folder.join(name), frame: None, at: Point::Mosaic, picture: Dailies::default() };
        let taken = request.take().await.unwrap_or_else(|e| panic!("{name}: {e}"));
        let (_, h, w) = taken.samples.dim();
        assert_eq!(
            (w as u64, h as u64),
            (facts["width"].as_u64().unwrap(), facts["height"].as_u64().unwrap()),
            "{name}"
        );
        let cfa = taken.format.facts.cfa.unwrap();
        let area = taken.format.facts.active_area;
        let (top, left) = area.map_or((0, 0), |a| (a.y, a.x));
        let mut sums = [(0.0f64, 0u32); 3];
        for ((_, r, c), v) in taken.samples.indexed_iter() {
            let sum = &mut sums[cfa.shifted(top % 2, left % 2).color_at(r, c)];
            *sum = (sum.0 + f64::from(*v), sum.1 + 1);
        }
        let means = &facts["linearized_channel_means"];
        for (channel, key) in [(0, "R"), (2, "B")] {
            let mean = sums[channel].0 / f64::from(sums[channel].1);
            let want = means[key].as_f64().unwrap();
            assert!((mean - want).abs() < 1e-3 * want, "{name} {key}: {mean}, not {want}");
        }
    }
}

#[tokio::test]
async fn genuine_files_give_their_picture_or_their_clear_answer() {
    let Some(folder) = footage("raw/genuine") else { return };
    for (name, picture) in [
        ("Blackmagic_PCC4K_4to1.dng", true),
        ("Canon_KissX4_colorchart_14bit.dng", true),
        ("Canon_EOS_6D_lossy_linear.dng", false),
        ("GoPro_HERO6_GOPR0024.gpr", false),
        ("Phantom_bayer_gbrg8.cine", false),
    ] {
        let request = FrameAt { path: folder.join(name), frame: None, at: Point::Linear, picture: Dailies::default() };
        match request.take().await {
            Ok(taken) => assert!(picture && taken.samples.iter().any(|v| *v > 0.01), "{name} gave a picture"),
            Err(e) => assert!(!picture && e.to_string().len() > 40, "{name}: {e}"),
        }
    }
}

/// Every hash list of the footage, in every encoding and of every version: as many files as another
/// reader counted, and, where the files are there, the verdict that recomputing them gave.
#[test]
fn every_hash_list_is_read_and_judged_as_others_do() {
    use rushes::custody::mhl::{HashList, Verify};
    let Some(root) = footage("mhl") else { return };
    let facts: Value = serde_json::from_slice(&std::fs::read(root.join("facts.json")).unwrap()).unwrap();
    let lists = facts["mhl_files"].as_object().unwrap();
    assert!(lists.len() > 15);
    for (name, want) in lists {
        let list = HashList::read(&root.join(name)).unwrap();
        let files = match &list {
            HashList::Manifest(m) => m.files().count(),
            HashList::Legacy(l) => l.files.len(),
        };
        assert_eq!(files as u64, want["hash_entries"].as_u64().unwrap(), "{name}");
        let Some(recomputed) = want["recomputed"].as_object() else { continue };
        let verdict = Verify::default().list(&root.join(name), None).unwrap();
        for (file, kinds) in recomputed {
            let differs = kinds.as_object().unwrap().values().any(|v| v.as_str().unwrap().starts_with("MISMATCH"));
            let said = verdict.findings.iter().any(|f| f.path.as_deref() == Some(std::path::Path::new(file)));
            assert_eq!(said, differs, "{name}: {file}");
        }
    }
    // The reference tool's verdicts on its own scenarios.
    for (scenario, good) in
        [("scenario_01/travel_01", true), ("scenario_02/file_server", true), ("scenario_04/file_server", false)]
    {
        let verdict = Verify::default().folder(&root.join("asc").join(scenario).join("A002R2EC")).unwrap();
        assert_eq!(verdict.agrees(), good, "{scenario}: {:?}", verdict.findings);
    }
}
