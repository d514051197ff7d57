use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument as _;

use crate::plan::Unit;
use crate::run::{Executor, Outcome, RunContext, UnitReport, Verdict};

/// Puts each unit into a `tracing` span of its own and logs how it ended.
#[derive(Debug)]
pub struct Trace {
    inner: Arc<dyn Executor>,
}

impl Trace {
    /// Around `inner`.
    pub fn new(inner: Arc<dyn Executor>) -> Self {
        Self { inner }
    }
}

#[async_trait::async_trait]
impl Executor for Trace {
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
        let verdict = self.inner.accepts(unit).await;
        tracing::debug!(executor = self.name(), unit = %unit.id, ?verdict, "asked");
        verdict
    }

    fn cost(&self, unit: &Unit) -> Option<Duration> {
        self.inner.cost(unit)
    }

    async fn run(&self, unit: &Unit, cx: &RunContext) -> UnitReport {
        let span = tracing::info_span!("execute", executor = self.name(), unit = %unit.id);
        let report = self.inner.run(unit, cx).instrument(span).await;
        match &report.outcome {
            Outcome::Failed(f) => tracing::warn!(unit = %unit.id, why = %f.message, "failed"),
            outcome => {
                tracing::info!(unit = %unit.id, ?outcome, frames = report.frames, wall_ms = report.wall_ms, "ended")
            }
        }
        report
    }
}
