//! Whole jobs, from a bucket to a bucket. They share a server: schemes are registered for the process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Barrier, LazyLock};

use rushes::core::run::{Budget, Events, Executor as _, Outcome, RunContext};
use rushes::ledger::{Checked, trace};
use rushes::recipes::Dailies;
use rushes::{Done, Job};
use rushes_core::ErrorKind;
use rushes_core::deliver::{AtomicFile, Existing, write_whole};
use rushes_core::media::Digest;
use rushes_core::run::CancellationToken;
use rushes_core::storage::{Presence, exists, is_folder, list, read_whole};
use rushes_testcard::{Card, CardSpec};

use crate::server::Server;

static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let server = Server::start();
    rushes_storage::register_as(server.cloud());
    server
});

/// Copies a folder into the bucket.
fn upload(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            upload(&entry.path(), &to);
        } else {
            write_whole(&to, false, &std::fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

fn outputs(done: &Done) -> BTreeMap<String, (u64, Digest)> {
    for unit in &done.report.units {
        assert_eq!(unit.outcome, Outcome::Done, "{}: {:?}", unit.unit, unit.findings);
    }
    done.report.outputs().map(|o| (o.path.clone(), (o.bytes, o.digest.clone()))).collect()
}

fn recipe(look: PathBuf) -> Dailies {
    Dailies { exr: "zip".into(), on_bad_frame: "hold".into(), cdl: Some(look), ..Dailies::default() }
}

const LOOK: &str = "<ColorCorrection id=\"a\"><SOPNode><Slope>1.1 1 1</Slope><Offset>0 0 0</Offset>\
                    <Power>1 1 1</Power></SOPNode></ColorCorrection>";

/// A card on a disk and in the bucket.
fn cards(name: &str) -> (tempfile::TempDir, PathBuf, PathBuf) {
    assert!(SERVER.root.is_dir());
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("card");
    Card::write(&local, CardSpec::tiny()).unwrap();
    std::fs::write(folder.path().join("look.cc"), LOOK).unwrap();
    // The database of a ledger lies in scratch by the name of the folder, and outlives a test.
    let unlike_any = folder.path().file_name().unwrap().to_str().unwrap().trim_start_matches('.');
    let remote = PathBuf::from(format!("s3://reels/{name}-{unlike_any}"));
    upload(folder.path(), &remote);
    (folder, local, remote)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_from_bucket_to_bucket_makes_the_bytes_that_a_job_on_disks_makes_and_makes_them_once() {
    let (folder, card, bucket) = cards("whole");
    let here = Job::new(recipe(folder.path().join("look.cc")).workflow(), &card, folder.path().join("out"));
    let here = here.run().await.unwrap();
    let out = bucket.join("out");
    let job = || Job::new(recipe(bucket.join("look.cc")).workflow(), bucket.join("card"), &out);
    let there = job().run().await.unwrap();
    let made = outputs(&there);
    assert!(made.len() > 10, "{made:?}");
    assert_eq!(made, outputs(&here), "the same files with the same digests");
    for (path, (bytes, _)) in &made {
        let there = read_whole(&out.join(path), 1 << 30).unwrap();
        assert!(there == std::fs::read(folder.path().join("out").join(path)).unwrap(), "{path}");
        assert_eq!(there.len() as u64, *bytes);
    }
    for beside in ["manifest.json", "lineage.json", "report/index.html"] {
        assert!(exists(&out.join(beside)).unwrap(), "{beside}");
    }
    assert!(list(&out.join("report/pictures"), 99).unwrap().iter().any(|e| e.name.ends_with(".jpg")));
    let codes = |done: &Done| {
        let mut codes: Vec<_> = done.report.findings.iter().map(|f| f.code.clone()).collect();
        codes.retain(|c| c != "already-done");
        codes.sort();
        codes
    };
    assert_eq!(codes(&there), codes(&here));
    let path = out.join(made.keys().next().unwrap());
    let traced = trace(&path).unwrap();
    assert_eq!(traced.now, Checked::Same);
    assert!(!traced.from.is_empty() && traced.from.iter().all(|f| f.now == Checked::Same));
    let verdict = rushes::verify::Against::find(&out).unwrap().compare(&Default::default(), true).unwrap();
    assert!(verdict.agrees() && verdict.files.len() > made.len(), "{}", verdict.words());

    // Nothing of the first run is left on this machine: what stands is known from the folder alone.
    let forget = || {
        let name = Digest::xxh64(out.as_os_str().as_encoded_bytes());
        std::fs::remove_dir_all(rushes_core::storage::scratch().join(format!("rushes-ledger-{}", name.hex()))).unwrap();
    };
    forget();
    let kept = SERVER.root.join(out.strip_prefix("s3://reels").unwrap());
    let stamp = |p: &str| std::fs::metadata(kept.join(p)).unwrap().modified().unwrap();
    let before: Vec<_> = made.keys().map(|p| stamp(p)).collect();
    let again = job().run().await.unwrap();
    assert_eq!(outputs(&again), made);
    assert!(again.report.units.iter().all(|u| u.ran_on.starts_with("cache of")), "{:?}", again.report.units);
    assert_eq!(made.keys().map(|p| stamp(p)).collect::<Vec<_>>(), before, "nothing was put again");

    // One that is lost is made again, and no other.
    let lost = made.keys().next().unwrap();
    std::fs::remove_file(kept.join(lost)).unwrap();
    assert_eq!(outputs(&job().run().await.unwrap()), made);
    let after: Vec<_> = made.keys().map(|p| stamp(p)).collect();
    assert_eq!(after.iter().zip(&before).filter(|(a, b)| a != b).count(), 1);
    forget();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_is_run_from_bucket_to_bucket_by_a_worker_that_knows_nothing_else() {
    let (_folder, _, bucket) = cards("unit");
    let out = bucket.join("out");
    let job =
        Job::new(Dailies { on_bad_frame: "hold".into(), ..Dailies::default() }.workflow(), bucket.join("card"), &out);
    let (_, plan) = job.plan().await.unwrap();
    for unit in plan.units() {
        let unit = rushes::core::plan::Unit::from_json(&unit.to_json().unwrap()).unwrap();
        let cx = RunContext { cancel: CancellationToken::new(), events: Events::none(), budget: Budget::unlimited() };
        let local = rushes::backends::local::LocalExecutor::new(rushes::registry());
        let report = local.run(&unit, &cx).await;
        assert_eq!(report.outcome, Outcome::Done, "{:?}", report.findings);
        let mut presence = Presence::new(&out);
        assert!(report.outputs.iter().all(|o| presence.has(&o.path).unwrap()), "{:?}", report.outputs);
        let refused = local.run(&unit, &cx).await;
        let Outcome::Failed(e) = refused.outcome else { panic!("{:?}", refused.outcome) };
        assert!(format!("{e:?}").contains("exists already"), "{e:?}");
    }
    assert!(is_folder(&out).unwrap());
}

#[tokio::test]
async fn outputs_inside_the_card_are_refused_in_a_bucket_too() {
    let (_folder, _, bucket) = cards("inside");
    let out = bucket.join("card/out").to_str().unwrap().to_owned();
    for out in [out.clone(), out.replace("s3:", "s3a:"), out.replace("s3:", "S3:")] {
        let e = Job::new(Dailies::default().workflow(), bucket.join("card"), &out).run().await.unwrap_err();
        assert!(e.to_string().contains("inside the card"), "{out}: {e}");
    }
}

#[test]
fn two_that_deliver_one_output_at_once_agree_or_one_is_refused() {
    let (_folder, _, bucket) = cards("raced");
    let race = |name: &str, existing: Existing, contents: [&'static [u8]; 2]| {
        let (barrier, path) = (Arc::new(Barrier::new(2)), bucket.join(name));
        let writers: Vec<_> = contents
            .into_iter()
            .map(|bytes| {
                let (barrier, path) = (Arc::clone(&barrier), path.clone());
                std::thread::spawn(move || {
                    let mut file = AtomicFile::create(&path, existing).unwrap();
                    file.append(bytes).unwrap();
                    barrier.wait();
                    file.persist().map_err(|e| e.kind())
                })
            })
            .collect();
        writers.into_iter().map(|w| w.join().unwrap()).collect::<Vec<_>>()
    };
    let shared = Existing::Shared { replace: false };
    for (i, existing) in [Existing::Refuse, shared].into_iter().enumerate() {
        let came = race(&format!("other-{i}"), existing, [b"one", b"two"]);
        assert_eq!(came.iter().filter(|c| c.is_ok()).count(), 1, "{came:?}");
        assert!(came.contains(&Err(ErrorKind::AlreadyExists)), "{came:?}");
    }
    let came = race("same", shared, [b"same", b"same"]);
    assert!(came[0].is_ok() && came[0] == came[1], "{came:?}");
    let came = race("replaced", Existing::Shared { replace: true }, [b"one", b"two"]);
    assert!(came.iter().all(Result::is_ok), "{came:?}");
}

#[test]
fn what_needs_a_disk_says_so() {
    let (_folder, _, bucket) = cards("disk");
    let e = rushes::custody::offload::Offload::new(bucket.join("card")).to("/nowhere").preflight().err().unwrap();
    assert!(e.to_string().contains("an offload needs files of this machine"), "{e}");
    let e = rushes::custody::mhl::Histories::open(&bucket.join("card")).err().unwrap();
    assert!(e.to_string().contains("needs files of this machine"), "{e}");
}
