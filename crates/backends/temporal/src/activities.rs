//! What the interpreter of orders has done.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rushes_core::run::{
    Budget, Busy, CancellationToken, ClipHead, Event, Events, FOUND, OrderHead, Orders, Outcome, RunContext, UnitReport,
};
use rushes_core::{Error, ErrorKind, Result};
use serde::Serialize;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::failure::{ending, failed, failure, unreported};
use crate::watch::Watch;
use crate::work::{Beat, ClipWork, Frames, UnitWork};

/// Does what the interpreter asks for.
pub(crate) struct Hands {
    pub(crate) orders: Arc<dyn Orders>,
    pub(crate) budget: Budget,
    pub(crate) events: Events,
    /// A unit that finishes no frame for so long is given up.
    pub(crate) stall: Duration,
    /// The worker is about to end: what is cancelled now is to be run elsewhere.
    pub(crate) draining: Arc<AtomicBool>,
    /// What failed for want of storage since a unit was done.
    pub(crate) unreached: Mutex<Unreached>,
    /// Ends the worker.
    pub(crate) give_up: GiveUp,
    pub(crate) watch: Arc<Watch>,
}

/// Ends a worker, and says why.
#[derive(Clone, Default)]
pub(crate) struct GiveUp {
    pub(crate) fired: CancellationToken,
    why: Arc<OnceLock<&'static str>>,
}

impl GiveUp {
    fn because(&self, why: &'static str) {
        self.why.get_or_init(|| why);
        self.fired.cancel();
    }

    /// Why, where it did.
    pub(crate) fn why(&self) -> Option<&'static str> {
        self.why.get().copied()
    }
}

/// A worker that has lost its storage fails quickly, and is free for the next unit sooner than others: after so many in a row
/// it gives up.
const UNREACHED: usize = 3;

/// What failed in a row for want of storage.
#[derive(Debug, Default)]
pub(crate) struct Unreached {
    /// Units whose order's storage was out of reach.
    gone: usize,
    /// Clips that could not be read or written, though it was in reach: a disk of this machine's own may be full.
    clips: BTreeSet<(String, u64)>,
}

/// Seconds that an output may take from its last frame to its name.
const FINISHING: u64 = 4 * 3600;

/// How long a unit that is cancelled may take to come to its end.
const TO_END: Duration = Duration::from_secs(30);

#[activities]
impl Hands {
    #[activity(name = "rushes-head")]
    pub(crate) async fn head(self: Arc<Self>, _: ActivityContext, order: String) -> Result<OrderHead, ActivityError> {
        self.orders.head(&order).await.map_err(|e| failure(&e))
    }

    #[activity(name = "rushes-clip")]
    pub(crate) async fn clip(self: Arc<Self>, _: ActivityContext, of: ClipWork) -> Result<ClipHead, ActivityError> {
        self.orders.clip(&of.order, of.clip).await.map_err(|e| failure(&e))
    }

    #[activity(name = "rushes-settle")]
    pub(crate) async fn settle(
        self: Arc<Self>,
        ctx: ActivityContext,
        of: ClipWork,
    ) -> Result<Option<ClipHead>, ActivityError> {
        self.alive(&ctx, (), Cancelled::GoesOn, self.orders.settle(&of.order, of.clip, of.generation)).await
    }

    #[activity(name = "rushes-lost")]
    pub(crate) async fn lost(self: Arc<Self>, _: ActivityContext, of: UnitWork) -> Result<(), ActivityError> {
        let why = Error::new(ErrorKind::Panicked, of.why.unwrap_or_default())
            .advice("see the log of the workers; run the clip alone");
        self.orders.lost(&of.order, of.unit, why).await.map_err(|e| failure(&e))
    }

    #[activity(name = "rushes-finish")]
    pub(crate) async fn finish(self: Arc<Self>, ctx: ActivityContext, order: String) -> Result<bool, ActivityError> {
        self.alive(&ctx, (), Cancelled::GoesOn, self.orders.finish(&order)).await
    }

