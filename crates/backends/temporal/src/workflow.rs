//! The interpreter of orders: the only code that is replayed, so all it does depends on its history alone.
//!
//! Histories of earlier builds are replayed by the tests. A change that would make other decisions of the same history needs
//! `ctx.patched` (the names of those that were made stand at [`AGAIN`]), or a workflow type of another name.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::FusedFuture;
use rushes_core::run::{ClipHead, OrderHead, Tally, UnitRef};
use rushes_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use temporalio_common::data_converters::PayloadConversionError;
use temporalio_common::error::{
    ApplicationFailure, ChildWorkflowStartError, IncomingError, StartChildWorkflowExecutionFailedCause,
};
use temporalio_common::{Priority, RetryPolicy};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::workflow_replayer::{WorkflowReplayer, WorkflowReplayerOptions};
use temporalio_sdk::workflows::{join_all, select};
use temporalio_sdk::{
    ActivityCancellationType, ActivityExecutionError, ActivityOptions, ChildWorkflowOptions, ContinueAsNewOptions,
    ParentClosePolicy, WorkflowCancellationToken, WorkflowContext, WorkflowContextView, WorkflowResult,
    WorkflowTermination,
};

use crate::activities::Hands;
use crate::failure::{UNREPORTED, innermost, name};
use crate::work::{At, ClipWork, UnitWork, Work, queue};

/// A run of an order, or of a clip of it.
#[workflow]
#[derive(Default)]
pub(crate) struct OrderRun {
    progress: Progress,
}

/// How far a run is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Progress {
    /// Clips, or units of the clip, in all.
    pub(crate) of: u64,
    /// The next one to begin.
    pub(crate) next: u64,
    /// Those in work.
    pub(crate) running: BTreeSet<u64>,
    /// How units ended.
    pub(crate) tally: Tally,
    /// What went wrong with whole clips; the first ones of many.
    pub(crate) troubles: Vec<String>,
    /// The units have ended, and the manifest is being written.
    pub(crate) finishing: bool,
}

/// Troubles that are remembered.
const TROUBLES: usize = 10;

/// Characters of each of them.
const LONGEST: usize = 500;

#[workflow_methods]
impl OrderRun {
    #[run(name = "rushes-order")]
    pub(crate) async fn run(ctx: &mut WorkflowContext<Self>, work: Work) -> WorkflowResult<Tally> {
        if work.version != Work::VERSION {
            let text = format!("this build knows version {} of orders' runs, and not {}", Work::VERSION, work.version);
            // It is this worker that cannot go on, and not the order: the task is left to one of another build.
            return Err(PayloadConversionError::EncodingError(text.into()).into());
        }
        match work.clip {
            None => order(ctx, work).await,
            Some(clip) => of_clip(ctx, work, clip).await,
        }
    }

    #[query(name = "progress")]
    pub(crate) fn progress(&self, _: &WorkflowContextView) -> Progress {
        self.progress.clone()
    }
}

type Ctx = WorkflowContext<OrderRun>;

async fn order(ctx: &Ctx, mut work: Work) -> WorkflowResult<Tally> {
    let head = match work.head {
        Some(head) => head,
        None => ctx.execute_activity(Hands::head, work.order.clone(), small()).await?,
    };
    work.head = Some(head);
    begin(ctx, head.clips, &work.at);
    lanes(ctx, head.fanout.clips, work.pace.events, |clip| child(ctx, &work, clip)).await;
    let (next, tally, troubles) = ctx.state(|s| (s.progress.next, s.progress.tally, s.progress.troubles.clone()));
    let cancelled = ctx.cancellation_token().is_cancelled();
    if next < head.clips && !cancelled {
        let at = At { next, tally, troubles, ..At::default() };
        ctx.continue_as_new(Work { at, ..work.clone() }, ContinueAsNewOptions::default())?;
    }
    ctx.state_mut(|s| s.progress.finishing = true);
    // Also of what was cancelled it is told what was made.
    let finished = to_the_end(ctx, |options| ctx.execute_activity(Hands::finish, work.order.clone(), options)).await;
    let cancelled = cancelled || ctx.cancellation_token().is_cancelled() && finished.is_err();
    match finished {
        Err(e) if cancelled && ctx.patched(CANCELLED) => {
            trouble(
                ctx,
                format!("it was not written down what was made: {}", e.reason().map_or_else(|| e.to_string(), said_by)),
            );
        }
        finished => drop(finished?),
    }
    if cancelled { Err(WorkflowTermination::cancelled_with_details(tally)) } else { Ok(tally) }
}

