//! Proxy: resampling, EXR plates, stills and editorial movies.
//!
//! - [`Scale`]: the frame stage that resamples pictures, anamorphic ones included;
//! - [`ExrPlate`]: the sink for ACES plates, one OpenEXR file a frame, the same bytes on every run;
//! - [`Still`]: the sink for JPEG and PNG pictures of rendered frames;
//! - [`movie`]: editorial proxies with timecode and reel;
//! - [`write_npy_f32`] and its siblings: one frame as one file, to look at and to measure.
//!
//! Every file appears under its final name only when it is whole and synced, and is reported with
//! its digest. Existing files are replaced only where that was allowed.

mod dump;
pub mod movie;
mod naming;
mod plate;
mod scale;
mod sequence;
mod still;
mod wire;

pub use dump::{PngEncoding, write_exr_frame, write_npy_f32, write_npy_u16, write_png_frame};
pub use naming::PathPattern;
pub use plate::{Container, ExrCompression, ExrPlate};
pub use scale::{ResampleFilter, Scale, ScaleDomain, ScaleTo};
pub use still::{Still, StillFormat, StillFrames};
