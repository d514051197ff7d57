use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use rushes_core::media::{Clip, FrameRange, Severity, StandIn, Substitute};
use rushes_core::stage::{Batch, ClipContext, ClipStage};
use rushes_ingest::Ingest;
use rushes_testcard::{Card, CardSpec};
use tempfile::TempDir;

use crate::{Policy, Validate, Verdict};

/// The stages do not wait for anything: one poll is all.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(v) => v,
        Poll::Pending => panic!("a stage waited"),
    }
}

fn validate(root: &Path, params: &Validate) -> Batch {
    let found = now(Ingest::default().run(Batch::of(root), &ClipContext::plain())).unwrap();
    now(params.run(found, &ClipContext::plain())).unwrap()
}

fn card() -> (TempDir, Card) {
    let dir = tempfile::tempdir().unwrap();
    let card = Card::write(&dir.path().join("card"), CardSpec::tiny()).unwrap();
    (dir, card)
}

fn clip<'a>(batch: &'a Batch, name: &str) -> &'a Clip {
    batch.clips.iter().find(|c| c.name == name).unwrap()
}

/// Code and frame of each finding about `clip`.
fn found(batch: &Batch, clip: &str) -> Vec<(String, i64)> {
    let of = batch.findings.iter().filter(|f| f.clip.as_deref() == Some(clip));
    of.map(|f| (f.code.clone(), f.frame.unwrap_or(-1))).collect()
}

fn code(code: &str, frame: i64) -> (String, i64) {
    (code.to_owned(), frame)
}

/// The clean clip of a card in a folder of its own: its folder, its name and a frame's path.
fn clean() -> (TempDir, String, impl Fn(i64) -> PathBuf) {
    let (dir, card) = card();
    let truth = card.clips[0].clone();
    (dir, truth.name.clone(), move |frame| truth.path(frame))
}

#[test]
fn a_whole_clip_is_clean_and_one_that_lost_frames_is_refused_with_the_way_out() {
    let (_dir, card) = card();
    let batch = validate(&card.root, &Validate::default());
    let (whole, lost) = (&card.clips[0], &card.clips[1]);
    assert_eq!(found(&batch, &whole.name), []);
    assert_eq!(clip(&batch, &whole.name).refused, None);
    let (missing, cut) = (lost.missing[0], lost.truncated[0]);
    assert_eq!(found(&batch, &lost.name), [code("frame-truncated", cut), code("sequence-gap", missing)]);
    let refused = clip(&batch, &lost.name).refused.as_ref().unwrap();
    assert!(refused.contains("set `truncated` to hold or black (`--on-bad-frame`) (and 1 more reason)"), "{refused}");
    assert!(batch.findings.iter().filter(|f| f.clip.is_some()).all(|f| f.severity == Severity::Error));
}

#[test]
fn hold_takes_the_nearest_earlier_good_frame() {
    let (_dir, card) = card();
    let params = Validate { gap: Policy::Hold, truncated: Policy::Hold, ..Validate::default() };
    let batch = validate(&card.root, &params);
    let lost = &card.clips[1];
    let c = clip(&batch, &lost.name);
    assert_eq!(c.refused, None);
    let at = |f: i64| Substitute { frames: FrameRange { first: f, last: f }, with: StandIn::Hold(f - 1) };
    assert_eq!(c.substitutes, [at(lost.missing[0]), at(lost.truncated[0])]);
    assert!(batch.findings.iter().all(|f| f.severity < Severity::Error));
}

#[test]
fn neighbouring_losses_hold_one_frame_and_those_at_the_start_a_later_one() {
    let (dir, name, path) = clean();
    fs::write(path(0), b"").unwrap();
    fs::remove_file(path(3)).unwrap();
    fs::write(path(4), b"").unwrap();
    fs::write(path(5), &fs::read(path(5)).unwrap()[..300]).unwrap();
    let params =
        Validate { gap: Policy::Hold, zero_byte: Policy::Hold, truncated: Policy::Hold, ..Validate::default() };
    let batch = validate(dir.path(), &params);
    let c = clip(&batch, &name);
    assert_eq!(
        c.substitutes,
        [
            Substitute { frames: FrameRange { first: 0, last: 0 }, with: StandIn::Hold(1) },
            Substitute { frames: FrameRange { first: 3, last: 5 }, with: StandIn::Hold(2) },
        ]
    );
    let want = [code("frame-empty", 0), code("frame-empty", 4), code("frame-unreadable", 5), code("sequence-gap", 3)];
    assert_eq!(found(&batch, &name), want);
    let black = validate(dir.path(), &Validate { zero_byte: Policy::Black, ..params });
    assert_eq!(clip(&black, &name).stand_in(4), Some(StandIn::Black));
}

#[test]
fn frames_expected_at_the_ends_are_missing_too() {
    let (dir, name, _) = clean();
    let expected_range = FrameRange::new(-2, 9);
    let batch = validate(dir.path(), &Validate { gap: Policy::Black, expected_range, ..Validate::default() });
    let c = clip(&batch, &name);
    assert_eq!(c.range, expected_range);
    assert_eq!((c.stand_in(-1), c.stand_in(0), c.stand_in(8)), (Some(StandIn::Black), None, Some(StandIn::Black)));
}

