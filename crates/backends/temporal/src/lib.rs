//! Orders on [Temporal](https://temporal.io): thousands of units at once, on machines that come and go.
//!
//! Temporal keeps what is to be done and gives it out; it never sees a pixel, nor a plan. An order lies in a folder that all
//! workers see ([`rushes_core::run::Orders`]), and Temporal knows its name and numbers. One workflow type interprets orders: a run of
//! it for the order, and a child for every clip, which has its units done as activities.
//!
//! ```text
//! rushes-order (order)  ──▶ rushes-order (clip 0) ──▶ unit 0, unit 1 ... on the task queue of their class
//!        │                  rushes-order (clip 1) ──▶ ...                (rushes-cpu, rushes-cpu-himem, rushes-gpu, rushes-filmlight)
//!        └─ head, finish            └─ clip, settle, lost                 on rushes-orchestrate
//! ```
//!
//! - No more than a few hundred units wait or run for an order ([`Fanout`](rushes_core::run::Fanout)); long histories are
//!   continued as new ones.
//! - A unit that fails in a way that may pass is tried again, elsewhere if need be; one of a lost worker after its
//!   heartbeats are missed. Bad media is not tried again.
//! - What a unit has finished stands: whoever tries it again goes on from there. A unit that is run twice at once makes
//!   its outputs once.
//! - More urgent orders pass those that wait (priority 1 to 5), and shows of one priority share the workers fairly.
//!
//! A worker of your own, with your own stages and executors:
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use rushes_core::run::{CancellationToken, Orders};
//! use rushes_temporal::{Server, Worker};
//! # async fn f(desk: Arc<dyn Orders>, stop: CancellationToken) -> rushes_core::Result<()> {
//! let server = Server::from_env()?;
//! // `desk` is a `rushes::order::Desk::new(registry, executors)`.
//! Worker::new(desk).queue("cpu").units_at_once(2).run(&server, stop).await
//! # }
//! ```
//!
//! With the feature `otel` and a global provider of OpenTelemetry's tracers, an order is one trace: whoever starts it, its runs and
//! those of its clips, each attempt at a unit, and (through `tracing-opentelemetry`) the unit's stages, in whichever process.
//! The provider wants [`SpanIds`] for its ids, so that a run that is replayed elsewhere goes on under the same.
//!
//! | what | where |
//! | --- | --- |
//! | what a run is given and remembers | `work.rs` |
//! | the interpreter of orders, the only code that is replayed | `workflow.rs` |
//! | what it has done | `activities.rs`, and how that fails: `failure.rs` |
//! | the process that does it | `worker.rs`; what it tells those who watch: `watch.rs` |
//! | starting, watching and cancelling orders | `submit.rs`, `server.rs` |

mod activities;
mod failure;
mod server;
mod submit;
mod watch;
mod work;
mod worker;
mod workflow;

pub use server::Server;
/// Ids of spans: random, but for those of workflows, which are the same whenever a run is replayed.
#[cfg(feature = "otel")]
pub use temporalio_sdk::opentelemetry::WorkflowIdGenerator as SpanIds;

pub use submit::{Ended, Run, State, Status, Submission};
pub use work::Pace;
pub use worker::Worker;
pub use workflow::replay;
