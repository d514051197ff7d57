//! Another size: `rushes_proxy::Scale`.

use crate::program::Program;

pub(crate) fn program() -> (&'static str, Program) {
    let text = concat!(include_str!("curves.wgsl"), include_str!("scale.wgsl"));
    ("scale", Program::new(text))
}
