//! Writes a synthetic card of any size, for benches and trials.
//!
//!     cargo run --release -p rushes-testcard --example card -- FOLDER 4096 2304 96 [table | ljpeg]

use std::path::PathBuf;
use std::process::ExitCode;

use rushes_testcard::{Card, CardSpec, Coding};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize| args.get(i).and_then(|a| a.parse::<usize>().ok());
    let (Some(folder), Some(width), Some(height), Some(frames)) = (args.first(), number(1), number(2), number(3))
    else {
        eprintln!("name a folder, columns, rows, and frames of each clip (at least 6)");
        return ExitCode::FAILURE;
    };
    let coding = match args.get(4).map(String::as_str) {
        Some("table") => Coding::Table,
        Some("ljpeg") => Coding::LosslessJpeg,
        _ => Coding::Packed,
    };
    match Card::write(&PathBuf::from(folder), CardSpec { width, height, frames: frames as i64, coding }) {
        Ok(_) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}
