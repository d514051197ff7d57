//! Log encodings of camera makers, and their gamuts.

use rushes_core::media::Matrix3;
use rushes_core::simd::kernel;
use rushes_core::simd::math::{exp2, log2};

use crate::aces;
use crate::matrix::{BRADFORD, CAT02, IDENTITY, adaptation, apply_f32, inverse, mul, rgb_to_xyz};

/// CIE xy of D65 as camera makers write it.
const D65: [f64; 2] = [0.3127, 0.3290];

/// A gamut of a camera maker: CIE xy of red, green, blue and white, and the cones by which its white becomes that of
/// ACES, CAT02 unless said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gamut {
    chromaticities: [[f64; 2]; 4],
    cones: Matrix3,
}

impl Gamut {
    /// ALEXA Wide Gamut 3 (ARRI, "ALEXA Log C Curve - Usage in VFX", 2017).
    pub(crate) const ARRI_3: Self = Self::of([[0.6840, 0.3130], [0.2210, 0.8480], [0.0861, -0.1020], D65]);
    /// ARRI Wide Gamut 4 (ARRI, "LogC4 Logarithmic Color Space Specification", 2022).
    pub(crate) const ARRI_4: Self = Self::of([[0.7347, 0.2653], [0.1424, 0.8576], [0.0991, -0.0308], D65]);
    /// S-Gamut3 (Sony, "Technical Summary for S-Gamut3.Cine/S-Log3 and S-Gamut3/S-Log3", 2014).
    pub(crate) const SONY: Self = Self::of([[0.730, 0.280], [0.140, 0.855], [0.100, -0.050], D65]);
    /// S-Gamut3.Cine (the same).
    pub(crate) const SONY_CINE: Self = Self::of([[0.766, 0.275], [0.225, 0.800], [0.089, -0.087], D65]);
    /// V-Gamut (Panasonic, "V-Log/V-Gamut Reference Manual", 2014); by Bradford, as OpenColorIO has it.
    pub(crate) const PANASONIC: Self =
        Self { cones: BRADFORD, ..Self::of([[0.730, 0.280], [0.165, 0.840], [0.100, -0.030], D65]) };
    /// REDWideGamutRGB (RED, "White Paper on REDWideGamutRGB and Log3G10", 2017); by
    /// Bradford, as OpenColorIO has it.
    pub(crate) const RED: Self =
        Self { cones: BRADFORD, ..Self::of([[0.780308, 0.304253], [0.121595, 1.493994], [0.095612, -0.084589], D65]) };
    /// Blackmagic Wide Gamut of Generation 5 (Blackmagic Design, "Generation 5 Color Science", 2021).
    pub(crate) const BLACKMAGIC: Self = Self::of([
        [0.717_721_5, 0.317_118_1],
        [0.228_041_0, 0.861_569_0],
        [0.100_584_1, -0.082_045_2],
        [0.312_717_0, 0.329_031_2],
    ]);
    /// DaVinci Wide Gamut (Blackmagic Design, "Wide Gamut Intermediate", 2021).
    pub(crate) const DAVINCI: Self = Self::of([[0.8000, 0.3130], [0.1682, 0.9877], [0.0790, -0.1155], D65]);

    const fn of(chromaticities: [[f64; 2]; 4]) -> Self {
        Self { chromaticities, cones: CAT02 }
    }

    /// To ACES2065-1.
    pub(crate) fn to_ap0(self) -> Matrix3 {
        let white = adaptation(&self.cones, self.chromaticities[3], aces::WHITE);
        mul(&aces::XYZ_TO_AP0, &mul(&white, &rgb_to_xyz(self.chromaticities)))
    }

    /// From ACES2065-1.
    pub(crate) fn ap0_to_gamut(self) -> Matrix3 {
        inverse(&self.to_ap0()).unwrap_or(IDENTITY)
    }
}

/// A logarithm with a straight toe: code values of linear light, 0 to 1 of each for black to about white.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LogCurve {
    /// Light above this is encoded as `log_slope * log2(slope * light + offset) + log_offset`.
    break_light: f32,
    /// The code value there.
    break_code: f32,
    slope: f32,
    offset: f32,
    log_slope: f32,
    log_offset: f32,
    /// Light below is encoded as `toe_slope * light + toe_offset`.
    toe_slope: f32,
    toe_offset: f32,
}