    #[activity(name = "rushes-unit")]
    pub(crate) async fn unit(self: Arc<Self>, ctx: ActivityContext, of: UnitWork) -> Result<Frames, ActivityError> {
        let _in_work = InWork::begin(&self.watch);
        let attempt = Attempt::begin(&ctx, &of);
        if attempt.counted > attempt.most {
            self.watch.count("lost", None);
            return Err(unreported(&format!("it was lost in {} attempts", attempt.most), false));
        }
        let (frames, busy) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let cancel = CancellationToken::new();
        let _dropped = cancel.clone().drop_guard();
        let events = {
            let (frames, busy, to) = (Arc::clone(&frames), Arc::clone(&busy), self.events.clone());
            Events::to(move |event| {
                match &event {
                    Event::FrameDone { done, .. } => frames.store(*done, Ordering::Relaxed),
                    // Only a clock says so: a disk that hangs while a file is synced is not heard of otherwise.
                    Event::UnitBusy { with: Busy::Finishing { seconds, .. }, .. } if *seconds > FINISHING => {}
                    Event::UnitBusy { .. } => drop(busy.fetch_add(1, Ordering::Relaxed)),
                    _ => {}
                }
                to.send(event);
            })
        };
        let cx = RunContext { cancel: cancel.clone(), events, budget: self.budget.clone() };
        let mut run = std::pin::pin!(self.orders.run(&of.order, of.unit, &cx));
        let mut beat = tokio::time::interval(between(&ctx));
        let (mut known, mut moved, mut ending) = ((0, 0), Instant::now(), None);
        loop {
            tokio::select! {
                report = &mut run => return self.ended(&ctx, &of, attempt, report).await,
                () = ctx.cancelled(), if ending.is_none() => {
                    ending = Some(Instant::now());
                    cancel.cancel();
                }
                _ = beat.tick() => {
                    let now = (frames.load(Ordering::Relaxed), busy.load(Ordering::Relaxed));
                    if now != known {
                        (known, moved) = (now, Instant::now());
                    }
                    if ending.is_some_and(|since| since.elapsed() > TO_END) {
                        // Its threads have the cores of this process.
                        self.give_up.because("a unit that was told to end did not");
                        self.watch.count("hung", None);
                        let again = self.draining.load(Ordering::Relaxed) && !attempt.is_last();
                        return Err(unreported("it did not come to its end when it was told to", again));
                    }
                    if ending.is_none() && moved.elapsed() > self.stall {
                        self.give_up.because("a unit hangs, and has the cores of this worker");
                        self.watch.count("hung", None);
                        let text = format!("no frame was finished in {} minutes", moved.elapsed().as_secs() / 60);
                        return Err(unreported(&text, !attempt.is_last()));
                    }
                    // What cannot be told is told by the next.
                    let _ = ctx.record_heartbeat(Beat { frames: now.0, ..attempt.beat }).await;
                }
            }
        }
    }
}

/// An attempt at a unit, among the others.
#[derive(Clone, Copy)]
struct Attempt {
    /// What the attempts before it left.
    beat: Beat,
    /// The attempts that count, this one among them.
    counted: u32,
    /// Of which there are so many.
    most: u32,
}

/// Lost workers do not count as attempts that failed, but they are not without number either: a unit that takes down whoever
/// runs it has to come to an end.
const SPARE: u32 = 3;

impl Attempt {
    fn begin(ctx: &ActivityContext, of: &UnitWork) -> Self {
        let beat = ctx.heartbeat_details().deserialize::<Beat>().ok().flatten().unwrap_or_default();
        let counted = ctx.info().attempt.saturating_sub(beat.given_back);
        Self { beat: Beat { frames: 0, ..beat }, counted, most: of.attempts.saturating_add(SPARE) }
    }

    fn is_last(&self) -> bool {
        self.counted >= self.most
    }
}

impl Hands {
    /// How an attempt ended, for the engine: what is to be tried again fails in a way that may pass.
    async fn ended(
        &self,
        ctx: &ActivityContext,
        of: &UnitWork,
        attempt: Attempt,
        ended: Result<UnitReport>,
    ) -> Result<Frames, ActivityError> {
        let beat = attempt.beat;
        let given_back = Beat { given_back: beat.given_back + 1, ..beat };
        let report = match ended {
            Ok(report) => report,
            Err(e) if self.is_out_of_reach(ctx, of, attempt.beat, Some(e.kind())).await => {
                self.watch.count("given_back", None);
                let _ = ctx.record_heartbeat(given_back).await;
                return Err(unreported(&e.to_string(), true));
            }
            Err(e) => {
                self.watch.count("unreported", None);
                return Err(unreported(&e.to_string(), e.is_retryable() && !attempt.is_last()));
            }
        };
        match &report.outcome {
            Outcome::Done => {
                let _ = self.is_out_of_reach(ctx, of, attempt.beat, None).await;
                match report.ran_on.starts_with(FOUND) {
                    true => self.watch.count("found", None),
                    false => self.watch.count("done", Some(&report)),
                }
                Ok(Frames { frames: report.frames })
            }
            // Nobody else told it to end.
            Outcome::Cancelled if self.draining.load(Ordering::Relaxed) || !ctx.is_cancelled() => {
                self.watch.count("given_back", Some(&report));
                let _ = ctx.record_heartbeat(given_back).await;
                Err(ending())
            }
            Outcome::Cancelled => {
                self.watch.count("cancelled", Some(&report));
                Err(ActivityError::cancelled())
            }
            Outcome::Failed(f) => {
                let (outcome, next) = if self.is_out_of_reach(ctx, of, attempt.beat, Some(f.kind)).await {
                    ("given_back", Some(given_back))
                } else if f.retryable && beat.failed + 1 < of.attempts {
                    ("failed_for_now", Some(Beat { failed: beat.failed + 1, ..beat }))
                } else {
                    ("failed", None)
                };
                self.watch.count(outcome, Some(&report));
                if let Some(next) = next {
                    let _ = ctx.record_heartbeat(next).await;
                }
                Err(failed(f.kind, &f.message, next.is_some()))
            }
        }
    }
}

