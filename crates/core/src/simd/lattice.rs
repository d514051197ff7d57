//! Tables over the cube.
#![allow(clippy::needless_range_loop, reason = "lanes of several quantities, by their number")]
#![allow(unsafe_code, reason = "rows whose places follow from the lattice's size are read without asking again")]

use super::math::floor;
use super::{Here, Level, kernel};

/// Three numbers for each point of a grid over the cube, the first axis running fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Lattice {
    size: usize,
    /// Three numbers and nothing: a row is one load. After those of the grid come rows of zeros, so that the cell of
    /// its last point has corners; they count nothing.
    rows: Vec<[f32; 4]>,
    /// From one row to the next along each axis, bytes.
    steps: [u32; 3],
    /// Where each axis begins, and its grid steps per unit.
    low: [f32; 3],
    per_unit: [f32; 3],
}

/// Points a side, at most.
const MOST: usize = 256;

impl Lattice {
    /// Of `size` points a side, 2 to 256, from `low` to `high`; rows that are missing are zeros.
    ///
    /// # Panics
    /// When there are fewer or more points: a bug of the caller.
    pub fn new(size: usize, rows: impl Iterator<Item = [f32; 3]>, [low, high]: [[f32; 3]; 2]) -> Self {
        assert!((2..=MOST).contains(&size), "a lattice of {size} points a side");
        let mut rows: Vec<[f32; 4]> = rows.take(size * size * size).map(|[r, g, b]| [r, g, b, 0.0]).collect();
        rows.resize(size * size * size + size * size + size + 1, [0.0; 4]);
        let per_unit = [0, 1, 2].map(|c| (size - 1) as f32 / (high[c] - low[c]));
        let steps = [1, size, size * size].map(|rows| (rows * size_of::<[f32; 4]>()) as u32);
        Self { size, rows, steps, low, per_unit }
    }

    /// The grid position of `v` on an axis: whole part and fraction. Values outside are taken for the nearest end, NaN
    /// for the start. The fraction is a multiple of 2^-23: what it leaves of 1, and what differs between two, is exact,
    /// and weights made of them add up to 1.
    #[inline(always)]
    pub fn position(&self, v: f32, axis: usize) -> (u32, f32) {
        let (whole, part) = floor((v - self.low[axis]) * self.per_unit[axis], (self.size - 1) as f32);
        (whole, (part + 1.0) - 1.0)
    }

    /// All that it is made of, for machines that look it up elsewhere: points a side, where each axis begins, its grid steps
    /// per unit; and the rows, of four numbers each, with those after the last point.
    pub fn parts(&self) -> (usize, [f32; 3], [f32; 3], &[f32]) {
        (self.size, self.low, self.per_unit, self.rows.as_flattened())
    }

    /// The row of a grid point; of the last of an axis and one more, whatever counts nothing there.
    pub fn row(&self, at: [usize; 3]) -> [f32; 3] {
        let [r, g, b] = at;
        let [x, y, z, _] = self.rows[(b * self.size + g) * self.size + r];
        [x, y, z]
    }

    /// Rows of pixels in place, each between the four corners of the tetrahedron that holds it: from the near corner of a
    /// cell to the far one along the axes, the largest fraction first.
    pub fn tetrahedral(&self, level: Level, rgb: [&mut [f32]; 3]) {
        tetrahedral(level, self, rgb);
    }

    /// From the near corner of a cell to the far one.
    #[inline(always)]
    fn whole(&self) -> u32 {
        self.steps[0] + self.steps[1] + self.steps[2]
    }
}

/// Pixels whose places are found before any is looked up.
const BLOCK: usize = 128;

