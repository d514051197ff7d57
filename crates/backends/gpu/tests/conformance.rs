//! The GPU executor keeps every promise of the suite, whatever the size of its strips.

use std::sync::Arc;

use rushes_core::conformance;
use rushes_core::graph::Registry;
use rushes_core::run::Executor;
use rushes_gpu::{GpuExecutor, Program, Programs, Settings, testing};

/// The mean of rows, rounded as the CPU does: a device may divide less exactly.
const BLUR: &str = "
@compute @workgroup_size(WG_X, WG_Y)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (!inside(id)) { return; }
    let row = row_of(id);
    let first = u32(max(i32(row) - i32(word(0u)), 0));
    let end = min(row + word(0u) + 1u, g.src_height);
    var sum = 0.0;
    for (var r = first; r < end; r++) { sum += src_at(0u, r, id.x); }
    let n = f32(end - first);
    // A mean that is off by its last place is put right. Its upper bits times n, which has five, are exact.
    let mean = sum / n;
    let upper = bitcast<f32>(bitcast<u32>(mean) & 0xffffffe0u);
    let left = (sum - upper * n) - (mean - upper) * n;
    store(0u, row, id.x, mean + left / n);
}";

const HALF: &str = "
@compute @workgroup_size(WG_X, WG_Y)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (!inside(id)) { return; }
    let row = row_of(id);
    let next = min(row * 2u + 1u, g.src_height - 1u);
    store(0u, row, id.x, (src_at(0u, row * 2u, id.x) + src_at(0u, next, id.x)) * 0.5);
}";

fn programs() -> Programs {
    Programs::none().with("test-blur", Program::new(BLUR)).with("test-half", Program::new(HALF).workgroup(64, 1))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gpu_executor_conforms() {
    // Bindings for whole frames, for most of one, and for one row with the 43 that it needs.
    for (max_binding, threads) in [(128 << 20, 1), (11_000, 2), (44 * 61 * 4, 5)] {
        let Some(device) = testing::device(Settings { max_binding, ..Settings::default() }) else { return };
        let make = |registry: Registry| -> Arc<dyn Executor> {
            Arc::new(GpuExecutor::with_programs(registry, device.clone(), programs()).threads(threads))
        };
        let out = tempfile::tempdir().unwrap();
        let failed = conformance::check(&make, out.path()).await;
        let lines: String = failed.iter().map(|f| format!("{f}\n")).collect();
        assert!(failed.is_empty(), "bindings of {max_binding} bytes, {threads} threads:\n{lines}");
        assert!(device.bytes_in_use() > 0, "nothing was computed on the device");
    }
}
