//! Samples into levels: the discrete cosine transform of a slice's blocks and their division, a block in each lane.

use rushes_core::simd::{Level, kernel};

use super::SIDE;

/// Blocks of a macroblock: four of luma; of each colour difference two, one below the other.
pub(super) const LUMA_BLOCKS: usize = 4;
pub(super) const CHROMA_BLOCKS: usize = 2;

/// Blocks of a slice at most.
const LANES: usize = 32;

/// Columns of a slice at most.
const COLUMNS: usize = 128;

/// The levels of one component of a slice.
pub(super) struct Tile {
    /// Coefficients in the order of coding, blocks in theirs.
    pub(super) levels: Box<[[i16; LANES]; 64]>,
    /// Of each coefficient, a bit for every block whose level is not 0.
    pub(super) set: [u32; 64],
    samples: Box<[[f32; COLUMNS]; SIDE]>,
}

impl Default for Tile {
    fn default() -> Self {
        let (levels, samples) = (Box::new([[0; LANES]; 64]), Box::new([[0.0; COLUMNS]; SIDE]));
        Self { levels, set: [0; 64], samples }
    }
}

impl Tile {
    /// The levels of the luma blocks from column and row `at` on; macroblock by macroblock, each row by row.
    pub(super) fn luma(&mut self, level: Level, plane: &[u16], width: usize, at: (usize, usize), scale: &Scale) {
        self.load(level, plane, width, at, COLUMNS);
        luma(level, &mut self.samples, &scale.times, &mut self.levels, &mut self.set);
    }

    /// The levels of the blocks of a colour difference.
    pub(super) fn chroma(&mut self, level: Level, plane: &[u16], width: usize, at: (usize, usize), scale: &Scale) {
        self.load(level, plane, width, at, COLUMNS / 2);
        chroma(level, &mut self.samples, &scale.times, &mut self.levels, &mut self.set);
    }

    /// Takes in `columns` columns about the middle code; the last column and row are repeated beyond the picture.
    fn load(&mut self, level: Level, plane: &[u16], width: usize, (x, y): (usize, usize), columns: usize) {
        let height = plane.len() / width;
        let inside = columns.min(width.saturating_sub(x));
        for (i, to) in self.samples.iter_mut().enumerate() {
            let row = &plane[(y + i).min(height - 1) * width..][..width];
            center(level, &row[x..x + inside], &mut to[..inside]);
            let last = to[inside - 1];
            to[inside..columns].fill(last);
        }
    }
}

/// What transformed samples are multiplied with to give levels.
pub(super) struct Scale {
    times: [f32; 64],
}

impl Scale {
    /// For a matrix, row by row, and the quantisation index of a slice.
    ///
    /// RDD 36, 7.3: a coefficient is level * weight * scale / 8, of samples with 9 bits; index and scale are
    /// equal up to 128, then a step is 4.
    pub(super) fn new(matrix: &[u8; 64], index: u32) -> Self {
        let scale = if index <= 128 { index } else { 128 + 4 * (index - 128) };
        let mut times = [0.0; 64];
        for (i, (times, weight)) in times.iter_mut().zip(matrix).enumerate() {
            let [v, u] = [i / 8, i % 8].map(factor);
            // Ten bits are twice nine; the transform is 8 factors too large.
            let exact = 8.0 / (2.0 * 8.0 * v * u * f64::from(*weight) * f64::from(scale));
            *times = exact as f32;
        }
        Self { times }
    }
}

/// By how much [`transformed`] is too large beside the square root of 8: Arai, Agui and Nakajima, "A Fast DCT-SQ
/// Scheme for Images", Trans. IEICE E71 (1988).
fn factor(k: usize) -> f64 {
    if k == 0 { 1.0 } else { (k as f64 * std::f64::consts::PI / 16.0).cos() * std::f64::consts::SQRT_2 }
}

/// How much of a step a coefficient must pass its level by to get the next: more than half, because zeros are cheap.
const ROUND_UP: f32 = 0.6;

/// Where coefficient `v * 8 + u` stands in the order of coding (RDD 36, figure 4).
#[rustfmt::skip]
const PLACE: [usize; 64] = [
     0,  1,  4,  5, 16, 17, 21, 22,
     2,  3,  6,  7, 18, 20, 23, 28,
     8,  9, 12, 13, 19, 24, 27, 29,
    10, 11, 14, 15, 25, 26, 30, 31,
    32, 33, 37, 38, 45, 46, 53, 54,
    34, 36, 39, 44, 47, 52, 55, 60,
    35, 40, 43, 48, 51, 56, 59, 61,
    41, 42, 49, 50, 57, 58, 62, 63,
];

kernel! {
    fn center(from: &[u16], to: &mut [f32]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = f32::from(*from) - 512.0;
        }
    }
}

kernel! {
    fn luma(
        samples: &mut [[f32; COLUMNS]; SIDE],
        times: &[f32; 64],
        levels: &mut [[i16; LANES]; 64],
        set: &mut [u32; 64],
    ) {
        let mut blocks = [[0f32; LANES]; 64];
        for (half, rows) in samples.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            columns::<COLUMNS>(rows);
            for (v, row) in rows.iter().enumerate() {
                for (macroblock, row) in row.as_chunks::<16>().0.iter().enumerate() {
                    for u in 0..8 {
                        let lane = macroblock * 4 + half * 2;
                        blocks[v * 8 + u][lane] = row[u];
                        blocks[v * 8 + u][lane + 1] = row[8 + u];
                    }
                }
            }
        }
        divide::<LANES>(&mut blocks, times, levels, set);
    }
}

