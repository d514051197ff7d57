//! A workflow, a card and a folder: the whole job in one call.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rushes_core::deliver::refuse_among_originals;
use rushes_core::graph::{AnyStage, Graph, NodeId, Registry, WorkflowFile};
use rushes_core::media::Finding;
use rushes_core::plan::{Plan, PlanOptions};
use rushes_core::run::{
    Budget, CancellationToken, Events, Executor, Executors, RunContext, RunReport, Runner, understand,
};
use rushes_core::stage::{Batch, ClipRef};
use rushes_core::storage::{absolute, is_uri, local_only, same_form};
use rushes_core::{Error, ErrorKind, Result};
use rushes_ledger::{Judgement, Ledger};

use crate::ending::Ending;
use crate::manifest::Manifest;

/// A workflow to be run on a card or folder.
///
/// ```no_run
/// # async fn f() -> rushes::Result<()> {
/// let done = rushes::Job::new(rushes::recipes::Dailies::default().workflow(), "A001", "out").run().await?;
/// for finding in &done.report.findings {
///     println!("{finding}");
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Job {
    pub(crate) workflow: WorkflowFile,
    pub(crate) input: PathBuf,
    pub(crate) registry: Registry,
    /// The stages of what decodes here: those of the registry, without the formats that are left to servers.
    pub(crate) decodes: Registry,
    pub(crate) executors: Option<Executors>,
    pub(crate) options: PlanOptions,
    pub(crate) attempts: u32,
    units_at_once: usize,
    events: Events,
    pub(crate) cancel: CancellationToken,
    pub(crate) page: bool,
}

/// What the clip stages found out.
#[derive(Debug, Clone)]
pub struct Understood {
    /// The workflow's graph.
    pub graph: Graph,
    /// The batch each clip stage made.
    pub batches: BTreeMap<NodeId, Batch>,
}

/// A job that ran.
#[derive(Debug, Clone)]
pub struct Done {
    /// What was planned.
    pub plan: Plan,
    /// How it went; its findings are all there are, from the first look at the card on.
    pub report: RunReport,
    /// What was written to `manifest.json`.
    pub manifest: Manifest,
}

impl Job {
    /// `workflow` on the card or folder `input`, outputs to the folder `out`, with the stock
    /// stages, on this machine's CPUs, in half of its memory.
    pub fn new(workflow: WorkflowFile, input: impl Into<PathBuf>, out: impl Into<PathBuf>) -> Self {
        Self {
            workflow,
            input: this_machines(input.into()),
            registry: crate::registry(),
            decodes: crate::registry(),
            executors: None,
            options: PlanOptions { budget: Some(half_of_memory()), ..PlanOptions::to(this_machines(out.into())) },
            attempts: 3,
            units_at_once: 2,
            events: Events::none(),
            cancel: CancellationToken::new(),
            page: true,
        }
    }

