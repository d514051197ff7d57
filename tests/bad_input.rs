use std::path::Path;

use rushes::Job;
use rushes::core::run::Outcome;

use crate::support::{Bench, recipe};

/// The message of a job that cannot even begin, or of the clip that was skipped.
async fn message(input: &Path, out: &Path) -> String {
    match Job::new(recipe().workflow(), input, out).run().await {
        Err(e) => e.to_string(),
        Ok(done) => {
            assert!(!done.report.is_complete(), "the job was done");
            let skipped = done.plan.clips.iter().filter_map(|c| c.skipped.clone());
            let failed = done.report.units.iter().filter_map(|u| match &u.outcome {
                Outcome::Failed(f) => Some(f.message.clone()),
                _ => None,
            });
            let found = done.report.findings.iter().map(|f| format!("{}: {}", f.code, f.text));
            skipped.chain(failed).chain(found).collect::<Vec<_>>().join("\n")
        }
    }
}

async fn says(input: &Path, words: &[&str]) {
    let out = tempfile::tempdir().unwrap();
    let text = message(input, &out.path().join("out")).await;
    for word in words {
        assert!(text.contains(word), "`{word}` is not in:\n{text}");
    }
}

#[tokio::test]
async fn a_missing_path() {
    says(Path::new("no/such/card"), &["no/such/card", "check the path"]).await;
}

#[tokio::test]
async fn an_empty_folder_and_one_without_media() {
    let folder = tempfile::tempdir().unwrap();
    says(folder.path(), &["empty"]).await;
    std::fs::write(folder.path().join("shopping.txt"), b"milk").unwrap();
    says(folder.path(), &["no camera files"]).await;
}

#[tokio::test]
async fn a_lying_header_and_a_wrong_extension() {
    let bench = Bench::new();
    let good = std::fs::read(bench.card.clips[0].path(0)).unwrap();

    // A picture of 64 Ki by 64 Ki in a file of twenty kilobytes.
    let mut liar = good.clone();
    for tag in [256u16, 257] {
        let entry = liar.windows(4).position(|w| w[..2] == tag.to_le_bytes() && w[2..] == [4, 0]).unwrap();
        liar[entry + 8..entry + 12].copy_from_slice(&65_000u32.to_le_bytes());
    }
    let path = bench.path("liar.dng");
    std::fs::write(&path, liar).unwrap();
    says(&path, &["65000x65000", "refused"]).await;

    let path = bench.path("picture.mov");
    std::fs::write(&path, &good).unwrap();
    let done = Job::new(recipe().plates_only().workflow(), &path, bench.path("o")).run().await.unwrap();
    assert!(done.report.units.iter().all(rushes::core::run::UnitReport::is_done));
    assert!(done.report.findings.iter().any(|f| f.code == "extension-mismatch"), "{:?}", done.report.findings);
}

#[tokio::test]
async fn two_clips_of_one_name() {
    let bench = Bench::new();
    for day in ["day1", "day2"] {
        let to = bench.path("two").join(day);
        std::fs::create_dir_all(&to).unwrap();
        for f in 0..2 {
            std::fs::copy(bench.card.clips[0].path(f), to.join(format!("A001C001_{f:06}.dng"))).unwrap();
        }
    }
    let done = Job::new(recipe().plates_only().workflow(), bench.path("two"), bench.path("o")).run().await.unwrap();
    assert!(done.report.findings.iter().any(|f| f.code == "clip-name-clash"));
    assert_eq!(done.report.outputs().count(), 4);
    let names: std::collections::BTreeSet<_> = done.manifest.clips.iter().map(|c| c.name.clone()).collect();
    assert_eq!(names.len(), 2);
}

#[tokio::test]
async fn every_cut_of_a_frame_is_an_answer() {
    let bench = Bench::new();
    let good = std::fs::read(bench.card.clips[0].path(0)).unwrap();
    let path = bench.path("cut.dng");
    for n in [0, 1, 4, 8, 100, 600, 1500, good.len() / 2, good.len() - 1] {
        std::fs::write(&path, &good[..n]).unwrap();
        says(&path, &[]).await;
    }
}
