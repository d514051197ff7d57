//! cdl and lut.

use rushes_color::{Cdl, Lut};
use rushes_core::frame::ImageState;
use rushes_core::media::ColorSpace;
use serde_json::json;

use rushes_core::stage::FrameStage;

use crate::compare::{By, difference, within};
use crate::{device, frames};

const SPACES: [&str; 6] =
    ["ACEScct", "ACEScg", "ACES2065-1", "LogC3-EI800/AWG3", "LogC4/AWG4", "Log3G10/REDWideGamutRGB"];

/// Of scene-linear light of all strengths, and some that is no number, in both spaces.
fn worst(stage: &dyn FrameStage) -> f32 {
    let Some(device) = device() else { return 0.0 };
    let mut worst = 0.0f32;
    for space in [ColorSpace::Aces2065_1, ColorSpace::AcesCg] {
        for (width, height) in [(1, 1), (129, 31)] {
            let mut format = frames::format(ImageState::SceneLinear, width, height);
            format.facts.color_space = Some(space);
            let mut strange = frames::scene(width, height, 3);
            if width > 1 {
                // In pixels of their own, which must not touch others.
                for (i, v) in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY].into_iter().cycle().take(9).enumerate() {
                    strange[i * (width * height / 3 + 5)] = v;
                }
            }
            for samples in [strange, frames::strengths(width, height)] {
                worst = worst.max(difference(device, stage, &format, &samples, By::Pixel(1e-2)));
            }
        }
    }
    worst
}

#[test]
fn corrections_differ_little() {
    let (mut aces, mut cameras) = (0.0f32, 0.0f32);
    for space in SPACES {
        let all = if space.starts_with("ACES") { &mut aces } else { &mut cameras };
        for style in ["no-clamp", "clamp"] {
            for (power, saturation) in [([0.93, 0.81, 1.27], 1.239), ([1.0, 1.0, 1.0], 1.0), ([1.0, 1.3, 1.0], 0.0)] {
                let cdl = json!({
                    "slope": [1.35, 1.1, 0.71], "offset": [0.05, -0.03, 0.01], "power": power, "saturation": saturation,
                    "style": style, "working_space": space,
                });
                let cdl: Cdl = serde_json::from_value(cdl).unwrap();
                let off = worst(&cdl);
                eprintln!("{space} {style} {power:?}: {off:e}");
                *all = all.max(off);
            }
        }
    }
    within("cdl", aces, 2e-5);
    within("cdl in a camera's log", cameras, 1e-4);
}

#[test]
fn looks_differ_little() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = 0.0f32;
    // A look with a bend, a curve before it, and both.
    let cube = |n: usize| {
        let mut text = format!("LUT_3D_SIZE {n}\n");
        let at = |i: usize| i as f32 / (n - 1) as f32;
        for i in 0..n * n * n {
            let (r, g, b) = (at(i % n), at(i / n % n), at(i / n / n));
            text += &format!("{} {} {}\n", r.powf(0.8), 0.9 * g + 0.1 * r * b, 1.1 * b * (1.0 - 0.2 * g) - 0.05);
        }
        text
    };
    let curve = || {
        (0..17).map(|i| (i as f32 / 16.0).powf(0.7)).map(|v| format!("{v} {} {}\n", v * v, 1.0 - v)).collect::<String>()
    };
    let files = [
        ("33.cube", cube(33)),
        ("2.cube", format!("DOMAIN_MIN -0.5 0 0\nDOMAIN_MAX 2 1.5 3\n{}", cube(2))),
        ("curve.cube", format!("LUT_1D_SIZE 17\nLUT_1D_INPUT_RANGE -0.1 1.3\n{}", curve())),
    ];
    for (name, text) in files {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        for space in SPACES {
            for interpolation in ["tetrahedral", "trilinear"] {
                let lut = json!({ "file": file, "interpolation": interpolation, "working_space": space });
                let lut: Lut = serde_json::from_value(lut).unwrap();
                let off = worst(&lut);
                eprintln!("{name} {space} {interpolation}: {off:e}");
                all = all.max(off);
            }
        }
    }
    within("lut", all, 1e-5);
}
