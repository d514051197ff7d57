//! A file of any kind on a card: recognised, validated, normalized, and its first frame decoded.
//! The first byte chooses the file's name.
#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use rushes::core::graph::AnyStage;
use rushes::core::run::{CancellationToken, Events, understand};
use rushes::core::stage::ClipRef;

const NAMES: [&str; 8] =
    ["A_0001.dng", "M01-0001.MLV", "A001C001.mov", "A001C001.mxf", "a.0001.dpx", "a.0001.exr", "A001.ari", "IMG_1.CR2"];
/// Samples decoded at most, so that a run spends its time on headers.
const MOST: usize = 1 << 20;

thread_local! {
    static PLACE: RefCell<Option<(tempfile::TempDir, tokio::runtime::Runtime)>> = const { RefCell::new(None) };
}

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    PLACE.with_borrow_mut(|place| {
        let (folder, runtime) = place.get_or_insert_with(|| {
            let memory = std::path::Path::new("/dev/shm");
            let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
            (folder.unwrap(), tokio::runtime::Builder::new_current_thread().build().unwrap())
        });
        let path = folder.path().join(NAMES[usize::from(*choice) % NAMES.len()]);
        std::fs::write(&path, bytes).unwrap();
        let registry = rushes::registry();
        let graph = rushes::recipes::inspect().graph(&registry).unwrap();
        let found = runtime.block_on(understand(&graph, &path, &Events::none(), &CancellationToken::new()));
        let decode = registry.make("decode", serde_json::json!({})).unwrap();
        let AnyStage::Source(source) = decode else { unreachable!("decode is a source") };
        for clip in found.into_iter().flat_map(|batches| batches.into_values().last()).flat_map(|b| b.clips) {
            let clip = ClipRef::of(&clip);
            let Ok(reader) = source.open(&clip) else { continue };
            let frame = clip.range.map_or(0, |r| r.first);
            if reader.format(frame).is_ok_and(|f| f.width.saturating_mul(f.height) <= MOST) {
                let _ = reader.decode(frame);
            }
        }
        std::fs::remove_file(&path).unwrap();
    });
});
