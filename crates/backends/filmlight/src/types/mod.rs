//! Values that have a type of their own on the wire, and how they are read leniently: peers write whole numbers as
//! floats, booleans as numbers, and leave out what has its default.

mod enums;
mod render;
mod scalar;
mod scene;
mod value;

pub use enums::*;
pub use render::*;
pub use scalar::{FrameNumber, FrameRange, KeyCode, KeySet, RangeEnd, Rational, TimecodeFps, TimecodeValue};
pub use scene::*;
pub use value::Wire;
pub(crate) use value::{Short, field, fields, value_types};
