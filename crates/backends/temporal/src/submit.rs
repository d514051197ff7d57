//! Starting, watching and cancelling orders.

use std::collections::BTreeMap;
use std::time::Duration;

use rushes_core::run::Tally;
use rushes_core::{Error, ErrorKind, Result};
use temporalio_client::errors::{
    WorkflowGetResultError, WorkflowInteractionError, WorkflowQueryError, WorkflowStartError,
};
use temporalio_client::{
    Client, Priority, WorkflowCancelOptions, WorkflowDescribeOptions, WorkflowExecutionDescription,
    WorkflowExecutionStatus, WorkflowFetchHistoryOptions, WorkflowGetResultOptions, WorkflowHandle,
    WorkflowIdConflictPolicy, WorkflowIdReusePolicy, WorkflowQueryOptions, WorkflowStartOptions,
};
use temporalio_common::protos::temporal::api::enums::v1::PendingActivityState;

use crate::Server;
use crate::failure::innermost;
use crate::work::{At, ORCHESTRATE, Pace, Work, queue};
use crate::workflow::{OrderRun, Progress};

/// An order on its way to the server.
#[derive(Debug, Clone)]
pub struct Submission {
    id: String,
    order: String,
    priority: u32,
    show: String,
    weight: f32,
    pace: Pace,
}

impl Submission {
    /// The order in the folder `order`, by its name; of middle priority, of no show.
    pub fn new(id: &str, order: &str) -> Self {
        Self {
            id: id.into(),
            order: order.into(),
            priority: 3,
            show: String::new(),
            weight: 1.0,
            pace: Pace::default(),
        }
    }

    /// From 1, which passes all others that wait, to 5, which takes what is left. Nothing that runs is interrupted.
    pub fn priority(mut self, priority: u8) -> Self {
        self.priority = u32::from(priority.clamp(1, 5));
        self
    }

    /// The show it is for, of at most 64 bytes: shows of one priority get workers in proportion to their weights (1 if not
    /// said), however many orders they have.
    pub fn show(mut self, show: &str, weight: f32) -> Self {
        let end = (0..=show.len().min(64)).rev().find(|&i| show.is_char_boundary(i)).unwrap_or(0);
        self.show = show[..end].to_owned();
        self.weight = if weight.is_finite() { weight.clamp(0.001, 1000.0) } else { 1.0 };
        self
    }

    /// How fast it goes.
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Starts it. An order that runs already is not started again; one that has ended is looked through, and what does
    /// not stand of it is made.
    ///
    /// # Errors
    /// When the server cannot be reached, or refuses it.
    pub async fn start(&self, server: &Server) -> Result<Run> {
        let traced = server.connect_traced().await?;
        let work = Work {
            version: Work::VERSION,
            order: self.order.clone(),
            pace: self.pace,
            head: None,
            clip: None,
            at: At::default(),
        };
        let mut priority = Priority::default();
        priority.priority_key = Some(self.priority);
        if !self.show.is_empty() {
            (priority.fairness_key, priority.fairness_weight) = (Some(self.show.clone()), Some(self.weight));
        }
        let options = WorkflowStartOptions::new(queue(ORCHESTRATE), run_id(&self.id))
            .id_reuse_policy(WorkflowIdReusePolicy::AllowDuplicate)
            .id_conflict_policy(WorkflowIdConflictPolicy::Fail)
            .priority(priority)
            .static_summary(self.order.clone())
            .build();
        let began_here = match traced.start_workflow(OrderRun::run, work, options).await {
            Ok(_) => true,
            Err(WorkflowStartError::AlreadyStarted { .. }) => false,
            Err(e) => return Err(io("submitting the order", e.to_string())),
        };
        // Asking how far it is, over and over, is nothing for its trace.
        Ok(Run { began_here, ..Run::find(server, &self.id).await? })
    }
}

/// An order that was submitted.
pub struct Run {
    client: Client,
    handle: WorkflowHandle<Client, OrderRun>,
    id: String,
    began_here: bool,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").field("id", &self.id).finish_non_exhaustive()
    }
}

