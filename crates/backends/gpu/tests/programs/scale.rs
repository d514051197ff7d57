//! Resampling.

use rushes_core::frame::ImageState;
use rushes_proxy::{ResampleFilter, Scale, ScaleDomain, ScaleTo};

use crate::compare::{By, difference, within};
use crate::{device, frames};

/// Of all filters and many sizes, the largest difference.
fn measured(domain: ScaleDomain, by: By) -> Option<f32> {
    let device = device()?;
    let mut worst = 0.0f32;
    for filter in [ResampleFilter::Box, ResampleFilter::Triangle, ResampleFilter::Lanczos3] {
        for ((width, height), (to_width, to_height)) in [
            ((1, 1), (1, 1)),
            ((1, 1), (5, 3)),
            ((2, 3), (1, 1)),
            ((131, 67), (64, 32)),
            ((131, 67), (7, 5)),
            ((40, 30), (131, 67)),
            ((50, 40), (50, 13)),
            ((600, 20), (3, 40)),
        ] {
            let to = ScaleTo::Exact { width: to_width, height: to_height };
            let stage = Scale { filter, domain, ..Scale::scene_linear(to) };
            let format = frames::format(ImageState::SceneLinear, width, height);
            for samples in [frames::scene(width, height, 3), frames::chance(width, height, 3)] {
                let off = difference(device, &stage, &format, &samples, by);
                assert!(off < 1.0, "{filter:?} {width}x{height} to {to_width}x{to_height}: {off}");
                worst = worst.max(off);
            }
        }
    }
    Some(worst)
}

#[test]
fn samples_as_they_are_differ_in_the_last_bits() {
    let Some(off) = measured(ScaleDomain::AsIs, By::White) else { return };
    within("scale", off, 1e-6);
}

#[test]
fn logarithms_differ_little() {
    let Some(off) = measured(ScaleDomain::Log, By::Pixel(1e-2)) else { return };
    within("scale, logarithms", off, 1e-4);
}

#[test]
fn what_is_no_number_spoils_what_it_spoils_on_the_cpu() {
    let Some(device) = device() else { return };
    for domain in [ScaleDomain::AsIs, ScaleDomain::Log] {
        let stage = Scale { domain, ..Scale::scene_linear(ScaleTo::Exact { width: 31, height: 20 }) };
        let format = frames::format(ImageState::SceneLinear, 70, 41);
        for v in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut samples = frames::scene(70, 41, 3);
            samples[70 * 20 + 30] = v;
            let off = difference(device, &stage, &format, &samples, By::Pixel(1e-2));
            assert!(off < 1e-4, "{domain:?} with {v}: {off}");
        }
    }
}
