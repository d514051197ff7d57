//! Color: from sensor code values to scene-linear ACES, through a look, to a display.
//!
//! - [`Linearize`]: black and white levels, Mosaic → Linear.
//! - [`InputTransform`]: camera RGB → ACES2065-1 by the camera's own calibration ([`idt`]).
//! - [`Convert`]: between ACES2065-1 and ACEScg. [`cct`] has the ACEScct curve.
//! - [`Cdl`] and [`Lut`]: looks, computed in a stated working space.
//! - [`OutputTransform`]: the ACES 2.0 rendering, SceneLinear → Display ([`output`]).
//!
//! Matrices and tables are computed in `f64`, pixels in `f32`.

pub mod aces;
mod camera_log;
pub mod cct;
mod cdl;
mod convert;
pub mod idt;
mod linearize;
mod lut;
pub mod matrix;
pub mod output;

mod working;

pub use cdl::{Cdl, CdlStyle, Correction, parse_cdl, read_cdl};
pub use convert::Convert;
pub use idt::{Highlights, InputTransform, White};
pub use linearize::Linearize;
pub use lut::{Cube, Interpolation, Lut};
pub use output::OutputTransform;
pub use working::{Through, WorkingSpace};
