//! Pictures as the words that displays take: no stage, but the end of a preview.

use crate::preview::Packing;
use crate::program::{Pass, Program};

pub(crate) fn pack(packing: Packing) -> (&'static str, Program) {
    let (name, entry) = match packing {
        Packing::Rgb10A2 => ("pack-rgb10a2", "rgb10a2"),
        Packing::Rgba8 => ("pack-rgba8", "rgba8"),
    };
    (name, Program::new(include_str!("pack.wgsl")).workgroup(64, 1).pass(Pass::output(entry)))
}
