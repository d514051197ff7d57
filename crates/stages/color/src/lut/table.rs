//! Looking values up.

use rushes_core::simd::{Level, kernel};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How values between the grid points of a 3D table are found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Interpolation {
    /// Between the four corners of the tetrahedron that holds the value: keeps greys grey.
    #[default]
    Tetrahedral,
    /// Between all eight corners of the cell.
    Trilinear,
}

/// A table for each channel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table1d {
    pub(crate) rows: Vec<[f32; 3]>,
    pub(crate) domain: [[f32; 3]; 2],
}

/// A table over the cube; red runs fastest.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table3d {
    pub(crate) size: usize,
    /// Red, green, blue and nothing: a row is one load.
    pub(crate) rows: Vec<[f32; 4]>,
    pub(crate) domain: [[f32; 3]; 2],
}

/// The grid position of `v`: whole part (at most `size - 2`) and fraction. Values outside the
/// domain are taken for its nearest end, NaN for its start.
fn position(v: f32, low: f32, high: f32, size: usize) -> (usize, f32) {
    let part = (v - low) / (high - low);
    // A comparison with NaN is false.
    let at = if part > 0.0 { part.min(1.0) * (size - 1) as f32 } else { 0.0 };
    let whole = (at as usize).min(size - 2);
    (whole, at - whole as f32)
}

impl Table1d {
    pub(crate) fn look_up(&self, pixel: [f32; 3]) -> [f32; 3] {
        let [low, high] = self.domain;
        let mut out = pixel;
        for (c, v) in out.iter_mut().enumerate() {
            let (i, f) = position(*v, low[c], high[c], self.rows.len());
            let (a, b) = (self.rows[i][c], self.rows[i + 1][c]);
            *v = a + (b - a) * f;
        }
        out
    }
}

impl Table3d {
    /// Rows of pixels between the corners of tetrahedra.
    pub(crate) fn tetrahedral(&self, level: Level, rgb: [&mut [f32]; 3]) {
        tetrahedral(level, &self.rows, self.size, self.domain, rgb);
    }

    pub(crate) fn look_up(&self, pixel: [f32; 3], how: Interpolation) -> [f32; 3] {
        let n = self.size;
        let [low, high] = self.domain;
        let axis = |c: usize| position(pixel[c], low[c], high[c], n);
        let ((ir, fr), (ig, fg), (ib, fb)) = (axis(0), axis(1), axis(2));
        let corner = |r: usize, g: usize, b: usize| &self.rows[((ib + b) * n + ig + g) * n + ir + r];
        match how {
            Interpolation::Trilinear => {
                let mut out = [0.0; 3];
                for (r, wr) in [(0, 1.0 - fr), (1, fr)] {
                    for (g, wg) in [(0, 1.0 - fg), (1, fg)] {
                        for (b, wb) in [(0, 1.0 - fb), (1, fb)] {
                            for (o, v) in out.iter_mut().zip(corner(r, g, b)) {
                                *o += wr * wg * wb * v;
                            }
                        }
                    }
                }
                out
            }
            Interpolation::Tetrahedral => {
                // From the near corner to the far one along the axes, the largest fraction first.
                let mut steps = [(fr, [1, 0, 0]), (fg, [0, 1, 0]), (fb, [0, 0, 1])];
                steps.sort_by(|a, b| b.0.total_cmp(&a.0));
                let [(a, da), (b, db), (c, _)] = steps;
                let near = corner(0, 0, 0);
                let one = corner(da[0], da[1], da[2]);
                let two = corner(da[0] + db[0], da[1] + db[1], da[2] + db[2]);
                let far = corner(1, 1, 1);
                [0, 1, 2].map(|i| (1.0 - a) * near[i] + (a - b) * one[i] + (b - c) * two[i] + c * far[i])
            }
        }
    }
}

/// Pixels whose places are found before any is looked up.
const BLOCK: usize = 64;

