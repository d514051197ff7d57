//! The process that works on orders.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rushes_core::run::{Budget, CancellationToken, Events, Orders};
use rushes_core::{Error, ErrorKind, Result};
use temporalio_client::Client;
use temporalio_common::telemetry::{PrometheusExporterOptions, TelemetryOptions, start_prometheus_metric_exporter};
use temporalio_sdk::runtime::RuntimeOptions;
use temporalio_sdk::runtime::worker_tuner::{FixedSizeSlotSupplier, SlotSupplier, TunerHolder, WorkerTuner};
use temporalio_sdk::{Runtime, WorkerOptions};
use tokio::net::TcpListener;

use crate::Server;
use crate::activities::{GiveUp, Hands};
use crate::watch::{Watch, serve};
use crate::work::{ORCHESTRATE, queue};
use crate::workflow::OrderRun;

/// Works on orders: on the units of the resource classes that it is given, and on orders themselves where one of
/// them is `orchestrate`.
///
/// It keeps nothing: it may end at any time, and others go on.
#[derive(Debug, Clone)]
pub struct Worker {
    orders: Arc<dyn Orders>,
    queues: Vec<String>,
    units_at_once: usize,
    grace: Duration,
    stall: Duration,
    budget: Budget,
    events: Events,
    metrics: Option<SocketAddr>,
    sdk_metrics: Option<SocketAddr>,
}

impl Worker {
    /// On `orders`, one unit at a time (which takes all cores), and half a minute for units to come to their end when it is
    /// stopped.
    pub fn new(orders: Arc<dyn Orders>) -> Self {
        Self {
            orders,
            queues: Vec::new(),
            units_at_once: 1,
            grace: Duration::from_secs(30),
            stall: Duration::from_secs(1800),
            budget: Budget::unlimited(),
            events: Events::none(),
            metrics: None,
            sdk_metrics: None,
        }
    }

    /// One more class of work: `cpu`, `cpu-himem`, `gpu`, `filmlight`, one of your own, or `orchestrate`.
    pub fn queue(mut self, class: &str) -> Self {
        self.queues.push(class.to_owned());
        self
    }

    /// Units that it runs at the same time, of each class.
    pub fn units_at_once(mut self, units: usize) -> Self {
        self.units_at_once = units.max(1);
        self
    }

    /// How long units may go on when it is stopped; then they are given back, and others go on with them.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How long a unit may finish no frame, and read nothing of a file to digest it, before it is given up: a decoder that hangs
    /// is not heard of otherwise.
    pub fn stall(mut self, stall: Duration) -> Self {
        self.stall = stall;
        self
    }

    /// The memory that frames in flight may take.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// Who hears what units do.
    pub fn events(mut self, events: Events) -> Self {
        self.events = events;
        self
    }

    /// Where it tells how it is: `/metrics` for Prometheus, `/healthz` and `/readyz` for the probes of a cluster; nowhere if not
    /// said.
    pub fn metrics(mut self, at: SocketAddr) -> Self {
        self.metrics = Some(at);
        self
    }

    /// Where the metrics of the engine's SDK are served, at `/metrics`: latencies of polls, of tasks and of calls to the server, slots;
    /// nowhere if not said.
    pub fn sdk_metrics(mut self, at: SocketAddr) -> Self {
        self.sdk_metrics = Some(at);
        self
    }

