//! Camera RGB to ACES2065-1: `rushes_color::InputTransform`.

use crate::program::Program;

pub(crate) fn program() -> (&'static str, Program) {
    let text = concat!(include_str!("curves.wgsl"), include_str!("input_transform.wgsl"));
    ("input-transform", Program::new(text).workgroup(64, 1))
}
