//! The field's nouns: what a crew or an editor would call these things.

mod camera;
mod clip;
mod color;
mod digest;
mod file;
mod finding;
mod geometry;
mod sequence;
mod timecode;

pub use camera::{CameraMetadata, Origin, Sourced, Verbatim, VerbatimField};
pub use clip::{BadFramePolicy, Clip, ClipFormat, ClipMedia, NeedsBackend, StandIn, Substitute};
pub use color::{CalibratedIlluminant, CameraColor, ColorSpace, Matrix3, WhitePoint};
pub use digest::Digest;
pub use file::{Original, open_original};
pub use finding::{Finding, Severity};
pub use geometry::{Cfa, Levels, Orientation, Rect};
pub use sequence::{FileSequence, FrameRange};
pub use timecode::{Rate, Timecode};