/// How an order ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Every unit came to its end, and what became of them is written beside the outputs.
    Done(Tally),
    /// It was cancelled; what was made is written beside the outputs.
    Cancelled,
    /// The engine gave it up, and why.
    Failed(String),
}

/// What an order is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Units wait or run.
    Running,
    /// The units have ended, and the manifest is being written.
    Finishing,
    /// It came to its end.
    Done,
    /// It was cancelled.
    Cancelled,
    /// The engine gave it up.
    Failed,
}

/// How far an order is.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// What it is doing.
    pub state: State,
    /// Clips in all; 0 where nobody has looked yet.
    pub clips: u64,
    /// Clips that have not begun.
    pub clips_waiting: u64,
    /// Clips in work.
    pub clips_running: u64,
    /// How units ended.
    pub tally: Tally,
    /// What went wrong with whole clips.
    pub troubles: Vec<String>,
    /// What was tried, failed and is to be tried again: why an order does not go on. The first of many.
    pub waiting_for: Vec<String>,
}

impl Run {
    /// The order of this name.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn find(server: &Server, id: &str) -> Result<Self> {
        let client = server.connect().await?;
        Ok(Self::of(client, id))
    }

    fn of(client: Client, id: &str) -> Self {
        Self {
            handle: client.get_workflow_handle::<OrderRun>(run_id(id)),
            client,
            id: id.to_owned(),
            began_here: false,
        }
    }

    /// Its name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether it was this submission that began it: false where it ran already, or was only looked for.
    pub fn began_here(&self) -> bool {
        self.began_here
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When there is no such order, or the server cannot be reached.
    pub async fn wait(&self) -> Result<Ended> {
        match self.handle.get_result(WorkflowGetResultOptions::default()).await {
            Ok(tally) => Ok(Ended::Done(tally)),
            Err(WorkflowGetResultError::Cancelled { .. }) => Ok(Ended::Cancelled),
            Err(WorkflowGetResultError::Failed(e)) => Ok(Ended::Failed(innermost(e.failure()))),
            Err(WorkflowGetResultError::Terminated { .. }) => Ok(Ended::Failed("it was terminated".into())),
            Err(WorkflowGetResultError::TimedOut) => Ok(Ended::Failed("it took too long".into())),
            Err(WorkflowGetResultError::NotFound(_)) => Err(self.unknown()),
            Err(e) => Err(io("waiting for the order", e.to_string())),
        }
    }

    /// How far it is. Clips in work are asked one by one, so that their units count as they end.
    ///
    /// # Errors
    /// When there is no such order, or neither the server nor a worker that orchestrates answers.
    pub async fn status(&self) -> Result<Status> {
        let described = self.describe().await?;
        let mut state = state(&described);
        let progress = ask(&self.handle).await?;
        if state == State::Running && progress.finishing {
            state = State::Finishing;
        }
        let mut tally = progress.tally;
        let mut waiting_for = Waiting::default();
        waiting_for.of(&described);
        if state == State::Running {
            for (n, clip) in progress.running.iter().enumerate() {
                let of_clip = self.client.get_workflow_handle::<OrderRun>(format!("{}/{clip}", run_id(&self.id)));
                if n < Waiting::CLIPS
                    && let Ok(clip) = of_clip.describe(WorkflowDescribeOptions::default()).await
                {
                    waiting_for.of(&clip);
                }
                // One that has not begun, or has ended meanwhile, is not waited for.
                if let Ok(clip) = ask(&of_clip).await {
                    tally += clip.tally;
                }
            }
        }
        Ok(Status {
            state,
            clips: progress.of,
            clips_waiting: progress.of.saturating_sub(progress.next),
            clips_running: progress.running.len() as u64,
            tally,
            troubles: progress.troubles,
            waiting_for: waiting_for.told(),
        })
    }

    async fn describe(&self) -> Result<WorkflowExecutionDescription> {
        self.handle.describe(WorkflowDescribeOptions::default()).await.map_err(|e| match e {
            WorkflowInteractionError::NotFound(_) => self.unknown(),
            e => io("asking for the order", e.to_string()),
        })
    }

    /// Cancels it: units in work end within seconds, no others begin, and what was made is written down.
    ///
    /// # Errors
    /// When there is no such order, it has ended already, or the server cannot be reached.
    pub async fn cancel(&self, reason: &str) -> Result<()> {
        let ended = match state(&self.describe().await?) {
            State::Running | State::Finishing => None,
            State::Done => Some("it came to its end"),
            State::Cancelled => Some("it was cancelled"),
            State::Failed => Some("the engine gave it up"),
        };
        if let Some(ended) = ended {
            return Err(Error::new(ErrorKind::Invalid, format!("the order `{}` runs no more: {ended}", self.id))
                .doing("cancelling the order"));
        }
        let options = WorkflowCancelOptions::builder().reason(reason).build();
        self.handle.cancel(options).await.map_err(|e| match e {
            WorkflowInteractionError::NotFound(_) => self.unknown(),
            e => io("cancelling the order", e.to_string()),
        })
    }

    /// The history of its newest run, as JSON: for [`replay`](crate::replay).
    ///
    /// # Errors
    /// When there is no such order, or the server cannot be reached.
    pub async fn history(&self) -> Result<Vec<u8>> {
        let history = self.handle.fetch_history(WorkflowFetchHistoryOptions::default());
        history.to_json().await.map_err(|e| io("reading the history of the order", e.to_string()))
    }

    fn unknown(&self) -> Error {
        Error::new(ErrorKind::NotFound, format!("the server knows no order `{}`", self.id))
            .advice("see to its name, and to the server and namespace; long ended orders are forgotten")
    }
}

