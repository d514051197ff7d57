//! Looks by tables: `rushes_color::Lut`.

use crate::program::Program;

pub(crate) fn program() -> (&'static str, Program) {
    let text = concat!(include_str!("curves.wgsl"), include_str!("working.wgsl"), include_str!("lut.wgsl"));
    ("lut", Program::new(text).workgroup(64, 1))
}
