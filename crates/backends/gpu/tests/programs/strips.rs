//! Frames in strips.

use rushes_core::frame::{Band, ImageState};
use rushes_core::media::{Cfa, Rect};
use rushes_core::stage::FrameStage;
use rushes_debayer::{Debayer, Method};
use rushes_gpu::{Programs, Settings, testing};
use rushes_proxy::{Scale, ScaleTo};

use crate::{device, frames};

/// A frame in one piece and in strips.
fn seamless(stage: &dyn FrameStage, state: ImageState, max_binding: u64) {
    let (Some(whole), Some(strips)) = (device(), testing::device(Settings { max_binding, ..Settings::default() }))
    else {
        return;
    };
    let (width, height) = (90, 101);
    let mut format = frames::format(state, width, height);
    format.facts.cfa = Some(Cfa::Gbrg);
    format.facts.default_crop = Some(Rect { x: 7, y: 3, width: 75, height: 91 });
    let samples = frames::scene(width, height, format.planes());
    let input = Band::new(&samples, format.planes(), width, 0..height);
    let kernel = stage.prepare(&format).unwrap();
    let all = 0..kernel.format().height;
    let [one, many] =
        [whole, &strips].map(|d| d.run_kernel(&Programs::stock(), &*kernel, &input, all.clone()).unwrap());
    assert!(one == many, "{stage:?}");
    assert!(all.len() * kernel.format().width * 12 > max_binding as usize, "it fits in one strip");
}

#[test]
fn debayers_leave_no_seam_between_strips() {
    for method in [Method::Superpixel, Method::Bilinear, Method::Malvar, Method::Rcd, Method::Gbtf] {
        seamless(&Debayer::new(method), ImageState::Linear, 12_000);
    }
}

#[test]
fn scaled_pictures_have_no_seam_between_strips() {
    for to in [ScaleTo::Exact { width: 61, height: 40 }, ScaleTo::Exact { width: 100, height: 140 }] {
        seamless(&Scale::scene_linear(to), ImageState::SceneLinear, 24_000);
    }
}
