//! Proxy: resampling, EXR plates, stills and editorial movies.

mod deliver;
mod dump;
pub mod movie;
mod naming;
mod plate;
mod scale;
mod sequence;
mod still;

pub use dump::{PngEncoding, write_exr_frame, write_npy_f32, write_npy_u16, write_png_frame};
pub use naming::PathPattern;
pub use plate::{Container, ExrCompression, ExrPlate};
pub use scale::{ResampleFilter, Scale, ScaleTo};
pub use still::{Still, StillFormat, StillFrames};
