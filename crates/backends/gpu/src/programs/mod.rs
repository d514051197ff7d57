//! The programs of the stages that come with Rushes, a file and its WGSL for each.

mod linearize;
mod pack;

pub(crate) use pack::pack;

use crate::program::Program;

/// All of them, by their names.
pub(crate) fn all() -> Vec<(&'static str, Program)> {
    vec![linearize::program()]
}
