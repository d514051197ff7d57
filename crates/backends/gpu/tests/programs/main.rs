//! Every program against the kernel it stands for: the largest difference is measured, and told with `--nocapture`. The figures
//! stand in `crates/backends/README.md`.

mod compare;
mod debayer;
mod frames;
mod limits;
mod looks;
mod output;
mod scale;
mod spaces;
mod strips;

use std::sync::OnceLock;

use rushes_gpu::{Device, Settings, testing};

/// The device of all tests.
fn device() -> Option<&'static Device> {
    static DEVICE: OnceLock<Option<Device>> = OnceLock::new();
    DEVICE.get_or_init(|| testing::device(Settings::default())).as_ref()
}
