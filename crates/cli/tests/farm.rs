//! Orders for render farms, as their hosts run them: one process a task.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rushes_testcard::{Card, CardSpec};
use serde_json::Value;

fn rushes(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rushes")).args(args).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn told(o: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&o.stdout), String::from_utf8_lossy(&o.stderr))
}

/// The arguments of a step's command, with parameters put in.
fn args(step: &Value, order: &str, frames: &str) -> Vec<String> {
    let args = step["script"]["actions"]["onRun"]["args"].as_array().unwrap();
    let put = |a: &Value| a.as_str().unwrap().replace("{{Param.Order}}", order).replace("{{Task.Param.Frame}}", frames);
    args.iter().map(put).collect()
}

#[test]
fn the_tasks_of_a_template_make_what_a_run_makes() {
    let folder = tempfile::tempdir().unwrap();
    let card = Card::write(&folder.path().join("card"), CardSpec::tiny()).unwrap();
    let root = text(&card.root).to_owned();
    let (run, out) = (folder.path().join("run"), folder.path().join("out"));
    let options = ["--exr", "zip", "--on-bad-frame", "hold", "--frames-per-unit", "5", "--threads", "2"];
    let ran = rushes(&[&["plates", &root, "--out", text(&run)][..], &options].concat());
    assert!(ran.status.success(), "{}", told(&ran));

    let on_card = card.root.join("t.json");
    let template = out.join("t.json");
    let export = |to: &Path| {
        rushes(
            &[&["export", "openjd", "plates", &root, "--out", text(&out), "--template", text(to)][..], &options]
                .concat(),
        )
    };
    for (to, why) in [(&on_card, "would lie on the card"), (&out.join("t.txt"), ".json or .yaml")] {
        let refused = export(to);
        assert!(refused.status.code() == Some(1) && told(&refused).contains(why), "{}", told(&refused));
        assert!(!to.exists());
    }
    let exported = export(&template);
    assert!(exported.status.success() && told(&exported).contains("openjd run"), "{}", told(&exported));
    let json: Value = serde_json::from_slice(&std::fs::read(&template).unwrap()).unwrap();
    let yaml = out.join("t.yaml");
    assert!(export(&yaml).status.success());
    assert!(std::fs::read_to_string(&yaml).unwrap().starts_with("specificationVersion: jobtemplate-2023-09\n"));

    let order = out.join(json["parameterDefinitions"][0]["default"].as_str().unwrap());
    let (finish, clips) = json["steps"].as_array().unwrap().split_last().unwrap();
    assert_eq!(clips.len(), 2);
    for step in clips {
        assert_eq!(step["parameterSpace"]["taskParameterDefinitions"][0]["range"], "0-7");
        for frames in ["4-7", "0-3"] {
            let args = args(step, text(&order), frames);
            let task = rushes(&args.iter().map(String::as_str).collect::<Vec<_>>());
            let lines = String::from_utf8_lossy(&task.stdout).into_owned();
            assert!(task.status.success(), "{}", told(&task));
            assert!(
                lines.lines().all(|l| l.starts_with("openjd_progress: ") || l.starts_with("openjd_status: ")),
                "{lines}"
            );
            assert!(lines.contains("openjd_progress: 25\n") && lines.contains("openjd_progress: 100\n"), "{lines}");
        }
    }
    let args = args(finish, text(&order), "");
    let finished = rushes(&args.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(finished.status.success(), "{}", told(&finished));
    assert!(told(&finished).contains("openjd_status: 4 of 4 units done: 16 frames"), "{}", told(&finished));
    for name in ["manifest.json", "lineage.json"] {
        let read = |out: &Path| std::fs::read_to_string(out.join(name)).unwrap();
        assert_eq!(read(&run), read(&out), "{name}");
    }
    assert!(rushes(&["verify", text(&out)]).status.success());

    // What makes no sense says so, to the farm as well.
    let wrong = rushes(&["run-unit", "--openjd", "--order", text(&order), "--clip", "7", "--frames=0-3"]);
    assert!(wrong.status.code() == Some(1) && told(&wrong).contains("openjd_fail: "), "{}", told(&wrong));
    assert_eq!(rushes(&["run-unit", "--order", text(&order)]).status.code(), Some(2));
    assert_eq!(rushes(&["run-unit"]).status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn a_task_that_is_cancelled_ends_cleanly_and_goes_on_later() {
    let folder = tempfile::tempdir().unwrap();
    let spec = CardSpec { width: 480, height: 270, frames: 48, ..CardSpec::default() };
    let card = Card::write(&folder.path().join("card"), spec).unwrap();
    let (out, clip) = (folder.path().join("out"), text(&card.clips[0].folder).to_owned());
    let template = out.join("t.json");
    let exported = rushes(&[
        "export",
        "openjd",
        "plates",
        &clip,
        "--exr",
        "zip",
        "--out",
        text(&out),
        "--template",
        text(&template),
    ]);
    assert!(exported.status.success(), "{}", told(&exported));
    let order = std::fs::read_dir(out.join(".rushes/orders")).unwrap().next().unwrap().unwrap().path();
    let plates = || std::fs::read_dir(out.join("plates").join(&card.clips[0].name)).map_or(0, Iterator::count);
    let task = ["run-unit", "--openjd", "--order", text(&order), "--clip", "0", "--frames=0-40", "--threads", "1"];
    let mut child = Command::new(env!("CARGO_BIN_EXE_rushes"))
        .args(task)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while plates() < 4 && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let leftovers = Command::new("find").arg(&out).args(["-name", "*rushes-part*"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&leftovers.stdout), "");
    let before = plates();
    assert!(before < 41, "it was too late");

    let again = rushes(&task);
    assert!(again.status.success(), "{}", told(&again));
    // What stood was not made again.
    let first = String::from_utf8_lossy(&again.stdout).lines().filter(|l| l.starts_with("openjd_progress")).count();
    assert!(first <= 41 - before + 1, "{}", told(&again));
    assert_eq!(plates(), 41);
    let finished = rushes(&["finish", "--order", text(&order)]);
    assert!(finished.status.success() && plates() == 48, "{}", told(&finished));
    assert!(rushes(&["verify", text(&out)]).status.success());
}

/// Without programs to run.
fn bare(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rushes")).args(args).env("PATH", "").output().unwrap()
}

#[test]
fn an_output_that_this_machine_cannot_make_is_left_to_those_that_make_the_order() {
    let folder = tempfile::tempdir().unwrap();
    let card = Card::write(&folder.path().join("card"), CardSpec::tiny()).unwrap();
    let out = folder.path().join("out");
    let options = ["--exr", "zip", "--on-bad-frame", "hold", "--proxy-codec", "ffmpeg:dnxhd -profile:v dnxhr_lb"];
    let of = |what: &[&'static str]| {
        let all = [what, &["dailies", text(&card.root), "--out", text(&out)], &options];
        told(&bare(&all.concat()))
    };
    // A run here leaves it out, and says so.
    assert!(of(&["plan"]).contains("no program `ffmpeg`"));
    let template = out.join("t.json");
    let exported = of(&["export", "openjd", "--template", text(&template).to_owned().leak()]);
    assert!(!exported.contains("no program `ffmpeg`"), "{exported}");
    let order = std::fs::read_dir(out.join(".rushes/orders")).unwrap().next().unwrap().unwrap().path();
    // Who finishes it here fails, rather than to leave the movies out of what was ordered.
    let finished = bare(&["finish", "--order", text(&order)]);
    assert!(
        finished.status.code() == Some(1) && told(&finished).contains("no program `ffmpeg`"),
        "{}",
        told(&finished)
    );
    let units = std::fs::read_dir(order.join("clips")).unwrap().map(|f| std::fs::read_to_string(f.unwrap().path()));
    assert!(units.map(Result::unwrap).filter(|t| t.contains("\"units\"")).all(|t| t.contains("dnxhr_lb")));
}

#[test]
fn two_processes_at_one_unit_make_its_files_once() {
    let folder = tempfile::tempdir().unwrap();
    let spec = CardSpec { width: 480, height: 270, frames: 24, ..CardSpec::default() };
    let card = Card::write(&folder.path().join("card"), spec).unwrap();
    let clip = text(&card.clips[0].folder).to_owned();
    let alone = folder.path().join("alone");
    let ran = rushes(&["dailies", &clip, "--exr", "zip", "--out", text(&alone)]);
    assert!(ran.status.success(), "{}", told(&ran));
    for time in 0..3 {
        let out = folder.path().join(format!("out-{time}"));
        let template = out.join("t.json");
        let exported = ["export", "openjd", "dailies", &clip, "--exr", "zip", "--out", text(&out), "--template"];
        assert!(rushes(&[&exported[..], &[text(&template)]].concat()).status.success());
        let order = std::fs::read_dir(out.join(".rushes/orders")).unwrap().next().unwrap().unwrap().path();
        let task = ["run-unit", "--order", text(&order), "--clip", "0", "--threads", "1"];
        let both: Vec<_> = (0..2)
            .map(|_| Command::new(env!("CARGO_BIN_EXE_rushes")).args(task).stdout(Stdio::piped()).spawn().unwrap())
            .collect();
        for child in both {
            let ended = child.wait_with_output().unwrap();
            assert!(ended.status.success(), "{}", told(&ended));
        }
        let finished = rushes(&["finish", "--order", text(&order)]);
        assert!(finished.status.success(), "{}", told(&finished));
        for name in ["manifest.json", "lineage.json"] {
            let read = |out: &Path| std::fs::read_to_string(out.join(name)).unwrap();
            assert_eq!(read(&alone), read(&out), "{name}");
        }
        assert!(rushes(&["verify", text(&out)]).status.success());
        let leftovers = Command::new("find").arg(&out).args(["-name", "*rushes-part*"]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&leftovers.stdout), "");
    }
}
