//! The command as its users see it: answers, exit codes, and what is left when it is killed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime};

use rushes_testcard::{Card, CardSpec};
use serde_json::Value;

fn rushes(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rushes")).args(args).output().unwrap()
}

fn stderr(o: &Output) -> String {
    String::from_utf8_lossy(&o.stderr).into_owned()
}

fn card(folder: &Path) -> Card {
    Card::write(&folder.join("card"), CardSpec::tiny()).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_unit_runs_in_a_process_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let card = card(folder.path());
    let (units, out) = (folder.path().join("units"), folder.path().join("out"));
    let clip = text(&card.clips[0].folder);
    let planned =
        rushes(&["plan", "plates", clip, "--units", text(&units), "--out", text(&out), "--frames-per-unit", "3"]);
    assert!(planned.status.success(), "{}", stderr(&planned));
    let mut files: Vec<_> = std::fs::read_dir(&units).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 3);

    // By URI, as those do who have no folder in common.
    let ran = rushes(&["run-unit", &format!("file://{}", text(&files[1]))]);
    assert!(ran.status.success(), "{}", stderr(&ran));
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(report["outcome"], "done");
    assert_eq!(report["frames"], 3);
    assert_eq!(report["outputs"].as_array().unwrap().len(), 3);

    // Again: its outputs are in the way, and it says so in the report and by its exit code.
    let again = rushes(&["run-unit", text(&files[1])]);
    assert_eq!(again.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!((&report["outcome"], &report["kind"]), (&"failed".into(), &"already-exists".into()));

    std::fs::write(&files[0], "{ \"format\": 99 }").unwrap();
    let wrong = rushes(&["run-unit", text(&files[0])]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(stderr(&wrong).contains("this build reads format 1"), "{}", stderr(&wrong));
}

#[test]
fn a_workflow_that_asks_a_server_says_which_option_names_one() {
    let folder = tempfile::tempdir().unwrap();
    let workflow = folder.path().join("w.toml");
    let stage = "version = 1\nname = \"w\"\n[[stage]]\nstage = \"ingest\"\n[[stage]]\nstage = \"filmlight-inspect\"\nfrom = \"ingest\"\n";
    std::fs::write(&workflow, stage).unwrap();
    for command in ["run", "plan"] {
        let said = rushes(&[command, text(&workflow), text(folder.path())]);
        assert_eq!(said.status.code(), Some(1));
        assert!(stderr(&said).contains("name one with --filmlight"), "{}", stderr(&said));
    }
}

#[test]
fn devices_are_listed_or_it_is_said_what_to_build() {
    let said = rushes(&["devices"]);
    if cfg!(feature = "gpu") {
        let listed = String::from_utf8_lossy(&said.stdout).into_owned();
        assert!(said.status.success() && listed.contains("programs: "), "{listed}{}", stderr(&said));
        assert!(listed.contains("linearize") && listed.contains("MiB"), "{listed}");
    } else {
        assert_eq!(said.status.code(), Some(1));
        assert!(stderr(&said).contains("--features gpu"), "{}", stderr(&said));
    }
}

#[test]
fn inspect_and_schema_print_json() {
    let folder = tempfile::tempdir().unwrap();
    let card = card(folder.path());
    let seen = rushes(&["inspect", text(&card.root), "--json"]);
    let batch: Value = serde_json::from_slice(&seen.stdout).unwrap();
    assert_eq!(batch["clips"].as_array().unwrap().len(), 2);
    assert_eq!(batch["clips"][0]["metadata"]["reel"]["value"], "A001");
    assert!(batch["clips"][0]["metadata"]["reel"]["origin"]["tag"].as_str().unwrap().contains("ReelName"));
    assert_eq!(seen.status.code(), Some(1), "the gap is an error until a policy says otherwise");
    for of in ["clip", "workflow", "unit"] {
        let schema: Value = serde_json::from_slice(&rushes(&["schema", of]).stdout).unwrap();
        assert!(schema["properties"].is_object(), "{of}");
    }
}

#[test]
fn events_are_json_lines_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let card = card(folder.path());
    let out = folder.path().join("out");
    let ran = rushes(&["dailies", text(&card.clips[0].folder), "--out", text(&out), "--events"]);
    assert!(ran.status.success(), "{}", stderr(&ran));
    let lines: Vec<Value> =
        String::from_utf8(ran.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let names: Vec<_> = lines.iter().map(|l| l["event"].as_str().unwrap()).collect();
    assert_eq!(names.iter().filter(|n| **n == "frame-done").count(), 8);
    assert_eq!(names.first(), Some(&"stage-started"));
    assert_eq!(names.last(), Some(&"run-finished"));
}

#[test]
fn what_cannot_be_done_is_said_and_the_exit_code_says_it_too() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let workflow = folder.path().join("typo.toml");
    std::fs::write(&workflow, "version = 1\nname = \"x\"\n[[stage]]\nstage = \"ingst\"\n").unwrap();
    for (args, word) in [
        (vec!["dailies", "no/such/card", "--out", text(&out)], "check the path"),
        (vec!["dailies", text(&empty), "--out", text(&out)], "empty"),
        (vec!["run", text(&workflow), text(&empty), "--out", text(&out)], "did you mean `ingest`?"),
        (vec!["dailies", text(&empty), "--white", "blue"], "neutral=R,G,B"),
        (vec!["dailies", text(&empty), "--proxy-size", "big"], "1920x1080"),
        (vec!["dailies", text(&empty), "--cdl", "no.cc"], "no.cc"),
        (vec!["plates", text(&empty), "--cdl", "no.cc"], "plates carry no look"),
    ] {
        let o = rushes(&args);
        assert_eq!(o.status.code(), Some(1), "{args:?}");
        assert!(stderr(&o).contains(word), "{args:?}: {}", stderr(&o));
        assert!(!stderr(&o).contains("panicked"), "{}", stderr(&o));
    }
    assert_eq!(rushes(&["dailies"]).status.code(), Some(2));
}

