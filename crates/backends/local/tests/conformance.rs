//! The local executor keeps every promise of the suite, in both modes and at several thread counts.

use std::sync::Arc;

use rushes_core::conformance;
use rushes_local::{LocalExecutor, Mode};

#[tokio::test]
async fn the_local_executor_conforms() {
    for mode in [Mode::Frames, Mode::Bands] {
        for threads in [1, 2, 5] {
            let out = tempfile::tempdir().unwrap();
            let failed =
                conformance::check(&|r| Arc::new(LocalExecutor::new(r).threads(threads).mode(mode)), out.path()).await;
            assert!(failed.is_empty(), "{mode:?}, {threads} threads:\n{}", lines(&failed));
        }
    }
}

fn lines(failed: &[conformance::Failed]) -> String {
    failed.iter().map(|f| format!("{f}\n")).collect()
}
