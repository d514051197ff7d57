//! DNG and CinemaDNG: our own reader.
//!
//! A DNG is a TIFF file: [`Header`] reads its directories, finds the raw picture among them and
//! states its facts, each with the tag it comes from. [`decode_u16`] and [`DngSource`] turn the
//! strips or tiles into samples: 8 to 16 bits packed in either byte order, lossless JPEG, and the
//! 12-bit DCT of Blackmagic cameras. A frame comes out whole or not at all.
//!
//! | Step | File |
//! | --- | --- |
//! | directories, entries, values | `tiff.rs`, `value.rs`, `names.rs` |
//! | raw picture: size, coding, levels, framing | `picture.rs`, `layout.rs` |
//! | colour calibration and white | `color.rs` |
//! | timecode, rate, reel, exposure, lens | `shot.rs` |
//! | samples | `decode.rs`, `unpack.rs`, `jpeg/` |
//! | frames for the engine, and their rows | `source.rs`, `rows.rs` |

mod color;
mod decode;
mod header;
pub(crate) mod jpeg;
mod layout;
mod names;
mod picture;
mod rows;
mod shot;
mod signature;
mod source;
pub(crate) mod tiff;
pub(crate) mod unpack;
mod value;

#[cfg(test)]
mod tests;

pub use decode::decode_u16;
pub use header::{Field, Header};
pub use layout::{Layout, MAX_PIXELS};
pub use picture::{Compression, Photometric, Picture};
pub use shot::{Shot, Stated, TimeCode};
pub use signature::Signature;
pub use source::DngSource;
pub use tiff::ByteOrder;

/// The advice for coding that is not decoded here.
const CONVERT: &str = "convert it with Adobe DNG Converter to an uncompressed or lossless DNG";
