use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::error::{Error, ErrorKind};
use crate::plan::Unit;
use crate::run::{Executor, RunContext, UnitReport, Verdict};

/// Lets at most `n` units run on an executor at the same time: seats of a licence, sessions of
/// a device.
#[derive(Debug)]
pub struct Limit {
    inner: Arc<dyn Executor>,
    seats: Semaphore,
}

impl Limit {
    /// `n` units at a time, at least one.
    pub fn new(inner: Arc<dyn Executor>, n: usize) -> Self {
        Self { inner, seats: Semaphore::new(n.max(1)) }
    }
}

#[async_trait::async_trait]
impl Executor for Limit {
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
        tokio::select! {
            biased;
            () = cx.cancel.cancelled() => {
                UnitReport::begin(unit, self.name()).failed(&Error::new(ErrorKind::Cancelled, "cancelled while waiting for a seat"))
            }
            // The semaphore is never closed, so the wait cannot fail.
            _seat = self.seats.acquire() => self.inner.run(unit, cx).await,
        }
    }
}
