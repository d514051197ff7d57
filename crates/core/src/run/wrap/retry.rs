use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::plan::Unit;
use crate::run::{Event, Executor, Outcome, RunContext, UnitReport, Verdict};

/// Tries a unit again after a failure that may pass, waiting twice as long each time.
/// Failures that would come again (bad media, bad parameters) are not retried.
#[derive(Debug)]
pub struct Retry {
    inner: Arc<dyn Executor>,
    attempts: u32,
    first_wait: Duration,
}

impl Retry {
    /// At most `attempts` attempts, the second one `first_wait` after the first.
    pub fn new(inner: Arc<dyn Executor>, attempts: u32, first_wait: Duration) -> Self {
        Self { inner, attempts: attempts.max(1), first_wait }
    }
}

#[async_trait::async_trait]
impl Executor for Retry {
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
        let mut wait = self.first_wait;
        let mut unit = unit.clone();
        for attempt in 1.. {
            let mut report = self.inner.run(&unit, cx).await;
            // What an attempt finished is in the way of the next, and is this unit's own: nothing
            // else was, or the attempt would not have begun.
            unit.overwrite |= !report.outputs.is_empty();
            report.attempts = attempt;
            let why = match &report.outcome {
                Outcome::Failed(f) if f.retryable && attempt < self.attempts => f.message.clone(),
                _ => return report,
            };
            let after_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            cx.events.send(Event::UnitRetrying { unit: unit.id.clone(), attempt, why, after_ms });
            tokio::select! {
                biased;
                () = cx.cancel.cancelled() => {
                    return report.failed(&Error::new(ErrorKind::Cancelled, "cancelled while waiting to try again"));
                }
                () = tokio::time::sleep(wait) => {}
            }
            wait = wait.saturating_mul(2).min(Duration::from_secs(60));
        }
        unreachable!("the loop ends by returning")
    }
}
