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
//! 5. compressed in M along lines to a focus until it fits the display (`gamut`, with
//!    the display's hull by hue in `tables`);
//! 6. taken to display RGB, clamped, and encoded.
//!
//! Hue does not change from 2 to 6.

#![allow(clippy::manual_clamp, reason = "`max` and `min` drop NaN, `clamp` keeps it")]

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
    scene: Model,
    display: Model,
    tone: ToneScale,
    chroma: Chroma,
    gamut: Gamut,
    inverse_gamma: f32,
}

/// The largest number of a half float: far above the brightest scene value that matters here.
const HALF_MAX: f32 = 65_504.0;

/// Pixels that are computed side by side in [`Rendering::rows`].
const LANES: usize = 16;

impl Rendering {
    /// For a display of `peak` nits whose limiting primaries and white are `limiting` (CIE xy of
    /// red, green, blue, white), encoded with the power `gamma`.
    fn new(peak: f32, limiting: [[f64; 2]; 4], gamma: f32) -> Self {
        // ACEScg has the white of ACES2065-1, so the two share one model; and ACEScg is the gamut
        // whose colours have to reach into the display's.
        let scene = Model::new(ColorSpace::AcesCg.chromaticities());
        let display = Model::new(limiting);
        let tone = ToneScale::new(peak);
        let chroma = Chroma::new(peak, &tone, &scene);
        let gamut = Gamut::new(peak, &tone, &scene, &display, chroma.limit_j());
        let to_ap1 = to_f32(&aces::AP0_TO_AP1);
        Self { to_ap1, scene, display, tone, chroma, gamut, inverse_gamma: 1.0 / gamma }
    }

    /// Display light of an ACES2065-1 pixel, linear, 0 to 1. Any input has an answer: NaN counts
    /// as black.
    pub fn linear(&self, [r, g, b]: [f32; 3]) -> [f32; 3] {
        self.lanes([[r], [g], [b]]).map(|[v]| v)
    }

    /// Code values of an ACES2065-1 pixel, 0 to 1.
    pub fn apply(&self, pixel: [f32; 3]) -> [f32; 3] {
        self.linear(pixel).map(|v| pow(v, self.inverse_gamma))
    }

    /// Code values of rows of ACES2065-1 red, green and blue: of each pixel what
    /// [`Rendering::apply`] gives for it.
    pub fn rows(&self, from: [&[f32]; 3], mut to: [&mut [f32]; 3]) {
        let mut at = 0;
        while at < from[0].len() {
            let n = LANES.min(from[0].len() - at);
            let mut block = [[0.0; LANES]; 3];
            for (lanes, row) in block.iter_mut().zip(from) {
                lanes[..n].copy_from_slice(&row[at..at + n]);
            }
            let mut block = self.lanes(block);
            for (lanes, row) in block.iter_mut().zip(&mut to) {
                for v in lanes.iter_mut() {
                    *v = pow(*v, self.inverse_gamma);
                }
                row[at..at + n].copy_from_slice(&lanes[..n]);
            }
            at += n;
        }
    }

    /// Display light of `N` pixels, planar. Each step is a loop over all of them without
    /// branches, which the compiler turns into vectors; only the tables are looked up singly.
    fn lanes<const N: usize>(&self, [r, g, b]: [[f32; N]; 3]) -> [[f32; N]; 3] {
        let zero = [0.0f32; N];
        let (mut a, mut p, mut q, mut m, mut was_j, mut j) = (zero, zero, zero, zero, zero, zero);
        for i in 0..N {
            // A blown highlight may be infinite; infinity minus infinity would turn it black.
            let finite = |v: f32| if v.is_nan() { 0.0 } else { v.clamp(-HALF_MAX, HALF_MAX) };
            let [x, y, z] = model::apply(&self.to_ap1, [finite(r[i]), finite(g[i]), finite(b[i])]);
            // `max` gives the number where the other is NaN.
            let limit = |v: f32| v.max(0.0).min(self.tone.brightest);
            [a[i], p[i], q[i]] = self.scene.to_aab([limit(x), limit(y), limit(z)]);
        }
        for i in 0..N {
            m[i] = (p[i] * p[i] + q[i] * q[i]).sqrt();
            was_j[i] = self.scene.lightness_of(a[i]);
            j[i] = self.scene.lightness(self.tone.apply(self.scene.luminance(a[i])));
        }
        let mut reach = zero;
        let mut cusp = [[0.0; N]; 3];
        for i in 0..N {
            let hue = model::hue(p[i], q[i]);
            reach[i] = self.chroma.reach(hue);
            let at = self.gamut.cusp(hue);
            (cusp[0][i], cusp[1][i], cusp[2][i]) = (at.j, at.m, at.above);
        }
        for i in 0..N {
            // The hue's cosine and sine; a grey has no hue.
            let coloured = m[i] > 0.0;
            let cos = if coloured { p[i] / m[i] } else { 1.0 };
            let sin = if coloured { q[i] / m[i] } else { 0.0 };
            m[i] = self.chroma.compress(was_j[i], m[i], j[i], reach[i], sin, cos);
            (p[i], q[i]) = (cos, sin);
        }
        for i in 0..N {
            [j[i], m[i]] = self.gamut.compress(j[i], m[i], [cusp[0][i], cusp[1][i], cusp[2][i]], reach[i]);
        }
        let mut out = [zero; 3];
        for i in 0..N {
            let [x, y, z] = self.display.to_rgb([self.display.achromatic(j[i]), m[i] * p[i], m[i] * q[i]]);
            // Black has no response; infinities on the way may leave a NaN, which becomes black too.
            let light = |v: f32| if a[i] > 0.0 { v.max(0.0).min(1.0) } else { 0.0 };
            (out[0][i], out[1][i], out[2][i]) = (light(x), light(y), light(z));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rows_are_pixels_side_by_side() {
        for n in [0, 1, 15, 16, 17, 90] {
            let [r, g, b] = [0, 1, 2].map(|c| golden::GOLDEN.iter().take(n).map(|p| p.0[c]).collect::<Vec<f32>>());
            let mut out = [(); 3].map(|()| vec![9.0; r.len()]);
            let [to_r, to_g, to_b] = &mut out;
            SDR_REC709.rows([&r, &g, &b], [to_r, to_g, to_b]);
            for i in 0..r.len() {
                let one = SDR_REC709.apply([r[i], g[i], b[i]]);
                for (c, v) in one.iter().enumerate() {
                    assert!((out[c][i] - v).abs() < 1e-6, "pixel {i}: {} and {v}", out[c][i]);
                }
            }
        }
    }

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

    #[test]
    fn a_blown_highlight_is_white_and_nan_is_black() {
        for blown in [1e5, f32::MAX, f32::INFINITY] {
            for v in SDR_REC709.apply([blown; 3]) {
                assert!(v > 0.999, "{blown}: {v}");
            }
        }
        assert_eq!(SDR_REC709.apply([f32::NAN; 3]), [0.0; 3]);
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
