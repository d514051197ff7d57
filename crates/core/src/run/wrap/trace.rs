use std::sync::Arc;
use std::time::Duration;

use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::plan::Unit;
use crate::run::{Executor, Outcome, RunContext, UnitReport, Verdict};

/// Puts each unit into a `tracing` span of its own, with one for every stage of it, and logs how it ended.
///
/// Stages of a unit work in turns, a few rows at a time, so each of their spans lasts as long as the unit does; `busy_ms` says
/// how much of that was its own, summed over threads. The fields `otel.*` are what `tracing-opentelemetry` makes a span's name and
/// status of.
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
        let span = tracing::info_span!(
            "execute",
            executor = self.name(),
            unit = %unit.id,
            clip = %unit.clip.name,
            frames = Empty,
            bytes = Empty,
            otel.status_code = Empty,
            otel.status_description = Empty,
        );
        let stage = |id: &str| tracing::info_span!(parent: &span, "stage", otel.name = id, id, busy_ms = Empty);
        let stages: Vec<(&str, Span)> = unit.tree.iter().map(|node| (node.id.as_str(), stage(&node.id))).collect();
        let report = self.inner.run(unit, cx).instrument(span.clone()).await;
        for (id, stage) in stages {
            if let Some(ms) = report.stage_ms.get(id) {
                stage.record("busy_ms", ms);
            }
        }
        span.record("frames", report.frames).record("bytes", report.outputs.iter().map(|o| o.bytes).sum::<u64>());
        match &report.outcome {
            Outcome::Failed(f) => {
                span.record("otel.status_code", "ERROR").record("otel.status_description", f.message.as_str());
                tracing::warn!(unit = %unit.id, why = %f.message, "failed");
            }
            outcome => {
                tracing::info!(unit = %unit.id, ?outcome, frames = report.frames, wall_ms = report.wall_ms, "ended")
            }
        }
        report
    }
}
