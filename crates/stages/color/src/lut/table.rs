//! Looking values up.

use rushes_core::simd::math::floor;
use rushes_core::simd::{Lattice, Level};
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
    size: usize,
    /// With one row of zeros after them, which counts nothing.
    rows: Vec<[f32; 3]>,
    /// Where each channel begins, and its steps per unit.
    low: [f32; 3],
    per_unit: [f32; 3],
}

/// A table over the cube; red runs fastest.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table3d(Lattice);

impl Table1d {
    pub(crate) fn new(mut rows: Vec<[f32; 3]>, [low, high]: [[f32; 3]; 2]) -> Self {
        let size = rows.len();
        rows.push([0.0; 3]);
        Self { size, rows, low, per_unit: [0, 1, 2].map(|c| (size - 1) as f32 / (high[c] - low[c])) }
    }

    /// Points, where each channel begins, its steps per unit, and the rows with those after them.
    pub(crate) fn parts(&self) -> (usize, [f32; 3], [f32; 3], &[f32]) {
        (self.size, self.low, self.per_unit, self.rows.as_flattened())
    }

    pub(crate) fn look_up(&self, pixel: [f32; 3]) -> [f32; 3] {
        let mut out = pixel;
        for (c, v) in out.iter_mut().enumerate() {
            // Values outside the domain are taken for its nearest end, NaN for its start.
            let (i, f) = floor((*v - self.low[c]) * self.per_unit[c], (self.size - 1) as f32);
            let (a, b) = (self.rows[i as usize][c], self.rows[i as usize + 1][c]);
            *v = (b - a).mul_add(f, a);
        }
        out
    }
}

impl Table3d {
    /// Of `size` * `size` * `size` rows.
    pub(crate) fn new(size: usize, rows: impl Iterator<Item = [f32; 3]>, domain: [[f32; 3]; 2]) -> Self {
        Self(Lattice::new(size, rows, domain))
    }

    /// As [`Lattice::parts`].
    pub(crate) fn parts(&self) -> (usize, [f32; 3], [f32; 3], &[f32]) {
        self.0.parts()
    }

    /// Rows of pixels between the corners of tetrahedra.
    pub(crate) fn tetrahedral(&self, level: Level, rgb: [&mut [f32]; 3]) {
        self.0.tetrahedral(level, rgb);
    }

    pub(crate) fn look_up(&self, pixel: [f32; 3], how: Interpolation) -> [f32; 3] {
        if how == Interpolation::Tetrahedral {
            let [mut r, mut g, mut b] = pixel.map(|v| [v]);
            self.tetrahedral(Level::Plain, [&mut r, &mut g, &mut b]);
            return [r[0], g[0], b[0]];
        }
        let axis = |c: usize| {
            let (whole, part) = self.0.position(pixel[c], c);
            (whole as usize, part)
        };
        let ((ir, fr), (ig, fg), (ib, fb)) = (axis(0), axis(1), axis(2));
        let mut out = [0.0; 3];
        for (r, wr) in [(0, 1.0 - fr), (1, fr)] {
            for (g, wg) in [(0, 1.0 - fg), (1, fg)] {
                for (b, wb) in [(0, 1.0 - fb), (1, fb)] {
                    for (o, v) in out.iter_mut().zip(self.0.row([ir + r, ig + g, ib + b])) {
                        *o += wr * wg * wb * v;
                    }
                }
            }
        }
        out
    }
}
