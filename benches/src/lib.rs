//! What the kernels, the whole pipeline and the engine itself cost on this machine.
//!
//! - [`ceilings`]: what the machine can do at most: memory, cache, multiplications;
//! - [`kernels`]: stages, sinks and row kernels on one thread, of a 4K picture;
//! - [`checksums`]: digests of files, alone and all from one read;
//! - [`pipeline`]: `dailies` from card to plates and proxies, and one frame as fast as it comes;
//! - [`engine`]: planning, units, stage calls, events, and going on where a run ended.
//!
//! `rushes bench` prints all of it; `cargo bench -p rushes-benches` times the kernels with more patience and
//! remembers. How to read the figures, and what was found out with them: `NOTES.md`.

pub mod ceilings;
pub mod checksums;
pub mod engine;
pub mod kernels;
pub mod pipeline;
mod resume;

use std::time::{Duration, Instant};

/// The median time of a run, of as many as half a second has room for, at least three, after one that is not counted.
pub fn median(mut run: impl FnMut()) -> Duration {
    run();
    let begun = Instant::now();
    let mut times = Vec::new();
    while times.len() < 3 || (begun.elapsed() < Duration::from_millis(500) && times.len() < 1000) {
        let begun = Instant::now();
        run();
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times[times.len() / 2]
}