/// A unit in work, as it is counted.
struct InWork(Arc<Watch>);

impl InWork {
    fn begin(watch: &Arc<Watch>) -> Self {
        watch.running.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(watch))
    }
}

impl Drop for InWork {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Hands {
    /// Whether storage is away, as far as the end of a unit tells. Where it ended for want of a file that is looked after: a
    /// single clip that cannot be read is no reason to go.
    async fn is_out_of_reach(
        &self,
        ctx: &ActivityContext,
        of: &UnitWork,
        beat: Beat,
        failure: Option<ErrorKind>,
    ) -> bool {
        let kind = match failure {
            None => {
                *self.unreached.lock().unwrap_or_else(PoisonError::into_inner) = Unreached::default();
                return false;
            }
            Some(kind @ (ErrorKind::Io | ErrorKind::NotFound)) => kind,
            Some(_) => return false,
        };
        let look = async { Ok(self.orders.reach(&of.order).await.is_ok()) };
        let in_reach = match tokio::time::timeout(TO_END, self.alive(ctx, beat, Cancelled::Ends, look)).await {
            Ok(Ok(in_reach)) => in_reach,
            // It was told to end, and did not learn it: a worker that ends itself charges nobody.
            Ok(Err(_)) => return self.draining.load(Ordering::Relaxed),
            Err(_) => false,
        };
        let mut unreached = self.unreached.lock().unwrap_or_else(PoisonError::into_inner);
        match in_reach {
            false => unreached.gone += 1,
            true if kind == ErrorKind::NotFound => return false,
            true => drop(unreached.clips.insert((of.order.clone(), of.unit.clip))),
        }
        tracing::warn!(?unreached, "storage is out of reach");
        if unreached.gone.max(unreached.clips.len()) >= UNREACHED {
            self.give_up.because("storage is out of reach: three units in a row could not read or write");
        }
        !in_reach
    }
}

impl Hands {
    /// Waits for `work`, and tells meanwhile by `details` that it is at work; a worker that is about to end gives it back.
    async fn alive<T>(
        &self,
        ctx: &ActivityContext,
        details: impl Serialize + Copy + Send + Sync + 'static,
        cancelled: Cancelled,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T, ActivityError> {
        let mut heard = false;
        let mut work = std::pin::pin!(work);
        let mut beat = tokio::time::interval(between(ctx));
        loop {
            tokio::select! {
                done = &mut work => return done.map_err(|e| failure(&e)),
                () = ctx.cancelled(), if !heard => {
                    if cancelled == Cancelled::Ends || self.draining.load(Ordering::Relaxed) {
                        return Err(ending());
                    }
                    heard = true;
                }
                _ = beat.tick() => {
                    if self.draining.load(Ordering::Relaxed) && heard {
                        return Err(ending());
                    }
                    drop(ctx.record_heartbeat(details).await);
                }
            }
        }
    }
}

/// What becomes of work when the order is cancelled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cancelled {
    /// It ends.
    Ends,
    /// It comes to its end: what writes down what was made is wanted then, too, and would have to begin anew.
    GoesOn,
}

/// Whoever tells that he is at work hears that the order was cancelled, and is not to hear it minutes later.
const OFTEN: Duration = Duration::from_secs(5);

/// How often it is told that an activity is at work.
fn between(ctx: &ActivityContext) -> Duration {
    beats(ctx.info().heartbeat_timeout)
}

fn beats(timeout: Option<Duration>) -> Duration {
    let timeout = timeout.filter(|t| !t.is_zero()).unwrap_or(Duration::from_secs(30));
    (timeout / 4).clamp(Duration::from_millis(50), OFTEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancellation_is_heard_within_seconds_however_patient_the_server_is() {
        let beats = |timeout| beats(Some(Duration::from_millis(timeout))).as_millis();
        assert_eq!([beats(2000), beats(600_000), beats(1), beats(0)], [500, 5000, 50, 5000]);
    }
}
