//! Each kernel on one thread, at every level of vector instructions this machine has: pixels per second.
#![allow(missing_docs, reason = "criterion's macros write functions without")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rushes_color::output::SDR_REC709;
use rushes_core::simd::Level;

/// One row of a 4K picture.
const WIDTH: usize = 4096;

/// Scene light from 2^-8 to 2^3 around grey, in all hues.
fn scene(seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    (0..WIDTH).map(|_| 0.18 * (next() * 11.0 - 8.0).exp2()).collect()
}

fn output_transform(c: &mut Criterion) {
    let mut group = c.benchmark_group("output transform, SDR Rec.709");
    group.throughput(Throughput::Elements(WIDTH as u64));
    let [r, g, b] = [1, 2, 3].map(scene);
    let mut out = [(); 3].map(|()| vec![0.0; WIDTH]);
    for level in Level::available() {
        group.bench_function(level.name(), |bench| {
            bench.iter(|| {
                let [to_r, to_g, to_b] = &mut out;
                SDR_REC709.rows(level, [&r, &g, &b], [to_r, to_g, to_b]);
                black_box(&out);
            });
        });
    }
}

criterion_group!(kernels, output_transform);
criterion_main!(kernels);
