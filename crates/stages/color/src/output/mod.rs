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
mod device;
mod encode;
mod gamut;
mod hull;
mod lanes;
mod model;
mod stage;
mod tables;
mod target;
mod tone;

#[cfg(test)]
mod golden;

pub use stage::OutputTransform;
pub use target::Target;

use self::chroma::Chroma;
use self::encode::Encoding;
use self::gamut::Gamut;
use self::lanes::Lanes;
use self::model::{Model, OFFSET, POWER, exponent};
use self::tone::ToneScale;
use crate::aces;
use crate::matrix::{IDENTITY, apply_f32, inverse, mul, rgb_to_xyz, to_f32};
use rushes_core::media::ColorSpace;
use rushes_core::simd::math::degrees_of;
use rushes_core::simd::{Curve, Here, Level, Power, kernel};
use rushes_core::stage::DeviceWork;
use std::sync::OnceLock;

/// A rendering with its tables. Building one takes some milliseconds.
#[derive(Debug, Clone)]
pub struct Rendering {
    to_ap1: [[f32; 3]; 3],
    scene: Model,
    display: Model,
    /// The brightest scene value that is told from brighter ones.
    brightest: f32,
    powers: Powers,
    chroma: Chroma,
    gamut: Gamut,
    /// The display's white, of 100 nits.
    white: f32,
    /// From the gamut that colours are limited to, to that of the code values, where they are two.
    to_coded: Option<[[f32; 3]; 3]>,
    encoding: Encoding,
    /// What devices get, made when one first asks. Behind a pointer: with a cell in it, the whole would have to be read anew
    /// after every write of a row, and the kernel took a quarter more instructions.
    on_device: Box<OnceLock<DeviceWork>>,
}

/// The powers that every pixel is raised to.
#[derive(Debug, Clone)]
struct Powers {
    respond: Power,
    /// What the tone scale multiplies an achromatic response by.
    tone: Curve,
    /// Lightness, 1 for the display's white, of an achromatic response. `achromatic` times that power is the way back.
    lightness: Power,
    inverse: Power,
    achromatic: f32,
    unrespond: Power,
}

/// The largest number of a half float: far above the brightest scene value that matters here.
const HALF_MAX: f32 = 65_504.0;

/// Pixels that are computed side by side in [`Rendering::rows`]: a few registers of each quantity, so that
/// no step waits for the one before.
const LANES: usize = 128;

impl Rendering {
    fn new(target: Target) -> Self {
        let (peak, limiting) = (target.peak(), target.limit());
        // ACEScg has the white of ACES2065-1, so the two share one model; and ACEScg is the gamut
        // whose colours have to reach into the display's.
        let scene = Model::new(ColorSpace::AcesCg.chromaticities());
        let display = Model::new(limiting);
        let tone = ToneScale::new(peak);
        let limit = scene.of_luminance(peak);
        let limit_j = scene.lightness(limit);
        let chroma = Chroma::new(peak, &tone, &scene, [limit, limit_j]);
        let gamut = Gamut::new(peak, &tone, &scene, &display, limit_j);
        let to_ap1 = to_f32(&aces::AP0_TO_AP1);
        let coded = target.space().chromaticities();
        let to_coded = (coded != limiting).then(|| {
            let from_xyz = inverse(&rgb_to_xyz(coded)).unwrap_or(IDENTITY);
            to_f32(&mul(&from_xyz, &rgb_to_xyz(limiting)))
        });
        let powers = Powers::new(&scene, &tone, [limit, limit_j]);
        let (white, encoding) = (peak / 100.0, Encoding::new(target.decoding(), peak / 100.0));
        let brightest = tone.brightest;
        let on_device = Box::default();
        Self { to_ap1, scene, display, brightest, powers, chroma, gamut, white, to_coded, encoding, on_device }
    }

    /// Display light of an ACES2065-1 pixel, linear, 1 at 100 nits, in the gamut that colours are limited
    /// to. Any input has an answer: NaN counts as black.
    pub fn linear(&self, [r, g, b]: [f32; 3]) -> [f32; 3] {
        let (mut lanes, mut light) = (Lanes::<1>::new(), [[0.0]; 3]);
        self.light(Here::PLAIN, [&[r], &[g], &[b]], &mut lanes, light.each_mut());
        light.map(|[v]| v)
    }

