//! ASC CDL: `rushes_color::Cdl`.

use crate::program::Program;

pub(crate) fn program() -> (&'static str, Program) {
    let text = concat!(include_str!("curves.wgsl"), include_str!("working.wgsl"), include_str!("cdl.wgsl"));
    ("cdl", Program::new(text).workgroup(64, 1))
}