/// log2(10) and log2(e): the makers' logarithms are decimal or natural.
const DECIMAL: f64 = std::f64::consts::LOG2_10;
const NATURAL: f64 = std::f64::consts::LOG2_E;

impl LogCurve {
    /// LogC3 at exposure index 800 (ARRI 2017, table of parameters for normalised sensor signal).
    pub(crate) const LOG_C3: Self =
        Self::of(0.010_591, [5.555_556, 0.052_272], [0.247_190 / DECIMAL, 0.385_537], [5.367_655, 0.092_809]);
    /// LogC4 (ARRI 2022, section 4.1), whose parameters follow from powers of two.
    pub(crate) const LOG_C4: Self = {
        let a = (262_144.0 - 16.0) / 117.45;
        let (b, c) = ((1023.0 - 95.0) / 1023.0, 95.0 / 1023.0);
        // t and s of the specification: (2^(6 - 14 c / b) - 64) / a, and 7 ln 2 * 2^(7 - 14 c / b) / (a b).
        let (t, s) = (-0.01805699611991131, 0.1135972086105891);
        Self::of(t, [a, 64.0], [b / 14.0, c - b * 6.0 / 14.0], [1.0 / s, -t / s])
    };
    /// S-Log3 (Sony 2014, appendix).
    pub(crate) const S_LOG3: Self = Self::of(
        0.011_25,
        [1.0 / 0.19, 0.01 / 0.19],
        [261.5 / 1023.0 / DECIMAL, 420.0 / 1023.0],
        [(171.210_294_692_9 - 95.0) / 0.011_25 / 1023.0, 95.0 / 1023.0],
    );
    /// V-Log (Panasonic 2014).
    pub(crate) const V_LOG: Self = Self::of(0.01, [1.0, 0.008_73], [0.241_514 / DECIMAL, 0.598_206], [5.6, 0.125]);
    /// Log3G10, with the straight toe of its second version (RED 2017).
    pub(crate) const LOG3_G10: Self =
        Self::of(-0.01, [155.975_327, 155.975_327 * 0.01 + 1.0], [0.224_282 / DECIMAL, 0.0], [15.1927, 15.1927 * 0.01]);
    /// Blackmagic Film of Generation 5 (Blackmagic Design 2021).
    pub(crate) const FILM_GEN5: Self = Self::of(
        0.005,
        [1.0, 0.005_494_072_432_257_808],
        [0.086_929_287_606_549_4 / NATURAL, 0.530_013_339_229_194_9],
        [8.283_605_932_402_494, 0.092_465_753_424_657_53],
    );
    /// DaVinci Intermediate (Blackmagic Design 2021).
    pub(crate) const DAVINCI: Self =
        Self::of(0.002_624_09, [1.0, 0.0075], [0.073_292_48, 7.0 * 0.073_292_48], [10.444_266_55, 0.0]);

    const fn of(at: f64, [a, b]: [f64; 2], [log_slope, log_offset]: [f64; 2], [toe, toe_offset]: [f64; 2]) -> Self {
        Self {
            break_light: at as f32,
            break_code: (toe * at + toe_offset) as f32,
            slope: a as f32,
            offset: b as f32,
            log_slope: log_slope as f32,
            log_offset: log_offset as f32,
            toe_slope: toe as f32,
            toe_offset: toe_offset as f32,
        }
    }

    /// Light and code value of the break; slope and offset before the logarithm to the base of two, slope and offset after
    /// it; slope and offset of the toe.
    pub(crate) const fn numbers(&self) -> [f32; 8] {
        let Self { break_light, break_code, slope, offset, log_slope, log_offset, toe_slope, toe_offset } = *self;
        [break_light, break_code, slope, offset, log_slope, log_offset, toe_slope, toe_offset]
    }
}

#[inline(always)]
fn encode(c: &LogCurve, v: f32) -> f32 {
    let log = c.log_slope.mul_add(log2(c.slope.mul_add(v, c.offset)), c.log_offset);
    let toe = c.toe_slope.mul_add(v, c.toe_offset);
    if v > c.break_light { log } else { toe }
}

#[inline(always)]
fn decode(c: &Inverse, v: f32) -> f32 {
    let light = exp2(v.mul_add(c.stops, c.stops_offset)).mul_add(c.scale, c.black);
    let toe = v.mul_add(c.toe_slope, c.toe_offset);
    if v > c.break_code { light } else { toe }
}