    /// Stages of your own, beside the stock ones or instead of them.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.decodes = registry.clone();
        self.registry = registry;
        self
    }

    /// Another executor than this machine's CPUs.
    pub fn executor(self, executor: Arc<dyn Executor>) -> Self {
        self.executors(Executors::new().prefer(executor))
    }

    /// Several executors, each of which gets the units that it takes and is best for.
    pub fn executors(mut self, executors: Executors) -> Self {
        self.executors = Some(executors);
        self
    }

    /// Whether its units are to run on other machines: then it is planned without a look at what this one has.
    pub fn elsewhere(mut self, elsewhere: bool) -> Self {
        self.options.elsewhere = elsewhere;
        self
    }

    /// Whether existing outputs may be replaced.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.options.overwrite = overwrite;
        self
    }

    /// Whether `report/index.html` is written; it is if not said.
    pub fn page(mut self, page: bool) -> Self {
        self.page = page;
        self
    }

    /// The most bytes that frames in flight may take together.
    pub fn memory(mut self, bytes: u64) -> Self {
        self.options.budget = Some(bytes);
        self
    }

    /// Attempts at a unit that fails in a way that may pass; three if not said.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Frames to a unit where outputs allow parts.
    pub fn frames_per_unit(mut self, frames: u64) -> Self {
        self.options.frames_per_unit = frames;
        self
    }

    /// Units that run at the same time, on each executor of which nothing else was said.
    pub fn units_at_once(mut self, units: usize) -> Self {
        self.units_at_once = units;
        self
    }

    /// Who hears what happens.
    pub fn events(mut self, events: Events) -> Self {
        self.events = events;
        self
    }

    /// Cancels the job when it fires.
    pub fn cancel(mut self, cancel: CancellationToken) -> Self {
        self.cancel = cancel;
        self
    }

    /// Runs the clip stages: what is on the card, and what is known about it.
    ///
    /// # Errors
    /// When the workflow makes no sense or the card cannot be read at all.
    pub async fn understand(&self) -> Result<Understood> {
        let graph = self.workflow.graph(&self.registry)?;
        let mut batches = understand(&graph, &self.input, &self.events, &self.cancel).await?;
        // Ingest knows which formats want a decoder of their own, and the registry which it has.
        if let Ok(AnyStage::Source(decoders)) = self.registry.make("decode", serde_json::json!({})) {
            for clip in batches.values_mut().flat_map(|b| &mut b.clips).filter(|c| c.needs.is_some()) {
                if decoders.accepts(&ClipRef::of(clip)).is_ok() {
                    clip.needs = None;
                }
            }
        }
        Ok(Understood { graph, batches })
    }

    /// Decides what would be done, and does none of it.
    ///
    /// # Errors
    /// As [`Job::understand`], and when the memory is too little for one frame.
    pub async fn plan(&self) -> Result<(Understood, Plan)> {
        let understood = self.understand().await?;
        let (graph, batches) = (understood.graph.clone(), understood.batches.clone());
        let (registry, options) = (self.registry.clone(), self.options.clone());
        let mut plan = blocking(move || Plan::of(&graph, &registry, &batches, &options)).await?;
        self.refuse_what_nobody_takes(&self.runs_on(), &mut plan).await?;
        Ok((understood, plan))
    }

    /// What would be made, what stands already, and why the rest does not: the findings of
    /// [`Judgement`], unit by unit. Nothing is made.
    ///
    /// # Errors
    /// As [`Job::plan`], and when the ledger of the output folder cannot be opened.
    pub async fn why(&self) -> Result<(Plan, Vec<Finding>)> {
        let (_, plan) = self.plan().await?;
        if !Ledger::is_begun(&self.options.out) {
            return Ok((plan, Vec::new()));
        }
        let (out, registry) = (self.options.out.clone(), self.registry.clone());
        let cx = RunContext { cancel: self.cancel.clone(), events: self.events.clone(), ..RunContext::plain() };
        let executors = self.runs_on();
        let mut classes = Vec::with_capacity(plan.units().count());
        for unit in plan.units() {
            classes.push(self.classes_of(&executors, unit).await?);
        }
        blocking(move || {
            let ledger = Ledger::open(&out)?;
            let mut told = ledger.findings().to_vec();
            for (unit, classes) in plan.units().zip(&classes) {
                let judgement = Judgement::of(&ledger, unit, &registry, classes, &cx)?;
                if judgement.stands() {
                    let text = format!("{}: all {} files stand", unit.id, judgement.outputs.len());
                    told.push(Finding::info("already-done", text).clip(&unit.clip.name));
                }
                told.extend(judgement.findings(unit));
            }
            Ok((plan, told))
        })
        .await
    }

    /// The plan, and the clips; nothing of it would be written among originals, and there is a folder to write into.
    pub(crate) async fn begin(&self) -> Result<(Understood, Plan, Batch)> {
        let out = &self.options.out;
        refuse_writing_into_the_card(&self.input, out)?;
        let (understood, plan) = self.plan().await?;
        let batch = understood.last();
        batch.clips.iter().try_for_each(|c| refuse_among_originals(out, &c.media).map_err(|e| e.clip(&c.name)))?;
        if !is_uri(out) {
            std::fs::create_dir_all(out).map_err(|e| Error::io(out, e).doing("making the output folder"))?;
        }
        Ok((understood, plan, batch))
    }

    /// Runs the job and writes `manifest.json`, `lineage.json` and `report/index.html` into the output
    /// folder.
    ///
    /// # Errors
    /// As [`Job::plan`], and when the manifest cannot be written. Clips and units that fail are
    /// in the report.
    pub async fn run(&self) -> Result<Done> {
        let (understood, plan, batch) = self.begin().await?;
        let out = self.options.out.clone();
        let ledger = blocking({
            let out = out.clone();
            move || Ledger::open(&out).map(Arc::new)
        })
        .await?;
        let runner = Runner::over(self.with_ledger(&ledger))
            .concurrency(self.units_at_once)
            .budget(self.options.budget.map_or_else(Budget::unlimited, Budget::new))
            .events(self.events.clone())
            .cancel(self.cancel.clone());
        let mut report = runner.run(&plan).await;
        let (plan, batch) = self.replace_bad_frames(&runner, plan, batch, &understood.graph, &mut report).await?;

        let ending = Ending {
            graph: understood.graph,
            input: self.input.clone(),
            out,
            batch,
            plan,
            report,
            ledger,
            registry: self.registry.clone(),
            cancel: self.cancel.clone(),
            page: self.page,
        };
        ending.write().await
    }
}

