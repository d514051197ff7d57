//! Graph × clips → units: what will be done, decided before anything is done.
//!
//! A [`Unit`] is a few kilobytes of versioned data that holds references, never pixels: the
//! same unit runs in this process, in another one, or as the payload of an engine's task.

mod explain;
mod part;
mod planner;
mod tree;
mod unit;

pub use planner::{ClipPlan, NodePlan, Plan, PlanOptions};
pub use tree::{PreparedNode, PreparedTree, Tree, Work};
pub use unit::{Standing, Unit, UnitNode};
