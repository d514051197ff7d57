//! Which executors run a job's units.

use std::sync::Arc;
use std::time::Duration;

use rushes_core::media::Finding;
use rushes_core::plan::{Plan, Unit};
use rushes_core::run::{Choice, Executors, Retry, Trace};
use rushes_ledger::{Cache, Ledger};
use rushes_local::LocalExecutor;

use crate::Job;

#[cfg(feature = "gpu")]
impl Job {
    /// Prefers a GPU: units that it takes have the stages that it has programs for computed there, the others run where they
    /// did. Plates and proxies differ from those of the CPU within the table of `crates/backends/README.md`. Call it after
    /// [`Job::registry`] and [`Job::executors`].
    pub fn gpu(self, device: &rushes_gpu::Device) -> Self {
        let gpu = rushes_gpu::GpuExecutor::new(self.registry.clone(), device.clone());
        let executors = self.runs_on().prefer(Arc::new(gpu)).by_preference();
        self.executors(executors)
    }
}

#[cfg(feature = "filmlight")]
impl Job {
    /// Leaves to FilmLight servers what the job's own executors do not take: the formats that only camera makers'
    /// libraries decode. At most as many renders run at once as the pool has seats for.
    ///
    /// The workflow has to ask the servers about its clips: `filmlight-inspect` after `normalize`
    /// ([`Dailies::ask_filmlight`](crate::recipes::Dailies::ask_filmlight)). Servers must see the same paths as this
    /// machine. Call it after [`Job::registry`] and [`Job::executors`].
    ///
    /// # Errors
    /// When the registry has no source `decode`.
    pub fn filmlight(
        self,
        pool: &rushes_filmlight::Pool,
        settings: rushes_filmlight::Settings,
    ) -> rushes_core::Result<Self> {
        // What runs here plans with the stages it had: it decodes none of the servers' formats.
        let local = self.runs_on();
        let registry = rushes_filmlight::with_server_formats(self.registry.clone(), pool)?;
        let server = rushes_filmlight::FilmLight::new(pool.clone(), registry.clone()).settings(settings);
        let executors = local.then(Arc::new(server)).at_once(pool.renders()).by_preference();
        Ok(self.registry(registry).executors(executors))
    }
}

impl Job {
    pub(crate) fn runs_on(&self) -> Executors {
        let local = || Executors::new().prefer(Arc::new(LocalExecutor::new(self.registry.clone())));
        self.executors.clone().unwrap_or_else(local)
    }

    /// The executors, each of which does not do again what is done, and tries again what may pass.
    pub(crate) fn with_ledger(&self, ledger: &Arc<Ledger>) -> Executors {
        let executors = self.runs_on();
        let classes: Vec<String> = executors.members().map(|e| e.results().to_owned()).collect();
        executors.each(|executor| {
            let retry = Retry::new(Arc::new(Trace::new(executor)), self.attempts, Duration::from_secs(1));
            let cache = Cache::new(Arc::new(retry), Arc::clone(ledger), self.registry.clone());
            Arc::new(cache.beside(classes.iter().cloned()))
        })
    }

    /// Clips whose units no executor takes are told before anything runs. The units of a clip differ in their frames:
    /// one is asked for.
    pub(crate) async fn refuse_what_nobody_takes(&self, plan: &mut Plan) {
        let executors = self.runs_on();
        for clip in &mut plan.clips {
            let Some(unit) = clip.units.first() else { continue };
            let able = executors.able(unit).await;
            // Who cannot say now is asked again when it runs.
            if !able.takers.is_empty() || !able.absent.is_empty() {
                continue;
            }
            let why = executors.refusal(&able);
            plan.findings.push(Finding::error("clip-skipped", &why).clip(&clip.clip));
            (clip.skipped, clip.units) = (Some(why), Vec::new());
        }
    }
}

/// The class of the results that `unit` will have, then those of the other executors.
pub(crate) async fn classes_of(executors: &Executors, unit: &Unit) -> Vec<String> {
    let able = executors.able(unit).await;
    let first = match executors.choose(unit, &able, |_| 1) {
        Some(Choice::Now(i)) => i,
        _ => 0,
    };
    let mut classes: Vec<String> = executors.members().map(|e| e.results().to_owned()).collect();
    if first < classes.len() {
        classes.swap(0, first);
    }
    classes
}
