//! The commands that copy, record and verify, and signals.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rushes_testcard::{Card, CardSpec};
use serde_json::Value;

fn rushes(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rushes")).args(args).output().unwrap()
}

fn said(o: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&o.stdout), String::from_utf8_lossy(&o.stderr))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_card_is_copied_recorded_and_verified() {
    let folder = tempfile::tempdir().unwrap();
    let card = Card::write(&folder.path().join("card"), CardSpec::tiny()).unwrap();
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    let offload = || {
        let args =
            ["offload", text(&card.root), "--to", text(&a), "--to", text(&b), "--hash", "xxh64,md5", "--name", "A001"];
        rushes(&args)
    };
    let copied = offload();
    assert!(copied.status.success(), "{}", said(&copied));
    assert!(said(&copied).contains("complete"), "{}", said(&copied));
    for copy in [a.join("A001"), b.join("A001")] {
        assert_eq!(std::fs::read_dir(copy.join("ascmhl")).unwrap().count(), 2, "a manifest and the chain");
        let verified = rushes(&["verify", text(&copy)]);
        assert!(verified.status.success() && said(&verified).contains("verified"), "{}", said(&verified));
    }
    // Again: nothing to do, and no generation for nothing.
    assert!(offload().status.success());
    assert_eq!(std::fs::read_dir(a.join("A001/ascmhl")).unwrap().count(), 2);
    let verified = rushes(&["verify", text(&a.join("A001.rushes-offload.json")), "--json"]);
    let verdict: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert!(verdict["files"].as_array().unwrap().iter().all(|f| f["is"] == "verified"), "{verdict}");

    // One byte.
    let frame = a.join("A001").join(card.clips[0].path(2).strip_prefix(&card.root).unwrap());
    let mut bytes = std::fs::read(&frame).unwrap();
    bytes[5000] ^= 1;
    std::fs::write(&frame, bytes).unwrap();
    let verified = rushes(&["verify", text(&a.join("A001"))]);
    assert_eq!(verified.status.code(), Some(3));
    assert!(said(&verified).contains("hash-mismatch") && said(&verified).contains("1 changed"), "{}", said(&verified));
    assert!(rushes(&["mhl", "diff", text(&a.join("A001"))]).status.success(), "names are as they were");
    let appended = rushes(&["mhl", "create", text(&a.join("A001"))]);
    assert_eq!(appended.status.code(), Some(3), "{}", said(&appended));
    let info = rushes(&["mhl", "info", text(&a.join("A001"))]);
    assert!(said(&info).contains("0001 transfer") && said(&info).contains("0002 in-place"), "{}", said(&info));

    // The run on the damaged copy says so, and its report too.
    let clip = text(frame.parent().unwrap().parent().unwrap());
    let out = folder.path().join("out");
    let run = rushes(&["plates", text(&a.join("A001")), "--exr", "zip", "--on-bad-frame", "hold", "--out", text(&out)]);
    assert!(said(&run).contains("hash-mismatch"), "{clip}: {}", said(&run));
    let page = std::fs::read_to_string(out.join("report/index.html")).unwrap();
    assert!(page.contains("hash-mismatch") && page.contains("ASC MHL history"));
    let outputs = rushes(&["verify", text(&out), "--inputs"]);
    assert!(outputs.status.success(), "{}", said(&outputs));
    let list = rushes(&["mhl", "flatten", text(&b.join("A001")), "--out", text(&folder.path().join("lists"))]);
    let list = String::from_utf8(list.stdout).unwrap();
    assert!(list.trim().ends_with(".mhl") && Path::new(list.trim()).is_file(), "{list}");
}

#[test]
fn what_cannot_be_compared_or_copied_is_said() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.txt"), b"x").unwrap();
    for (args, why) in [
        (vec!["verify", "nowhere"], "No such file"),
        (vec!["verify", text(folder.path())], "nothing here says which digests"),
        (vec!["verify", text(&folder.path().join("x.txt"))], "it is no list of digests"),
        (vec!["mhl", "diff", text(folder.path())], "no ASC MHL history"),
        (vec!["mhl", "create", text(folder.path()), "--hash", "crc32"], "`crc32` is not a hash algorithm"),
        (vec!["offload", text(folder.path()), "--to", text(folder.path())], "nothing was copied"),
    ] {
        let o = rushes(&args);
        assert!(!o.status.success() && said(&o).contains(why), "{args:?}: {}", said(&o));
    }
}

/// Interrupted or terminated, a run ends within a frame or so, leaves nothing half-written, and goes
/// on where it was.
#[cfg(unix)]
#[test]
fn signals_end_a_run_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let card = Card::write(
        &folder.path().join("card"),
        CardSpec { width: 480, height: 270, frames: 48, ..CardSpec::default() },
    )
    .unwrap();
    let clip = text(&card.clips[0].folder).to_owned();
    let out = folder.path().join("out");
    let run = || {
        let mut c = Command::new(env!("CARGO_BIN_EXE_rushes"));
        c.args(["plates", &clip, "--threads", "1", "--exr", "zip", "--out", text(&out)]);
        c.stdout(Stdio::null()).stderr(Stdio::null());
        c
    };
    let plates = || std::fs::read_dir(out.join("plates").join(&card.clips[0].name)).map_or(0, Iterator::count);
    for signal in ["-INT", "-TERM"] {
        let (before, begun) = (plates(), Instant::now());
        let mut child = run().spawn().unwrap();
        while plates() < before + 4 && begun.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(2));
        }
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal}");
        let leftovers = Command::new("find").arg(&out).args(["-name", "*rushes-part*"]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&leftovers.stdout), "", "{signal}");
        assert!(plates() < 48, "it was too late for {signal}");
    }
    assert!(run().status().unwrap().success());
    assert_eq!(plates(), 48);
    assert!(rushes(&["verify", text(&out)]).status.success());
}