/// Killed at any moment, nothing half-written stands under a final name; run again, only what is
/// missing is made, and the outputs are those of an undisturbed run.
#[cfg(unix)]
#[test]
fn killed_and_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let spec = CardSpec { width: 480, height: 270, frames: 48, ..CardSpec::default() };
    let card = Card::write(&folder.path().join("card"), spec).unwrap();
    let clip = text(&card.clips[0].folder).to_owned();
    let run = |out: &Path| {
        let mut c = Command::new(env!("CARGO_BIN_EXE_rushes"));
        c.args(["dailies", &clip, "--threads", "1", "--exr", "zip", "--out"]).arg(out);
        c.stdout(Stdio::null()).stderr(Stdio::null());
        c
    };
    let whole = folder.path().join("whole");
    assert!(run(&whole).status().unwrap().success());

    let cut = folder.path().join("cut");
    let plates = || -> BTreeMap<PathBuf, SystemTime> {
        let folder = std::fs::read_dir(cut.join("plates").join(&card.clips[0].name)).into_iter().flatten();
        let finished = folder.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "exr"));
        finished.map(|p| (p.clone(), p.metadata().unwrap().modified().unwrap())).collect()
    };
    for kill_after in [1, 6, 14] {
        let mut child = run(&cut).spawn().unwrap();
        let begun = Instant::now();
        while plates().len() < kill_after && begun.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!cut.join("proxies").join(format!("{}.mov", card.clips[0].name)).exists(), "it was killed too late");
        assert!(!cut.join("manifest.json").exists());
    }
    // What the last run but one had finished was written down by the last one at the latest.
    let kept = plates();
    assert!(kept.len() >= 14);
    assert!(run(&cut).status().unwrap().success());
    let after = plates();
    let again = kept.iter().filter(|(path, made)| after[*path] != **made).count();
    assert!(again < 14, "{again} of {} finished plates were made again", kept.len());
    for file in ["manifest.json", "lineage.json"] {
        // They hold the digests of all outputs.
        let text = |of: &Path| std::fs::read_to_string(of.join(file)).unwrap();
        assert_eq!(text(&whole), text(&cut));
    }
    let leftovers = Command::new("find").arg(&cut).args(["-name", "*rushes-part*"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&leftovers.stdout), "");

    // Finished: nothing to do, and it says so.
    let why = rushes(&["plan", "dailies", &clip, "--exr", "zip", "--out", text(&cut), "--why"]);
    assert!(String::from_utf8_lossy(&why.stdout).contains("files stand"), "{}", String::from_utf8_lossy(&why.stdout));
}

#[test]
fn proxies_alone_are_those_of_dailies() {
    let folder = tempfile::tempdir().unwrap();
    let card = card(folder.path());
    let clip = text(&card.clips[0].folder);
    let [both, alone] = ["dailies", "proxies"].map(|recipe| {
        let out = folder.path().join(recipe);
        let ran = rushes(&[recipe, clip, "--exr", "zip", "--scale-first", "--out", text(&out)]);
        assert!(ran.status.success(), "{}", stderr(&ran));
        out
    });
    assert!(both.join("plates").exists() && !alone.join("plates").exists());
    for kind in ["proxies", "stills"] {
        for file in std::fs::read_dir(both.join(kind)).unwrap() {
            let name = file.unwrap().file_name();
            let [one, other] = [&both, &alone].map(|out| std::fs::read(out.join(kind).join(&name)).unwrap());
            assert!(one == other, "{}", name.display());
        }
    }
}

