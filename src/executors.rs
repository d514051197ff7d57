//! Which executors run a job's units.

use std::sync::Arc;
use std::time::Duration;

use rushes_core::media::Finding;
use rushes_core::plan::{Plan, Unit};
use rushes_core::run::{Able, CancellationToken, Executors, Retry, Trace};
use rushes_core::{Error, ErrorKind, Result};
use rushes_ledger::{Cache, Ledger};
use rushes_local::LocalExecutor;

use crate::Job;

#[cfg(feature = "gpu")]
impl Job {
    /// Prefers a GPU: units that it takes have the stages that it has programs for computed there, the others run where they
    /// did. Plates and proxies differ from those of the CPU within the table of `crates/backends/README.md`. Call it after
    /// [`Job::registry`] and [`Job::executors`]; where those were not said, each unit goes to the first that takes it.
    pub fn gpu(self, device: &rushes_gpu::Device) -> Self {
        let gpu = rushes_gpu::GpuExecutor::new(self.decodes.clone(), device.clone());
        let executors = self.composed().prefer(Arc::new(gpu));
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
    /// machine. Call it after [`Job::registry`] and [`Job::executors`]; where those were not said, each unit goes to the
    /// first that takes it.
    ///
    /// # Errors
    /// When the registry has no source `decode`.
    pub fn filmlight(mut self, pool: &rushes_filmlight::Pool, settings: rushes_filmlight::Settings) -> Result<Self> {
        let registry = rushes_filmlight::with_server_formats(self.registry.clone(), pool)?;
        let server = rushes_filmlight::FilmLight::new(pool.clone(), registry.clone()).settings(settings);
        let executors = self.composed().then(Arc::new(server)).at_once(pool.renders());
        // What runs here goes on with the stages it had: it decodes none of the servers' formats.
        self.registry = registry;
        Ok(self.executors(executors))
    }

    /// Knows the stages of jobs that FilmLight servers work on, and asks none: for desks that finish orders which others make.
    ///
    /// # Errors
    /// When the registry has no source `decode`.
    pub fn filmlight_elsewhere(mut self) -> Result<Self> {
        let executors = self.runs_on();
        self.registry = rushes_filmlight::with_server_formats_elsewhere(self.registry.clone())?;
        Ok(self.executors(executors))
    }
}

impl Job {
    /// The executors; where they were not said, this machine's CPUs.
    pub(crate) fn runs_on(&self) -> Executors {
        let local = || Executors::new().prefer(Arc::new(LocalExecutor::new(self.decodes.clone())));
        self.executors.clone().unwrap_or_else(local)
    }

    /// The executors, to be composed with others.
    #[cfg(any(feature = "gpu", feature = "filmlight"))]
    fn composed(&self) -> Executors {
        if self.executors.is_some() { self.runs_on() } else { self.runs_on().by_preference() }
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

    /// Clips of whose units no executor takes one are told before anything runs; who cannot say now is asked again then.
    pub(crate) async fn refuse_what_nobody_takes(&self, executors: &Executors, plan: &mut Plan) -> Result<()> {
        for clip in &mut plan.clips {
            let mut why = None;
            for unit in &clip.units {
                let able = asked(executors, unit, &self.cancel).await?;
                if !able.nobody() {
                    why = None;
                    break;
                }
                why.get_or_insert_with(|| executors.refusal(&able));
            }
            if let Some(why) = why {
                plan.findings.push(Finding::error("clip-skipped", &why).clip(&clip.clip));
                (clip.skipped, clip.units) = (Some(why), Vec::new());
            }
        }
        Ok(())
    }

    /// The class of the results that `unit` will have, then those of the other executors.
    pub(crate) async fn classes_of(&self, executors: &Executors, unit: &Unit) -> Result<Vec<String>> {
        let mut classes: Vec<String> = executors.members().map(|e| e.results().to_owned()).collect();
        if classes.len() > 1 {
            let able = asked(executors, unit, &self.cancel).await?;
            classes.swap(0, executors.choice(unit, &able).unwrap_or(0));
        }
        Ok(classes)
    }
}

async fn asked(executors: &Executors, unit: &Unit, cancel: &CancellationToken) -> Result<Able> {
    tokio::select! {
        able = executors.able(unit) => Ok(able),
        () = cancel.cancelled() => Err(Error::new(ErrorKind::Cancelled, "cancelled while executors were asked")),
    }
}
