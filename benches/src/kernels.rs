//! Stages, sinks and row kernels, each alone, on one thread.

use std::hint::black_box;
use std::path::{Path, PathBuf};

use rushes_color::output::Target;
use rushes_color::{Cdl, Cube, Interpolation, Lut, OutputTransform, Through, WorkingSpace};
use rushes_color::{aces, cct, matrix};
use rushes_core::frame::{Band, BandMut, FrameFacts, FrameFormat, ImageState};
use rushes_core::media::{CameraMetadata, Cfa, ClipFormat, ClipMedia, ColorSpace, FileSequence, FrameRange, Rate};
use rushes_core::simd::{Level, half_row};
use rushes_core::stage::{ClipRef, FrameStage, Sink, SinkContext, Source as _};
use rushes_core::{Error, ErrorKind, Result};
use rushes_debayer::{Debayer, Method};
use rushes_ingest::dng::DngSource;
use rushes_proxy::movie::Movie;
use rushes_proxy::{Container, ExrCompression, ExrPlate, Scale, ScaleDomain, ScaleTo};
use rushes_testcard::{CardSpec, Coding};
use serde_json::json;

/// The picture: 4K, of which some bands are computed.
const WIDTH: usize = 4096;
const HEIGHT: usize = 2304;
const ROWS: usize = 8;
const BANDS: usize = 24;

/// Plates by name. `rushes simulate` looks for the first two in what `rushes bench --json` prints.
pub const PLATES: [&str; 3] = ["EXR plate, uncompressed", "EXR plate, PIZ", "EXR plate, ZIP"];

/// Something to be timed.
pub struct Kernel {
    /// What it is.
    pub name: &'static str,
    /// Input pixels of a run.
    pub pixels: usize,
    /// Bytes in and out, per input pixel.
    pub bytes: f64,
    /// Operations per input pixel, counted by hand where they are the limit; else 0.
    pub flops: f64,
    /// Computes them once.
    pub run: Box<dyn FnMut()>,
}

/// All of them; `scratch` is an empty folder, best in memory, for what sinks write.
///
/// # Errors
/// When a stage does not take the picture, or `scratch` cannot be written to.
pub fn all(scratch: &Path) -> Result<Vec<Kernel>> {
    some(scratch, &|_| true)
}

/// The one of that name.
///
/// # Errors
/// As [`all`], and when there is none.
pub fn named(scratch: &Path, name: &str) -> Result<Kernel> {
    let kernel = some(scratch, &|n| n == name)?.pop();
    kernel.ok_or_else(|| Error::new(ErrorKind::Invalid, format!("there is no kernel `{name}`")))
}

/// Kernels in the making: those of a wanted name are made.
struct Chosen<'a> {
    wanted: &'a dyn Fn(&str) -> bool,
    made: Vec<Kernel>,
}

impl Chosen<'_> {
    fn add(&mut self, name: &'static str, make: impl FnOnce(&'static str) -> Result<Kernel>) -> Result<()> {
        if (self.wanted)(name) {
            self.made.push(make(name)?);
        }
        Ok(())
    }
}

