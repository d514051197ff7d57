//! The mean of the nearest neighbours: `rushes_debayer::Method::Bilinear`.

use crate::program::Program;

pub(crate) fn program() -> (&'static str, Program) {
    let text = concat!(include_str!("mosaic.wgsl"), include_str!("debayer_bilinear.wgsl"));
    ("debayer-bilinear", Program::new(text))
}
