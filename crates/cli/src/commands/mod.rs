//! One module a command.

mod bench;
mod demo;
mod devices;
mod elsewhere;
mod export;
mod finish;
#[cfg(feature = "temporal")]
mod fleet;
mod frame;
mod inspect;
mod job;
mod mhl;
mod offload;
mod openjd;
mod plan;
mod run_unit;
mod schema;
mod simulate;
mod trace;
mod verify;

use std::process::ExitCode;

use rushes::core::run::CancellationToken;
use rushes::{Error, ErrorKind, Result};

use crate::args::{Args, Command};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// All that was asked for is done.
    Done,
    /// Something was not done; it has been said what.
    NotDone,
    /// Files were checked, and some are missing or not what was written down.
    Differs,
    /// Stopped by the user.
    Cancelled,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Done => Self::SUCCESS,
            Ended::NotDone => Self::FAILURE,
            Ended::Differs => Self::from(3),
            // What shells report for a program ended by an interrupt.
            Ended::Cancelled => Self::from(130),
        }
    }
}

/// Runs the command of `args`.
pub(crate) async fn run(args: Args) -> Result<Ended> {
    match args.command {
        Command::Bench(a) => bench::run(&a).await,
        Command::Demo(a) => demo::run(&a).await,
        Command::Devices => devices::run().await,
        #[cfg(feature = "temporal")]
        Command::Worker(a) => fleet::worker(&a).await,
        #[cfg(feature = "temporal")]
        Command::Submit(a) => fleet::submit(&a).await,
        #[cfg(feature = "temporal")]
        Command::Status(a) => fleet::status(&a).await,
        #[cfg(feature = "temporal")]
        Command::Cancel(a) => fleet::cancel(&a).await,
        Command::Inspect(a) => inspect::run(&a).await,
        Command::Dailies(a) => job::dailies(&a).await,
        Command::Plates(a) => job::plates(&a).await,
        Command::Proxies(a) => job::proxies(&a).await,
        Command::Plan(a) => plan::run(&a).await,
        Command::Run(a) => job::workflow(&a).await,
        Command::RunUnit(a) => run_unit::run(&a).await,
        Command::Finish(a) => finish::run(&a).await,
        Command::Export(a) => export::run(&a).await,
        Command::Schema(a) => schema::run(&a),
        Command::Simulate(a) => simulate::run(a).await,
        Command::Trace(a) => trace::run(&a),
        Command::Offload(a) => offload::run(a).await,
        Command::Verify(a) => verify::run(a).await,
        Command::Mhl(a) => mhl::run(a).await,
        Command::Frame(a) => frame::run(&a).await,
    }
}

/// Work that reads files, apart from the threads that wait.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let panicked = |e| Error::new(ErrorKind::Panicked, format!("the work ended without a result: {e}"));
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| Err(panicked(e)))
}

/// Fires at the first interrupt or termination; the second one ends the process at once.
fn cancelled_by_signal() -> CancellationToken {
    let cancel = CancellationToken::new();
    let fire = cancel.clone();
    tokio::spawn(async move {
        signalled().await;
        crate::progress::tell(format_args!("rushes: stopping after the frames in work (again to stop at once)"));
        fire.cancel();
        signalled().await;
        std::process::exit(130);
    });
    cancel
}

/// As [`cancelled_by_signal`], for commands that write nothing: if a file of a card keeps them
/// longer than a second, they end as they are.
fn ended_by_signal() -> CancellationToken {
    let cancel = CancellationToken::new();
    let fire = cancel.clone();
    tokio::spawn(async move {
        signalled().await;
        fire.cancel();
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        std::process::exit(130);
    });
    cancel
}

#[cfg(unix)]
async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

#[cfg(not(unix))]
async fn signalled() {
    drop(tokio::signal::ctrl_c().await);
}

/// Removes what killed processes left in the scratch: a container that was started again has that of the one before.
async fn clear_scratch() {
    if let Err(e) = blocking(rushes::core::deliver::clear_scratch).await {
        tracing::warn!("what killed processes left in the scratch stays there: {e}");
    }
}