fn some(scratch: &Path, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<Kernel>> {
    let mut kernels = Chosen { wanted, made: Vec::new() };
    kernels.add("12-bit DNG to floats", |n| decode(scratch, n, Coding::Packed))?;
    kernels.add("12-bit DNG with a table to floats", |n| decode(scratch, n, Coding::Table))?;
    kernels.add("lossless JPEG DNG to floats", |n| decode(scratch, n, Coding::LosslessJpeg))?;
    for (name, method, flops) in [
        ("debayer, superpixel", Method::Superpixel, 0.0),
        ("debayer, bilinear", Method::Bilinear, 0.0),
        ("debayer, Malvar", Method::Malvar, 0.0),
        ("debayer, RCD", Method::Rcd, 150.0),
        ("debayer, GBTF", Method::Gbtf, 125.0),
    ] {
        kernels.add(name, |n| stage(n, ImageState::Linear, &Debayer::new(method), flops))?;
    }
    let cdl: Cdl = serde_json::from_value(json!({ "slope": [1.1, 1.0, 0.9], "power": [1.1, 1.0, 0.9] }))
        .map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()))?;
    kernels.add("CDL in ACEScct", |n| stage(n, ImageState::SceneLinear, &cdl, 0.0))?;
    kernels.add("33x33x33 LUT in ACEScct", |n| stage(n, ImageState::SceneLinear, &cube(scratch)?, 0.0))?;
    kernels.add("33x33x33 LUT, tetrahedral", |n| look_up(scratch, n))?;
    let sdr = OutputTransform::default();
    kernels.add("ACES 2.0 output transform", |n| stage(n, ImageState::SceneLinear, &sdr, 600.0))?;
    let hdr = OutputTransform { display: Target::Pq1000 };
    kernels.add("ACES 2.0 output transform, PQ 1,000 nits", |n| stage(n, ImageState::SceneLinear, &hdr, 650.0))?;
    let hd = ScaleTo::Exact { width: 1920, height: 1080 };
    kernels.add("scale to 1080p, Lanczos3", |n| stage(n, ImageState::Display, &Scale::display(hd), 0.0))?;
    let log = Scale { domain: ScaleDomain::Log, ..Scale::scene_linear(hd) };
    kernels.add("scale to 1080p, Lanczos3, logarithm of light", |n| stage(n, ImageState::SceneLinear, &log, 0.0))?;
    kernels.add("ACES2065-1 to ACEScct", |n| {
        Ok(rows(n, 24.0, |level, rows, to, _| {
            let [r, g, b] = to.each_mut().map(Vec::as_mut_slice);
            cct::encode_rows(level, &matrix::to_f32(&aces::AP0_TO_AP1), rows, [r, g, b]);
        }))
    })?;
    kernels.add("S-Log3 and S-Gamut3.Cine to ACEScg", |n| {
        let space = Through::new(WorkingSpace::SLog3Cine, ColorSpace::AcesCg)?;
        // In place, run after run: no number takes longer than another.
        Ok(rows(n, 24.0, move |level, _, to, _| space.leave(level, to.each_mut().map(Vec::as_mut_slice))))
    })?;
    kernels.add("floats to halfs, RGB", |n| {
        Ok(rows(n, 18.0, |level, rows, _, halfs| {
            rows.iter().zip(halfs).for_each(|(row, halfs)| {
                black_box(half_row(level, row, halfs));
            });
        }))
    })?;
    kernels.add("3x3 matrix and halfs", |n| {
        Ok(rows(n, 18.0, |level, rows, to, halfs| {
            let [r, g, b] = to.each_mut().map(Vec::as_mut_slice);
            matrix::rows(level, &matrix::to_f32(&aces::AP0_TO_AP1), rows, [r, g, b]);
            to.iter().zip(halfs).for_each(|(row, halfs)| {
                black_box(half_row(level, row, halfs));
            });
        }))
    })?;
    for (name, compression) in PLATES.into_iter().zip([ExrCompression::None, ExrCompression::Piz, ExrCompression::Zip])
    {
        let plate = ExrPlate { compression, container: Container::Relaxed, ..ExrPlate::default() };
        kernels.add(name, |n| sink(n, ImageState::SceneLinear, (WIDTH, HEIGHT / 4), &plate, scratch))?;
    }
    let (hd, movie) = ((1920, 1080), Movie::default());
    kernels.add("Y'CbCr and ProRes 422 Proxy", |n| sink(n, ImageState::Display, hd, &movie, scratch))?;
    Ok(kernels.made)
}

/// Numbers from 0 to 1, all as likely.
fn noise(samples: usize, mut seed: u32) -> impl Iterator<Item = f32> {
    let next = move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as f32 / (1 << 24) as f32
    };
    std::iter::repeat_with(next).take(samples)
}

/// Scene light from 2^-8 to 2^3 around grey, in all hues.
fn scene(samples: usize, seed: u32) -> Vec<f32> {
    noise(samples, seed).map(|v| 0.18 * (v * 11.0 - 8.0).exp2()).collect()
}

/// Three planes with slopes, edges and a little grain, between 0 and 1. No grain comes again: it would be easily
/// compressed.
fn picture(width: usize, height: usize) -> Vec<f32> {
    let sample = |i: usize, grain: f32| {
        let (x, y, plane) = (i % width, i / width % height, i / width / height);
        let slope = 0.2 + 0.4 * x as f32 / width as f32 + 0.1 * plane as f32;
        let edge = if (x / 90 + y / 70).is_multiple_of(2) { 0.15 } else { 0.0 };
        slope + edge + 0.01 * grain
    };
    noise(3 * width * height, 7).enumerate().map(|(i, grain)| sample(i, grain)).collect()
}

