//! Between scene-linear spaces: `rushes_color::Convert`.

use crate::program::Program;

pub(crate) fn program() -> (&'static str, Program) {
    let text = concat!(include_str!("curves.wgsl"), include_str!("convert.wgsl"));
    ("convert", Program::new(text).workgroup(64, 1))
}
