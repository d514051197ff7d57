//! The nouns, the typed graph, the plan and the runner of Rushes.
//!
//! - [`media`]: the field's nouns: clips, sequences, timecode, camera facts, findings.
//! - [`frame`]: planes of pixels, bands of rows, and the facts that travel with them.
//! - [`stage`]: the traits a stage implements: clip stages, sources, frame stages, sinks.
//!
//! There is no codec, no vendor, no device and no colour mathematics in this crate.

pub mod error;
pub mod frame;
pub mod media;
pub mod stage;

pub use error::{Error, ErrorKind, Result};
