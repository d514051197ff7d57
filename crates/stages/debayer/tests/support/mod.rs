//! Runs the stage on small mosaics.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::ops::Range;

use rushes_core::frame::{Band, BandMut, FrameFacts, FrameFormat, ImageState};
use rushes_core::media::{CameraColor, Cfa, Rect, WhitePoint};
use rushes_core::stage::FrameStage;
use rushes_debayer::{Debayer, Domain, Method};

/// Every method that interpolates.
pub const FULL_SIZE: [Method; 4] = [Method::Bilinear, Method::Malvar, Method::Rcd, Method::Gbtf];

/// The method on the samples as they are: linear, unbalanced.
pub fn plain(method: Method) -> Debayer {
    Debayer { balance: Some(false), domain: Some(Domain::Linear), ..Debayer::new(method) }
}

/// One plane of samples.
#[derive(Debug, Clone)]
pub struct Plane {
    pub width: usize,
    pub height: usize,
    pub data: Vec<f32>,
}

impl Plane {
    pub fn of(width: usize, height: usize, f: impl Fn(usize, usize) -> f32) -> Self {
        let data = (0..width * height).map(|i| f(i / width, i % width)).collect();
        Self { width, height, data }
    }

    /// Samples without pattern, between -0.1 and 1.1.
    pub fn noise(width: usize, height: usize, seed: u64) -> Self {
        let mut state = seed;
        let data = (0..width * height)
            .map(|_| {
                // SplitMix64.
                state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut z = state;
                z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 24) as f32 * 1.2 - 0.1
            })
            .collect();
        Self { width, height, data }
    }

    pub fn format(&self, cfa: Cfa) -> FrameFormat {
        let facts = FrameFacts { cfa: Some(cfa), ..FrameFacts::default() };
        FrameFormat { state: ImageState::Linear, width: self.width, height: self.height, facts }
    }
}

/// Facts of a camera whose neutral is `neutral`.
pub fn camera(neutral: [f64; 3]) -> CameraColor {
    CameraColor {
        calibrations: Vec::new(),
        analog_balance: [1.0; 3],
        baseline_exposure: 0.0,
        as_shot: Some(WhitePoint::Neutral(neutral)),
    }
}

/// Three planes.
#[derive(Debug, Clone)]
pub struct Rgb {
    pub width: usize,
    pub height: usize,
    pub data: Vec<f32>,
}

impl Rgb {
    pub fn at(&self, plane: usize, row: usize, col: usize) -> f32 {
        self.data[(plane * self.height + row) * self.width + col]
    }

    /// The bits of the samples in a part of the picture: equality that holds for NaN too.
    pub fn bits(&self, rect: Rect) -> Vec<u32> {
        let mut bits = Vec::new();
        for plane in 0..3 {
            for row in rect.y..rect.y + rect.height {
                bits.extend((rect.x..rect.x + rect.width).map(|col| self.at(plane, row, col).to_bits()));
            }
        }
        bits
    }

    pub fn whole(&self) -> Rect {
        Rect::whole(self.width, self.height)
    }
}

/// The whole picture at once.
pub fn debayer(stage: &Debayer, format: &FrameFormat, plane: &Plane) -> Rgb {
    banded(stage, format, plane, std::iter::empty())
}

/// The picture in bands that end at `cuts`. Each sees only the input rows it asked for, and finds its output
/// filled with NaN. What the kernel gives for bands in order is the same.
pub fn banded(stage: &Debayer, format: &FrameFormat, plane: &Plane, cuts: impl Iterator<Item = usize>) -> Rgb {
    let kernel = stage.prepare(format).unwrap();
    let (width, height) = (kernel.format().width, kernel.format().height);
    let mut rgb = Rgb { width, height, data: vec![f32::NAN; 3 * width * height] };
    let mut in_order = kernel.in_order();
    let mut start = 0;
    for end in cuts.filter(|end| *end < height).chain([height]) {
        if end > start {
            let format = kernel.format();
            let need = kernel.input_rows(start..end);
            let band = band(format, plane, (need.clone(), start..end), |input, out| kernel.run(input, out));
            if let Some(in_order) = &mut in_order {
                let again = self::band(format, plane, (need, start..end), |input, out| in_order.run(input, out));
                assert!(again.iter().map(|v| v.to_bits()).eq(band.iter().map(|v| v.to_bits())), "{start}..{end}");
            }
            for p in 0..3 {
                let (n, at) = ((end - start) * width, (p * height + start) * width);
                rgb.data[at..at + n].copy_from_slice(&band[p * n..(p + 1) * n]);
            }
            start = end;
        }
    }
    rgb
}

fn band(
    format: &FrameFormat,
    plane: &Plane,
    (needed, rows): (Range<usize>, Range<usize>),
    mut run: impl FnMut(&Band<'_>, &mut BandMut<'_>),
) -> Vec<f32> {
    assert!(needed.end <= plane.height, "{needed:?} of {}", plane.height);
    let input = &plane.data[needed.start * plane.width..needed.end * plane.width];
    let mut out = vec![f32::NAN; 3 * rows.len() * format.width];
    run(&Band::new(input, 1, plane.width, needed), &mut BandMut::new(&mut out, 3, format.width, rows));
    out
}
