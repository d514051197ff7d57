//! The runtime that the clients work on.

use std::future::Future;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, sync_channel};

use rushes_core::{Error, ErrorKind, Result};
use tokio::runtime::{Builder, Runtime};

/// Threads of the runtime: they sign and wait, and copy what comes.
const THREADS: usize = 2;

/// Starts work, whose result comes through the channel. The caller may be in a runtime of its own.
pub(crate) fn start<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<Receiver<T>> {
    let (tell, hear) = sync_channel(1);
    runtime()?.spawn(async move {
        // Who asked may have given up.
        let _ = tell.send(work.await);
    });
    Ok(hear)
}

/// Does work and waits for it.
pub(crate) fn wait<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    heard(&start(work)?)
}

/// What [`start`] came to.
pub(crate) fn heard<T>(from: &Receiver<Result<T>>) -> Result<T> {
    from.recv().unwrap_or_else(|_| Err(Error::new(ErrorKind::Panicked, "a request ended without a result")))
}

fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<std::io::Result<Runtime>> = OnceLock::new();
    let build = || Builder::new_multi_thread().worker_threads(THREADS).thread_name("storage").enable_all().build();
    RUNTIME.get_or_init(build).as_ref().map_err(|e| {
        Error::new(ErrorKind::Io, e.to_string())
            .doing("starting the threads of the storage")
            .advice("free some threads")
    })
}