    /// Works until `stop` fires, and then until what is in work has ended or was given back. The future is not `Send`:
    /// it belongs to the thread that began it.
    ///
    /// # Errors
    /// When the server cannot be reached at first, refuses the worker, or something of the engine ends by itself; and when
    /// three units in a row could not reach their storage, or one hangs: then it is better to be started anew.
    pub async fn run(self, server: &Server, stop: CancellationToken) -> Result<()> {
        let failed = |why: String| Error::new(ErrorKind::Io, why).doing("working on orders");
        if self.queues.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "the worker was given no queue")
                .advice("name one: cpu, gpu, orchestrate"));
        }
        let watch = Arc::new(Watch::default());
        let mut _serving = None;
        if let Some(at) = self.metrics {
            let listener = TcpListener::bind(at).await.map_err(|e| no_port(at, e))?;
            _serving = Some(AbortOnDrop(tokio::spawn(serve(listener, Arc::clone(&watch))).abort_handle()));
        }
        let mut telemetry = TelemetryOptions::default();
        let mut _serving_sdk = None;
        if let Some(at) = self.sdk_metrics {
            let options = PrometheusExporterOptions::builder()
                .socket_addr(at)
                .counters_total_suffix(true)
                .unit_suffix(true)
                .use_seconds_for_durations(true)
                .build();
            let served = start_prometheus_metric_exporter(options).map_err(|e| no_port(at, e))?;
            _serving_sdk = Some(AbortOnDrop(served.abort_handle));
            telemetry.metrics = Some(served.meter);
        }
        let client = server.connect_traced().await?;
        let runtime = RuntimeOptions::builder()
            .telemetry_options(telemetry)
            .build()
            .and_then(|options| Runtime::from_current_tokio(options).map_err(|e| e.to_string()))
            .map_err(failed)?;
        let draining = Arc::new(AtomicBool::new(false));
        let (give_up, stop_or_give_up) = (GiveUp::default(), stop.child_token());
        let _watch = {
            let (give_up, stop) = (give_up.fired.clone(), stop_or_give_up.clone());
            let watch = tokio::spawn(async move {
                give_up.cancelled().await;
                stop.cancel();
            });
            AbortOnDrop(watch.abort_handle())
        };
        let mut running = Vec::new();
        for class in &self.queues {
            let mut worker = self.one(&runtime, &client, class, &draining, &give_up, &watch)?;
            let (stop, draining, shut) = (stop_or_give_up.clone(), Arc::clone(&draining), worker.shutdown_handle());
            running.push(async move {
                let mut run = std::pin::pin!(worker.run());
                tokio::select! {
                    ended = &mut run => return ended,
                    () = stop.cancelled() => {
                        draining.store(true, Ordering::Relaxed);
                        shut();
                    }
                }
                run.await
            });
        }
        watch.ready.store(true, Ordering::Relaxed);
        let _unready = {
            let (watch, stop) = (Arc::clone(&watch), stop_or_give_up.clone());
            let unready = tokio::spawn(async move {
                stop.cancelled().await;
                watch.ready.store(false, Ordering::Relaxed);
            });
            AbortOnDrop(unready.abort_handle())
        };
        tracing::info!(server = server.address(), queues = ?self.queues, "working on orders");
        let ended = futures::future::join_all(running.into_iter().map(|worker| async {
            let ended = worker.await;
            // One that ends by itself takes the others with it: half a worker is worse than none.
            stop_or_give_up.cancel();
            ended
        }))
        .await;
        ended.into_iter().collect::<Result<(), _>>().map_err(|e| failed(e.to_string()).retryable())?;
        if let Some(why) = give_up.why() {
            return Err(failed(why.into()).advice(
                "see to the mounts, credentials and media that this machine works on, and start the worker again",
            ));
        }
        Ok(())
    }

    fn one(
        &self,
        runtime: &Runtime,
        client: &Client,
        class: &str,
        draining: &Arc<AtomicBool>,
        give_up: &GiveUp,
        watch: &Arc<Watch>,
    ) -> Result<temporalio_sdk::Worker> {
        let failed = |why: String| Error::new(ErrorKind::Invalid, why).doing(format!("beginning to work on `{class}`"));
        let hands = Hands {
            orders: Arc::clone(&self.orders),
            budget: self.budget.clone(),
            events: self.events.clone(),
            stall: self.stall,
            draining: Arc::clone(draining),
            unreached: Default::default(),
            give_up: give_up.clone(),
            watch: Arc::clone(watch),
        };
        let orchestrates = class == ORCHESTRATE;
        let slots = |n| SlotSupplier::FixedSize(FixedSizeSlotSupplier::new(n));
        let tuner = TunerHolder::builder()
            .workflow_task_slot_supplier(slots(100))
            .activity_task_slot_supplier(slots(if orchestrates { 32 } else { self.units_at_once }))
            .local_activity_task_slot_supplier(slots(1))
            .nexus_task_slot_supplier(slots(1))
            .build();
        let options = WorkerOptions::new(queue(class))
            .register_activities(hands)
            .tuner(WorkerTuner::from(tuner))
            // A worker that is gone is not waited for.
            .sticky_queue_schedule_to_start_timeout(Duration::from_secs(2))
            .max_heartbeat_throttle_interval(Duration::from_secs(5))
            .graceful_shutdown_period(self.grace);
        let options = if orchestrates {
            options.register_workflow::<OrderRun>().map_err(|e| failed(e.to_string()))?.build()
        } else {
            options.build()
        };
        temporalio_sdk::Worker::new(runtime, client.clone(), options).map_err(|e| failed(e.to_string()))
    }
}

fn no_port(at: SocketAddr, e: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Io, format!("{at}: {e}")).doing("opening the port for metrics").advice("choose another one")
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
