//! Ratio Corrected Demosaicing: `rushes_debayer::Method::Rcd`.

use crate::program::{Pass, Program};

/// In tiles of 24 x 16 pixels, which take 15,952 bytes of a workgroup's memory; every GPU has 16,384.
pub(crate) fn program() -> (&'static str, Program) {
    let text = concat!(include_str!("mosaic.wgsl"), include_str!("debayer_rcd.wgsl"));
    ("debayer-rcd", Program::new(text).workgroup(24, 8).pass(Pass::output("main").block(1, 2)))
}
