//! The `rushes` command: thin, over the library.
#![allow(clippy::print_stdout, reason = "a command prints its answers")]

mod args;
mod commands;
mod progress;
#[cfg(feature = "otel")]
mod traces;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};
use tracing::Instrument as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let matches = args::Args::command().get_matches();
    let args = args::Args::from_arg_matches(&matches).unwrap_or_else(|e| e.exit());
    let failed = |e: rushes::Error| {
        eprintln!("rushes: {e}");
        ExitCode::FAILURE
    };
    let runtime = match prepare() {
        Ok(runtime) => runtime,
        Err(e) => return failed(e),
    };
    let as_json = args.log == args::Log::Json;
    let _in = runtime.enter();
    // Whoever attends to a unit tells of it, and does not wait for a collector.
    let attended = matches!(&args.command, args::Command::RunUnit(a) if a.attended);
    let traces = match listen(args.log, attended) {
        Ok(traces) => traces,
        Err(e) => return failed(e),
    };
    if as_json {
        progress::be_quiet();
    }
    #[cfg(feature = "cloud")]
    rushes::storage::register();
    let command = matches.subcommand_name().unwrap_or_default();
    let ended = {
        // At their end they send what is left, for which they need the runtime.
        let _traces = traces;
        runtime.block_on(async {
            let span = spanned(command);
            commands::run(args).instrument(span).await
        })
    };
    // A decoder that hangs keeps its thread, and would keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    match ended {
        Ok(done) => done.into(),
        Err(e) => {
            if as_json {
                tracing::error!(kind = ?e.kind(), "{e}");
            } else {
                eprintln!("rushes: {e}");
            }
            match e.kind() {
                rushes::ErrorKind::Cancelled => commands::Ended::Cancelled.into(),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

fn prepare() -> rushes::Result<tokio::runtime::Runtime> {
    rushes::core::simd::Level::from_env()?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| rushes::Error::new(rushes::ErrorKind::Io, e.to_string()).doing("starting the runtime"))
}

#[cfg(feature = "otel")]
type Traces = Option<traces::Traces>;
#[cfg(not(feature = "otel"))]
type Traces = ();

/// Sends log lines to stderr, and spans to where the environment says.
fn listen(log: args::Log, attended: bool) -> rushes::Result<Traces> {
    let filter = filter(log)?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match log {
        args::Log::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        args::Log::Json => lines.json().flatten_event(true).with_current_span(false).boxed(),
    };
    let registry = tracing_subscriber::registry().with(lines.with_filter(filter));
    #[cfg(feature = "otel")]
    {
        let traces = if attended { None } else { traces::Traces::from_env()? };
        registry.with(traces.as_ref().map(traces::Traces::layer)).init();
        Ok(traces)
    }
    #[cfg(not(feature = "otel"))]
    {
        let _ = attended;
        registry.init();
        Ok(())
    }
}

/// The span of a command. A worker has none: what it does belongs to the traces of orders.
fn spanned(command: &str) -> tracing::Span {
    if command == "worker" {
        return tracing::Span::none();
    }
    let span = tracing::info_span!("command", otel.name = format!("rushes {command}"));
    #[cfg(feature = "otel")]
    traces::adopt(&span);
    span
}

/// What `RUSHES_LOG` asks for: a level, or levels of crates: `warn,rushes_custody=debug`.
fn filter(log: args::Log) -> rushes::Result<Targets> {
    match std::env::var_os("RUSHES_LOG").map(|asked| asked.to_string_lossy().into_owned()) {
        Some(asked) => asked.parse().map_err(|e| {
            rushes::Error::new(rushes::ErrorKind::Invalid, format!("RUSHES_LOG=`{}`: {e}", asked.escape_debug()))
                .advice("write a level (error, warn, info, debug, trace), or `warn,rushes_custody=debug`")
        }),
        None => {
            let most = if log == args::Log::Json { LevelFilter::INFO } else { LevelFilter::ERROR };
            Ok(Targets::new().with_default(most))
        }
    }
}
