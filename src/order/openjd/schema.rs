//! The parts of a job template, as they are written (specification 2023-09, sections 1 to 5).

use std::collections::BTreeMap;

use rushes_core::{Error, ErrorKind, Result};
use serde::Serialize;

/// An Open Job Description job template, to be written as JSON or YAML.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    pub(super) specification_version: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) extensions: Vec<&'static str>,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) parameter_definitions: Vec<Parameter>,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) object_type: &'static str,
    pub(super) data_flow: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) default: Option<String>,
    pub(super) description: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) description: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) dependencies: Vec<Dependency>,
    pub(super) host_requirements: Hosts,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parameter_space: Option<Space>,
    pub(super) script: Script,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Dependency {
    pub(super) depends_on: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Hosts {
    pub(super) amounts: Vec<Amount>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) attributes: Vec<Attribute>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Amount {
    pub(super) name: &'static str,
    pub(super) min: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Attribute {
    pub(super) name: &'static str,
    pub(super) any_of: Vec<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Space {
    pub(super) task_parameter_definitions: Vec<Frame>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Frame {
    pub(super) name: &'static str,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) range: String,
    pub(super) chunks: Chunks,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Chunks {
    pub(super) default_task_count: u64,
    pub(super) range_constraint: &'static str,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Script {
    pub(super) actions: BTreeMap<&'static str, Action>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Action {
    pub(super) command: &'static str,
    pub(super) args: Vec<String>,
    pub(super) cancelation: Cancelation,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cancelation {
    pub(super) mode: &'static str,
    pub(super) notify_period_in_seconds: u32,
}

impl Template {
    /// As JSON.
    ///
    /// # Errors
    /// When it cannot be written so, which no template is known to do.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self)
            .map(|s| s + "\n")
            .map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()).doing("writing a job template"))
    }
}
