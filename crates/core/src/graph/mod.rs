//! The typed graph of stages: what a workflow is before it meets a clip.
//!
//! [`Flow`] builds it from Rust, where wiring a mosaic into color does not compile;
//! [`WorkflowFile`] is its serialized form, where the same rule is an error that names both
//! ends. A [`Registry`] turns the names in a file into stages, the embedder's own included.

mod dag;
mod draw;
mod file;
mod flow;
mod port;
mod registry;

pub use dag::{Graph, Node, NodeId};
pub use file::{StageSpec, WorkflowFile};
pub use flow::{Flow, Takes, Wire};
pub use port::{AnyStage, Card, Clips, Output, Port, PortType};
pub use registry::Registry;
