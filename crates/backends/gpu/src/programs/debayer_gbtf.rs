//! Gradient Based Threshold Free interpolation: `rushes_debayer::Method::Gbtf`.

use crate::program::{Pass, Program};

/// In tiles of 16 x 16 pixels, which take 15,584 bytes of a workgroup's memory; every GPU has 16,384.
pub(crate) fn program() -> (&'static str, Program) {
    let text = concat!(include_str!("mosaic.wgsl"), include_str!("debayer_gbtf.wgsl"));
    ("debayer-gbtf", Program::new(text).workgroup(16, 8).pass(Pass::output("main").block(1, 2)))
}
