//! The whole folder, as a caller gets it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rushes_core::media::{ClipFormat, Finding, FrameRange, Origin, Rate, Sourced, Timecode};
use rushes_core::run::UnitReport;
use rushes_report::{ClipSection, Level, Link, Report, Still, Verified, write};
use serde_json::json;

/// Text that would run, break out of an attribute, or turn a line around.
const HOSTILE: &str = "</td><script>alert(1)</script>\"'><img src=x onerror=alert(2)>&\u{202e}\0";

fn sourced<T>(value: T, text: &str) -> Option<Sourced<T>> {
    Some(Sourced { value, origin: Origin { file: format!("{text}.dng").into(), tag: format!("IFD0:{text}") } })
}

fn unit(clip: &str, outcome: serde_json::Value) -> UnitReport {
    let mut unit = json!({
        "unit": format!("{clip}.0-3"), "clip": clip, "ran_on": "local", "attempts": 1, "frames": 4, "findings": [],
        "outputs": [
            {"role": "plate", "path": format!("plates/{clip}/a b#0.exr"), "bytes": 2_000_000, "digest": "xxh64:01", "frames": {"first": 0, "last": 0}},
            {"role": "plate", "path": format!("plates/{clip}/a b#1.exr"), "bytes": 2_000_000, "digest": "xxh64:02", "frames": {"first": 1, "last": 1}},
            {"role": "proxy", "path": format!("proxies/{clip}.mov"), "bytes": 512, "digest": "xxh64:03", "frames": {"first": 0, "last": 3}},
        ],
        "stage_ms": {"decode": 30.0, "debayer": 90.0}, "wall_ms": 100.0,
    });
    unit.as_object_mut().unwrap().extend(outcome.as_object().unwrap().clone());
    serde_json::from_value(unit).unwrap()
}

fn clip(name: &str) -> ClipSection {
    let mut clip = ClipSection::new(name, ClipFormat::CinemaDng);
    clip.range = FrameRange::new(0, 3);
    (clip.files, clip.bytes) = (4, 5_533_824);
    clip.metadata.reel = sourced("A001".into(), "ReelName");
    clip.metadata.rate = sourced(Rate::FPS_25, "FrameRate");
    clip.metadata.start_timecode = sourced(Timecode::parse("10:00:00:23", Rate::FPS_25).unwrap(), "TimeCodes");
    clip
}

/// A still of `columns` x 40 pixels: white above, black below.
fn still(out: &Path, name: &str, columns: u32) -> Still {
    let path = out.join(name);
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), columns, 40);
    encoder.set_color(png::ColorType::Rgb);
    let data: Vec<u8> = (0..columns * 40).flat_map(|i| [if i / columns < 20 { 255 } else { 0 }; 3]).collect();
    encoder.write_header().unwrap().write_image_data(&data).unwrap();
    Still { frame: 0, path: name.into() }
}

fn small(out: &Path) -> Report {
    let mut made = clip("A001C001");
    made.stills = vec![still(out, "one.png", 640), Still { frame: 3, path: "gone.jpg".into() }];
    let mut skipped = ClipSection::new("A001C002", ClipFormat::Braw);
    skipped.skipped = Some("nothing here decodes it".into());
    Report {
        title: "A001".into(),
        workflow: "dailies".into(),
        input: "/cards/A001".into(),
        tool: "rushes 0.1.0".into(),
        when: Some("1 January 2026, 12:00 UTC".into()),
        clips: vec![made, skipped],
        findings: vec![
            Finding::info("files-unclaimed", "1 file belongs to no clip: NOTES.TXT").path("/cards/A001"),
            Finding::warning("frame-held", "frame 0 stands in for frame 1").clip("A001C001").frame(1),
            Finding::warning("frame-held", "frame 0 stands in for frame 2").clip("A001C001").frame(2),
        ],
        units: vec![unit("A001C001", json!({"outcome": "done"}))],
        verified: vec![Verified {
            what: "camera originals".into(),
            level: Level::SourceReread,
            algorithms: "xxh64".into(),
            files: 4,
            bytes: 5_533_824,
            ..Verified::default()
        }],
        links: vec![Link { text: "manifest.json".into(), path: "manifest.json".into() }],
    }
}

