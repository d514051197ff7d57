//! Matrices: input-transform and convert.

use rushes_color::{Convert, Highlights, InputTransform};
use rushes_core::frame::ImageState;
use rushes_core::media::ColorSpace;

use crate::compare::{By, difference, within};
use crate::{device, frames};

const BY: By = By::Pixel(1e-3);

#[test]
fn input_transforms_differ_in_the_last_bits() {
    let Some(device) = device() else { return };
    let mut worst = 0.0f32;
    for highlights in [Highlights::Clip, Highlights::Keep] {
        let stage = InputTransform { highlights, exposure: 0.5, ..InputTransform::default() };
        for (width, height) in [(1, 1), (2, 1), (1, 3), (67, 9), (130, 40)] {
            let format = frames::format(ImageState::CameraRgb, width, height);
            let mut strange = frames::scene(width, height, 3);
            if width > 60 {
                for (i, v) in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY].into_iter().enumerate() {
                    strange[i * (width * height + 5) + 70] = v;
                }
            }
            for samples in [strange, frames::strengths(width, height)] {
                worst = worst.max(difference(device, &stage, &format, &samples, BY));
            }
        }
    }
    within("input-transform", worst, 1e-6);
}

#[test]
fn conversions_differ_in_the_last_bits() {
    let Some(device) = device() else { return };
    let mut worst = 0.0f32;
    for to in [ColorSpace::AcesCg, ColorSpace::Aces2065_1] {
        for (width, height) in [(1, 1), (131, 37)] {
            let format = frames::format(ImageState::SceneLinear, width, height);
            for samples in [frames::scene(width, height, 3), frames::strengths(width, height)] {
                worst = worst.max(difference(device, &Convert { to }, &format, &samples, BY));
            }
        }
    }
    within("convert", worst, 1e-6);
}
