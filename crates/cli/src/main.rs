//! The `rushes` command: thin, over the library.
#![allow(clippy::print_stdout, reason = "a command prints its answers")]

mod args;
mod commands;
mod progress;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = args::Args::parse();
    if let Err(e) = rushes::core::simd::Level::from_env() {
        eprintln!("rushes: {e}");
        return ExitCode::FAILURE;
    }
    let filter = match filter(args.log) {
        Ok(filter) => filter,
        Err(e) => {
            eprintln!("rushes: {e}");
            return ExitCode::FAILURE;
        }
    };
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let log = match args.log {
        args::Log::Text => log.with_ansi(std::io::stderr().is_terminal()).boxed(),
        args::Log::Json => log.json().flatten_event(true).with_current_span(false).boxed(),
    };
    tracing_subscriber::registry().with(log.with_filter(filter)).init();
    let as_json = args.log == args::Log::Json;
    if as_json {
        progress::be_quiet();
    }
    #[cfg(feature = "cloud")]
    rushes::storage::register();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            eprintln!("rushes: starting the runtime: {e}");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(commands::run(args));
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