fn page(report: &Report) -> String {
    let out = tempfile::tempdir().unwrap();
    write(report, out.path()).unwrap();
    fs::read_to_string(out.path().join("report/index.html")).unwrap()
}

/// Every file below `folder` with its bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.insert(path.display().to_string(), fs::read(&path).unwrap());
        }
    }
    all
}

#[test]
fn a_small_page_reads_like_this() {
    let out = tempfile::tempdir().unwrap();
    write(&small(out.path()), out.path()).unwrap();
    let page = fs::read_to_string(out.path().join("report/index.html")).unwrap();
    // Style and script are looked at in a browser.
    let without = |text: &str, tag: &str| {
        let (before, rest) = text.split_once(&format!("<{tag}>\n")).unwrap();
        format!("{before}{}", rest.split_once(&format!("</{tag}>\n")).unwrap().1)
    };
    insta::assert_snapshot!(without(&without(&page, "style"), "script"));
}

#[test]
fn pictures_lie_where_the_page_says_and_nothing_else_does() {
    let out = tempfile::tempdir().unwrap();
    let report = small(out.path());
    let pictures = out.path().join("report/pictures");
    fs::create_dir_all(&pictures).unwrap();
    fs::write(pictures.join("of-an-earlier-run.jpg"), "x").unwrap();
    fs::write(pictures.join("half.svg.rushes-part"), "x").unwrap();
    fs::write(pictures.join("somebody-elses.txt"), "x").unwrap();
    write(&report, out.path()).unwrap();
    let mut names: Vec<_> =
        fs::read_dir(&pictures).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["A001C001-0.jpg", "A001C001-scopes.svg", "somebody-elses.txt"]);
    let page = fs::read_to_string(out.path().join("report/index.html")).unwrap();
    for name in &names[..2] {
        assert!(page.contains(&format!("src=\"pictures/{name}\"")), "{name}");
    }
}

#[test]
fn two_writes_are_equal_to_the_byte() {
    let out = tempfile::tempdir().unwrap();
    let report = small(out.path());
    write(&report, out.path()).unwrap();
    let first = files(&out.path().join("report"));
    write(&report, out.path()).unwrap();
    assert!(first == files(&out.path().join("report")), "two writes of one report differ");
    assert_eq!(first.len(), 3);

    // Elsewhere too, and but for the time stamp.
    let there = tempfile::tempdir().unwrap();
    let mut later = small(there.path());
    later.when = Some("2 February 2026".into());
    write(&later, there.path()).unwrap();
    let again = fs::read_to_string(there.path().join("report/index.html")).unwrap();
    let before = String::from_utf8(first.into_values().find(|f| f.starts_with(b"<!DOCTYPE")).unwrap()).unwrap();
    assert_eq!(again.replace("2 February 2026", "1 January 2026, 12:00 UTC"), before);
}

