//! Instructions that the kernels take, counted by valgrind: the same on a busy machine as on an idle one, so that a
//! loss of a few per cent is seen. Needs valgrind, which has no AVX-512: what is counted is AVX2.
//!
//!     cargo install gungraun-runner --version 0.20.0
//!     cargo bench -p rushes-benches --bench instructions
//!
//! Each kernel has a limit of five per cent above what it took in November 2026 (rustc 1.95); above it the command fails. A compiler that makes
//! something else of the code may move one: set it anew, with the reason in the commit.
#![allow(missing_docs, reason = "gungraun's macros write functions without")]

use gungraun::{Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};
use rushes_benches::kernels::{self, Kernel};
use tempfile::TempDir;

/// A kernel and the folder it reads from, after a first run.
fn ready(name: &str) -> (Kernel, TempDir) {
    let scratch = tempfile::tempdir().expect("a folder for what sinks write");
    let mut kernel = kernels::named(scratch.path(), name).expect("the stage takes its picture");
    (kernel.run)();
    (kernel, scratch)
}

/// Fails above so many thousand instructions.
fn limit(thousands: u64) -> LibraryBenchmarkConfig {
    let mut callgrind = Callgrind::default();
    callgrind.hard_limits([(EventKind::Ir, thousands * 1000)]);
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(callgrind);
    config
}

#[library_benchmark(setup = ready)]
#[bench::unpacking(args = ("12-bit DNG to floats"), config = limit(4_740))]
#[bench::lossless_jpeg(args = ("lossless JPEG DNG to floats"), config = limit(68_800))]
#[bench::bilinear(args = ("debayer, bilinear"), config = limit(5_600))]
#[bench::malvar(args = ("debayer, Malvar"), config = limit(8_930))]
#[bench::rcd(args = ("debayer, RCD"), config = limit(32_800))]
#[bench::gbtf(args = ("debayer, GBTF"), config = limit(24_200))]
#[bench::cdl(args = ("CDL in ACEScct"), config = limit(36_500))]
#[bench::lut(args = ("33x33x33 LUT in ACEScct"), config = limit(53_500))]
#[bench::output_transform(args = ("ACES 2.0 output transform"), config = limit(147_900))]
#[bench::scale(args = ("scale to 1080p, Lanczos3"), config = limit(39_400))]
#[bench::halfs(args = ("floats to halfs, RGB"), config = limit(1_565))]
#[bench::piz(args = ("EXR plate, PIZ"), config = limit(288_700))]
#[bench::prores(args = ("Y'CbCr and ProRes 422 Proxy"), config = limit(89_100))]
fn count((mut kernel, scratch): (Kernel, TempDir)) -> (Kernel, TempDir) {
    (kernel.run)();
    (kernel, scratch)
}

library_benchmark_group!(name = instructions, benchmarks = count);
main!(library_benchmark_groups = instructions);
