//! Proxy: resampling, EXR plates, stills and editorial movies.

mod deliver;
mod dump;
mod naming;
mod plate;
mod sequence;
mod still;

pub use dump::{PngEncoding, write_exr_frame, write_npy_f32, write_npy_u16, write_png_frame};
pub use naming::PathPattern;
pub use plate::{Container, ExrCompression, ExrPlate};
pub use still::{Still, StillFormat, StillFrames};