/// A curve readied for the way back.
#[derive(Clone, Copy)]
struct Inverse {
    break_code: f32,
    /// From code values to stops.
    stops: f32,
    stops_offset: f32,
    /// From two to their power to light.
    scale: f32,
    black: f32,
    toe_slope: f32,
    toe_offset: f32,
}

impl Inverse {
    fn of(c: &LogCurve) -> Self {
        let line = |slope: f32, offset: f32| {
            let per = 1.0 / f64::from(slope);
            (per as f32, (-f64::from(offset) * per) as f32)
        };
        let ((stops, stops_offset), (scale, black)) = (line(c.log_slope, c.log_offset), line(c.slope, c.offset));
        let (toe_slope, toe_offset) = line(c.toe_slope, c.toe_offset);
        Self { break_code: c.break_code, stops, stops_offset, scale, black, toe_slope, toe_offset }
    }
}

kernel! {
    /// Rows of linear red, green and blue into the log encoding, by way of `into`, the matrix to its gamut.
    pub(crate) fn encode_rows(
        curve: &LogCurve, into: &[[f32; 3]; 3], from: [&[f32]; 3], to: [&mut [f32]; 3],
    ) {
        let ([r, g, b], [to_r, to_g, to_b]) = (from, to);
        for (((((&r, &g), &b), to_r), to_g), to_b) in r.iter().zip(g).zip(b).zip(to_r).zip(to_g).zip(to_b) {
            let [r, g, b] = apply_f32(into, [r, g, b]);
            [*to_r, *to_g, *to_b] = [encode(curve, r), encode(curve, g), encode(curve, b)];
        }
    }
}