#[test]
fn an_output_is_traced_and_a_change_of_mind_explained() {
    let folder = tempfile::tempdir().unwrap();
    let card = card(folder.path());
    let (clip, out) = (text(&card.clips[0].folder), folder.path().join("out"));
    let ran = rushes(&["plates", clip, "--exr", "zip", "--out", text(&out)]);
    assert!(ran.status.success(), "{}", stderr(&ran));
    let plate =
        std::fs::read_dir(out.join("plates").join(&card.clips[0].name)).unwrap().next().unwrap().unwrap().path();
    let traced = rushes(&["trace", text(&plate)]);
    let said = String::from_utf8_lossy(&traced.stdout).into_owned();
    assert!(traced.status.success() && said.contains("made of 1 camera file") && said.contains("as written"), "{said}");

    let why = |exposure: &str| {
        let args = ["plan", "plates", clip, "--exr", "zip", "--exposure", exposure, "--out", text(&out), "--why"];
        String::from_utf8(rushes(&args).stdout).unwrap()
    };
    assert!(why("0.5").contains("8 of 8 files: `exposure` of `input-transform` is 0.5, was 0"), "{}", why("0.5"));
    assert!(why("0").contains("all 8 files stand"), "{}", why("0"));

    std::fs::write(&plate, b"another").unwrap();
    let traced = rushes(&["trace", text(&plate)]);
    assert_eq!(traced.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&traced.stdout).contains("ALTERED"));
    assert!(stderr(&rushes(&["trace", clip])).contains("give a file that a run made"));
}

#[test]
fn outputs_are_the_same_bytes_with_whatever_vector_instructions() {
    let folder = tempfile::tempdir().unwrap();
    let card = card(folder.path());
    let clip = &card.clips[0];
    let cdl = text(clip.sidecar.as_deref().unwrap());
    let with = |level: &str, out: &Path| {
        let args = ["dailies", text(&clip.folder), "--out", text(out), "--cdl", cdl, "--proxy-size", "80x46"];
        Command::new(env!("CARGO_BIN_EXE_rushes")).args(args).env("RUSHES_SIMD", level).output().unwrap()
    };
    let plain = folder.path().join("plain");
    let done = with("plain", &plain);
    assert!(done.status.success(), "{}", stderr(&done));
    let unknown = with("avx9000", &folder.path().join("unknown"));
    assert!(!unknown.status.success());
    // The error says what this machine has.
    let said = stderr(&unknown);
    let (_, here) = said.trim_end().rsplit_once("this machine has ").unwrap();
    for level in here.split(", ").filter(|l| *l != "plain") {
        let out = folder.path().join(level);
        let done = with(level, &out);
        assert!(done.status.success(), "{level}: {}", stderr(&done));
        assert!(pictures(&plain).len() > 8);
        assert_eq!(pictures(&plain), pictures(&out), "{level}");
    }
}

/// Plates, proxies and stills, by where they lie.
fn pictures(out: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut waiting: Vec<PathBuf> = ["plates", "proxies", "stills"].map(|f| out.join(f)).to_vec();
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                all.insert(path.strip_prefix(out).unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    all
}

#[test]
fn a_production_is_simulated_for_several_numbers_of_workers() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let example = rushes(&["simulate", "--example"]);
    std::fs::write(at("own.toml"), &example.stdout).unwrap();
    let chain = |outputs: &[&str]| {
        serde_json::json!({
            "outputs": outputs, "core_seconds_per_megapixel": 0.02, "read_bytes_per_pixel": 1.5, "written_bytes_per_pixel": 3.5
        })
    };
    let chains = serde_json::json!({ "dailies-piz": chain(&["frames", "movie"]), "plates-piz": chain(&["frames"]) });
    let profile =
        serde_json::json!({ "measured": "by hand", "core_seconds_per_unit": 0.05, "parallel": 0.9, "chains": chains });
    std::fs::write(at("profile.json"), profile.to_string()).unwrap();
    let (profile, own, chart) = (at("profile.json"), at("own.toml"), at("chart.svg"));

    let asked = ["simulate", "--profile", text(&profile), "--scenario", text(&own), "--workers", "2,6"];
    let ran = rushes(&[&asked[..], &["--json", "--chart", text(&chart)]].concat());
    assert!(ran.status.success(), "{}", stderr(&ran));
    let told: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let turnover = |run: usize| {
        let all = told["runs"][run]["outcome"]["by_arrivals"].as_array().unwrap();
        all.iter().find(|t| t["of"] == "turnover").unwrap()["p99"].as_f64().unwrap()
    };
    assert!(turnover(1) < 0.6 * turnover(0), "{} {}", turnover(0), turnover(1));
    assert_eq!((&told["runs"][1]["workers"], &told["profile"]["parallel"]), (&6.into(), &0.9.into()));
    let svg = std::fs::read_to_string(&chart).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains(">turnover, 99 %<"), "{svg}");
    assert_eq!(rushes(&asked).stdout, rushes(&asked).stdout, "nothing comes by chance that the seed does not say");

    std::fs::write(at("profile.json"), "{ \"kernels\": [] }").unwrap();
    let old = rushes(&asked);
    assert_eq!(old.status.code(), Some(1));
    assert!(
        stderr(&old).contains("how many cores") && stderr(&old).contains("rushes bench --json"),
        "{}",
        stderr(&old)
    );
    assert_eq!(rushes(&["simulate"]).status.code(), Some(2));
}
