//! One pixel for each 2x2 block: `rushes_debayer::Method::Superpixel`.

use crate::program::Program;

pub(crate) fn program() -> (&'static str, Program) {
    let text = include_str!("debayer_superpixel.wgsl");
    ("debayer-superpixel", Program::new(text))
}
