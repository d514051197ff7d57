//! Linear 5x5 filters: `rushes_debayer::Method::Malvar`.

use crate::program::Program;

pub(crate) fn program() -> (&'static str, Program) {
    let text = concat!(include_str!("mosaic.wgsl"), include_str!("debayer_malvar.wgsl"));
    ("debayer-malvar", Program::new(text))
}
