//! Frame stages and row kernels on one thread: input pixels per second.
//!
//!     cargo bench -p rushes-benches                    # everything
//!     RUSHES_SIMD=avx2 cargo bench -p rushes-benches   # at another level
//!
//! How to read the figures, and what was found out with them: `NOTES.md`.
#![allow(missing_docs, reason = "criterion's macros write functions without")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rushes_color::output::SDR_REC709;
use rushes_color::{Cdl, OutputTransform};
use rushes_core::frame::{Band, BandMut, FrameFacts, FrameFormat, ImageState};
use rushes_core::media::{Cfa, ColorSpace};
use rushes_core::simd::Level;
use rushes_core::stage::FrameStage;
use rushes_debayer::{Debayer, Method};
use rushes_proxy::{Scale, ScaleDomain, ScaleTo};
use serde_json::json;

/// The picture: 4K, of which some bands are computed.
const WIDTH: usize = 4096;
const HEIGHT: usize = 2304;
const ROWS: usize = 8;
const BANDS: usize = 24;

/// Scene light from 2^-8 to 2^3 around grey, in all hues.
fn scene(samples: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    (0..samples).map(|_| 0.18 * (next() * 11.0 - 8.0).exp2()).collect()
}

fn format(state: ImageState) -> FrameFormat {
    let color_space = (state == ImageState::SceneLinear).then_some(ColorSpace::Aces2065_1);
    let cfa = (state == ImageState::Linear).then_some(Cfa::Rggb);
    FrameFormat { state, width: WIDTH, height: HEIGHT, facts: FrameFacts { cfa, color_space, ..FrameFacts::default() } }
}

/// Times `stage` over bands from the middle of a picture on, as an executor computes them: [`ROWS`] rows at a
/// time, in order, all of them from the same few rows, which stay in the cache.
fn stage(c: &mut Criterion, name: &str, state: ImageState, stage: &dyn FrameStage) {
    let kernel = stage.prepare(&format(state)).expect("the stage takes the picture");
    let out = kernel.format();
    let band = |i: usize| {
        let first = out.height / 2 + i * ROWS;
        first..first + ROWS
    };
    let needs = (0..BANDS).map(|i| kernel.input_rows(band(i)).len());
    let input = scene(state.planes() * needs.max().unwrap_or(0) * WIDTH, 1);
    let mut data = vec![0.0; out.planes() * ROWS * out.width];
    let mut group = c.benchmark_group("stages");
    let pixels = BANDS * ROWS * WIDTH * HEIGHT / out.height;
    group.throughput(Throughput::Elements(pixels as u64));
    group.bench_function(name, |bench| {
        bench.iter(|| {
            let mut in_order = kernel.in_order();
            for i in 0..BANDS {
                let need = kernel.input_rows(band(i));
                let samples = state.planes() * need.len() * WIDTH;
                let rows = Band::new(&input[..samples], state.planes(), WIDTH, need);
                let mut made = BandMut::new(&mut data, out.planes(), out.width, band(i));
                match &mut in_order {
                    Some(in_order) => in_order.run(&rows, &mut made),
                    None => kernel.run(&rows, &mut made),
                }
            }
            black_box(&data);
        });
    });
}

fn stages(c: &mut Criterion) {
    for (name, method) in [
        ("debayer, superpixel", Method::Superpixel),
        ("debayer, bilinear", Method::Bilinear),
        ("debayer, Malvar", Method::Malvar),
        ("debayer, RCD", Method::Rcd),
    ] {
        stage(c, name, ImageState::Linear, &Debayer::new(method));
    }
    let cdl: Cdl =
        serde_json::from_value(json!({ "slope": [1.1, 1.0, 0.9], "power": [1.1, 1.0, 0.9] })).expect("a CDL");
    stage(c, "CDL in ACEScct", ImageState::SceneLinear, &cdl);
    stage(c, "output transform", ImageState::SceneLinear, &OutputTransform {});
    let half = ScaleTo::Exact { width: 1920, height: 1080 };
    stage(c, "scale, display, Lanczos3", ImageState::Display, &Scale::display(half));
    let log = Scale { domain: ScaleDomain::Log, ..Scale::scene_linear(half) };
    stage(c, "scale, scene-linear, logarithm, Lanczos3", ImageState::SceneLinear, &log);
}

fn levels(c: &mut Criterion) {
    let mut group = c.benchmark_group("output transform by level");
    group.throughput(Throughput::Elements(WIDTH as u64));
    let [r, g, b] = [1, 2, 3].map(|seed| scene(WIDTH, seed));
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

criterion_group!(kernels, stages, levels);
criterion_main!(kernels);
