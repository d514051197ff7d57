//! Stages, sinks and row kernels on one thread: input pixels per second.
//!
//!     cargo bench -p rushes-benches                    # everything
//!     RUSHES_SIMD=avx2 cargo bench -p rushes-benches   # at another level
//!
//! How to read the figures, and what was found out with them: `NOTES.md`.
#![allow(missing_docs, reason = "criterion's macros write functions without")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rushes_benches::kernels;
use rushes_color::output::Target;
use rushes_core::simd::Level;

fn each(c: &mut Criterion) {
    let scratch = tempfile::tempdir().expect("a folder for what sinks write");
    let mut group = c.benchmark_group("kernels");
    for mut kernel in kernels::all(scratch.path()).expect("every stage takes its picture") {
        group.throughput(Throughput::Elements(kernel.pixels as u64));
        group.bench_function(kernel.name, |bench| bench.iter(&mut kernel.run));
    }
}

fn levels(c: &mut Criterion) {
    const WIDTH: usize = 4096;
    let mut group = c.benchmark_group("output transform by level");
    group.throughput(Throughput::Elements(WIDTH as u64));
    let row = |times: u32| (0..WIDTH).map(|i| 0.18 * ((i as u32 * times % 1100) as f32 / 100.0 - 8.0).exp2()).collect();
    let [r, g, b]: [Vec<f32>; 3] = [1, 37, 101].map(row);
    let mut out = [(); 3].map(|()| vec![0.0; WIDTH]);
    for level in Level::available() {
        group.bench_function(level.name(), |bench| {
            bench.iter(|| {
                let [to_r, to_g, to_b] = &mut out;
                Target::Rec709.rendering().rows(level, [&r, &g, &b], [to_r, to_g, to_b]);
                black_box(&out);
            });
        });
    }
}

criterion_group!(benches, each, levels);
criterion_main!(benches);