kernel! {
    /// Rows in the log encoding to linear light, in place, and by way of `back`, the matrix from its gamut.
    pub(crate) fn decode_rows(curve: &LogCurve, back: &[[f32; 3]; 3], rows: [&mut [f32]; 3]) {
        let c = Inverse::of(curve);
        let [r, g, b] = rows;
        for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
            [*r, *g, *b] = apply_f32(back, [decode(&c, *r), decode(&c, *g), decode(&c, *b)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rushes_core::media::ColorSpace;
    use rushes_core::simd::Level;

    use crate::working::{Through, WorkingSpace};

    /// In ACES2065-1: grey, black, a warm tone, a shadow, a colour outside of most gamuts, a highlight.
    const PIXELS: [[f32; 3]; 6] = [
        [0.18, 0.18, 0.18],
        [0.0, 0.0, 0.0],
        [0.5, 0.4, 0.3],
        [0.002, 0.004, 0.001],
        [-0.02, 0.03, 0.01],
        [12.0, 6.0, 1.5],
    ];

    /// From OpenColorIO 2.6.0, studio-config-v4.0.0_aces-v2.0_ocio-v2.5, without optimization: [`PIXELS`].
    #[rustfmt::skip]
    const GOLDEN: [(WorkingSpace, [[f32; 3]; 6]); 8] = [
        (WorkingSpace::LogC3, [
            [0.3910069, 0.3910069, 0.3910069],
            [0.09280936, 0.09280936, 0.09280936],
            [0.5104927, 0.4673442, 0.4450635],
            [0.1004956, 0.1139022, 0.0991002],
            [-0.1364239, 0.2334321, 0.1545938],
            [0.8659298, 0.7368724, 0.624859],
        ]),
        (WorkingSpace::LogC4, [
            [0.2783958, 0.2783958, 0.2783958],
            [0.09286413, 0.09286413, 0.09286413],
            [0.3732957, 0.3454899, 0.320922],
            [0.09842807, 0.105006, 0.09607765],
            [-0.1383512, 0.1596156, 0.1208176],
            [0.675833, 0.5921363, 0.4651805],
        ]),
        (WorkingSpace::SLog3, [
            [0.4105572, 0.4105572, 0.4105572],
            [0.09286413, 0.09286413, 0.09286413],
            [0.5300726, 0.4941052, 0.4656198],
            [0.1045782, 0.1189427, 0.09946854],
            [-0.1303016, 0.2392745, 0.1559177],
            [0.8929226, 0.7874597, 0.6484138],
        ]),
        (WorkingSpace::SLog3Cine, [
            [0.4105572, 0.4105572, 0.4105572],
            [0.09286413, 0.09286413, 0.09286413],
            [0.5347871, 0.4942122, 0.4684419],
            [0.1019734, 0.1177937, 0.1000146],
            [-0.202007, 0.2321791, 0.1518596],
            [0.903223, 0.7888821, 0.673421],
        ]),
        (WorkingSpace::VLog, [
            [0.4233114, 0.4233114, 0.4233114],
            [0.1249996, 0.1249996, 0.1249996],
            [0.537811, 0.5033417, 0.4757504],
            [0.1344097, 0.1475746, 0.1306522],
            [-0.0779987, 0.2606844, 0.1787569],
            [0.8822125, 0.782324, 0.6498688],
        ]),
        (WorkingSpace::Log3G10, [
            [0.3333329, 0.3333329, 0.3333329],
            [0.09155149, 0.09155149, 0.09155149],
            [0.4346871, 0.4042098, 0.3894885],
            [0.1020081, 0.1118812, 0.1010563],
            [-0.3140454, 0.1917142, 0.1458736],
            [0.7502732, 0.6587015, 0.6021557],
        ]),
        (WorkingSpace::FilmGen5, [
            [0.3835616, 0.3835616, 0.3835616],
            [0.09246571, 0.09246571, 0.09246571],
            [0.4829584, 0.4473971, 0.4304918],
            [0.1041679, 0.1249378, 0.1025934],
            [-0.2807198, 0.2469535, 0.1694582],
            [0.772712, 0.6700705, 0.5956798],
        ]),
        (WorkingSpace::DaVinci, [
            [0.3360432, 0.3360432, 0.3360432],
            [-7.450581e-09, -7.450581e-09, -7.450581e-09],
            [0.4501806, 0.4151385, 0.3974485],
            [0.01762733, 0.03832576, 0.01396581],
            [-0.3563602, 0.1619928, 0.0767397],
            [0.7957648, 0.6928661, 0.6255605],
        ]),
    ];

    fn planes(pixels: &[[f32; 3]]) -> [Vec<f32>; 3] {
        [0, 1, 2].map(|c| pixels.iter().map(|p| p[c]).collect())
    }

    #[test]
    fn opencolorio_encodes_alike() {
        for (space, want) in GOLDEN {
            for level in Level::available() {
                let through = Through::new(space, ColorSpace::Aces2065_1).unwrap();
                let ([r, g, b], mut out) = (planes(&PIXELS), planes(&PIXELS));
                let [x, y, z] = &mut out;
                through.enter(level, [&r, &g, &b], [x, y, z]);
                for (i, want) in want.iter().enumerate() {
                    for c in 0..3 {
                        assert!(
                            (out[c][i] - want[c]).abs() < 2e-5,
                            "{space:?} {:?}: {}, not {want:?}",
                            PIXELS[i],
                            out[c][i]
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn the_way_from_acescg_is_that_by_aces2065_1() {
        let acescg = PIXELS.map(|p| crate::matrix::apply_f32(&crate::matrix::to_f32(&crate::aces::AP0_TO_AP1), p));
        for (space, _) in GOLDEN {
            let out = [(ColorSpace::Aces2065_1, PIXELS), (ColorSpace::AcesCg, acescg)].map(|(from, pixels)| {
                let ([r, g, b], mut out) = (planes(&pixels), planes(&pixels));
                let [x, y, z] = &mut out;
                Through::new(space, from).unwrap().enter(Level::current(), [&r, &g, &b], [x, y, z]);
                out
            });
            for (a, b) in out[0].iter().flatten().zip(out[1].iter().flatten()) {
                assert!((a - b).abs() < 1e-5, "{space:?}: {a} {b}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_way_back_undoes_it(pixel in proptest::array::uniform3(-0.05f32..60.0), which in 0usize..8) {
            let through = Through::new(GOLDEN[which].0, ColorSpace::AcesCg).unwrap();
            let [mut r, mut g, mut b] = pixel.map(|v| [v]);
            let [x, y, z] = pixel.map(|v| [v]);
            through.enter(Level::current(), [&x, &y, &z], [&mut r, &mut g, &mut b]);
            through.leave(Level::current(), [&mut r, &mut g, &mut b]);
            let most = pixel.iter().fold(0.1f32, |a, v| a.max(v.abs()));
            for (v, want) in [r[0], g[0], b[0]].iter().zip(pixel) {
                prop_assert!((v - want).abs() < 3e-5 * most, "{:?}: {} {}", GOLDEN[which].0, v, want);
            }
        }
    }
}
