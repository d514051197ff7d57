//! A synthetic camera card with known contents, for the demo and for tests.
//!
//! [`Card::write`] renders a small scene in scene-linear light, sees it through a camera model
//! (two-illuminant calibration, white balance, exposure, noise, clipping, Bayer filter) and
//! writes it as 12-bit CinemaDNG clips (packed, or as lossless JPEG) with timecode, reel and camera facts. Everything is
//! computed: the same card comes out every time, byte for byte.
//!
//! The card has a clean clip, and one with a missing and a truncated frame.

mod camera;
mod card;
mod dng;
mod ljpeg;
mod scene;

pub use camera::Camera;
pub use card::{Card, CardSpec, ClipTruth};
pub use dng::{Coding, DngFrame, write_dng};
pub use scene::{CHART, Scene};