fn format(state: ImageState, (width, height): (usize, usize)) -> FrameFormat {
    let color_space = match state {
        ImageState::SceneLinear => Some(ColorSpace::Aces2065_1),
        ImageState::Display => Some(ColorSpace::Rec709Display),
        _ => None,
    };
    let cfa = (state == ImageState::Linear).then_some(Cfa::Rggb);
    FrameFormat { state, width, height, facts: FrameFacts { cfa, color_space, ..FrameFacts::default() } }
}

/// `stage` over bands from the middle of a picture on, as an executor computes them: [`ROWS`] rows at a
/// time, in order, all of them from the same few rows, which stay in the cache.
fn stage(name: &'static str, state: ImageState, stage: &dyn FrameStage, flops: f64) -> Result<Kernel> {
    let kernel = stage.prepare(&format(state, (WIDTH, HEIGHT)))?;
    let (planes, width, height) = (kernel.format().planes(), kernel.format().width, kernel.format().height);
    let band = move |i: usize| {
        let first = height / 2 + i * ROWS;
        first..first + ROWS
    };
    let needs = (0..BANDS).map(|i| kernel.input_rows(band(i)).len());
    let input = scene(state.planes() * needs.max().unwrap_or(0) * WIDTH, 1);
    let mut data = vec![0.0; planes * ROWS * width];
    let pixels = BANDS * ROWS * WIDTH * HEIGHT / height;
    let bytes = 4.0 * (state.planes() as f64 + (planes * BANDS * ROWS * width) as f64 / pixels as f64);
    let run = move || {
        let mut in_order = kernel.in_order();
        for i in 0..BANDS {
            let need = kernel.input_rows(band(i));
            let samples = state.planes() * need.len() * WIDTH;
            let rows = Band::new(&input[..samples], state.planes(), WIDTH, need);
            let mut made = BandMut::new(&mut data, planes, width, band(i));
            match &mut in_order {
                Some(in_order) => in_order.run(&rows, &mut made),
                None => kernel.run(&rows, &mut made),
            }
        }
        black_box(&data);
    };
    Ok(Kernel { name, pixels, bytes, flops, run: Box::new(run) })
}

/// A look of 33 points a side that turns colours a little.
fn look(scratch: &Path) -> Result<PathBuf> {
    let path = scratch.join("look.cube");
    let mut text = String::from("LUT_3D_SIZE 33\n");
    for (b, g, r) in (0..33).flat_map(|b| (0..33).flat_map(move |g| (0..33).map(move |r| (b, g, r)))) {
        let [r, g, b] = [r, g, b].map(|v| f64::from(v) / 32.0);
        text += &format!("{} {} {}\n", r.powf(1.1), 0.95 * g + 0.05 * b, b * b * 0.2 + 0.8 * b);
    }
    std::fs::write(&path, text).map_err(|e| Error::io(&path, e))?;
    Ok(path)
}

/// The stage that applies it.
fn cube(scratch: &Path) -> Result<Lut> {
    let params = json!({ "file": look(scratch)? });
    serde_json::from_value(params).map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()))
}

/// The look's table alone, without the way into ACEScct and back.
fn look_up(scratch: &Path, name: &'static str) -> Result<Kernel> {
    let (cube, _) = Cube::read(&look(scratch)?)?;
    let codes = [1, 2, 3].map(|seed| scene(WIDTH, seed).into_iter().map(cct::encode).collect::<Vec<f32>>());
    Ok(rows(name, 24.0, move |level, _, to, _| {
        let [r, g, b] = to.each_mut().map(Vec::as_mut_slice);
        r.copy_from_slice(&codes[0]);
        g.copy_from_slice(&codes[1]);
        b.copy_from_slice(&codes[2]);
        cube.look_up_rows(level, [r, g, b], Interpolation::Tetrahedral);
    }))
}

