//! An executor that is timed.

use std::sync::Arc;
use std::time::Duration;

use super::pace::Pace;
use crate::plan::Unit;
use crate::run::{Executor, RunContext, UnitReport, Verdict};

/// Tells a [`Pace`] what units take. It stands inside whatever is put around the executor: what a cache gives tells
/// nothing.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) inner: Arc<dyn Executor>,
    pub(super) pace: Arc<Pace>,
}

#[async_trait::async_trait]
impl Executor for Measured {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn results(&self) -> &str {
        self.inner.results()
    }

    fn pictures(&self) -> &str {
        self.inner.pictures()
    }

    async fn accepts(&self, unit: &Unit) -> Verdict {
        self.inner.accepts(unit).await
    }

    fn cost(&self, unit: &Unit) -> Option<Duration> {
        self.inner.cost(unit)
    }

    async fn run(&self, unit: &Unit, cx: &RunContext) -> UnitReport {
        self.pace.begins(unit);
        let report = self.inner.run(unit, cx).await;
        // Of a unit of which some stood already, as much longer as there would have been more frames.
        if report.is_done() && report.frames > 0 {
            let whole = unit.range.len() as f64 / report.frames as f64;
            let said = self.cost(unit).as_ref().map(Duration::as_secs_f64);
            self.pace.measured(unit, said, report.wall_ms / 1e3 * whole);
        }
        report
    }
}
