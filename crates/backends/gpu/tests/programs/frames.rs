//! Pictures to compare with.

use rushes_core::frame::{FrameFacts, FrameFormat, ImageState};
use rushes_core::media::{CalibratedIlluminant, CameraColor, ColorSpace, WhitePoint};

/// Numbers from 0 to 1 that look like chance, always the same.
pub(crate) fn noise(seed: u32) -> impl Iterator<Item = f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as f32 / (1 << 24) as f32
    })
}

/// Light of a scene with slopes, edges, stripes, noise about black and highlights up to 4.
pub(crate) fn light(x: usize, y: usize, chance: f32) -> f32 {
    let (fx, fy) = (x as f32, y as f32);
    let slope = 0.5 + 0.5 * (fx * 0.13 + fy * 0.07).sin();
    let edge = if (x / 9 + y / 7).is_multiple_of(2) { 1.0 } else { 0.2 };
    let stripes = if x % 40 > 28 { 0.3 * (x % 2) as f32 } else { 0.0 };
    let blown = if (x / 5 + y / 3).is_multiple_of(17) { 3.0 } else { 0.0 };
    let dark = if (x + y) % 31 < 6 { 0.02 } else { 1.0 };
    (slope * edge + stripes + blown) * dark + (chance - 0.5) * 0.02
}

/// Planes of such a scene, of several colours.
pub(crate) fn scene(width: usize, height: usize, planes: usize) -> Vec<f32> {
    let mut chance = noise(7);
    let at = |i: usize| (i / (width * height), i / width % height, i % width);
    (0..planes * width * height)
        .map(|i| {
            let (p, y, x) = at(i);
            light(x + 4 * p, y + 3 * p, chance.next().unwrap_or(0.0)) * [1.0, 0.8, 0.6][p]
        })
        .collect()
}

/// Planes of chance, from -0.1 to 1.5.
pub(crate) fn chance(width: usize, height: usize, planes: usize) -> Vec<f32> {
    noise(width as u32 + 3).take(planes * width * height).map(|v| v * 1.6 - 0.1).collect()
}

/// Pixels of all strengths: greys and colours from 2^-16 to 2^10, and below black.
pub(crate) fn strengths(width: usize, height: usize) -> Vec<f32> {
    let mut a = noise(11);
    let n = width * height;
    let mut planes = vec![0.0; 3 * n];
    for i in 0..n {
        let mut next = || a.next().unwrap_or(0.0);
        let strength = (next() * 26.0 - 16.0).exp2();
        let grey = i % 3 == 0;
        let sign = if i % 11 == 10 { -1.0 } else { 1.0 };
        for p in 0..3 {
            planes[p * n + i] = strength * sign * if grey { 1.0 } else { next() * 1.2 - 0.1 };
        }
    }
    planes
}

/// A format with the facts of a camera whose white is not grey.
pub(crate) fn format(state: ImageState, width: usize, height: usize) -> FrameFormat {
    let camera_color = Some(CameraColor {
        calibrations: vec![CalibratedIlluminant {
            light_source: 21,
            color_matrix: [[0.7866, -0.2108, -0.0555], [-0.4869, 1.2483, 0.2681], [-0.1176, 0.2069, 0.7501]],
            forward_matrix: None,
            camera_calibration: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        }],
        analog_balance: [1.0; 3],
        baseline_exposure: 0.0,
        as_shot: Some(WhitePoint::Neutral([0.47, 1.0, 0.62])),
    });
    let color_space = (state == ImageState::SceneLinear).then_some(ColorSpace::Aces2065_1);
    FrameFormat { state, width, height, facts: FrameFacts { camera_color, color_space, ..FrameFacts::default() } }
}