impl Understood {
    /// All clips, with the findings of every clip stage: the batches that feed the sources,
    /// merged (or, in a workflow without a source, the last ones).
    pub fn last(&self) -> Batch {
        let feeds = |id: &NodeId| {
            let below = self.graph.outputs(*id);
            below.is_empty() || below.iter().any(|n| matches!(self.graph.node(*n).stage, AnyStage::Source(_)))
        };
        let mut merged = Batch::default();
        for (_, batch) in self.batches.iter().filter(|(id, _)| feeds(id)) {
            merged.root.clone_from(&batch.root);
            for clip in &batch.clips {
                if !merged.clips.iter().any(|c| c.name == clip.name) {
                    merged.clips.push(clip.clone());
                }
            }
            for finding in &batch.findings {
                if !merged.findings.contains(finding) {
                    merged.findings.push(finding.clone());
                }
            }
            for path in &batch.unclaimed {
                if !merged.unclaimed.contains(path) {
                    merged.unclaimed.push(path.clone());
                }
            }
        }
        merged
    }
}

pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|e| Err(Error::new(ErrorKind::Panicked, format!("the work ended without a result: {e}"))))
}

/// What `file:///` names, as a path.
fn this_machines(path: PathBuf) -> PathBuf {
    local_only(&path, "").map_or_else(|_| path.clone(), Cow::into_owned)
}

/// Outputs among camera originals would be taken for media by the next look at the card.
fn refuse_writing_into_the_card(input: &Path, out: &Path) -> Result<()> {
    let (Ok(input), Ok(out)) = (absolute(&same_form(input)), absolute(&same_form(out))) else { return Ok(()) };
    let real = |p: &Path| std::fs::canonicalize(p).unwrap_or_else(|_| p.to_owned());
    let inside = if is_uri(&input) || is_uri(&out) {
        out.starts_with(&input)
    } else {
        let input = real(&input);
        out.ancestors().any(|a| real(a) == input) && input.is_dir()
    };
    if inside {
        return Err(Error::new(ErrorKind::Invalid, "the output folder lies inside the card")
            .path(out)
            .advice("choose a folder elsewhere: nothing is ever written to camera originals"));
    }
    Ok(())
}

/// Bytes that frames in flight may take where nobody says otherwise: half of the memory that this process may have, which is the
/// machine's or what its control groups leave it (a container's limit); or 4 GiB where nothing says how much that is.
pub fn half_of_memory() -> u64 {
    let kib = |text: &str| text.trim().trim_end_matches(" kB").parse::<u64>().ok();
    let machine = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| text.lines().find_map(|l| kib(l.strip_prefix("MemTotal:")?)).map(|kib| kib * 1024));
    let group = std::fs::read_to_string("/proc/self/cgroup")
        .ok()
        .and_then(|own| limit_of_groups(Path::new("/sys/fs/cgroup"), &own));
    machine.into_iter().chain(group).min().map_or(4 << 30, |bytes| bytes / 2)
}

/// The least of the limits of the control groups that a process is in and those around them; `own` is its `/proc/self/cgroup`
/// (cgroups(7)). Version 2 calls a limit `memory.max`, version 1 `memory.limit_in_bytes`; no limit is a word, or more than any
/// machine has.
fn limit_of_groups(root: &Path, own: &str) -> Option<u64> {
    let limits = own.lines().filter_map(|line| {
        let (root, name, path) = match line.splitn(3, ':').collect::<Vec<_>>()[..] {
            [_, "", path] => (root.to_owned(), "memory.max", path),
            [_, kinds, path] if kinds.split(',').any(|k| k == "memory") => {
                (root.join("memory"), "memory.limit_in_bytes", path)
            }
            _ => return None,
        };
        // In a container the path may be that of the machine, and only the root be there.
        let group = root.join(path.trim_start_matches('/'));
        let around = group.ancestors().take_while(|g| g.starts_with(&root));
        around.filter_map(|g| std::fs::read_to_string(g.join(name)).ok()?.trim().parse::<u64>().ok()).min()
    });
    limits.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_limit_of_the_groups_around_counts() {
        let dir = tempfile::tempdir().unwrap();
        let group = |path: &str, name: &str, limit: &str| {
            std::fs::create_dir_all(dir.path().join(path)).unwrap();
            std::fs::write(dir.path().join(path).join(name), limit).unwrap();
        };
        let of = |own: &str| limit_of_groups(dir.path(), own);
        assert_eq!(of("0::/\n"), None);
        group("pod/worker", "memory.max", "max\n");
        assert_eq!(of("0::/pod/worker\n"), None);
        group("pod", "memory.max", "8589934592\n");
        assert_eq!(of("0::/pod/worker\n"), Some(8 << 30));
        group("pod/worker", "memory.max", "1073741824\n");
        assert_eq!(of("0::/pod/worker\n"), Some(1 << 30));
        assert_eq!(of("0::/pod/other\n"), Some(8 << 30));
        // A container that sees its own group as the root.
        group("", "memory.max", "2147483648\n");
        assert_eq!(of("0::/kubepods/of-the-machine\n"), Some(2 << 30));
        group("memory/job", "memory.limit_in_bytes", "4294967296\n");
        assert_eq!(of("12:cpu,cpuacct:/job\n5:memory:/job\n"), Some(4 << 30));
        assert_eq!(of("nonsense"), None);
    }
}
