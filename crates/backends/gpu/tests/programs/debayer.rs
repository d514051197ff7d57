//! The debayers.

use rushes_core::frame::{FrameFormat, ImageState};
use rushes_core::media::{Cfa, Rect};
use rushes_debayer::{Debayer, Domain, Method};

use crate::compare::{By, difference, within};
use crate::{device, frames};

fn linear(cfa: Cfa, width: usize, height: usize, crop: Option<Rect>) -> FrameFormat {
    let mut format = frames::format(ImageState::Linear, width, height);
    format.facts.cfa = Some(cfa);
    format.facts.default_crop = crop;
    format
}

/// Of all phases, domains, gains, sizes and crops, the largest difference.
fn measured(method: Method) -> Option<f32> {
    let device = device()?;
    let mut worst = 0.0f32;
    let mut see = |stage: Debayer, format: FrameFormat, samples: &[f32]| {
        let off = difference(device, &stage, &format, samples, By::White);
        assert!(off < 1.0, "{stage:?} {}x{} {:?}: {off}", format.width, format.height, format.facts.cfa);
        worst = worst.max(off);
    };
    for cfa in Cfa::ALL {
        for (width, height) in [(2, 2), (3, 2), (2, 5), (5, 3), (33, 17), (76, 43)] {
            let samples = [frames::scene(width, height, 1), frames::chance(width, height, 1)];
            for (domain, balance) in [(Domain::Linear, false), (Domain::Linear, true), (Domain::Sqrt, true)] {
                let stage = Debayer { domain: Some(domain), balance: Some(balance), ..Debayer::new(method) };
                for samples in &samples {
                    see(stage, linear(cfa, width, height, None), samples);
                }
            }
        }
        let samples = frames::scene(76, 43, 1);
        for (x, y, width, height) in [(3, 5, 41, 22), (30, 16, 46, 27), (1, 0, 2, 43), (9, 9, 3, 3)] {
            see(Debayer::new(method), linear(cfa, 76, 43, Some(Rect { x, y, width, height })), &samples);
        }
    }
    Some(worst)
}

/// What is no number spoils what it spoils on the CPU.
fn strange(method: Method) {
    let Some(device) = device() else { return };
    for (i, v) in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY].into_iter().enumerate() {
        let mut samples = frames::scene(76, 43, 1);
        samples[76 * (20 + i) + 30] = v;
        let off = difference(device, &Debayer::new(method), &linear(Cfa::Grbg, 76, 43, None), &samples, By::White);
        assert!(off < 1e-5, "{method:?} with {v}: {off}");
    }
}

#[test]
fn superpixels_are_the_same() {
    let Some(off) = measured(Method::Superpixel) else { return };
    within("debayer-superpixel", off, 0.0);
    strange(Method::Superpixel);
}

#[test]
fn bilinear_differs_in_the_last_bits() {
    let Some(off) = measured(Method::Bilinear) else { return };
    within("debayer-bilinear", off, 1e-6);
    strange(Method::Bilinear);
}

#[test]
fn malvar_differs_in_the_last_bits() {
    let Some(off) = measured(Method::Malvar) else { return };
    within("debayer-malvar", off, 1e-6);
    strange(Method::Malvar);
}

#[test]
fn rcd_differs_little() {
    let Some(off) = measured(Method::Rcd) else { return };
    within("debayer-rcd", off, 1e-5);
    strange(Method::Rcd);
}

#[test]
fn gbtf_differs_little() {
    let Some(off) = measured(Method::Gbtf) else { return };
    within("debayer-gbtf", off, 1e-5);
    strange(Method::Gbtf);
}