/// One more trouble with a clip or the order.
fn trouble(ctx: &Ctx, what: String) {
    ctx.state_mut(|s| {
        if s.progress.troubles.len() < TROUBLES {
            s.progress.troubles.push(what.chars().take(LONGEST).collect());
        }
    });
}

/// The patch by which a clip that cannot be begun is begun again later.
const AGAIN: &str = "clip-again";

/// The patch by which what is done to the end of an order that was cancelled has an end itself.
const CANCELLED: &str = "cancelled-to-the-end";

/// The patch by which it is noted of a unit that it was given back too often.
const GIVEN_BACK: &str = "given-back-is-lost";

/// How often, over some minutes.
const CHILD_AGAIN: u64 = 30;

/// A clip of the order, as a run of its own.
async fn child(ctx: &Ctx, order: &Work, clip: u64) -> Tally {
    let mut before = 0;
    let ended = loop {
        let options = ChildWorkflowOptions::builder()
            .workflow_id(format!("{}/{clip}", ctx.workflow_id()))
            .parent_close_policy(ParentClosePolicy::Terminate)
            .build();
        let work = Work { clip: Some(clip), at: At::default(), ..order.clone() };
        match ctx.start_child_workflow(OrderRun::run, work, options).await {
            Ok(started) => {
                let ended = started.result().await;
                break ended.map_err(|e| e.failure().map_or_else(|| e.to_string(), innermost));
            }
            // Of a run that was terminated, whose clips end after it.
            Err(ChildWorkflowStartError::StartFailed { cause, .. })
                if cause == StartChildWorkflowExecutionFailedCause::WorkflowAlreadyExists
                    && before < CHILD_AGAIN
                    && ctx.patched(AGAIN) =>
            {
                before += 1;
                ctx.timer(Duration::from_secs(before.min(10))).await;
                if ctx.cancellation_token().is_cancelled() {
                    break Err(String::new());
                }
            }
            Err(e) => break Err(e.to_string()),
        }
    };
    ended.unwrap_or_else(|why| {
        let cancelled = ctx.cancellation_token().is_cancelled();
        if !cancelled {
            trouble(ctx, format!("clip {clip}: {why}"));
        }
        let (failed, cancelled) = if cancelled { (0, 1) } else { (1, 0) };
        Tally { failed, cancelled, ..Tally::default() }
    })
}

async fn of_clip(ctx: &Ctx, mut work: Work, clip: u64) -> WorkflowResult<Tally> {
    let head =
        work.head.ok_or_else(|| ApplicationFailure::non_retryable("a clip's run was given no head of its order"))?;
    let order = work.order.clone();
    let of = |generation| ClipWork { order: order.clone(), clip, generation };
    let settle =
        |generation| to_the_end(ctx, move |options| ctx.execute_activity(Hands::settle, of(generation), options));
    let mut now: Option<ClipHead> = None;
    if work.at.generation > 0 {
        // Planned again in an earlier run of this history.
        now = match settle(work.at.generation - 1).await {
            Err(_) if ctx.cancellation_token().is_cancelled() && ctx.patched(CANCELLED) => return Ok(work.at.tally),
            settled => settled?,
        };
    }
    let mut now = match now {
        Some(now) => now,
        None => ctx.execute_activity(Hands::clip, of(0), small()).await?,
    };
    loop {
        begin(ctx, now.units, &work.at);
        lanes(ctx, head.fanout.units, work.pace.events, |i| unit(ctx, &work, &head, &now, clip, i)).await;
        let (next, tally) = ctx.state(|s| (s.progress.next, s.progress.tally));
        if ctx.cancellation_token().is_cancelled() {
            return Ok(tally);
        }
        if next < now.units {
            let at = At { next, generation: now.generation, tally, ..At::default() };
            ctx.continue_as_new(Work { at, ..work.clone() }, ContinueAsNewOptions::default())?;
        }
        // Only failed units tell of frames that cannot be decoded.
        if tally.failed == 0 {
            return Ok(tally);
        }
        match settle(now.generation).await {
            Ok(Some(again)) => (now, work.at) = (again, At::default()),
            Ok(None) => return Ok(tally),
            Err(_) if ctx.cancellation_token().is_cancelled() && ctx.patched(CANCELLED) => return Ok(tally),
            Err(e) => return Err(e.into()),
        }
    }
}