    /// Code values of an ACES2065-1 pixel, 0 to 1.
    pub fn apply(&self, pixel: [f32; 3]) -> [f32; 3] {
        let ([r, g, b], mut lanes, mut coded) = (pixel, Lanes::<1>::new(), [[0.0]; 3]);
        self.coded(Here::PLAIN, [&[r], &[g], &[b]], &mut lanes, coded.each_mut());
        coded.map(|[v]| v)
    }

    /// Code values of rows of ACES2065-1 red, green and blue: of each pixel what
    /// [`Rendering::apply`] gives for it.
    pub fn rows(&self, level: Level, from: [&[f32]; 3], to: [&mut [f32]; 3]) {
        rows(level, self, from, to);
    }

    /// Code values of `N` pixels.
    #[inline(always)]
    fn coded<const N: usize>(&self, here: Here, from: [&[f32; N]; 3], lanes: &mut Lanes<N>, to: [&mut [f32; N]; 3]) {
        let [r, g, b] = to;
        self.light(here, from, lanes, [&mut *r, &mut *g, &mut *b]);
        if let Some(m) = &self.to_coded {
            for ((r, g), b) in r.iter_mut().zip(&mut *g).zip(&mut *b) {
                [*r, *g, *b] = apply_f32(m, [*r, *g, *b]).map(|v| v.max(0.0).min(self.white));
            }
        }
        self.encoding.encode(here, [r, g, b]);
    }

    /// Display light of `N` pixels, planar. Each step is a short loop over all of them without
    /// branches, which the compiler turns into vectors, several of them in flight.
    #[inline(always)]
    fn light<const N: usize>(&self, here: Here, from: [&[f32; N]; 3], lanes: &mut Lanes<N>, to: [&mut [f32; N]; 3]) {
        self.to_jmh(here, from, lanes);
        self.chroma.compress(lanes);
        self.gamut.compress(here, lanes, &self.powers.inverse);
        self.to_light(here, lanes, to);
    }

    /// Lightness by the tone scale, colourfulness as it was, and what depends on the hue.
    #[inline(always)]
    fn to_jmh<const N: usize>(&self, here: Here, [r, g, b]: [&[f32; N]; 3], lanes: &mut Lanes<N>) {
        let Lanes { v: [x, y, z], a, p, q, ratio, now, j, m, hue, reach, .. } = lanes;
        for i in 0..N {
            // A blown highlight may be infinite; infinity minus infinity would turn it black. `max` gives the
            // number where the other is NaN.
            let finite = |v: f32| (if v.is_nan() { 0.0 } else { v }).max(-HALF_MAX).min(HALF_MAX);
            let rgb = apply_f32(&self.to_ap1, [finite(r[i]), finite(g[i]), finite(b[i])]);
            let rgb = rgb.map(|v| v.max(0.0).min(self.brightest));
            [x[i], y[i], z[i]] = self.scene.cones(rgb);
        }
        for v in [&mut *x, &mut *y, &mut *z] {
            self.powers.respond.raise(here, v);
        }
        for i in 0..N {
            // v / (OFFSET + v)
            let [per_x, per_y, per_z] = reciprocals([OFFSET + x[i], OFFSET + y[i], OFFSET + z[i]]);
            [a[i], p[i], q[i]] = self.scene.opponent([x[i] * per_x, y[i] * per_y, z[i] * per_z]);
            ratio[i] = a[i];
        }
        // The tone scale, on lightness alone.
        self.powers.tone.map(here, ratio);
        for i in 0..N {
            now[i] = a[i] * ratio[i];
            j[i] = now[i];
        }
        self.powers.lightness.raise(here, j);
        for i in 0..N {
            m[i] = (p[i] * p[i] + q[i] * q[i]).sqrt();
            let (small, large) = (p[i].abs().min(q[i].abs()), p[i].abs().max(q[i].abs()));
            // One division for the tangent, cosine and sine; a grey has no hue.
            let per_both = 1.0 / (m[i] * large).max(f32::MIN_POSITIVE);
            hue[i] = degrees_of(small * (m[i] * per_both), q[i], p[i]);
            let per_m = large * per_both;
            (p[i], q[i]) = (if m[i] > 0.0 { p[i] * per_m } else { 1.0 }, q[i] * per_m);
        }
        self.chroma.reach(here, hue, reach);
        self.gamut.cusps(here, lanes);
    }

