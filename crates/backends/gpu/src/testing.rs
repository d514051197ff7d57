//! For tests that need a device.

use std::io::Write as _;

use crate::{Device, Settings};

/// The device that tests run on: the one that the environment variable `RUSHES_GPU` names, else the best; `None`,
/// loudly, when there is none.
///
/// # Panics
/// When there is none and `RUSHES_GPU_REQUIRED` is `1`: a machine that should test this, and cannot, has failed.
pub fn device(settings: Settings) -> Option<Device> {
    let which = std::env::var("RUSHES_GPU").unwrap_or_else(|_| "best".into());
    match Device::open(&which, settings) {
        Ok(device) => {
            eprintln!("GPU tests run on {}", device.adapter());
            Some(device)
        }
        Err(e) => {
            let required = std::env::var("RUSHES_GPU_REQUIRED").is_ok_and(|v| v == "1");
            assert!(!required, "RUSHES_GPU_REQUIRED=1, and the GPU tests cannot run: {e}");
            // Not by a macro, whose words are kept from those who run tests that pass.
            let _ = writeln!(std::io::stderr(), "!!! NOT TESTED: a test that needs a GPU is left out: {e}");
            None
        }
    }
}
