//! Workflow files: the serialized form of a graph, in TOML or JSON.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Graph, Registry};
use crate::error::{Error, ErrorKind, Result};

/// A workflow as written in a file.
///
/// ```toml
/// version = 1
/// name = "plates"
///
/// [[stage]]
/// stage = "ingest"          # the id is the name unless `id` is given
///
/// [[stage]]
/// stage = "decode"
/// from = "ingest"
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkflowFile {
    /// The version of this format: 1.
    pub version: u32,
    /// The workflow's name.
    pub name: String,
    /// The stages, in any order.
    #[serde(default, rename = "stage")]
    pub stages: Vec<StageSpec>,
}

/// One stage of a workflow file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StageSpec {
    /// The name it has in this workflow; the stage's own name when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Which stage it is.
    pub stage: String,
    /// The id of the stage it takes its input from; left out for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The stage's parameters; defaults fill what is left out.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
}

impl StageSpec {
    /// The id, given or implied.
    pub fn id(&self) -> &str {
        self.id.as_deref().unwrap_or(&self.stage)
    }
}

/// The largest file that is read; a look may stand in it, but no table.
const LONGEST: u64 = 64 << 20;

impl WorkflowFile {
    /// The version this build writes and reads.
    pub const VERSION: u32 = 1;

    /// Reads a workflow file; `.json` is JSON, anything else TOML.
    ///
    /// # Errors
    /// With the path, and line and column of what does not parse.
    pub fn read(path: &Path) -> Result<Self> {
        let doing = "reading the workflow";
        let text = crate::storage::read_text(path, LONGEST).map_err(|e| e.doing(doing))?;
        let json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
        let parsed = if json { Self::from_json(&text) } else { Self::from_toml(&text) };
        parsed.map_err(|e| e.path(path).doing(doing))
    }

    /// From TOML.
    ///
    /// # Errors
    /// With line and column of what does not parse, or when the version is not known.
    pub fn from_toml(text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|e| Error::new(ErrorKind::Invalid, e.to_string().trim_end())).and_then(Self::known)
    }

    /// From JSON.
    ///
    /// # Errors
    /// As [`WorkflowFile::from_toml`].
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|e| Error::new(ErrorKind::Invalid, e.to_string())).and_then(Self::known)
    }

    /// The graph, its stages made by `registry`.
    ///
    /// # Errors
    /// When a stage or parameter is unknown, an id is missing or taken, two ends do not fit, or
    /// stages feed each other in a circle; the message names the stages.
    pub fn graph(&self, registry: &Registry) -> Result<Graph> {
        let mut graph = Graph::new(&self.name);
        let mut nodes = Vec::with_capacity(self.stages.len());
        for spec in &self.stages {
            let stage = registry
                .make(&spec.stage, Value::Object(spec.params.clone()))
                .map_err(|e| e.doing(format!("making stage `{}`", spec.id())))?;
            nodes.push(graph.add(spec.id(), stage)?);
        }
        for (spec, &to) in self.stages.iter().zip(&nodes) {
            let Some(from) = &spec.from else { continue };
            let from = graph.find(from).ok_or_else(|| {
                Error::new(ErrorKind::Invalid, format!("`{}` takes from `{from}`, which does not exist", spec.id()))
                    .advice(format!(
                        "the stages are: {}",
                        self.stages.iter().map(StageSpec::id).collect::<Vec<_>>().join(", ")
                    ))
            })?;
            graph.connect(from, to)?;
        }
        graph.check()?;
        Ok(graph)
    }

    /// The file that describes `graph`, parameters complete with defaults.
    pub fn of(graph: &Graph) -> Self {
        let stages = graph
            .nodes()
            .map(|id| {
                let node = graph.node(id);
                let info = node.stage.info();
                let params = match info.params() {
                    Value::Object(map) => map.into_iter().filter(|(_, v)| !v.is_null()).collect(),
                    _ => Map::new(),
                };
                StageSpec {
                    id: (node.id != info.name()).then(|| node.id.clone()),
                    stage: info.name().to_owned(),
                    from: graph.input(id).map(|i| graph.node(i).id.clone()),
                    params,
                }
            })
            .collect();
        Self { version: Self::VERSION, name: graph.name().to_owned(), stages }
    }

    /// As TOML.
    ///
    /// # Errors
    /// When a parameter has no TOML form.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()).doing("writing the workflow"))
    }

    fn known(self) -> Result<Self> {
        if self.version == Self::VERSION {
            return Ok(self);
        }
        Err(Error::new(ErrorKind::Unsupported, format!("workflow format version {} is not known", self.version))
            .advice(format!("this build reads version {}", Self::VERSION)))
    }
}
