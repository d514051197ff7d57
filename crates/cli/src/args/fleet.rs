//! Arguments of the commands about many machines.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args as ClapArgs;

use super::{JobArgs, Picture};

/// Which server, and where on it.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "Server")]
pub(crate) struct ServerArgs {
    /// The Temporal server, HOST:PORT; what TEMPORAL_ADDRESS or temporal.toml say if not given, or localhost:7233.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) server: Option<String>,
    /// The namespace; what TEMPORAL_NAMESPACE says if not given.
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct WorkerArgs {
    /// What to work on: `cpu`, `cpu-himem`, `gpu`, `filmlight`, or `orchestrate` for orders themselves; may be given
    /// more than once.
    #[arg(long = "queue", value_name = "CLASS", required = true)]
    pub(crate) queues: Vec<String>,
    /// Units at the same time, of each class.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) units_at_once: usize,
    /// Threads; one a core if not given.
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    /// Most memory that frames in flight may take, such as 4GiB; half of what this process may have if not given.
    #[arg(long, value_parser = super::bytes)]
    pub(crate) memory: Option<u64>,
    /// Run each unit in a process of its own, so that a decoder that crashes takes nothing else with it.
    #[arg(long)]
    pub(crate) apart: bool,
    /// Seconds that units may go on after SIGTERM; then they are given back.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) grace: u64,
    /// Serve /metrics for Prometheus, and /healthz and /readyz for probes, at this address: 0.0.0.0:9464.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) metrics: Option<std::net::SocketAddr>,
    /// Serve the metrics of the engine's SDK (polls, tasks, calls to the server) for Prometheus at this address.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) sdk_metrics: Option<std::net::SocketAddr>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    #[command(flatten)]
    pub(crate) elsewhere: super::Elsewhere,
}

impl WorkerArgs {
    pub(crate) fn grace(&self) -> Duration {
        Duration::from_secs(self.grace)
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Submit {
    /// `dailies`, `plates`, `proxies` or the path of a workflow file.
    pub(crate) workflow: String,
    /// A card, folder or file, where workers see it, too.
    pub(crate) path: PathBuf,
    /// The engine.
    #[arg(long, value_parser = ["temporal"], default_value = "temporal")]
    pub(crate) engine: String,
    /// Do not wait for its end.
    #[arg(long)]
    pub(crate) detach: bool,
    /// From 1, which passes all others that wait, to 5, which takes what is left.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=5), default_value_t = 3)]
    pub(crate) priority: u8,
    /// The show it is for: shows of one priority share the workers by their weights, however many orders they have.
    #[arg(long, default_value = "")]
    pub(crate) show_name: String,
    /// The show's weight.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) weight: f32,
    /// Prefer workers with a GPU for what they take.
    #[arg(long)]
    pub(crate) on_gpu: bool,
    /// Units that wait or run at most.
    #[arg(long, value_name = "N", default_value_t = rushes::core::run::PENDING)]
    pub(crate) pending: usize,
    /// Seconds after which a silent worker counts as lost.
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    pub(crate) heartbeat: f64,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    #[command(flatten)]
    pub(crate) picture: Picture,
    #[command(flatten)]
    pub(crate) job: JobArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StatusArgs {
    /// The order, as `submit` named it.
    pub(crate) order: String,
    /// For machines.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CancelArgs {
    /// The order, as `submit` named it.
    pub(crate) order: String,
    /// Why, for whoever looks at it later.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}
