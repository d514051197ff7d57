//! Executors beside this machine's CPUs.

use std::sync::Arc;

use rushes::backends::local::LocalExecutor;
use rushes::core::run::Executors;
use rushes::{Error, ErrorKind, Job, Result};

use crate::args::Elsewhere;

impl Elsewhere {
    /// Whether a FilmLight server is asked about clips.
    pub(crate) fn asks_filmlight(&self) -> bool {
        #[cfg(feature = "filmlight")]
        return self.filmlight.is_some();
        #[cfg(not(feature = "filmlight"))]
        false
    }

    /// This machine's CPUs, on `threads` threads if that was said, and its GPU before them.
    pub(crate) fn here(&self, threads: Option<usize>) -> Result<Executors> {
        let local = LocalExecutor::new(rushes::registry());
        let executors = Executors::new().prefer(Arc::new(match threads {
            Some(threads) => local.threads(threads),
            None => local,
        }));
        #[cfg(feature = "gpu")]
        if let Some(which) = &self.gpu {
            use rushes::backends::gpu::{Device, GpuExecutor};
            let gpu = GpuExecutor::new(rushes::registry(), Device::open(which, Default::default())?);
            let gpu = match threads {
                Some(threads) => gpu.threads(threads),
                None => gpu,
            };
            return Ok(executors.prefer(Arc::new(gpu)).by_preference());
        }
        Ok(executors.by_preference())
    }

    /// The options that say the same to another `rushes`.
    pub(crate) fn flags(&self) -> Vec<String> {
        #[allow(unused_mut, reason = "a build may have none of them")]
        let mut flags = Vec::new();
        #[cfg(feature = "gpu")]
        flags.extend(self.gpu.as_ref().map(|which| format!("--gpu={which}")));
        #[cfg(feature = "filmlight")]
        if let Some(server) = &self.filmlight {
            flags.push(if server.is_empty() { "--filmlight".into() } else { format!("--filmlight={server}") });
            flags.push(format!("--filmlight-renders={}", self.filmlight_renders));
        }
        flags
    }

    /// Whether a GPU is asked for.
    pub(crate) fn asks_gpu(&self) -> bool {
        #[cfg(feature = "gpu")]
        return self.gpu.is_some();
        #[cfg(not(feature = "gpu"))]
        false
    }

    /// `job` with servers beside this machine, and otherwise with what has to be known to finish what servers made elsewhere.
    pub(crate) fn join_or_know(&self, job: Job) -> Result<Job> {
        #[cfg(feature = "filmlight")]
        if self.filmlight.is_none() {
            return job.filmlight_elsewhere();
        }
        self.join(job)
    }

    /// Whether what a class of workers is there for was asked for.
    ///
    /// # Errors
    /// Where it was not: its units would all be refused, or computed on this machine's CPUs.
    pub(crate) fn serves(&self, class: &str) -> Result<()> {
        let (asked, flag, built) = match class {
            "gpu" => (self.asks_gpu(), "--gpu", cfg!(feature = "gpu")),
            "filmlight" => (self.asks_filmlight(), "--filmlight", cfg!(feature = "filmlight")),
            _ => return Ok(()),
        };
        let e = match (asked, built) {
            (true, _) => return Ok(()),
            (false, true) => Error::new(ErrorKind::Invalid, format!("the queue `{class}` is for workers with {flag}"))
                .advice(format!("add {flag}, or leave the queue to others")),
            (false, false) => {
                Error::new(ErrorKind::Unsupported, format!("this build has nothing for the queue `{class}`"))
                    .advice(format!("build it with `--features {class}`, or leave the queue to others"))
            }
        };
        Err(e.doing("reading the command line"))
    }

    /// `job` with servers beside this machine.
    pub(crate) fn join(&self, job: Job) -> Result<Job> {
        #[cfg(feature = "filmlight")]
        let job = match &self.filmlight {
            Some(server) => job.filmlight(&filmlight(server, self.filmlight_renders)?, Default::default())?,
            None => job,
        };
        Ok(job)
    }
}

/// The servers that `--filmlight` names.
#[cfg(feature = "filmlight")]
fn filmlight(server: &str, renders: usize) -> Result<rushes::backends::filmlight::Pool> {
    use rushes::backends::filmlight::{Options, Pool, Server};

    let bad = |what: &str| {
        Error::new(ErrorKind::Invalid, format!("`{server}` {what}"))
            .doing("reading the command line")
            .advice("write --filmlight=HOST, --filmlight=HOST:PORT, or --filmlight alone")
    };
    if !server.is_empty() {
        let here = Options::default();
        // An IPv6 address has colons of its own, and brackets where a port follows.
        let (host, port) = match server.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host.trim_matches(['[', ']']), port.parse().map_err(|_| bad("has no port after its colon"))?)
            }
            _ => (server.trim_matches(['[', ']']), here.port),
        };
        if host.is_empty() {
            return Err(bad("names no server"));
        }
        return Ok(Pool::new(Server::Running(Box::new(Options::at(host, port))), 1));
    }
    #[cfg(unix)]
    return Ok(Pool::new(Server::Private(Box::default()), renders));
    #[cfg(not(unix))]
    Err(bad("starts a server, which is known for Linux and macOS only")
        .advice(format!("name one that runs ({renders} renders at a time need as many servers)")))
}
