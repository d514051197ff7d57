//! `bench`: what this machine makes of it.

use std::path::{Path, PathBuf};

use rushes::core::simd::Level;
use rushes::{Error, ErrorKind, Result};
use rushes_benches::ceilings::Ceilings;
use rushes_benches::checksums::{self, Checksums};
use rushes_benches::engine::Engine;
use rushes_benches::{kernels, median, pipeline};
use serde_json::json;

use super::{Ended, blocking};
use crate::args::Bench;

/// A kernel that was timed.
struct Row {
    name: &'static str,
    megapixels_s: f64,
    /// Of what the machine's ceilings allow.
    part: f64,
}

pub(crate) async fn run(a: &Bench) -> Result<Ended> {
    if a.frames != 0 && a.frames < 6 {
        return Err(Error::new(ErrorKind::Invalid, format!("a clip of {} frames", a.frames))
            .doing("preparing to time dailies")
            .advice("ask for 6 or more, or for 0 to leave it out"));
    }
    let under = a.scratch.clone().unwrap_or_else(memory);
    let scratch = tempfile::tempdir_in(&under).map_err(|e| Error::io(&under, e).doing("making a folder"))?;
    let level = Level::current();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if !a.json {
        println!("rushes {}, {level}, {cores} cores, files in {}", env!("CARGO_PKG_VERSION"), under.display());
    }
    // First, while all memory that is held was asked for by the plan.
    let engine = Engine::measure(scratch.path()).await?;
    let folder = scratch.path().to_owned();
    let (ceilings, rows) = blocking(move || timed_kernels(&folder)).await?;
    if !a.json {
        tell_kernels(&ceilings, &rows);
    }
    let folder = scratch.path().to_owned();
    let checksums = blocking(move || checksums::measure(&folder)).await?;
    if !a.json {
        tell_checksums(&checksums);
        tell_engine(&engine);
    }
    let jobs = match a.frames {
        0 => Vec::new(),
        frames => pipeline::measure(scratch.path(), frames).await?,
    };
    let folder = scratch.path().to_owned();
    let latency = if jobs.is_empty() { None } else { Some(blocking(move || pipeline::latency(&folder)).await?) };
    if a.json {
        let kernels: Vec<_> = rows
            .iter()
            .map(|r| json!({ "name": r.name, "megapixels_s": r.megapixels_s, "part_of_ceiling": r.part }))
            .collect();
        let all = json!({
            "version": env!("CARGO_PKG_VERSION"), "level": level.name(), "cores": cores, "frame": [4096, 2304],
            "ceilings": ceilings,
            "kernels": kernels, "checksums": checksums, "engine": engine, "jobs": jobs,
            "latency_ms": latency.map(|[superpixel, gbtf]| json!({ "superpixel": superpixel, "gbtf": gbtf })),
        });
        println!("{all:#}");
        return Ok(Ended::Done);
    }
    if !jobs.is_empty() {
        println!("\n{:<48} {:>9} {:>9} {:>9}", "4096x2304, 12 bit, all cores", "frames/s", "busy", "peak");
    }
    for job in &jobs {
        let (busy, peak) = (job.busy * 100.0, job.peak_bytes >> 20);
        println!("{:<48} {:>9.1} {busy:>7.0} % {peak:>5} MiB", job.name, job.frames_s);
    }
    if let Some([superpixel, gbtf]) = latency {
        println!("{:<48} {superpixel:>9.0} ms", "one frame to 1080p in memory, half-size debayer");
        println!("{:<48} {gbtf:>9.0} ms", "the same through GBTF");
    }
    Ok(Ended::Done)
}

fn timed_kernels(scratch: &Path) -> Result<(Ceilings, Vec<Row>)> {
    let ceilings = Ceilings::measure();
    let mut rows = Vec::new();
    for mut kernel in kernels::all(scratch)? {
        let spent = median(&mut kernel.run);
        let megapixels_s = kernel.pixels as f64 / spent.as_secs_f64() / 1e6;
        let part = megapixels_s / ceilings.pixels(kernel.bytes, kernel.flops);
        rows.push(Row { name: kernel.name, megapixels_s, part });
    }
    Ok((ceilings, rows))
}

fn tell_kernels(ceilings: &Ceilings, rows: &[Row]) {
    println!("\n{:<48} {:>9}", "ceilings of one thread", "");
    println!("{:<48} {:>9.1} GB/s", "copied in memory", ceilings.memory_gb_s);
    println!("{:<48} {:>9.1} GB/s", "copied in the second-level cache", ceilings.l2_gb_s);
    println!("{:<48} {:>9.1} GFLOP/s", "multiplied and added", ceilings.gflop_s);
    println!("\n{:<48} {:>9} {:>11}", "kernels, one thread", "Mpix/s", "of ceiling");
    for row in rows {
        println!("{:<48} {:>9.0} {:>9.0} %", row.name, row.megapixels_s, row.part * 100.0);
    }
}

fn tell_checksums(all: &[Checksums]) {
    println!("\n{:<48} {:>9}", "checksums, all cores", "GB/s");
    for one in all {
        println!("{:<48} {:>9.2}", one.algorithms, one.gigabytes_s);
    }
}

fn tell_engine(engine: &Engine) {
    println!("\n{:<48} {:>9}", "the engine", "");
    println!("{:<48} {:>9.2} s", "planning 100,000 units", engine.plan_100k_s);
    println!("{:<48} {:>9.0} bytes", "memory of each", engine.plan_bytes_per_unit);
    println!("{:<48} {:>9.2} s", "finding that 10,000 finished clips stand", engine.resume_10k_s);
    println!("{:<48} {:>9.1} us", "a unit of one frame that holds nothing", engine.unit_us);
    println!("{:<48} {:>9.2} us", "having a stage compute a band", engine.stage_call_us);
    println!("{:<48} {:>9.3} us", "telling a listener of an event", engine.event_us);
}

/// Where files lie in memory, or else where temporary files do.
fn memory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}
