//! Text that people and programs write: workflow files, units, manifests, lineage, LUTs, CDLs,
//! rates. What parses is written again and parses to the same. The first byte chooses.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rushes::core::graph::WorkflowFile;
use rushes::core::media::Rate;
use rushes::core::plan::Unit;
use rushes::ledger::Lineage;
use rushes::manifest::Manifest;
use rushes::stages::color::Cube;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match choice % 8 {
        0 => {
            if let Ok(file) = WorkflowFile::from_toml(text) {
                let _ = file.graph(&rushes::registry());
                let again = file.to_toml().expect("what was read can be written");
                assert_eq!(WorkflowFile::from_toml(&again).expect("what was written can be read"), file);
            }
        }
        1 => {
            if let Ok(file) = WorkflowFile::from_json(text) {
                let _ = file.graph(&rushes::registry());
            }
        }
        2 => {
            if let Ok(unit) = Unit::from_json(text) {
                for node in 0..unit.tree.len().min(4) {
                    if unit.range.last.saturating_sub(unit.range.first) < 10_000 {
                        let _ = unit.to_make(node);
                    }
                }
                if let Ok(again) = unit.to_json() {
                    assert_eq!(Unit::from_json(&again).expect("what was written can be read"), unit);
                }
            }
        }
        3 => {
            if let Ok(manifest) = serde_json::from_str::<Manifest>(text) {
                let _ = manifest.to_json();
            }
        }
        4 => drop(serde_json::from_str::<Lineage>(text)),
        5 => {
            if let Ok(cube) = Cube::parse(text) {
                let _ = cube.look_up([0.1, 0.5, 2.0], Default::default());
            }
        }
        6 => drop(text.parse::<Rate>()),
        _ => drop(rushes::stages::color::parse_cdl(text, None)),
    }
});
