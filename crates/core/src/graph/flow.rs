//! The typed builder.

use std::marker::PhantomData;

use super::port::{Card, PortType};
use super::{AnyStage, Graph, NodeId};

/// Builds a [`Graph`] from Rust; wires carry the image state in their type, so stages that do
/// not fit do not compile.
///
/// ```compile_fail
/// # use rushes_core::{graph::*, frame::*};
/// # fn f(flow: &mut Flow, mosaic: Wire<Mosaic>, cdl: impl Takes<SceneLinear>) {
/// flow.then(mosaic, cdl); // a mosaic has no colours yet
/// # }
/// ```
#[derive(Debug)]
pub struct Flow {
    graph: Graph,
}

/// What comes out of a stage, to be given to as many others as you like.
#[derive(Debug)]
pub struct Wire<P> {
    node: Option<NodeId>,
    port: PhantomData<P>,
}

impl<P> Clone for Wire<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Wire<P> {}

/// A stage that can be fed with `P`. Stage crates implement it for their own types.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be fed with `{P}`",
    label = "this stage does not take `{P}`",
    note = "pictures go Mosaic -> linearize -> Linear -> debayer -> CameraRgb -> input-transform -> SceneLinear -> output-transform -> Display",
    note = "put the stages that are missing in between"
)]
pub trait Takes<P: PortType> {
    /// What it gives.
    type Gives: PortType;

    /// The stage, ready to be fed with `P`.
    fn into_stage(self) -> AnyStage;
}

impl Flow {
    /// The start of a workflow.
    pub fn new(name: impl Into<String>) -> Self {
        Self { graph: Graph::new(name) }
    }

    /// The card or folder that the workflow will be run on.
    pub fn card(&self) -> Wire<Card> {
        Wire { node: None, port: PhantomData }
    }

    /// Feeds `from` to `stage` and gives what comes out of it. The stage's id is its name,
    /// numbered when it is taken.
    pub fn then<P: PortType, T: Takes<P>>(&mut self, from: Wire<P>, stage: T) -> Wire<T::Gives> {
        let stage = stage.into_stage();
        let name = stage.info().name();
        let mut id = name.to_owned();
        let mut n = 1;
        while self.graph.find(&id).is_some() {
            n += 1;
            id = format!("{name}-{n}");
        }
        self.add(from, id, stage)
    }

    /// As [`Flow::then`], under an id of your choice.
    ///
    /// # Panics
    /// When the id is empty or taken.
    pub fn then_as<P: PortType, T: Takes<P>>(&mut self, id: &str, from: Wire<P>, stage: T) -> Wire<T::Gives> {
        assert!(!id.is_empty() && self.graph.find(id).is_none(), "two stages are called `{id}`");
        self.add(from, id.to_owned(), stage.into_stage())
    }

    /// The graph.
    pub fn build(self) -> Graph {
        self.graph
    }

    fn add<P, Q>(&mut self, from: Wire<P>, id: String, stage: AnyStage) -> Wire<Q> {
        let added = self.graph.add(id, stage).and_then(|node| {
            if let Some(from) = from.node {
                self.graph.connect(from, node)?;
            }
            Ok(node)
        });
        match added {
            Ok(node) => Wire { node: Some(node), port: PhantomData },
            // The types fit, the id is free and a new node closes no cycle: only a `Takes` whose
            // stage is not what it promises, or a wire of another flow, can end here.
            Err(e) => panic!("a stage's `Takes` contradicts its ports: {e}"),
        }
    }
}