fn state(described: &WorkflowExecutionDescription) -> State {
    match described.status() {
        WorkflowExecutionStatus::Running | WorkflowExecutionStatus::ContinuedAsNew => State::Running,
        WorkflowExecutionStatus::Completed => State::Done,
        WorkflowExecutionStatus::Canceled => State::Cancelled,
        _ => State::Failed,
    }
}

/// What was tried, failed and is to be tried again, by what is wrong with it.
#[derive(Default)]
struct Waiting(BTreeMap<String, String>);

impl Waiting {
    /// Clips in work that are asked.
    const CLIPS: usize = 5;

    /// Lines that are told.
    const LINES: usize = 5;

    fn of(&mut self, run: &WorkflowExecutionDescription) {
        for tried in &run.raw().pending_activities {
            // One that runs now waits for nothing, whatever became of the attempt before.
            let waits = tried.state() == PendingActivityState::Scheduled;
            let Some(failure) = tried.last_failure.as_ref().filter(|_| waits) else { continue };
            let what = tried.activity_type.as_ref().map_or("", |t| t.name.trim_start_matches("rushes-"));
            // A unit has the numbers of its clip, generation and unit in its name; the others are alone.
            let what = match what {
                "unit" => format!("unit {}", tried.activity_id),
                other => other.to_owned(),
            };
            let line = format!("{what}, attempt {}: {}", tried.attempt, failure.message);
            self.0.entry(failure.message.clone()).or_insert(line);
        }
    }

    fn told(self) -> Vec<String> {
        self.0.into_values().take(Self::LINES).collect()
    }
}

async fn ask(handle: &WorkflowHandle<Client, OrderRun>) -> Result<Progress> {
    let doing = "asking for the order";
    let asked = handle.query(OrderRun::progress, (), WorkflowQueryOptions::default());
    match tokio::time::timeout(Duration::from_secs(10), asked).await {
        Ok(Ok(progress)) => Ok(progress),
        Ok(Err(WorkflowQueryError::NotFound(_))) => {
            Err(Error::new(ErrorKind::NotFound, "the server knows no such run").doing(doing))
        }
        Ok(Err(e)) => Err(io(doing, e.to_string())),
        Err(_) => Err(io(doing, "no worker that orchestrates answers".into())
            .advice("start one: `rushes worker --queue orchestrate`")),
    }
}

/// The name of an order among the server's workflows.
fn run_id(order: &str) -> String {
    format!("rushes-{order}")
}

fn io(doing: &str, why: String) -> Error {
    Error::new(ErrorKind::Io, why).doing(doing).retryable()
}
