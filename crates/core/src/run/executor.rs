//! The trait an executor implements.

use std::time::Duration;

use super::{Budget, CancellationToken, Events, UnitReport};
use crate::plan::Unit;

/// Whether an executor takes a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Yes,
    /// It does not, and why: asked again, it would say the same.
    No(String),
    /// It cannot say so now, and why: a server does not answer. Another executor may take the unit meanwhile; where
    /// there is none, running it fails in a way that may pass, and it can be tried again.
    NotNow(String),
}

/// What the runner hands to an executor with every unit.
#[derive(Debug, Clone)]
pub struct RunContext {
    /// To be looked at between frames, or oftener.
    pub cancel: CancellationToken,
    /// Where progress goes.
    pub events: Events,
    /// To be reserved from before frames are decoded.
    pub budget: Budget,
}

impl RunContext {
    /// No ceiling, no listener, no cancellation: for a single unit.
    pub fn plain() -> Self {
        Self { cancel: CancellationToken::new(), events: Events::none(), budget: Budget::unlimited() }
    }
}

/// Runs units: the CPUs of this machine, a GPU, a server, a fleet. Wrappers (retry, limit,
/// cache, trace) are executors too, and so are several together ([`super::Executors`]).
///
/// An executor promises what [`crate::conformance`] checks: outputs that do not depend on how
/// the work was split, nothing under a final name before it is complete, a cancellation
/// answered within one frame, failures as reports and never as panics.
#[async_trait::async_trait]
pub trait Executor: Send + Sync + std::fmt::Debug {
    /// A short name for reports: `local`.
    fn name(&self) -> &str;

    /// The class of its results: executors of one class make files of equal bytes. What was made
    /// by another class is made again rather than mixed. Default: the name.
    fn results(&self) -> &str {
        self.name()
    }

    /// The class of its pictures: executors of one class make pictures that are equal within stated tolerances, and the
    /// units of a clip go to executors of one class alone. Default: that of its results.
    fn pictures(&self) -> &str {
        self.results()
    }

    /// Whether it takes the unit; it makes nothing, and may be asked often.
    async fn accepts(&self, unit: &Unit) -> Verdict;

    /// How long the unit would take here if it ran alone, from start to end; a rough guess will do, because
    /// [`super::Executors`] corrects it by what was measured. Cheap. Default: `None`, it is not known beforehand.
    fn cost(&self, unit: &Unit) -> Option<Duration> {
        let _ = unit;
        None
    }

    /// Runs the unit to its end. Sends [`super::Event::FrameDone`] as frames are done and
    /// [`super::Event::OutputFinished`] as files stand; the runner sends the events around them.
    async fn run(&self, unit: &Unit, cx: &RunContext) -> UnitReport;
}
