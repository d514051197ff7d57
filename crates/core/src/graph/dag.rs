//! The graph itself: named stages and checked edges over petgraph.

use std::collections::BTreeMap;

use petgraph::Direction;
use petgraph::acyclic::Acyclic;
use petgraph::data::Build;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};

use super::{AnyStage, Port};
use crate::error::{Error, ErrorKind, Result};

/// A node of a [`Graph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(NodeIndex);

/// A stage under the name it has in this workflow.
#[derive(Debug, Clone)]
pub struct Node {
    /// Unique in the graph: `plate`, `proxy`.
    pub id: String,
    /// The stage.
    pub stage: AnyStage,
}

/// Stages and what flows between them. Each stage has one input; any number may hang on its
/// output. Edges are checked as they are made: types fit, and there is no cycle.
#[derive(Debug, Clone)]
pub struct Graph {
    name: String,
    dag: Acyclic<StableDiGraph<Node, ()>>,
    ids: BTreeMap<String, NodeIndex>,
}

impl Graph {
    /// An empty graph.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), dag: Acyclic::new(), ids: BTreeMap::new() }
    }

    /// The workflow's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds a stage under `id`.
    ///
    /// # Errors
    /// When the id is empty or taken.
    pub fn add(&mut self, id: impl Into<String>, stage: AnyStage) -> Result<NodeId> {
        let id = id.into();
        if id.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, format!("a `{}` stage has an empty id", stage.info().name())));
        }
        if self.ids.contains_key(&id) {
            return Err(Error::new(ErrorKind::Invalid, format!("two stages are called `{id}`"))
                .advice("give each stage an id of its own"));
        }
        let node = self.dag.add_node(Node { id: id.clone(), stage });
        self.ids.insert(id, node);
        Ok(NodeId(node))
    }

    /// Lets `to` take what `from` gives.
    ///
    /// # Errors
    /// When the two do not fit, `to` has an input already, or the edge closes a cycle; the
    /// message names both ends.
    pub fn connect(&mut self, from: NodeId, to: NodeId) -> Result<()> {
        let (a, b) = (self.node(from), self.node(to));
        if let Some(old) = self.input(to) {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("`{}` takes from `{}` already and cannot take from `{}` too", b.id, self.node(old).id, a.id),
            ));
        }
        let (gives, takes) = (a.stage.gives(), b.stage.takes());
        if gives != takes {
            let mut e = Error::new(
                ErrorKind::Invalid,
                format!(
                    "`{}` ({}, gives {gives}) cannot feed `{}` ({}, takes {takes})",
                    a.id,
                    a.stage.info().name(),
                    b.id,
                    b.stage.info().name()
                ),
            );
            if let Some(advice) = bridge(gives, takes) {
                e = e.advice(advice);
            }
            return Err(e);
        }
        let message = format!("`{}` and `{}` feed each other: a workflow may not run in a circle", a.id, b.id);
        self.dag
            .try_add_edge(from.0, to.0, ())
            .map(drop)
            .map_err(|_| Error::new(ErrorKind::Invalid, message).advice("take the stage's input from further up"))
    }

    /// The node.
    pub fn node(&self, id: NodeId) -> &Node {
        // Ids come from this graph's `add` and nodes are never removed.
        &self.dag[id.0]
    }

    /// The node called `id`.
    pub fn find(&self, id: &str) -> Option<NodeId> {
        self.ids.get(id).copied().map(NodeId)
    }

    /// All nodes, each after the one it takes from.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.dag.nodes_iter().map(NodeId)
    }

    /// The node that `id` takes from.
    pub fn input(&self, id: NodeId) -> Option<NodeId> {
        self.dag.neighbors_directed(id.0, Direction::Incoming).next().map(NodeId)
    }

    /// The nodes that take from `id`, in the order they were connected.
    pub fn outputs(&self, id: NodeId) -> Vec<NodeId> {
        let mut out: Vec<_> = self.dag.neighbors_directed(id.0, Direction::Outgoing).map(NodeId).collect();
        out.sort_unstable();
        out
    }

    /// Checks that the workflow can do anything: every frame stage and sink is fed, and
    /// something comes out.
    ///
    /// # Errors
    /// Names the first stage that hangs in the air.
    pub fn check(&self) -> Result<()> {
        for id in self.nodes() {
            let node = self.node(id);
            let takes = node.stage.takes();
            if takes != Port::Clips && self.input(id).is_none() {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    format!("`{}` ({}) takes {takes} but nothing feeds it", node.id, node.stage.info().name()),
                )
                .advice("say in `from` which stage it takes its input from"));
            }
            if matches!(node.stage.gives(), Port::Frames(_)) && self.outputs(id).is_empty() {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    format!("nothing takes what `{}` ({}) gives", node.id, node.stage.info().name()),
                )
                .advice("add a sink such as exr, movie or still, or remove the stage"));
            }
        }
        if self.ids.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "the workflow has no stages"));
        }
        Ok(())
    }
}

/// What belongs between two ports that do not fit.
fn bridge(gives: Port, takes: Port) -> Option<&'static str> {
    use crate::frame::ImageState as S;
    Some(match (gives, takes) {
        (Port::Frames(S::Mosaic), Port::Frames(S::Linear)) => "put `linearize` between them",
        (Port::Frames(S::Mosaic), Port::Frames(_)) => {
            "a mosaic must be linearized and debayered first: put `linearize`, `debayer` and `input-transform` between them"
        }
        (Port::Frames(S::Linear), Port::Frames(S::CameraRgb)) => "put `debayer` between them",
        (Port::Frames(S::Linear), Port::Frames(_)) => "put `debayer` and `input-transform` between them",
        (Port::Frames(S::CameraRgb), Port::Frames(_)) => "camera colours need `input-transform` first",
        (Port::Frames(S::SceneLinear), Port::Frames(S::Display)) => "put `output-transform` between them",
        (Port::Frames(S::Display), Port::Frames(_)) => {
            "a rendered picture cannot go back to the scene: take the input from before `output-transform`"
        }
        (Port::Clips, Port::Frames(_)) => "put `decode` between them",
        (Port::Output, _) => "nothing follows a sink: take the input from the stage before it",
        _ => return None,
    })
}
