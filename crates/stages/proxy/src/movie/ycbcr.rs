//! Display R'G'B' to 10-bit 4:2:2 Y'CbCr in video range.
//!
//! Rec. ITU-R BT.709-6, items 3.2 to 3.4, with 10 bits (BT.2100-3 has weights and divisors of its own, see `coding`):
//!
//! ```text
//! E'Y  = 0.2126 E'R + 0.7152 E'G + 0.0722 E'B
//! E'CB = (E'B - E'Y) / 1.8556            E'CR = (E'R - E'Y) / 1.5748
//! D'Y  = INT[(219 E'Y + 16) * 4]         D'C  = INT[(224 E'C + 128) * 4]
//! ```
//!
//! INT rounds to nearest, halves up. Black is 64, white 940, colour difference 64 to 960 about
//! 512. What lies outside 0 to 1 keeps its code as far as the video data range 4 to 1019 goes;
//! the codes beyond belong to the interface's timing references (BT.709-6, item 4.7). NaN is 4.
//!
//! 4:2:2 keeps every second colour difference sample, co-sited with luma columns 0, 2, 4 ...
//! (BT.709-6, item 4.3). Before that they are low-passed along the row
//! by 1/4, 1/2, 1/4, in floating point, with the edge sample repeated; they are rounded once.

use rushes_core::simd::{Level, kernel};

use super::coding::{Coding, Weights};

/// A 4:2:2 picture of 10-bit codes; the width is even.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture422 {
    /// What its codes mean.
    pub(super) coding: Coding,
    /// Columns of luma.
    pub(crate) width: usize,
    /// Rows.
    pub(crate) height: usize,
    /// Luma, `height * width` codes.
    pub(crate) y: Vec<u16>,
    /// Blue difference, `height * width / 2` codes.
    pub(crate) cb: Vec<u16>,
    /// Red difference, `height * width / 2` codes.
    pub(crate) cr: Vec<u16>,
}

impl Picture422 {
    /// The three planes one after the other as little-endian 16-bit words: FFmpeg's yuv422p10le.
    pub(crate) fn into_le_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity((self.y.len() + self.cb.len() + self.cr.len()) * 2);
        for plane in [&self.y, &self.cb, &self.cr] {
            bytes.extend(plane.iter().flat_map(|v| v.to_le_bytes()));
        }
        bytes
    }
}

/// Makes a [`Picture422`] of rows as they come; holds codes only, one row of floats as scratch.
#[derive(Debug)]
pub(crate) struct Builder422 {
    picture: Picture422,
    difference: [Vec<f32>; 2],
}

impl Builder422 {
    /// An empty picture; `width` is even.
    pub(super) fn new(coding: Coding, width: usize, height: usize) -> Self {
        let (luma, chroma) = (width * height, width / 2 * height);
        Self {
            picture: Picture422 {
                coding,
                width,
                height,
                y: Vec::with_capacity(luma),
                cb: Vec::with_capacity(chroma),
                cr: Vec::with_capacity(chroma),
            },
            difference: [vec![0.0; width], vec![0.0; width]],
        }
    }

    /// Rows taken so far.
    pub(crate) fn rows(&self) -> usize {
        self.picture.y.len() / self.picture.width
    }

    /// Takes the next row.
    pub(crate) fn push(&mut self, r: &[f32], g: &[f32], b: &[f32]) {
        let p = &mut self.picture;
        let [cb, cr] = &mut self.difference;
        let (luma, chroma) = (p.y.len(), p.cb.len());
        p.y.resize(luma + p.width, 0);
        p.cb.resize(chroma + p.width / 2, 0);
        p.cr.resize(chroma + p.width / 2, 0);
        let level = Level::current();
        ycbcr_row(level, [r, g, b], &mut p.y[luma..], cb, cr, p.coding.weights());
        halve_row(level, cb, &mut p.cb[chroma..]);
        halve_row(level, cr, &mut p.cr[chroma..]);
    }

    /// The picture.
    pub(crate) fn finish(self) -> Picture422 {
        self.picture
    }
}

kernel! {
    /// Luma codes and full-resolution colour differences (-0.5 to 0.5) of one row.
    pub(super) fn ycbcr_row(rgb: [&[f32]; 3], y: &mut [u16], cb: &mut [f32], cr: &mut [f32], weights: Weights) {
        let Weights { luma: [of_r, of_g, of_b], difference: [per_b, per_r] } = weights;
        let [r, g, b] = rgb;
        for (((((r, g), b), y), cb), cr) in r.iter().zip(g).zip(b).zip(y).zip(cb).zip(cr) {
            let luma = of_r * r + of_g * g + of_b * b;
            *y = code(876.0 * luma + 64.0);
            *cb = (b - luma) * per_b;
            *cr = (r - luma) * per_r;
        }
    }
}