kernel! {
    fn tetrahedral[here](lattice: &Lattice, rgb: [&mut [f32]; 3]) {
        let mut walks = Walks::new();
        let [(r, r_rest), (g, g_rest), (b, b_rest)] = rgb.map(|row| row.as_chunks_mut::<BLOCK>());
        for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
            walks.find(lattice, [&*r, &*g, &*b]);
            walks.look_up(here, lattice, BLOCK);
            walks.give([r, g, b]);
        }
        // What is left, with zeros after it.
        let n = r_rest.len();
        let mut block = [[0.0; BLOCK]; 3];
        for (lanes, row) in block.iter_mut().zip([&*r_rest, &*g_rest, &*b_rest]) {
            lanes[..n].copy_from_slice(row);
        }
        if n > 0 {
            walks.find(lattice, block.each_ref());
            walks.look_up(here, lattice, n);
            walks.give(block.each_mut());
        }
        for (lanes, row) in block.iter().zip([r_rest, g_rest, b_rest]) {
            row.copy_from_slice(&lanes[..n]);
        }
    }
}

/// The ways of pixels from the near corner of their cell to the far one along the axes, the largest fraction first.
struct Walks {
    /// Where the rows of the corners lie, but for the far one's: bytes.
    near: [u32; BLOCK],
    one: [u32; BLOCK],
    two: [u32; BLOCK],
    /// What each corner counts.
    weights: [[f32; BLOCK]; 4],
    found: [[f32; 4]; BLOCK],
}

impl Walks {
    #[inline(always)]
    fn new() -> Self {
        let zero = [0; BLOCK];
        Self { near: zero, one: zero, two: zero, weights: [[0.0; BLOCK]; 4], found: [[0.0; 4]; BLOCK] }
    }

    #[inline(always)]
    fn find(&mut self, lattice: &Lattice, [r, g, b]: [&[f32; BLOCK]; 3]) {
        let (steps, whole) = (lattice.steps, lattice.whole());
        for i in 0..BLOCK {
            let (ir, fr) = lattice.position(r[i], 0);
            let (ig, fg) = lattice.position(g[i], 1);
            let (ib, fb) = lattice.position(b[i], 2);
            let near = ir * steps[0] + ig * steps[1] + ib * steps[2];
            let (larger, smaller) = if fr > fg { (fr, fg) } else { (fg, fr) };
            let (large_step, small_step) = if fr > fg { (steps[0], steps[1]) } else { (steps[1], steps[0]) };
            // Blue is the largest, the smallest, or between the two.
            let (first, most) = if fb > larger { (steps[2], fb) } else { (large_step, larger) };
            let (third, least) = if fb < smaller { (steps[2], fb) } else { (small_step, smaller) };
            let middle = if fb > larger { larger } else { fb };
            let middle = if fb < smaller { smaller } else { middle };
            self.near[i] = near;
            self.one[i] = near + first;
            self.two[i] = near + (whole - third);
            self.weights[0][i] = 1.0 - most;
            self.weights[1][i] = most - middle;
            self.weights[2][i] = middle - least;
            self.weights[3][i] = least;
        }
    }