#[test]
fn nothing_from_a_file_becomes_markup() {
    let h = || HOSTILE.to_owned();
    let mut c = clip(HOSTILE);
    for fact in [
        &mut c.metadata.make,
        &mut c.metadata.model,
        &mut c.metadata.reel,
        &mut c.metadata.scene,
        &mut c.metadata.take,
        &mut c.metadata.lens_make,
        &mut c.metadata.lens_model,
        &mut c.metadata.serial_number,
        &mut c.metadata.camera_label,
        &mut c.metadata.recorded_at,
        &mut c.metadata.compression,
    ] {
        *fact = sourced(h(), HOSTILE);
    }
    c.skipped = Some(h());
    c.stills = vec![Still { frame: 0, path: format!("{}.jpg", HOSTILE.replace('\0', "")).into() }];
    let failed = json!({"outcome": "failed", "kind": "io", "message": HOSTILE, "retryable": false});
    let mut u = unit(HOSTILE, failed);
    (u.ran_on, u.outputs[2].role) = (h(), h());
    u.stage_ms.insert(h(), 1.0);
    let finding = |s: &str| Finding::warning(h(), s).clip(HOSTILE).path(HOSTILE);
    let hostile = Report {
        title: h(),
        workflow: h(),
        input: h(),
        tool: h(),
        when: Some(h()),
        clips: vec![c],
        findings: vec![finding(HOSTILE), finding("second"), Finding::info(h(), HOSTILE)],
        units: vec![u],
        verified: vec![Verified { what: h(), algorithms: h(), detail: h(), failed: 1, ..Verified::default() }],
        links: vec![Link { text: h(), path: h() }],
    };
    let page = page(&hostile);
    let seen = page.matches("&lt;script&gt;alert(1)&lt;/script&gt;").count();
    assert!(seen > 40, "the text is shown everywhere it was given, not only {seen} times");
    assert_eq!(page.matches("<script").count(), 1, "only the page's own script");
    assert!(!page.contains("<img src=x") && !page.contains("alert(2)>"));
    assert!(!page.contains(['\u{202e}', '\0']));
}

#[test]
fn a_large_page_stays_small_for_each_clip() {
    let clips = 2000;
    let mut report = Report { title: "large".into(), ..Report::default() };
    for i in 0..clips {
        let name = format!("A{:03}C{i:04}_261123_R1AB", i / 10);
        report.units.push(unit(&name, json!({"outcome": "done"})));
        report.findings.push(Finding::warning("frame-held", "frame 0 stands in for frame 1").clip(&name).frame(1));
        let mut c = clip(&name);
        // Told in place, and so without two thousand pictures to make for a test.
        c.stills = (0..3).map(|frame| Still { frame, path: format!("gone/{name}.{frame}.jpg").into() }).collect();
        report.clips.push(c);
    }
    let bytes = page(&report).len();
    assert!(bytes < clips * 5_000, "{} bytes for each clip", bytes / clips);
}

#[test]
fn an_empty_report_is_a_page_too() {
    let page = page(&Report::default());
    for text in
        ["There are no clips.", "Nothing was verified in this run.", "Nothing was found wrong", "No stage worked"]
    {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn what_failed_decides_the_verdict() {
    let verdict = |report: &Report| {
        let page = page(report);
        page.split("<p class=\"verdict\">").nth(1).unwrap().split("</p>").next().unwrap().to_owned()
    };
    let mut report = Report { clips: vec![clip("A"), clip("B")], ..Report::default() };
    report.units = ["A", "B"].map(|c| unit(c, json!({"outcome": "done"}))).into();
    assert_eq!(verdict(&report), "<span class=\"pill ok\">Complete</span> All 2 clips were made.");
    report.findings = vec![Finding::warning("frame-held", "x").clip("A")];
    assert_eq!(
        verdict(&report),
        "<span class=\"pill warn\">Complete, with warnings</span> All 2 clips were made. 1 to check."
    );
    report.verified = vec![Verified { failed: 2, ..Verified::default() }];
    report.units[1] = unit("B", json!({"outcome": "cancelled"}));
    assert_eq!(
        verdict(&report),
        "<span class=\"pill bad\">Not complete</span> 1 of 2 clips made. 1 cancelled, 1 to check, 2 files did not verify."
    );
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_with_its_path() {
    let out = tempfile::tempdir().unwrap();
    fs::write(out.path().join("report"), "a file in the way").unwrap();
    let told = write(&Report::default(), out.path()).unwrap_err().to_string();
    assert!(told.starts_with("writing the report: ") && told.contains("report"), "{told}");
}

#[test]
fn a_report_survives_json() {
    let out = tempfile::tempdir().unwrap();
    let report = small(out.path());
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
}
