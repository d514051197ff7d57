//! `worker`, `submit`, `status`, `cancel` against a real Temporal server: the same workflow, the same bytes, the same manifest as on
//! one machine.
#![cfg(unix)]

#[path = "../../backends/temporal/tests/support/temporal.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the tests of the backend")]
mod temporal;

#[cfg(feature = "cloud")]
#[path = "../../storage/tests/s3/server.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the tests of the storage")]
mod server;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rushes_testcard::{Card, CardSpec};
use temporal::TestServer;

fn rushes(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rushes"));
    command.args(args).stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    rushes(args).output().unwrap()
}

fn well(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A process that ends with the test.
struct Worker(Child);

impl Worker {
    fn start(server: &str, args: &[&str]) -> Self {
        Self(rushes(&[&["worker", "--server", server, "--grace", "1"], args].concat()).spawn().unwrap())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Every file below `out`, but for what is kept for later runs and the page, which has a date.
fn files(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![out.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()) {
            let name = path.strip_prefix(out).unwrap().to_str().unwrap().to_owned();
            if !path.is_dir() {
                files.insert(name, std::fs::read(path).unwrap());
            } else if name != ".rushes" && name != "report" {
                folders.push(path);
            }
        }
    }
    files
}

/// A workflow file, run on one machine and submitted to the fleet; `picture` is what the workflow is made of.
fn same_as_alone(server: &str, card: &Path, folder: &Path, picture: &[&str], options: &[&str]) {
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (card, alone, fleet) = (text(card), folder.join("alone"), folder.join("fleet"));
    let workflow = text(&folder.join("dailies.toml"));
    let written = well(&run(&[&["plan", "dailies", &card, "--format", "workflow"][..], picture].concat()));
    std::fs::write(&workflow, written).unwrap();
    well(&run(&[&["run", &workflow, &card, "--out", &text(&alone)][..], options].concat()));
    let submit = ["submit", "--server", server, "--engine", "temporal", "--heartbeat", "3", "--show-name", "test"];
    let job = [workflow.as_str(), &card, "--out", &text(&fleet)];
    let order = well(&run(&[&submit[..], &job, options].concat())).trim().to_owned();
    let status = well(&run(&["status", &order, "--server", server, "--json"]));
    assert!(status.contains("\"state\":\"done\"") && status.contains("\"units_failed\":0"), "{status}");
    let (alone, fleet) = (files(&alone), files(&fleet));
    assert_eq!(alone.keys().collect::<Vec<_>>(), fleet.keys().collect::<Vec<_>>());
    assert!(alone.contains_key("manifest.json"));
    for (name, bytes) in &alone {
        assert!(*bytes == fleet[name], "{name} differs");
    }
}

#[test]
fn a_fleet_makes_the_files_and_the_manifest_of_one_machine() {
    let Some(server) = TestServer::start() else { return };
    let address = server.address();
    let _workers = [
        Worker::start(&address, &["--queue", "orchestrate"]),
        Worker::start(&address, &["--queue", "cpu", "--threads", "1"]),
        // Each unit in a process of its own.
        Worker::start(&address, &["--queue", "cpu", "--threads", "1", "--apart"]),
    ];
    let folder = tempfile::tempdir().unwrap();
    let card = Card::write(&folder.path().join("card"), CardSpec::tiny()).unwrap();
    let picture = ["--exr", "zip", "--on-bad-frame", "hold"];
    same_as_alone(&address, &card.root, folder.path(), &picture, &["--frames-per-unit", "5"]);

    let footage = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/footage/raw/cinemadng-seq-derived");
    if !footage.is_dir() {
        eprintln!("NOT TESTED: the real footage is not beside the checkout: {}", footage.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    same_as_alone(&address, &footage.canonicalize().unwrap(), folder.path(), &[], &["--frames-per-unit", "4"]);
}

/// Workers that have nothing but a folder for scratch, and the variables that say where the bucket is.
#[cfg(feature = "cloud")]
#[test]
fn a_fleet_works_from_bucket_to_bucket_with_no_disk_but_scratch() {
    let Some(temporal) = TestServer::start() else { return };
    let (address, bucket) = (temporal.address(), server::Server::start());
    let folder = tempfile::tempdir().unwrap();
    let card = Card::write(&folder.path().join("card"), CardSpec::tiny()).unwrap();
    let copied = Command::new("cp").arg("-r").args([&card.root, &bucket.root]).status().unwrap();
    assert!(copied.success());
    let (empty, scratch) = (folder.path().join("empty"), folder.path().join("scratch"));
    for path in [&empty, &scratch] {
        std::fs::create_dir(path).unwrap();
    }
    let alone = |args: &[&str]| {
        let mut command = rushes(args);
        command.env_clear().envs(bucket.vars()).env("RUSHES_SCRATCH", &scratch).current_dir(&empty);
        command
    };
    let worker = |queue| {
        let args = ["worker", "--server", &address, "--grace", "1", "--threads", "1", "--queue", queue];
        Worker(alone(&args).spawn().unwrap())
    };
    let _workers = [worker("orchestrate"), worker("cpu"), worker("cpu")];
    let options = ["--exr", "zip", "--on-bad-frame", "hold", "--frames-per-unit", "5"];
    let here = folder.path().join("here");
    well(&run(&[&["dailies", card.root.to_str().unwrap(), "--out", here.to_str().unwrap()][..], &options].concat()));
    let submit = ["submit", "dailies", "s3://reels/card", "--out", "s3://reels/out", "--server", &address];
    well(&alone(&[&submit[..], &["--heartbeat", "3"], &options].concat()).output().unwrap());

    let (here, there) = (files(&here), files(&bucket.root.join("out")));
    assert_eq!(here.keys().collect::<Vec<_>>(), there.keys().collect::<Vec<_>>());
    // These name the camera files, which lie elsewhere.
    let named = ["manifest.json", "lineage.json"];
    for (name, bytes) in here.iter().filter(|(name, _)| !named.contains(&name.as_str())) {
        assert!(*bytes == there[name], "{name} differs");
    }
    let outputs = |files: &BTreeMap<String, Vec<u8>>| {
        let manifest: serde_json::Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
        manifest["outputs"].clone()
    };
    assert!(outputs(&here).as_array().is_some_and(|o| !o.is_empty()));
    assert_eq!(outputs(&here), outputs(&there));
    assert_eq!(std::fs::read_dir(&empty).unwrap().count(), 0);
    let left = std::fs::read_dir(&scratch)
        .unwrap()
        .filter(|e| e.as_ref().unwrap().file_name().to_str().unwrap().ends_with("rushes-part"));
    assert_eq!(left.count(), 0);
}

/// A worker that is given nothing for its class would refuse its units, or compute them on CPUs.
#[test]
fn a_worker_has_what_its_class_is_for() {
    for class in ["gpu", "filmlight"] {
        let refused = run(&["worker", "--queue", "cpu", "--queue", class]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(1) && said.contains(&format!("`{class}`")), "{said}");
    }
}

#[test]
fn an_order_is_watched_and_cancelled_from_elsewhere() {
    let Some(server) = TestServer::start() else { return };
    let address = server.address();
    let folder = tempfile::tempdir().unwrap();
    let card = Card::write(&folder.path().join("card"), CardSpec::tiny()).unwrap();
    let out: PathBuf = folder.path().join("out");
    // Nobody runs units, so that it waits.
    let _orchestrates = Worker::start(&address, &["--queue", "orchestrate"]);
    let submit = ["submit", "--server", &address, "--detach", "--out", out.to_str().unwrap(), "--exr", "zip"];
    let submit = [&submit[..], &["plates", card.root.to_str().unwrap(), "--on-bad-frame", "hold"]].concat();
    let order = well(&run(&submit)).trim().to_owned();
    // The same job is the same order.
    assert_eq!(well(&run(&submit)).trim(), order);
    let until = |word: &str| {
        let since = Instant::now();
        loop {
            let told = run(&["status", &order, "--server", &address]);
            let told = String::from_utf8_lossy(&told.stdout).into_owned();
            if told.starts_with(word) {
                return told;
            }
            assert!(since.elapsed() < Duration::from_secs(60), "it is not {word}: {told}");
            std::thread::sleep(Duration::from_millis(200));
        }
    };
    until("running");
    well(&run(&["cancel", &order, "--server", &address, "--reason", "enough"]));
    assert!(until("cancelled").contains("0 units done"));
    assert!(out.join("manifest.json").is_file());

    let unknown = run(&["status", "0123", "--server", &address]);
    assert!(!unknown.status.success());
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("knows no order `0123`"));
    let nobody = run(&["status", &order, "--server", "127.0.0.1:1"]);
    let said = String::from_utf8_lossy(&nobody.stderr).into_owned();
    assert!(!nobody.status.success() && said.contains("connecting to the Temporal server at 127.0.0.1:1"), "{said}");
}
