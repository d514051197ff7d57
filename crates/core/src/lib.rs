//! The nouns, the typed graph, the plan and the runner of Rushes.
//!
//! - [`media`]: the field's nouns: clips, sequences, timecode, camera facts, findings.
//! - [`frame`]: planes of pixels, bands of rows, and the facts that travel with them.
//! - [`graph`]: the typed graph of stages, from Rust or from a workflow file.
//! - [`stage`]: the traits a stage implements: clip stages, sources, frame stages, sinks.
//!
//! - [`plan`]: graph × clips → units, and the explanation of what was decided.
//! - [`run`]: executors, the runner, events, the memory budget and reports.
//! - [`storage`]: files by path or by URI, and who answers for a scheme.
//! - [`deliver`]: how finished files reach their place: whole, or not at all.
//! - [`conformance`]: the suite every executor must pass.
//! - [`simd`]: kernels for the vector instructions of the machine they run on.
//!
//! There is no codec, no vendor, no device and no colour mathematics in this crate.

pub mod conformance;
pub mod deliver;
pub mod error;
pub mod frame;
pub mod graph;
pub mod media;
pub mod plan;
pub mod run;
pub mod schema;
pub mod simd;
pub mod stage;
pub mod storage;

pub use error::{Error, ErrorKind, Result};
