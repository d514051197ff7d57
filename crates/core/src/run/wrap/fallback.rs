use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::media::Finding;
use crate::plan::Unit;
use crate::run::{Executor, RunContext, UnitReport, Verdict};

/// Gives a unit to the first executor that takes it. That an earlier one was passed over is
/// always told: in `ran_on` and as a finding.
#[derive(Debug)]
pub struct Fallback {
    executors: Vec<Arc<dyn Executor>>,
    name: String,
}

impl Fallback {
    /// In order of preference.
    pub fn new(executors: Vec<Arc<dyn Executor>>) -> Self {
        let name = executors.iter().map(|e| e.name()).collect::<Vec<_>>().join(" or ");
        Self { executors, name }
    }
}

#[async_trait::async_trait]
impl Executor for Fallback {
    fn name(&self) -> &str {
        &self.name
    }

    async fn accepts(&self, unit: &Unit) -> Verdict {
        let mut reasons = Vec::new();
        for e in &self.executors {
            match e.accepts(unit).await {
                Verdict::Yes => return Verdict::Yes,
                Verdict::No(why) => reasons.push(format!("{}: {why}", e.name())),
            }
        }
        Verdict::No(reasons.join("; "))
    }

    async fn run(&self, unit: &Unit, cx: &RunContext) -> UnitReport {
        let mut passed_over: Vec<String> = Vec::new();
        for e in &self.executors {
            if let Verdict::No(why) = e.accepts(unit).await {
                passed_over.push(format!("{}: {why}", e.name()));
                continue;
            }
            let mut report = e.run(unit, cx).await;
            if !passed_over.is_empty() {
                let why = passed_over.join("; ");
                report.ran_on = format!("{} after {why}", report.ran_on);
                report.findings.push(
                    Finding::info("executor-fallback", format!("ran on {} because {why}", e.name()))
                        .clip(&unit.clip.name),
                );
            }
            return report;
        }
        let e = Error::new(ErrorKind::Unsupported, format!("no executor takes the unit: {}", passed_over.join("; ")));
        UnitReport::begin(unit, self.name()).failed(&e.clip(&unit.clip.name))
    }
}