    /// Display light of lightness, colourfulness and hue.
    #[inline(always)]
    fn to_light<const N: usize>(&self, here: Here, lanes: &mut Lanes<N>, [r, g, b]: [&mut [f32; N]; 3]) {
        let Lanes { v: [x, y, z], a, p, q, j, m, signs, .. } = lanes;
        self.powers.inverse.raise(here, j);
        for i in 0..N {
            let [red, green, blue] = self.display.responses([j[i] * self.powers.achromatic, m[i] * p[i], m[i] * q[i]]);
            [signs[0][i], signs[1][i], signs[2][i]] = [red, green, blue];
            // OFFSET * v / (1 - v), where responses near saturation count as 0.99.
            let [red, green, blue] = [red, green, blue].map(|v| v.abs().min(0.99));
            let [per_red, per_green, per_blue] = reciprocals([1.0 - red, 1.0 - green, 1.0 - blue]);
            let all = [red * per_red, green * per_green, blue * per_blue];
            [x[i], y[i], z[i]] = all.map(|v| OFFSET * v);
        }
        for v in [&mut *x, &mut *y, &mut *z] {
            self.powers.unrespond.raise(here, v);
        }
        for i in 0..N {
            let cones = [x[i].copysign(signs[0][i]), y[i].copysign(signs[1][i]), z[i].copysign(signs[2][i])];
            let rgb = self.display.rgb(cones);
            // Black has no response; infinities on the way may leave a NaN, which becomes black too.
            let light = |v: f32| if a[i] > 0.0 { v.max(0.0).min(self.white) } else { 0.0 };
            [r[i], g[i], b[i]] = rgb.map(light);
        }
    }
}

/// Of three numbers, by one division.
#[inline(always)]
fn reciprocals([x, y, z]: [f32; 3]) -> [f32; 3] {
    let xy = x * y;
    let per_all = 1.0 / (xy * z);
    let per_xy = z * per_all;
    [y * per_xy, x * per_xy, xy * per_all]
}

impl Powers {
    fn new(scene: &Model, tone: &ToneScale, [limit, limit_j]: [f32; 2]) -> Self {
        let power = f64::from(POWER);
        // The largest that cones and their sum get.
        let cone = scene.cones([tone.brightest; 3]).into_iter().fold(0.0, f32::max);
        let most = scene.to_aab([tone.brightest; 3])[0].max(1.0);
        let (exponent, inverse) = (exponent(), 1.0 / exponent());
        let per_limit = 100.0 / f64::from(limit_j);
        Self {
            respond: Power::new(power, Power::top(f64::from(cone) * 2.0)),
            tone: Curve::new(Power::top(f64::from(most) * 2.0), |a| scene.toned(|nits| tone.apply(nits), a) / a),
            lightness: Power::scaled(per_limit, exponent, Power::top(f64::from(limit) * 1.5)),
            inverse: Power::new(inverse, 3),
            achromatic: per_limit.recip().powf(inverse) as f32,
            unrespond: Power::new(1.0 / power, Power::top(0.99 / 0.01 * f64::from(OFFSET))),
        }
    }
}

