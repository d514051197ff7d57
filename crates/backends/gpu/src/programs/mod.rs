//! The programs of the stages that come with Rushes, a file and its WGSL for each. What several of them share stands in
//! `curves.wgsl` (matrices, powers and logarithms), `working.wgsl` (working spaces of looks) and `mosaic.wgsl` (Bayer
//! patterns and their mirrored borders), before the text of those that need it.

mod cdl;
mod convert;
mod debayer_bilinear;
mod debayer_gbtf;
mod debayer_malvar;
mod debayer_rcd;
mod debayer_superpixel;
mod input_transform;
mod linearize;
mod lut;
mod output_transform;
mod pack;
mod scale;

pub(crate) use pack::pack;

use crate::program::Program;

/// All of them, by their names.
pub(crate) fn all() -> Vec<(&'static str, Program)> {
    vec![
        cdl::program(),
        convert::program(),
        debayer_bilinear::program(),
        debayer_gbtf::program(),
        debayer_malvar::program(),
        debayer_rcd::program(),
        debayer_superpixel::program(),
        input_transform::program(),
        linearize::program(),
        lut::program(),
        output_transform::program(),
        scale::program(),
    ]
}