/// A unit, on workers of the first class that takes it.
async fn unit(ctx: &Ctx, work: &Work, order: &OrderHead, now: &ClipHead, clip: u64, unit: u64) -> Tally {
    let unit = UnitRef { clip, generation: now.generation, unit };
    let input = UnitWork { order: work.order.clone(), unit, why: None, attempts: order.attempts };
    let mut tally = Tally::default();
    let mut classes = now.classes.iter().peekable();
    while let Some(class) = classes.next() {
        let options = ActivityOptions::with_start_to_close_timeout(Duration::from_millis(work.pace.unit_ms))
            .activity_id(format!("{}.{}.{}.{class}", unit.clip, unit.generation, unit.unit))
            .task_queue(queue(class))
            .heartbeat_timeout(work.pace.heartbeat())
            .cancellation_type(ActivityCancellationType::WaitCancellationCompleted)
            .retry_policy(retry(work.pace.attempts))
            .summary(format!("{} {}", now.name, unit.unit))
            .do_not_eagerly_execute(true)
            .maybe_priority(priority(ctx, now.priority))
            .build();
        let why = match ctx.execute_activity(Hands::unit, input.clone(), options).await {
            Ok(done) => {
                tally.done = 1;
                tally.frames = done.frames;
                return tally;
            }
            Err(ActivityExecutionError::Cancelled(_)) => {
                tally.cancelled = 1;
                return tally;
            }
            Err(e) => e,
        };
        let said = match why.reason() {
            Some(IncomingError::Application(failure)) => failure.type_name().map(str::to_owned),
            Some(IncomingError::Cancelled(_)) => {
                tally.cancelled = 1;
                return tally;
            }
            _ => None,
        };
        if said == Some(name(ErrorKind::Unsupported)) && classes.peek().is_some() {
            continue;
        }
        tally.failed = 1;
        // Where the worker said why, it kept a report; a silent one left nothing, and one that says so. One that gave it back may
        // have kept how far it came.
        let given_back = said.as_ref() == Some(&name(ErrorKind::Cancelled)) && !ctx.cancellation_token().is_cancelled();
        if said.as_deref().is_none_or(|said| said == UNREPORTED) || given_back && ctx.patched(GIVEN_BACK) {
            let why =
                Some(format!("no worker came to its end: {}", why.reason().map_or_else(|| why.to_string(), said_by)));
            // A clip whose unit cannot even be noted as lost is told of by the run's own failure to finish.
            let _ = ctx.execute_activity(Hands::lost, UnitWork { why, ..input }, small()).await;
        }
        return tally;
    }
    tally.failed = 1;
    tally
}

/// The priority of a clip's units where they have one of their own: a level more or less than the order's, each.
fn priority(ctx: &Ctx, own: i32) -> Option<Priority> {
    if own == 0 {
        return None;
    }
    let mut priority = ctx.info().priority();
    let of_order = i64::from(priority.priority_key.unwrap_or(3));
    priority.priority_key = Some((of_order - i64::from(own)).clamp(1, 5) as u32);
    Some(priority)
}

fn said_by(e: &IncomingError) -> String {
    match e {
        IncomingError::Timeout(e) => {
            format!("it was lost ({}) in every attempt", format!("{:?}", e.timeout_type()).to_lowercase())
        }
        other => other.failure().message.clone(),
    }
}

fn begin(ctx: &Ctx, of: u64, at: &At) {
    ctx.state_mut(|s| {
        s.progress.of = of;
        s.progress.next = at.next;
        s.progress.tally = at.tally;
        s.progress.troubles.clone_from(&at.troubles);
        s.progress.running.clear();
    });
}

