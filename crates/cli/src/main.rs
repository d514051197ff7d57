//! The `rushes` command: thin, over the library.
#![allow(clippy::print_stdout, reason = "a command prints its answers")]

mod args;
mod commands;
mod progress;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let level = if args.log == args::Log::Json { "info" } else { "error" };
    let filter = tracing_subscriber::EnvFilter::try_from_env("RUSHES_LOG").unwrap_or_else(|_| level.into());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match args.log {
        args::Log::Text => log.with_ansi(std::io::stderr().is_terminal()).init(),
        args::Log::Json => log.json().flatten_event(true).with_current_span(false).init(),
    }
    let as_json = args.log == args::Log::Json;
    if as_json {
        progress::be_quiet();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            eprintln!("rushes: starting the runtime: {e}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::run(args)) {
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