    /// The first `n` of them.
    #[inline(always)]
    fn look_up(&mut self, here: Here, lattice: &Lattice, n: usize) {
        match here.level() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `here` says that the machine has the instructions.
            Level::Avx512 | Level::Avx2 => unsafe { self.look_up_fma(lattice, n) },
            _ => self.look_up_plain(lattice, n),
        }
    }

    #[inline(always)]
    fn look_up_plain(&mut self, lattice: &Lattice, n: usize) {
        let row = |place: u32| &lattice.rows[place as usize / size_of::<[f32; 4]>()];
        for (i, out) in self.found[..n].iter_mut().enumerate() {
            let [w0, w1, w2, w3] = self.weights.each_ref().map(|w| w[i]);
            let (near, one, two) = (row(self.near[i]), row(self.one[i]), row(self.two[i]));
            let far = row(self.near[i] + lattice.whole());
            *out = [0, 1, 2, 3].map(|c| {
                let v = w1.mul_add(one[c], w0 * near[c]);
                w3.mul_add(far[c], w2.mul_add(two[c], v))
            });
        }
    }

    /// Left to the compiler, rows are gathered number by number.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn look_up_fma(&mut self, lattice: &Lattice, n: usize) {
        use std::arch::x86_64::*;
        let first = lattice.rows.as_ptr().cast::<f32>();
        let far = first.wrapping_byte_add(lattice.whole() as usize);
        for (i, out) in self.found[..n].iter_mut().enumerate() {
            let [w0, w1, w2, w3] = self.weights.each_ref().map(|w| _mm_set1_ps(w[i]));
            let [near, one, two] = [self.near[i] as usize, self.one[i] as usize, self.two[i] as usize];
            // SAFETY: the corners are those of the cell of a grid point, all of which have rows of four numbers; `found` has
            // room for four.
            unsafe {
                let v = _mm_mul_ps(w0, _mm_loadu_ps(first.byte_add(near)));
                let v = _mm_fmadd_ps(w1, _mm_loadu_ps(first.byte_add(one)), v);
                let v = _mm_fmadd_ps(w2, _mm_loadu_ps(first.byte_add(two)), v);
                let v = _mm_fmadd_ps(w3, _mm_loadu_ps(far.byte_add(near)), v);
                _mm_storeu_ps(out.as_mut_ptr(), v);
            }
        }
    }

    #[inline(always)]
    fn give(&self, [r, g, b]: [&mut [f32; BLOCK]; 3]) {
        for i in 0..BLOCK {
            [r[i], g[i], b[i], _] = self.found[i];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it is written down: the cell's corners by the order of the fractions.
    fn by_sorting(table: impl Fn([usize; 3]) -> [f64; 3], at: [f64; 3], size: usize) -> [f64; 3] {
        let whole = at.map(|v| (v as usize).min(size - 2));
        let part = [0, 1, 2].map(|c| at[c] - whole[c] as f64);
        let mut order = [0, 1, 2];
        order.sort_by(|a, b| part[*b].total_cmp(&part[*a]));
        let (mut corner, mut before) = (whole, 1.0);
        let mut out = [0.0; 3];
        for axis in order {
            let weight = before - part[axis];
            out = std::array::from_fn(|i| out[i] + weight * table(corner)[i]);
            corner[axis] += 1;
            before = part[axis];
        }
        std::array::from_fn(|i| out[i] + before * table(corner)[i])
    }

    #[test]
    fn rows_are_looked_up_between_the_corners_of_tetrahedra() {
        let size = 5;
        let row = |i: usize| [7, 11, 13].map(|k| ((i * k) % 31) as f32 / 17.0 - 0.4);
        let domain = [[0.0, -0.5, 0.0], [1.0, 1.0, 2.0]];
        let table = Lattice::new(size, (0..size * size * size).map(row), domain);
        // Ends, ties, corners, values outside and NaN among the others.
        let values = [0.0, 1.0, 0.25, 0.5, 0.3, 0.31, -3.0, 7.0, f32::NAN, 0.999_999, 0.75, f32::INFINITY];
        let all =
            |k: usize| (0..values.len().pow(3)).map(move |i| values[i / values.len().pow(k as u32) % values.len()]);
        let planes: [Vec<f32>; 3] = [0, 1, 2].map(|k| all(k).collect());
        for level in Level::available() {
            let [mut r, mut g, mut b] = planes.clone();
            table.tetrahedral(level, [&mut r, &mut g, &mut b]);
            for i in 0..r.len() {
                let pixel = [planes[0][i], planes[1][i], planes[2][i]];
                let [mut x, mut y, mut z] = pixel.map(|v| [v]);
                table.tetrahedral(Level::Plain, [&mut x, &mut y, &mut z]);
                assert_eq!([r[i], g[i], b[i]], [x[0], y[0], z[0]], "{level}: pixel {i}");
                let at = [0, 1, 2].map(|c| {
                    let (v, low, high) = (f64::from(pixel[c]), f64::from(domain[0][c]), f64::from(domain[1][c]));
                    if v.is_nan() { 0.0 } else { ((v - low) / (high - low)).clamp(0.0, 1.0) * (size - 1) as f64 }
                });
                let corner = |[r, g, b]: [usize; 3]| row((b * size + g) * size + r).map(f64::from);
                for (v, want) in [r[i], g[i], b[i]].into_iter().zip(by_sorting(corner, at, size)) {
                    assert!((f64::from(v) - want).abs() < 2e-6, "{level}: {pixel:?}: {v}, not {want}");
                }
            }
        }
    }
}