/// A 12-bit DNG from the page cache to rows of floats, header and file system included.
fn decode(scratch: &Path, name: &'static str, coding: Coding) -> Result<Kernel> {
    let (width, height) = (WIDTH, HEIGHT / 4);
    let card = scratch.join(format!("{coding:?}"));
    let truth = rushes_testcard::Card::write_clean(&card, CardSpec { width, height, frames: 1, coding })?;
    let range = FrameRange { first: 0, last: 0 };
    let media = ClipMedia::Files(vec![truth.path(0)]);
    let clip = ClipRef {
        name: truth.name,
        format: ClipFormat::Dng,
        media,
        range: Some(range),
        metadata: CameraMetadata::default().into(),
        substitutes: Vec::new(),
    };
    let reader = DngSource::default().open(&clip)?;
    let mut rows = vec![0.0; ROWS * width];
    let run = move || {
        let frame = reader.decode(0).expect("the file was just written");
        for first in (0..height).step_by(ROWS) {
            frame.rows(&mut BandMut::new(&mut rows, 1, width, first..first + ROWS));
            black_box(&rows);
        }
    };
    Ok(Kernel { name, pixels: width * height, bytes: 5.5, flops: 0.0, run: Box::new(run) })
}

/// A kernel of rows that stay in the nearest caches: three rows of floats, to three rows of floats, of halfs, or both.
fn rows(
    name: &'static str,
    bytes: f64,
    run: impl Fn(Level, [&[f32]; 3], &mut Rows<f32>, &mut Rows<[u8; 2]>) + 'static,
) -> Kernel {
    let from = [1, 2, 3].map(|seed| scene(WIDTH, seed));
    let mut to = [(); 3].map(|()| vec![0.0; WIDTH]);
    let mut halfs = [(); 3].map(|()| vec![[0; 2]; WIDTH]);
    let run = move || {
        for _ in 0..64 {
            run(Level::current(), black_box(from.each_ref().map(Vec::as_slice)), &mut to, &mut halfs);
            black_box((&to, &halfs));
        }
    };
    Kernel { name, pixels: 64 * WIDTH, bytes, flops: 0.0, run: Box::new(run) }
}

type Rows<T> = [Vec<T>; 3];

/// `sink` over one picture, up to what waits for its turn to be committed.
fn sink(
    name: &'static str,
    state: ImageState,
    size: (usize, usize),
    sink: &dyn Sink,
    scratch: &Path,
) -> Result<Kernel> {
    let (width, height) = size;
    let format = format(state, size);
    let range = FrameRange { first: 0, last: 0 };
    let metadata = CameraMetadata { rate: Some(said(Rate::FPS_24)), ..CameraMetadata::default() };
    let media = FileSequence {
        folder: scratch.into(),
        prefix: "BENCH_".into(),
        padding: 4,
        suffix: ".dng".into(),
        present: vec![range],
    };
    let clip = ClipRef {
        name: name.into(),
        format: ClipFormat::CinemaDng,
        media: ClipMedia::Sequence(media),
        range: Some(range),
        metadata: metadata.into(),
        substitutes: Vec::new(),
    };
    let cx = SinkContext { clip, range, to_make: vec![range], out: scratch.into(), existing: true.into() };
    let writer = sink.open(&cx, &format)?;
    // Planes, then bands as an executor gives them.
    let planes = picture(width, height);
    let bands: Vec<(std::ops::Range<usize>, Vec<f32>)> = (0..height)
        .step_by(ROWS)
        .map(|first| {
            let rows = first..(first + ROWS).min(height);
            let part = |p: usize| planes[(p * height + rows.start) * width..(p * height + rows.end) * width].to_vec();
            (rows.clone(), (0..3).flat_map(part).collect())
        })
        .collect();
    let run = move || {
        let mut frame = writer.frame(&format).expect("the sink has taken the format");
        for (rows, band) in &bands {
            frame.rows(&Band::new(band, 3, width, rows.clone())).expect("rows in order are taken");
        }
        black_box(frame.finish().expect("the picture is whole"));
    };
    Ok(Kernel { name, pixels: width * height, bytes: 18.0, flops: 0.0, run: Box::new(run) })
}

fn said<T>(value: T) -> rushes_core::media::Sourced<T> {
    let origin = rushes_core::media::Origin { file: "bench".into(), tag: "made".into() };
    rushes_core::media::Sourced { value, origin }
}