#[test]
fn a_frame_of_another_reel_is_drift() {
    let (dir, name, path) = clean();
    for n in [2, 3] {
        let mut bytes = fs::read(path(n)).unwrap();
        let at = bytes.windows(5).position(|w| w == b"A001\0").unwrap();
        bytes[at + 3] = b'2';
        fs::write(path(n), &bytes).unwrap();
    }
    let batch = validate(dir.path(), &Validate::default());
    assert_eq!(found(&batch, &name), [code("header-drift", 2)]);
    let f = batch.findings.iter().find(|f| f.code == "header-drift").unwrap();
    assert!(f.text.contains("frames 2-3 are unlike frame 0 (reel A001 became A002)"), "{f}");
    assert_eq!(clip(&batch, &name).refused, None);
    let hold = validate(dir.path(), &Validate { drift: Policy::Hold, ..Validate::default() });
    assert_eq!(clip(&hold, &name).stand_in(3), Some(StandIn::Hold(1)));
}

#[test]
fn timecode_that_stands_still_or_jumps_is_found() {
    let (dir, name, path) = clean();
    // Frame 3 takes the place of frame 4: it says 3 twice, then jumps to 5.
    fs::copy(path(3), path(4)).unwrap();
    let batch = validate(dir.path(), &Validate::default());
    assert_eq!(found(&batch, &name), [code("timecode-duplicate", 4), code("timecode-break", 5)]);
    assert_eq!(clip(&batch, &name).refused, None);
    let strict = validate(dir.path(), &Validate { timecode_break: Verdict::Refuse, ..Validate::default() });
    assert!(clip(&strict, &name).refused.as_ref().unwrap().contains("frame 4 has 10:11:59:21 as the frame before"));
}

#[test]
fn one_number_in_two_files_is_a_duplicate() {
    let (dir, name, path) = clean();
    let twin = path(2).with_file_name(format!("{name}_02.dng"));
    fs::copy(path(2), &twin).unwrap();
    let batch = validate(dir.path(), &Validate { duplicate: Verdict::Refuse, ..Validate::default() });
    let f = batch.findings.iter().find(|f| f.code == "frame-duplicate").unwrap();
    assert_eq!((f.frame, f.path.as_ref()), (Some(2), Some(&twin)));
    let refused = |c: &&Clip| c.refused.as_ref().is_some_and(|r| r.contains("there twice"));
    assert_eq!(batch.clips.iter().filter(refused).count(), 1);
}

#[test]
fn a_clip_without_a_good_frame_is_refused_whatever_the_policy() {
    let dir = tempfile::tempdir().unwrap();
    for n in 1..4 {
        fs::write(dir.path().join(format!("A_{n:04}.dng")), b"").unwrap();
    }
    let all = Policy::Hold;
    let batch = validate(dir.path(), &Validate { gap: all, zero_byte: all, truncated: all, ..Validate::default() });
    assert!(batch.clips[0].refused.as_ref().unwrap().starts_with("no frame of the clip can be used"));
    assert_eq!(batch.clips[0].substitutes, []);
}

#[test]
fn many_gaps_do_not_flood() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..60 {
        fs::write(dir.path().join(format!("A_{:04}.exr", n * 2)), [0x76, 0x2f, 0x31, 0x01, 2]).unwrap();
    }
    let batch = validate(dir.path(), &Validate { gap: Policy::Hold, ..Validate::default() });
    assert_eq!(batch.findings.len(), 21);
    assert!(batch.findings[20].text.contains("at 39 more places, 39 frames in all"), "{}", batch.findings[20]);
    assert_eq!(batch.clips[0].substitutes.len(), 59);
}

#[test]
fn parameters_are_checked() {
    let ok: Validate = serde_json::from_str(r#"{"gap":"hold","expected_range":{"first":1,"last":9}}"#).unwrap();
    assert_eq!(ok, Validate { gap: Policy::Hold, expected_range: FrameRange::new(1, 9), ..Validate::default() });
    assert!(serde_json::from_str::<Validate>(r#"{"gaps":"hold"}"#).is_err());
    assert!(serde_json::from_str::<Validate>(r#"{"timecode_break":"black"}"#).is_err());
}

#[test]
fn the_shared_sequences_are_judged_as_their_readme_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/footage");
    if !root.exists() {
        eprintln!("SKIPPED: {} is not here", root.display());
        return;
    }
    let b = validate(&root.join("sequences"), &Validate::default());
    assert_eq!(found(&b, "dpx_missing_second"), [code("sequence-gap", 2)]);
    // Its three headers all say a file size that is wrong; only one picture is cut.
    assert_eq!(found(&b, "8bit"), [code("frame-truncated", 1)]);
    assert_eq!(found(&b, "E012_P001_L000002_log"), []);
    assert_eq!(found(&b, "northlight_tc_mode_mismatch"), [code("frame-truncated", 0)]);
    let seq = validate(&root.join("raw/cinemadng-seq-derived"), &Validate::default());
    assert_eq!(found(&seq, "A001_08010155_C001"), []);
    let damaged = validate(&root.join("raw/dng-derived-damaged"), &Validate::default());
    assert_eq!(found(&damaged, "s1_truncated_third"), [code("frame-truncated", 0)]);
    assert!(clip(&damaged, "s2_header_only").refused.is_some());
    assert!(damaged.findings.iter().any(|f| f.code == "file-empty"));
    let heads = validate(&root.join("raw/truncated-heads"), &Validate::default());
    assert!(clip(&heads, "DNG").refused.is_some(), "{:?}", heads.findings);
}
