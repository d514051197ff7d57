//! Black and white levels: `rushes_color::Linearize`.

use crate::program::Program;

pub(crate) fn program() -> (&'static str, Program) {
    ("linearize", Program::new(include_str!("linearize.wgsl")).workgroup(64, 1))
}