kernel! {
    fn chroma(
        samples: &mut [[f32; COLUMNS]; SIDE],
        times: &[f32; 64],
        levels: &mut [[i16; LANES]; 64],
        set: &mut [u32; 64],
    ) {
        let mut blocks = [[0f32; LANES / 2]; 64];
        for (half, rows) in samples.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            columns::<{ COLUMNS / 2 }>(rows);
            for (v, row) in rows.iter().enumerate() {
                for (macroblock, row) in row[..COLUMNS / 2].as_chunks::<8>().0.iter().enumerate() {
                    for u in 0..8 {
                        blocks[v * 8 + u][macroblock * 2 + half] = row[u];
                    }
                }
            }
        }
        divide::<{ LANES / 2 }>(&mut blocks, times, levels, set);
    }
}

/// Transforms the first `N` columns.
#[inline(always)]
fn columns<const N: usize>(rows: &mut [[f32; COLUMNS]; 8]) {
    let [a, b, c, d, e, f, g, h] = rows;
    for x in 0..N {
        let made = transformed([a[x], b[x], c[x], d[x], e[x], f[x], g[x], h[x]]);
        [a[x], b[x], c[x], d[x], e[x], f[x], g[x], h[x]] = made;
    }
}

/// Transforms the rows of each block, and divides.
#[inline(always)]
fn divide<const N: usize>(
    blocks: &mut [[f32; N]; 64],
    times: &[f32; 64],
    levels: &mut [[i16; LANES]; 64],
    set: &mut [u32; 64],
) {
    for row in blocks.as_chunks_mut::<8>().0 {
        let [a, b, c, d, e, f, g, h] = row;
        for x in 0..N {
            let made = transformed([a[x], b[x], c[x], d[x], e[x], f[x], g[x], h[x]]);
            [a[x], b[x], c[x], d[x], e[x], f[x], g[x], h[x]] = made;
        }
    }
    for (i, (block, times)) in blocks.iter().zip(times).enumerate() {
        // The lowest is a mean, which is rounded.
        let short = if i == 0 { 0.0 } else { ROUND_UP - 0.5 };
        let levels = &mut levels[PLACE[i]];
        let mut bits = 0u32;
        for (x, (level, v)) in levels.iter_mut().zip(block).enumerate() {
            let v = v * times;
            // Adding 1.5 * 2^23 leaves the rounded number in the lowest bits.
            const ROUND: f32 = 12_582_912.0;
            let size = ((v.abs() - short).max(0.0) + ROUND).to_bits() as i32 - ROUND.to_bits() as i32;
            let rounded = if v < 0.0 { -size } else { size };
            *level = rounded as i16;
            bits |= u32::from(rounded != 0) << x;
        }
        set[PLACE[i]] = bits;
    }
}

/// A cosine transform of eight samples, each too large by its factor.
#[inline(always)]
fn transformed(s: [f32; 8]) -> [f32; 8] {
    const C2: f32 = 0.923_879_5;
    const C4: f32 = std::f32::consts::FRAC_1_SQRT_2;
    const C6: f32 = 0.382_683_43;
    let (s07, s16, s25, s34) = (s[0] + s[7], s[1] + s[6], s[2] + s[5], s[3] + s[4]);
    let (d07, d16, d25, d34) = (s[0] - s[7], s[1] - s[6], s[2] - s[5], s[3] - s[4]);
    let (outer, inner) = (s07 + s34, s16 + s25);
    let (odd, even) = (s16 - s25, s07 - s34);
    let turn = (odd + even) * C4;
    let (low, mid, high) = (d34 + d25, d25 + d16, d16 + d07);
    let both = (low - high) * C6;
    let (low, high) = (low * (C2 - C6) + both, high * (C2 + C6) + both);
    let (near, far) = (d07 + mid * C4, d07 - mid * C4);
    [outer + inner, near + high, even + turn, far - low, outer - inner, far + low, even - turn, near - high]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transform_is_the_cosine_transform_times_its_factors() {
        let samples = [3.0f32, -7.0, 100.0, 20.5, -511.0, 0.25, 77.0, 8.0];
        let got = transformed(samples);
        for (k, got) in got.iter().enumerate() {
            let angle = |i: usize| (2 * i + 1) as f64 * k as f64 * std::f64::consts::PI / 16.0;
            let sum: f64 = samples.iter().enumerate().map(|(i, s)| f64::from(*s) * angle(i).cos()).sum();
            let norm = if k == 0 { (1.0f64 / 8.0).sqrt() } else { 0.5 };
            let want = sum * norm * 8f64.sqrt() * factor(k);
            assert!((f64::from(*got) - want).abs() < 1e-3, "{k}: {got}, not {want}");
        }
    }

    #[test]
    fn places_are_all_different() {
        let mut seen = PLACE;
        seen.sort_unstable();
        assert!(seen.iter().enumerate().all(|(i, p)| i == *p));
    }

    #[test]
    fn every_level_of_instructions_gives_the_same() {
        let plane: Vec<u16> = (0..150 * 20).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 22) as u16).collect();
        let scale = Scale::new(&[4; 64], 3);
        let of = |level| {
            let mut tile = Tile::default();
            tile.luma(level, &plane, 150, (128, 16), &scale);
            let luma = (tile.levels.clone(), tile.set);
            tile.chroma(level, &plane, 150, (0, 0), &scale);
            (luma, tile.levels.clone(), tile.set)
        };
        let plain = of(Level::Plain);
        assert!(plain.0.0.iter().zip(&plain.0.1).all(|(l, s)| (0..32).all(|x| (l[x] != 0) == (s >> x & 1 == 1))));
        for level in Level::available() {
            assert!(of(level) == plain, "{level}");
        }
    }
}
