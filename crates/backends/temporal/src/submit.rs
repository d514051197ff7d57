//! Starting, watching and cancelling orders.

use std::time::Duration;

use rushes_core::run::Tally;
use rushes_core::{Error, ErrorKind, Result};
use temporalio_client::errors::{WorkflowGetResultError, WorkflowInteractionError, WorkflowQueryError};
use temporalio_client::{
    Client, Priority, WorkflowCancelOptions, WorkflowDescribeOptions, WorkflowExecutionStatus,
    WorkflowFetchHistoryOptions, WorkflowGetResultOptions, WorkflowHandle, WorkflowIdConflictPolicy,
    WorkflowIdReusePolicy, WorkflowQueryOptions, WorkflowStartOptions,
};

use crate::Server;
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
            .id_conflict_policy(WorkflowIdConflictPolicy::UseExisting)
            .priority(priority)
            .static_summary(self.order.clone())
            .build();
        let started = traced.start_workflow(OrderRun::run, work, options).await;
        started.map_err(|e| io("submitting the order", e.to_string()))?;
        // Asking how far it is, over and over, is nothing for its trace.
        Run::find(server, &self.id).await
    }
}

/// An order that was submitted.
pub struct Run {
    client: Client,
    handle: WorkflowHandle<Client, OrderRun>,
    id: String,
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
        Self { handle: client.get_workflow_handle::<OrderRun>(run_id(id)), client, id: id.to_owned() }
    }

    /// Its name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When there is no such order, or the server cannot be reached.
    pub async fn wait(&self) -> Result<Ended> {
        match self.handle.get_result(WorkflowGetResultOptions::default()).await {
            Ok(tally) => Ok(Ended::Done(tally)),
            Err(WorkflowGetResultError::Cancelled { .. }) => Ok(Ended::Cancelled),
            Err(WorkflowGetResultError::Failed(e)) => Ok(Ended::Failed(innermost(&e))),
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
        let doing = "asking for the order";
        let described = self.handle.describe(WorkflowDescribeOptions::default()).await.map_err(|e| match e {
            WorkflowInteractionError::NotFound(_) => self.unknown(),
            e => io(doing, e.to_string()),
        })?;
        let mut state = match described.status() {
            WorkflowExecutionStatus::Running | WorkflowExecutionStatus::ContinuedAsNew => State::Running,
            WorkflowExecutionStatus::Completed => State::Done,
            WorkflowExecutionStatus::Canceled => State::Cancelled,
            _ => State::Failed,
        };
        let progress = ask(&self.handle).await?;
        if state == State::Running && progress.finishing {
            state = State::Finishing;
        }
        let mut tally = progress.tally;
        if state == State::Running {
            for clip in &progress.running {
                let of_clip = self.client.get_workflow_handle::<OrderRun>(format!("{}/{clip}", run_id(&self.id)));
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
        })
    }

    /// Cancels it: units in work end within seconds, no others begin, and what was made is written down.
    ///
    /// # Errors
    /// When there is no such order, or the server cannot be reached.
    pub async fn cancel(&self, reason: &str) -> Result<()> {
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

fn innermost(e: &temporalio_common::error::IncomingError) -> String {
    let mut at = e.failure();
    while let Some(cause) = at.cause.as_deref() {
        at = cause;
    }
    at.message.clone()
}

/// The name of an order among the server's workflows.
fn run_id(order: &str) -> String {
    format!("rushes-{order}")
}

fn io(doing: &str, why: String) -> Error {
    Error::new(ErrorKind::Io, why).doing(doing).retryable()
}
