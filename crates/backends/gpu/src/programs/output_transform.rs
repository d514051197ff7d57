//! The ACES 2.0 rendering: `rushes_color::OutputTransform`.

use crate::program::Program;

pub(crate) fn program() -> (&'static str, Program) {
    let text = concat!(include_str!("curves.wgsl"), include_str!("output_transform.wgsl"));
    ("output-transform", Program::new(text).workgroup(64, 1))
}