kernel! {
    fn rows[here](rendering: &Rendering, from: [&[f32]; 3], to: [&mut [f32]; 3]) {
        let mut lanes = Lanes::<LANES>::new();
        let [(r, r_rest), (g, g_rest), (b, b_rest)] = from.map(|row| row.as_chunks::<LANES>());
        let [(to_r, to_r_rest), (to_g, to_g_rest), (to_b, to_b_rest)] = to.map(|row| row.as_chunks_mut::<LANES>());
        for (((((r, g), b), to_r), to_g), to_b) in r.iter().zip(g).zip(b).zip(to_r).zip(to_g).zip(to_b) {
            rendering.coded(here, [r, g, b], &mut lanes, [to_r, to_g, to_b]);
        }
        // What is left, with black after it.
        let n = r_rest.len();
        let mut block = [[0.0; LANES]; 3];
        for (lanes, row) in block.iter_mut().zip([r_rest, g_rest, b_rest]) {
            lanes[..n].copy_from_slice(row);
        }
        let mut out = [[0.0; LANES]; 3];
        if n > 0 {
            rendering.coded(here, block.each_ref(), &mut lanes, out.each_mut());
        }
        for (lanes, row) in out.iter().zip([to_r_rest, to_g_rest, to_b_rest]) {
            row.copy_from_slice(&lanes[..n]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rows_are_pixels_side_by_side_at_every_level() {
        let lengths = [0, 1, 15, LANES - 1, LANES, LANES + 1, 2 * LANES + 90];
        for (level, n) in Level::available().flat_map(|l| lengths.map(|n| (l, n))) {
            let pixels = || golden::GOLDEN.iter().cycle().take(n);
            let [r, g, b] = [0, 1, 2].map(|c| pixels().map(|p| p.0[c]).collect::<Vec<f32>>());
            let mut out = [(); 3].map(|()| vec![9.0; r.len()]);
            for target in [Target::Rec709, Target::Pq1000, Target::Pq500Wide, Target::Hlg1000] {
                let [to_r, to_g, to_b] = &mut out;
                target.rendering().rows(level, [&r, &g, &b], [to_r, to_g, to_b]);
                for i in 0..r.len() {
                    let one = target.rendering().apply([r[i], g[i], b[i]]);
                    for (c, v) in one.iter().enumerate() {
                        assert_eq!(out[c][i], *v, "{level}, {target:?}, pixel {i}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_picture_is_opencolorios() {
        let mut worst = 0.0f32;
        for (pixel, want) in golden::GOLDEN {
            for (v, w) in Target::Rec709.rendering().apply(pixel).iter().zip(want) {
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
    fn hdr_pictures_are_opencolorios() {
        let mut target = None;
        let mut pixels = 0;
        for line in include_str!("golden_hdr.txt").lines().filter(|l| !l.starts_with('#')) {
            if let Some((name, _)) = line.strip_prefix("> ").and_then(|l| l.split_once(" |")) {
                target = Some(serde_json::from_value::<Target>(name.into()).unwrap());
                continue;
            }
            let [r, g, b, want @ ..] =
                <[f32; 6]>::try_from(line.split(' ').map(|v| v.parse().unwrap()).collect::<Vec<_>>()).unwrap();
            for (v, w) in target.unwrap().rendering().apply([r, g, b]).iter().zip(want) {
                // Its way over XYZ leaves light where there is none: 2e-3 of code value in PQ.
                let limit = if w.abs() < 4e-3 { 4e-3 } else { 1e-4 };
                assert!((v - w).abs() < limit, "{target:?} {r} {g} {b}: {v}, not {w}");
            }
            pixels += 1;
        }
        assert_eq!(pixels, 9 * 20);
    }

    #[test]
    fn the_tone_scale_is_the_published_one() {
        // ACES documentation, tone scale of the 100 nit rendering: nits of scene 0.18, 1 and 2.
        for (scene, nits) in [(0.18, 10.000), (1.0, 45.757), (2.0, 63.988)] {
            for v in Target::Rec709.rendering().linear([scene; 3]) {
                assert!((v * 100.0 - nits).abs() < 0.002, "{scene}: {v}");
            }
        }
    }

    #[test]
    fn a_blown_highlight_is_white_and_nan_is_black() {
        for blown in [1e5, f32::MAX, f32::INFINITY] {
            for v in Target::Rec709.rendering().apply([blown; 3]) {
                assert!(v > 0.999, "{blown}: {v}");
            }
        }
        assert_eq!(Target::Rec709.rendering().apply([f32::NAN; 3]), [0.0; 3]);
    }

    proptest! {
        #[test]
        fn any_pixel_is_a_picture(
            pixel in proptest::array::uniform3(proptest::num::f32::ANY),
            target in proptest::sample::select(Target::ALL.to_vec()),
        ) {
            for v in target.rendering().apply(pixel) {
                prop_assert!((0.0..=1.0).contains(&v), "{:?}", pixel);
            }
        }

        #[test]
        fn greys_stay_grey_and_in_order(a in 0.0f32..60.0, b in 0.0f32..60.0) {
            let (low, high) = (Target::Rec709.rendering().apply([a.min(b); 3]), Target::Rec709.rendering().apply([a.max(b); 3]));
            prop_assert!(low[1] <= high[1] + 1e-6);
            prop_assert!((low[0] - low[1]).abs() < 1e-3 && (low[2] - low[1]).abs() < 1e-3);
        }
    }
}
