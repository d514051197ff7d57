//! The traits a stage implements. Four kinds, honestly named:
//!
//! - [`ClipStage`]: async, may do I/O, works on whole clips (ingest, validate, normalize);
//! - [`Source`]: opens a clip and decodes single frames of it;
//! - [`FrameStage`]: a pure function of pixels and parameters, computed in bands of rows;
//! - [`Sink`]: takes finished rows and makes files of them.
//!
//! Each is object safe. A stage's parameters are its serde form; [`StageInfo`] names it.

mod clip;
mod device;
mod frame;
mod sink;
mod source;

pub use clip::{Batch, ClipContext, ClipStage};
pub use device::DeviceWork;
pub use frame::{FrameKernel, FrameStage, InOrder};
pub use sink::{Encoded, FrameSink, OutputFile, Sink, SinkContext, SinkWriter};
pub use source::{ClipReader, ClipRef, Source, SourceFrame};

/// What every stage says about itself.
pub trait StageInfo: Send + Sync + std::fmt::Debug {
    /// The stage's name in workflow files: `debayer`.
    fn name(&self) -> &'static str;

    /// Counts changes of what the stage computes; results of another version are not reused.
    fn version(&self) -> u32;

    /// The parameters, complete with defaults, as they would stand in a workflow file.
    fn params(&self) -> serde_json::Value;
}
