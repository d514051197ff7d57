//! What must hold of anything: labels and rates, workflow files, manifests.

use proptest::prelude::*;
use rushes::core::graph::WorkflowFile;
use rushes::core::media::{Rate, Timecode};
use rushes::manifest::Manifest;

use crate::support::{Bench, recipe};

fn rate() -> impl Strategy<Value = (Rate, bool)> {
    prop_oneof![
        (1u32..=1000).prop_map(|n| (Rate::new(n, 1).unwrap(), false)),
        (1u32..=120).prop_map(|n| (Rate::new(n * 1000, 1001).unwrap(), false)),
        Just((Rate::FPS_29_97, true)),
        Just((Rate::FPS_59_94, true)),
    ]
}

/// A text with a few characters changed, taken away or put in.
fn spoiled(text: String) -> impl Strategy<Value = String> {
    let change = (any::<prop::sample::Index>(), 0u8..3, prop_oneof!["[\\[\\]{}\"=:,.0-9\\-]", ".{1,3}"]);
    proptest::collection::vec(change, 0..4).prop_map(move |changes| {
        let mut chars: Vec<char> = text.chars().collect();
        for (at, how, with) in changes {
            let at = at.index(chars.len().max(1)).min(chars.len());
            let end = if how == 0 { at } else { (at + usize::from(how)).min(chars.len()) };
            chars.splice(at..end, with.chars());
        }
        chars.into_iter().collect()
    })
}

proptest! {
    #[test]
    fn labels_and_counts_agree_at_every_rate(
        (rate, drop) in rate(),
        start in any::<i64>(),
        far in any::<i64>(),
    ) {
        let tc = Timecode::from_frames(start, rate, drop).unwrap();
        prop_assert_eq!(Timecode::parse(&tc.to_string(), rate).unwrap(), tc, "{}", tc);
        let there = tc.offset(far);
        let way = there.since(tc).unwrap();
        prop_assert_eq!(tc.offset(way), there);
        prop_assert_eq!(there.offset(-way), tc);
    }

    #[test]
    fn any_text_is_a_label_or_is_refused(text in ".{0,14}", (rate, _) in rate()) {
        if let Ok(tc) = Timecode::parse(&text, rate) {
            prop_assert_eq!(Timecode::parse(&tc.to_string(), rate).unwrap(), tc);
        }
        if let Ok(rate) = text.parse::<Rate>() {
            prop_assert_eq!(rate.to_string().parse::<Rate>().unwrap(), rate);
        }
    }

    #[test]
    fn a_spoiled_workflow_file_is_read_or_refused(text in spoiled(recipe().workflow().to_toml().unwrap())) {
        if let Ok(file) = WorkflowFile::from_toml(&text) {
            let _ = file.graph(&rushes::registry());
            prop_assert_eq!(WorkflowFile::from_toml(&file.to_toml().unwrap()).unwrap(), file);
        }
    }
}

/// The manifest of a real run, spoiled in every way: read to the same, or refused with its path.
#[test]
fn a_spoiled_manifest_is_read_or_refused() {
    let bench = Bench::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let job = bench.job(&recipe().plates_only(), "out").page(false);
    let manifest = runtime.block_on(job.run()).unwrap().manifest;
    let path = bench.path("spoiled.json");
    let mut runner = proptest::test_runner::TestRunner::default();
    let text = manifest.to_json().unwrap();
    std::fs::write(&path, &text).unwrap();
    assert_eq!(Manifest::read(&path).unwrap(), manifest);
    runner
        .run(&spoiled(text), |text| {
            std::fs::write(&path, &text).unwrap();
            match Manifest::read(&path) {
                Ok(read) => {
                    std::fs::write(&path, read.to_json().unwrap()).unwrap();
                    prop_assert_eq!(Manifest::read(&path).unwrap(), read);
                }
                Err(e) => prop_assert!(e.to_string().contains("spoiled.json"), "{}", e),
            }
            Ok(())
        })
        .unwrap();
}
