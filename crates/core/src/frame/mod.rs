//! Planes of pixels, bands of rows, and the facts that travel with them.
//!
//! A [`Frame<S>`] is whole and typed by its image state `S`; a [`Band`] is some rows of one,
//! the form in which frame stages compute. Both are channel-planar `f32`.

mod band;
mod facts;
mod planes;
mod pool;
mod state;

pub use band::{Band, BandMut};
pub use facts::{FrameFacts, FrameFormat};
pub use planes::Frame;
pub use pool::{Pool, Pooled};
pub use state::{CameraRgb, Display, ImageState, Linear, Mosaic, SceneLinear, State};
