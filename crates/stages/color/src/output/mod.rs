//! The ACES 2.0 output transform, computed analytically.
//!
//! After the ACES 2.0 release of the Academy's Display Rendering Transform (aces-core,
//! `Lib.Academy.OutputTransform.a2.v1`), in the form OpenColorIO 2.5 and later compute it, in
//! single precision. A picture in ACES2065-1 is
//!
//! 1. clamped to positive ACEScg ([`Rendering::apply`]);
//! 2. taken to lightness J, colourfulness M and hue h (`model`);
//! 3. tone-mapped in luminance, J only (`tone`);
//! 4. made less colourful where lightness was compressed (`chroma`);
//! 5. compressed in M along lines to a focus until it fits the display ([`gamut`], with
//!    the display's hull by hue in `tables`);
//! 6. taken to display RGB, clamped, and encoded.
//!
//! Hue does not change from 2 to 6.

mod chroma;
mod gamut;
mod hull;
mod model;
mod stage;
mod tables;
mod tone;

#[cfg(test)]
mod golden;

use std::sync::LazyLock;

pub use stage::OutputTransform;

use self::chroma::Chroma;
use self::gamut::Gamut;
use self::model::Model;
use self::tone::ToneScale;
use crate::aces;
use crate::matrix::to_f32;
use crate::pow::pow;
use rushes_core::media::ColorSpace;

/// The SDR rendering: 100 nits, Rec.709 primaries, D65 white, BT.1886 gamma 2.4.
pub static SDR_REC709: LazyLock<Rendering> =
    LazyLock::new(|| Rendering::new(100.0, ColorSpace::Rec709Display.chromaticities(), 2.4));

/// A rendering with its tables. Building one takes some milliseconds.
#[derive(Debug, Clone)]
pub struct Rendering {
    to_ap1: [[f32; 3]; 3],
    to_ap0: [[f32; 3]; 3],
    scene: Model,
    display: Model,
    tone: ToneScale,
    chroma: Chroma,
    gamut: Gamut,
    inverse_gamma: f32,
}

impl Rendering {
    /// For a display of `peak` nits whose limiting primaries and white are `limiting` (CIE xy of
    /// red, green, blue, white), encoded with the power `gamma`.
    fn new(peak: f32, limiting: [[f64; 2]; 4], gamma: f32) -> Self {
        let scene = Model::new(ColorSpace::Aces2065_1.chromaticities());
        let reach = Model::new(ColorSpace::AcesCg.chromaticities());
        let display = Model::new(limiting);
        let tone = ToneScale::new(peak);
        let chroma = Chroma::new(peak, &tone, &scene, &reach);
        let gamut = Gamut::new(peak, &tone, &scene, &reach, &display, chroma.limit_j());
        Self {
            to_ap1: to_f32(&aces::AP0_TO_AP1),
            to_ap0: to_f32(&aces::AP1_TO_AP0),
            scene,
            display,
            tone,
            chroma,
            gamut,
            inverse_gamma: 1.0 / gamma,
        }
    }

    /// Display light of an ACES2065-1 pixel, linear, 0 to 1. Any input has an answer: NaN counts
    /// as black.
    pub fn linear(&self, pixel: [f32; 3]) -> [f32; 3] {
        // `max` gives the number where the other is NaN.
        let ap1 = model::apply(&self.to_ap1, pixel).map(|v| v.max(0.0).min(self.tone.brightest));
        let aab = self.scene.to_aab(model::apply(&self.to_ap0, ap1));
        if aab[0] <= 0.0 {
            return [0.0; 3];
        }
        let jmh = self.scene.to_jmh(aab);
        // The hue's sine and cosine are at hand; a grey has no hue.
        let (sin, cos) = if jmh[1] > 0.0 { (aab[2] / jmh[1], aab[1] / jmh[1]) } else { (0.0, 1.0) };
        let j = self.scene.lightness(self.tone.apply(self.scene.luminance(aab[0])));
        let reach_m = self.chroma.reach(jmh[2]);
        let m = self.chroma.compress(jmh, j, reach_m, sin, cos);
        let [j, m] = self.gamut.compress(j, m, jmh[2], reach_m);
        // Infinities on the way may leave a NaN: it becomes black, which `clamp` would not do.
        #[allow(clippy::manual_clamp)]
        self.display.to_rgb([self.display.achromatic(j), m * cos, m * sin]).map(|v| v.max(0.0).min(1.0))
    }

    /// Code values of an ACES2065-1 pixel, 0 to 1.
    pub fn apply(&self, pixel: [f32; 3]) -> [f32; 3] {
        self.linear(pixel).map(|v| pow(v, self.inverse_gamma))
    }

    /// Code values of rows of ACES2065-1 red, green and blue.
    pub fn rows(&self, [r, g, b]: [&[f32]; 3], [to_r, to_g, to_b]: [&mut [f32]; 3]) {
        let pixels = r.iter().zip(g).zip(b).zip(to_r).zip(to_g).zip(to_b);
        for (((((&r, &g), &b), to_r), to_g), to_b) in pixels {
            [*to_r, *to_g, *to_b] = self.apply([r, g, b]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_picture_is_opencolorios() {
        let mut worst = 0.0f32;
        for (pixel, want) in golden::GOLDEN {
            for (v, w) in SDR_REC709.apply(pixel).iter().zip(want) {
                // Its way over XYZ leaves 1e-8 of light where there is none: 7e-4 after the gamma.
                let near_black = w.abs() < 2e-3;
                let error = (v - w).abs();
                assert!(error < if near_black { 2e-3 } else { 1e-4 }, "{pixel:?}: {v}, not {w}");
                if !near_black {
                    worst = worst.max(error);
                }
            }
        }
        assert!(worst < 1e-4, "{worst}");
    }

    #[test]
    fn the_tone_scale_is_the_published_one() {
        // ACES documentation, tone scale of the 100 nit rendering: nits of scene 0.18, 1 and 2.
        for (scene, nits) in [(0.18, 10.000), (1.0, 45.757), (2.0, 63.988)] {
            for v in SDR_REC709.linear([scene; 3]) {
                assert!((v * 100.0 - nits).abs() < 0.002, "{scene}: {v}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_pixel_is_a_picture(pixel in proptest::array::uniform3(proptest::num::f32::ANY)) {
            for v in SDR_REC709.apply(pixel) {
                prop_assert!((0.0..=1.0).contains(&v), "{:?}", pixel);
            }
        }

        #[test]
        fn greys_stay_grey_and_in_order(a in 0.0f32..60.0, b in 0.0f32..60.0) {
            let (low, high) = (SDR_REC709.apply([a.min(b); 3]), SDR_REC709.apply([a.max(b); 3]));
            prop_assert!(low[1] <= high[1] + 1e-6);
            prop_assert!((low[0] - low[1]).abs() < 1e-3 && (low[2] - low[1]).abs() < 1e-3);
        }
    }
}
