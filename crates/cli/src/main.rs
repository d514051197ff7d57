//! The `rushes` command: thin, over the library.
#![allow(clippy::print_stdout, reason = "a command prints its answers")]

mod args;
mod commands;
mod progress;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("RUSHES_LOG").unwrap_or_else(|_| "error".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
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
            eprintln!("rushes: {e}");
            match e.kind() {
                rushes::ErrorKind::Cancelled => commands::Ended::Cancelled.into(),
                _ => ExitCode::FAILURE,
            }
        }
    }
}
