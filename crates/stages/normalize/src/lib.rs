//! Normalize: camera facts in one published schema, each with its origin.
//!
//! [`Normalize`] reads the header of each clip's first frame and fills the clip's
//! [`CameraMetadata`](rushes_core::media::CameraMetadata): every fact with the file and the tag
//! that states it. Beside it everything the file said stays as found, in
//! [`Verbatim`](rushes_core::media::Verbatim). What a file does not say is absent and a finding;
//! nothing is guessed. [`schema`] is the JSON Schema of the result.
//!
//! Each family of formats has one mapping:
//!
//! | Formats | Mapping |
//! | --- | --- |
//! | CinemaDNG, DNG, GPR | `dng.rs` |
//! | Magic Lantern video | `mlv.rs` |
//! | QuickTime, MXF, BRAW, CRM, DPX | `container.rs` |
//! | OpenEXR | `exr.rs` |

mod container;
mod dng;
mod exr;
mod findings;
mod mapping;
mod mlv;
mod stage;

#[cfg(test)]
mod tests;

mod wire;

pub use stage::Normalize;

/// The JSON Schema (draft 2020-12) of a clip with its canonical facts.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(rushes_core::media::Clip).into()
}