kernel! {
    /// Every second sample of a row of colour differences, low-passed by 1-2-1 and quantised.
    pub(crate) fn halve_row(full: &[f32], half: &mut [u16]) {
        let Some((first, rest)) = half.split_first_mut() else { return };
        *first = difference_code(0.75 * full[0] + 0.25 * full[1]);
        let (before, at) = (full[1..].as_chunks::<2>().0, full[2..].as_chunks::<2>().0);
        for ((before, at), out) in before.iter().zip(at).zip(rest) {
            *out = difference_code(0.25 * (before[0] + at[1]) + 0.5 * at[0]);
        }
    }
}

#[inline(always)]
fn difference_code(c: f32) -> u16 {
    code(896.0 * c + 512.0)
}

/// Rounds halves up; `max` first, so that NaN becomes 4.
#[expect(clippy::manual_clamp, reason = "clamp keeps NaN, whose code would be 0")]
#[inline(always)]
fn code(v: f32) -> u16 {
    let v = (v + 0.5).max(4.0).min(1019.0);
    // Beside 2^23 a mantissa has no room for a part: the nearest whole number then stands in the lowest bits, and is one
    // too many where it lies above. (A cast looks at every lane for NaN, one by one.)
    const WHOLE: f32 = 8_388_608.0;
    let nearest = v + WHOLE;
    (nearest.to_bits() as u16).wrapping_sub(u16::from(nearest - WHOLE > v))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(rgb: [f32; 3]) -> [u16; 3] {
        coded(Coding::Bt709, rgb)
    }

    fn coded(coding: Coding, rgb: [f32; 3]) -> [u16; 3] {
        let mut b = Builder422::new(coding, 4, 1);
        let rows = rgb.map(|v| [v; 4]);
        b.push(&rows[0], &rows[1], &rows[2]);
        let p = b.finish();
        assert!(p.y.iter().all(|v| *v == p.y[0]) && p.cb[0] == p.cb[1] && p.cr[0] == p.cr[1]);
        [p.y[0], p.cb[0], p.cr[0]]
    }

    #[test]
    fn rec2100_has_luma_of_its_own() {
        // colour-science 0.4.7, as below, with WEIGHTS_YCBCR["ITU-R BT.2020"].
        let golden = [
            ([1.0, 1.0, 1.0], [940, 512, 512]),
            ([0.75, 0.0, 0.0], [237, 418, 848]),
            ([0.0, 0.75, 0.0], [509, 270, 203]),
            ([0.0, 0.0, 0.75], [103, 848, 485]),
            ([0.5, 0.6, 0.7], [572, 569, 464]),
        ];
        for (rgb, want) in golden {
            assert_eq!(coded(Coding::Pq, rgb), want, "{rgb:?}");
            assert_eq!(coded(Coding::Hlg, rgb), want, "{rgb:?}");
        }
    }

    #[test]
    fn bars_have_the_codes_of_the_standard() {
        // colour-science 0.4.7: RGB_to_YCbCr(rgb, K=WEIGHTS_YCBCR["ITU-R BT.709"], out_bits=10,
        // out_legal=True, out_int=True); the 75 % bars are also those of SMPTE RP 219-1, table 2.
        let golden = [
            ([0.0, 0.0, 0.0], [64, 512, 512]),
            ([1.0, 1.0, 1.0], [940, 512, 512]),
            ([0.75, 0.75, 0.75], [721, 512, 512]),
            ([0.75, 0.75, 0.0], [674, 176, 543]),
            ([0.0, 0.75, 0.75], [581, 589, 176]),
            ([0.0, 0.75, 0.0], [534, 253, 207]),
            ([0.75, 0.0, 0.75], [251, 771, 817]),
            ([0.75, 0.0, 0.0], [204, 435, 848]),
            ([0.0, 0.0, 0.75], [111, 848, 481]),
            ([0.0, 0.0, 1.0], [127, 960, 471]),
            ([1.0, 0.0, 0.0], [250, 409, 960]),
        ];
        for (rgb, ycbcr) in golden {
            assert_eq!(flat(rgb), ycbcr, "{rgb:?}");
        }
    }

    #[test]
    fn what_lies_outside_keeps_to_the_video_data_range() {
        assert_eq!(flat([1.05; 3]), [984, 512, 512]);
        assert_eq!(flat([-0.02; 3]), [46, 512, 512]);
        assert_eq!(flat([9.0; 3])[0], 1019);
        assert_eq!(flat([-9.0; 3])[0], 4);
        assert_eq!(flat([f32::NAN; 3]), [4, 4, 4]);
        assert_eq!(flat([f32::INFINITY; 3])[0], 1019);
    }

    #[test]
    fn chroma_sits_on_even_columns_after_a_one_two_one() {
        // One column of difference 0.4: its own site has half of it, or both neighbours a quarter.
        let at = |column: usize| {
            let mut full = [0.0f32; 8];
            full[column] = 0.4;
            let mut half = [0u16; 4];
            halve_row(Level::Plain, &full, &mut half);
            half.map(|v| i32::from(v) - 512)
        };
        assert_eq!(at(4), [0, 0, 179, 0]);
        assert_eq!(at(3), [0, 90, 90, 0]);
        assert_eq!(at(7), [0, 0, 0, 90]);
        assert_eq!(at(0), [269, 0, 0, 0]);
    }
}