/// Has everything from the next to the last done, so many at a time, until the history is long: then what is in work
/// is waited for, and the rest left to the next run.
async fn lanes<F: Future<Output = Tally>>(ctx: &Ctx, wide: usize, events: u32, one: impl Fn(u64) -> F) {
    let one = &one;
    let lane = || async move {
        loop {
            let go_on = ctx.history_length() < events && !ctx.cancellation_token().is_cancelled();
            let next = ctx.state_mut(|s| {
                let p = &mut s.progress;
                let next = (go_on && p.next < p.of).then_some(p.next)?;
                p.next += 1;
                p.running.insert(next);
                Some(next)
            });
            let Some(next) = next else { return };
            let tally = one(next).await;
            ctx.state_mut(|s| {
                s.progress.running.remove(&next);
                s.progress.tally += tally;
            });
        }
    };
    let left = ctx.state(|s| s.progress.of - s.progress.next.min(s.progress.of));
    let wide = usize::try_from(left).unwrap_or(usize::MAX).min(wide.max(1));
    join_all((0..wide).map(|_| lane())).await;
}

/// A short activity of those who orchestrate. Where storage is away it waits until that is back.
fn small() -> ActivityOptions {
    ActivityOptions::with_start_to_close_timeout(Duration::from_secs(600)).retry_policy(retry(0)).build()
}

/// What takes longer, and is done even where the order is cancelled; but then not for ever: the folder it is to be written to may
/// be gone, and that is why it was cancelled.
async fn to_the_end<T, F>(ctx: &Ctx, does: impl Fn(ActivityOptions) -> F) -> Result<T, ActivityExecutionError>
where
    F: FusedFuture<Output = Result<T, ActivityExecutionError>>,
{
    let token = WorkflowCancellationToken::new();
    let with = |attempts, longest: Duration, token| {
        ActivityOptions::with_start_to_close_timeout(longest)
            .heartbeat_timeout(Duration::from_secs(60))
            .cancellation_type(ActivityCancellationType::WaitCancellationCompleted)
            .cancellation_token(token)
            .retry_policy(retry(attempts))
            .build()
    };
    if !ctx.cancellation_token().is_cancelled() {
        let mut doing = std::pin::pin!(does(with(0, Duration::from_secs(24 * 3600), token.clone())));
        select! {
            done = doing => return done,
            _ = ctx.cancelled() => {
                if !ctx.patched(CANCELLED) {
                    return doing.await;
                }
                token.cancel();
                if let Ok(done) = doing.await {
                    return Ok(done);
                }
            }
        }
    }
    // Another half minute, where it fails.
    does(with(6, Duration::from_secs(24 * 3600), WorkflowCancellationToken::new())).await
}

/// Twice as long between attempts each time, from a second to a minute; any number of them where that is 0.
fn retry(attempts: u32) -> RetryPolicy {
    let mut policy = RetryPolicy::default();
    policy.set_initial_interval(Duration::from_secs(1));
    policy.set_backoff_coefficient(2.0);
    policy.set_maximum_interval(Some(Duration::from_secs(60)));
    policy.set_maximum_attempts(attempts);
    policy
}

/// Replays a recorded history, as JSON ([`Run::history`](crate::Run::history)), and tells whether this build decides as the
/// one that made it. Blocks the thread, and needs neither a server nor a runtime.
///
/// # Errors
/// Where it does not, and what else is wrong with the history.
pub fn replay(history: &[u8]) -> Result<()> {
    let invalid = |why: String| Error::new(ErrorKind::Invalid, why).doing("replaying the history of an order");
    let history = temporalio_client::WorkflowHistory::from_json(history).map_err(|e| invalid(e.to_string()))?;
    // Workflows belong to the thread that runs them.
    let replayed = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
        let options =
            WorkflowReplayerOptions::new().register_workflow::<OrderRun>().map_err(|e| e.to_string())?.build();
        runtime.block_on(async {
            let replayer = WorkflowReplayer::new(options).map_err(|e| e.to_string())?;
            replayer.replay_workflow(history).await.map(drop).map_err(|e| e.to_string())
        })
    });
    replayed.join().unwrap_or_else(|_| Err("the replay panicked".into())).map_err(invalid)
}
