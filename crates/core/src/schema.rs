//! JSON Schemas of what is written and read as JSON.

use schemars::schema_for;
use serde_json::Value;

/// The schema of a workflow file.
pub fn workflow() -> Value {
    schema_for!(crate::graph::WorkflowFile).into()
}

/// The schema of a unit.
pub fn unit() -> Value {
    schema_for!(crate::plan::Unit).into()
}

/// The schema of a clip with its canonical facts.
pub fn clip() -> Value {
    schema_for!(crate::media::Clip).into()
}
