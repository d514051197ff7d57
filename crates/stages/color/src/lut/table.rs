//! Looking values up.

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
    pub(crate) rows: Vec<[f32; 3]>,
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
