//! An executor that does not do again what is done.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rushes_core::graph::Registry;
use rushes_core::media::Finding;
use rushes_core::plan::Unit;
use rushes_core::run::{Executor, RunContext, UnitReport, Verdict};
use rushes_core::storage;
use rushes_core::{Error, ErrorKind, Result};

use crate::judge::{Foreign, Judgement};
use crate::reason::Reason;
use crate::scribe::Scribe;
use crate::store::Ledger;

/// Gives the inner executor only what does not stand, and writes down what it makes.
///
/// An output stands when the ledger knows it, the file has the digest it was written with, and
/// it would be made again of the same camera files in the same way. Outputs that the ledger
/// knows, or that a killed run left, are replaced; a file of which nothing is known, or that was
/// made of another clip of the same name, is never replaced unless the unit allows it.
#[derive(Debug)]
pub struct Cache {
    inner: Arc<dyn Executor>,
    ledger: Arc<Ledger>,
    registry: Registry,
    beside: Vec<String>,
}

impl Cache {
    /// Around `inner`; `registry` makes the stages that say what a unit will write.
    pub fn new(inner: Arc<dyn Executor>, ledger: Arc<Ledger>, registry: Registry) -> Self {
        Self { inner, ledger, registry, beside: Vec::new() }
    }

    /// The classes of results ([`Executor::results`]) of executors beside it: a unit that one of them made is not made
    /// again.
    pub fn beside(mut self, classes: impl IntoIterator<Item = String>) -> Self {
        self.beside.extend(classes);
        self
    }

    async fn judge(&self, unit: &Unit, cx: &RunContext) -> Result<Judgement> {
        let (ledger, registry) = (Arc::clone(&self.ledger), self.registry.clone());
        let (unit, cx) = (unit.clone(), cx.clone());
        let classes: Vec<String> = [&[self.inner.results().to_owned()], &self.beside[..]].concat();
        blocking(move || Judgement::of(&ledger, &unit, &registry, &classes, &cx)).await
    }

    /// Runs what does not stand.
    async fn make(&self, unit: &Unit, judgement: &Judgement, cx: &RunContext) -> Result<UnitReport> {
        let to_make: Vec<&str> =
            judgement.outputs.iter().filter(|(_, r)| r.is_some()).map(|(e, _)| e.path.as_str()).collect();
        self.ledger.begin(&unit.id, &to_make)?;
        // Nothing keeps others out of a folder at a URI: what they put there meanwhile stays.
        let shared = unit.shared || storage::is_uri(&unit.out);
        let own = |reason: &Option<Reason>| *reason == Some(Reason::Unfinished) && !unit.shared;
        let replaces = shared && (judgement.replaces || judgement.outputs.iter().any(|(_, reason)| own(reason)));
        if replaces && unit.shared {
            self.ledger.mark(&unit.id, &to_make)?;
        }
        let rest = Unit {
            standing: judgement.parts(),
            // All that is in the way is known, or was allowed to be replaced; or others make it as well.
            overwrite: unit.overwrite || !shared || replaces,
            shared,
            ..unit.clone()
        };
        let sinks: BTreeMap<String, usize> = judgement.outputs.iter().map(|(e, _)| (e.path.clone(), e.sink)).collect();
        let (scribe, events) =
            Scribe::new(Arc::clone(&self.ledger), unit.clone(), judgement.recipes.clone(), sinks, cx);
        let inner_cx = RunContext { events, ..cx.clone() };
        let report = self.inner.run(&rest, &inner_cx).await;
        // With the last of the events gone the scribe comes to its end.
        drop(inner_cx);
        blocking(move || scribe.finish()).await?;
        self.ledger.end(&unit.id)?;
        Ok(report)
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| {
        Err(Error::new(ErrorKind::Panicked, format!("the ledger's work ended without a result: {e}")))
    })
}

#[async_trait::async_trait]
impl Executor for Cache {
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
        let begun = || UnitReport::begin(unit, self.inner.name());
        let judgement = match self.judge(unit, cx).await {
            Ok(j) => j,
            Err(e) => return begun().failed(&e.clip(&unit.clip.name)),
        };
        if let Some((first, why)) = judgement.foreign.first().filter(|_| !unit.overwrite) {
            let more = match judgement.foreign.len() - 1 {
                0 => String::new(),
                n => format!(" and {n} more"),
            };
            let why = match why {
                Foreign::Unknown => "was not made by a run in this folder",
                Foreign::OtherClip => "was made of another clip of the same name",
            };
            let e = Error::new(ErrorKind::AlreadyExists, format!("the output exists already{more}, and {why}"))
                .path(unit.out.join(first))
                .advice("choose another folder, or allow outputs to be replaced (`--overwrite`)");
            return begun().failed(&e.clip(&unit.clip.name));
        }
        let mut report = if judgement.stands() {
            let mut report = begun();
            report.ran_on = format!("cache of {}", report.ran_on);
            report.findings = unit.stand_ins();
            report
                .findings
                .push(Finding::info("already-done", "the outputs stand as they were made").clip(&unit.clip.name));
            report
        } else {
            match self.make(unit, &judgement, cx).await {
                Ok(report) => report,
                Err(e) => begun().failed(&e.clip(&unit.clip.name)),
            }
        };
        report.findings.extend(judgement.findings(unit));
        if report.is_done() {
            report.frames = unit.range.len();
            report.outputs.extend(judgement.standing.into_iter().map(|r| r.output));
            report.outputs.sort_by(|a, b| a.path.cmp(&b.path));
            report.outputs.dedup();
        }
        report
    }
}