kernel! {
    /// As [`Table3d::look_up`], to the last bit.
    fn tetrahedral(table: &[[f32; 4]], size: usize, domain: [[f32; 3]; 2], rgb: [&mut [f32]; 3]) {
        let [low, high] = domain;
        let last = (size - 1) as f32;
        let steps = [1, size as u32, (size * size) as u32];
        let whole = steps[0] + steps[1] + steps[2];
        let [r, g, b] = rgb;
        for ((r, g), b) in r.chunks_mut(BLOCK).zip(g.chunks_mut(BLOCK)).zip(b.chunks_mut(BLOCK)) {
            let (mut near, mut one, mut two) = ([0u32; BLOCK], [0u32; BLOCK], [0u32; BLOCK]);
            let mut weights = [[0f32; 4]; BLOCK];
            let places = near.iter_mut().zip(&mut one).zip(&mut two).zip(&mut weights);
            for (((r, g), b), (((near, one), two), weights)) in r.iter().zip(&*g).zip(&*b).zip(places) {
                let at = |v: f32, c: usize| {
                    let part = (v - low[c]) / (high[c] - low[c]);
                    let at = if part > 0.0 { part.min(1.0) * last } else { 0.0 };
                    // Not negative, and at most the size of the table.
                    let whole = (at as i32).min(size as i32 - 2);
                    (whole as u32, at - whole as f32)
                };
                let ((ir, fr), (ig, fg), (ib, fb)) = (at(*r, 0), at(*g, 1), at(*b, 2));
                *near = ir * steps[0] + ig * steps[1] + ib * steps[2];
                // The axis of the largest fraction is walked first, that of the smallest last.
                let first = if fr >= fg && fr >= fb { steps[0] } else if fg >= fb { steps[1] } else { steps[2] };
                let third = if fb <= fr && fb <= fg { steps[2] } else if fg <= fr { steps[1] } else { steps[0] };
                *one = *near + first;
                *two = *near + (whole - third);
                let (most, least) = (fr.max(fg).max(fb), fr.min(fg).min(fb));
                let middle = fr.min(fg).max(fr.max(fg).min(fb));
                *weights = [1.0 - most, most - middle, middle - least, least];
            }
            let pixels = r.iter_mut().zip(g).zip(b);
            for ((((near, one), two), weights), ((r, g), b)) in near.iter().zip(&one).zip(&two).zip(&weights).zip(pixels) {
                let (far, [w0, w1, w2, w3]) = (&table[(near + whole) as usize], *weights);
                let (near, one, two) = (&table[*near as usize], &table[*one as usize], &table[*two as usize]);
                let mut out = [0f32; 4];
                for i in 0..4 {
                    out[i] = w0 * near[i] + w1 * one[i] + w2 * two[i] + w3 * far[i];
                }
                [*r, *g, *b] = [out[0], out[1], out[2]];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_looked_up_as_pixels_are() {
        let size = 5;
        let row = |i: usize| {
            let v = |k: usize| ((i * k) % 31) as f32 / 17.0 - 0.4;
            [v(7), v(11), v(13), 0.0]
        };
        let rows = (0..size * size * size).map(row).collect();
        let table = Table3d { size, rows, domain: [[0.0, -0.5, 0.0], [1.0, 1.0, 2.0]] };
        // Ends, ties, corners, values outside and NaN among the others.
        let values = [0.0, 1.0, 0.25, 0.5, 0.3, 0.31, -3.0, 7.0, f32::NAN, 0.999_999, 0.75, f32::INFINITY];
        let all =
            |k: usize| (0..values.len().pow(3)).map(move |i| values[i / values.len().pow(k as u32) % values.len()]);
        let planes: [Vec<f32>; 3] = [0, 1, 2].map(|k| all(k).collect());
        for level in Level::available() {
            let [mut r, mut g, mut b] = planes.clone();
            table.tetrahedral(level, [&mut r, &mut g, &mut b]);
            for i in 0..r.len() {
                let want = table.look_up([planes[0][i], planes[1][i], planes[2][i]], Interpolation::Tetrahedral);
                assert_eq!([r[i], g[i], b[i]], want, "{level}: pixel {i}");
            }
        }
    }
}
