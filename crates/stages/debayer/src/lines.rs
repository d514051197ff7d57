//! Half rows: mosaic rows split into even and odd columns, mirrored at the frame's edges, kept in a ring.

use std::ops::Range;

use rushes_core::frame::Band;
use rushes_core::media::{Cfa, Rect};
use rushes_core::simd::{Level, kernel};

use crate::working::Working;

/// The index that stands for `i` outside `0..n`: mirrored about the first and last without repeating them.
/// Keeps the parity of `i`, and with it the colour. `n` is at least 2.
pub(crate) fn mirror(i: isize, n: usize) -> usize {
    debug_assert!(n >= 2, "a mirror needs two samples");
    let period = 2 * (n - 1);
    // `period` is positive and small, and so is the remainder.
    let i = i.rem_euclid(period as isize) as usize;
    if i < n { i } else { period - i }
}

/// The part of the plane that a kernel computes, and where the colours lie in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// Size of the input plane.
    pub(crate) plane: (usize, usize),
    /// The window in the input plane.
    pub(crate) rect: Rect,
    /// The phase of the window's top left.
    pub(crate) cfa: Cfa,
}

impl Window {
    /// The colour (0 red, 2 blue) of the photosites in row `y` of the window that are not green.
    pub(crate) fn chroma(&self, y: isize) -> usize {
        if y.rem_euclid(2) as usize == self.cfa.red_at().0 { 0 } else { 2 }
    }

    /// The parity of the columns of row `y` that are not green.
    pub(crate) fn chroma_parity(&self, y: isize) -> usize {
        let (row, col) = self.cfa.red_at();
        if y.rem_euclid(2) as usize == row { col } else { 1 - col }
    }

    /// The colour at row `y` and columns of `parity`.
    fn color(&self, y: isize, parity: usize) -> usize {
        if parity == self.chroma_parity(y) { self.chroma(y) } else { 1 }
    }

    /// Input rows for output rows `out` with `radius` rows around them, clamped to the plane.
    ///
    /// Mirrored rows are among them: a row that is mirrored at the top is no farther down than `radius`, and
    /// one that is reflected twice occurs only in planes that are needed whole.
    pub(crate) fn input_rows(&self, out: &Range<usize>, radius: usize) -> Range<usize> {
        let top = (self.rect.y + out.start).saturating_sub(radius);
        top..(self.rect.y + out.end + radius).min(self.plane.1)
    }
}

/// The last few rows of a quantity, each as half rows of `len` samples.
///
/// Column `2 * k + parity` of the padded window is sample `k` of the half row `parity`. With `halves` 1 only
/// the half of the row's chroma sites (those that are not green) is kept.
#[derive(Debug)]
pub(crate) struct Ring {
    data: Vec<f32>,
    len: usize,
    halves: usize,
    rows: usize,
}

impl Ring {
    pub(crate) fn new(rows: usize, halves: usize, len: usize) -> Self {
        Self { data: vec![0.0; rows * halves * len], len, halves, rows }
    }

    fn start(&self, y: isize, parity: usize) -> usize {
        let row = y.rem_euclid(self.rows as isize) as usize;
        (row * self.halves + if self.halves == 1 { 0 } else { parity }) * self.len
    }

    /// The half row of the columns of `parity` in row `y`, to be written.
    pub(crate) fn half_mut(&mut self, y: isize, parity: usize) -> &mut [f32] {
        let at = self.start(y, parity);
        &mut self.data[at..at + self.len]
    }

    /// The samples in row `y` that lie `col` columns right of the even columns `2 * k`, for `k` in `range`.
    pub(crate) fn tap(&self, y: isize, col: isize, range: &Range<usize>) -> &[f32] {
        let at = self.start(y, col.rem_euclid(2) as usize);
        // Callers keep `range` so far from the ends that no tap leaves the half row.
        let first = at + range.start.wrapping_add_signed(col.div_euclid(2));
        &self.data[first..first + range.len()]
    }
}

/// The mosaic's rows as working values, padded by `pad` columns (even) on either side of the window.
#[derive(Debug)]
pub(crate) struct Lines {
    window: Window,
    working: Working,
    level: Level,
    pad: usize,
    ring: Ring,
}

impl Lines {
    pub(crate) fn new(window: Window, working: Working, level: Level, pad: usize, rows: usize) -> Self {
        debug_assert!(pad.is_multiple_of(2), "an even pad keeps the parity of columns");
        let ring = Ring::new(rows, 2, (window.rect.width + 2 * pad).div_ceil(2));
        Self { window, working, level, pad, ring }
    }

    /// The vector instructions to compute with.
    pub(crate) fn level(&self) -> Level {
        self.level
    }

    /// Samples in a half row.
    pub(crate) fn len(&self) -> usize {
        self.ring.len
    }

    /// The half-row samples of the window itself.
    pub(crate) fn inside(&self) -> Range<usize> {
        self.pad / 2..self.len() - self.pad / 2
    }

    /// Takes in row `y` of the window, mirrored where it is outside the plane.
    pub(crate) fn push(&mut self, input: &Band<'_>, y: isize) {
        let Window { plane: (width, height), rect, .. } = self.window;
        let samples = input.row(0, mirror(rect.y as isize + y, height));
        for parity in 0..2 {
            let color = self.window.color(y, parity);
            let first = rect.x as isize - self.pad as isize + parity as isize;
            let half = self.ring.half_mut(y, parity);
            split(self.level, samples, width, first, half);
            self.working.enter(self.level, color, half);
        }
    }

    /// See [`Ring::tap`].
    pub(crate) fn tap(&self, y: isize, col: isize, range: &Range<usize>) -> &[f32] {
        self.ring.tap(y, col, range)
    }
}

/// Every second sample from column `first` on, mirrored outside `0..width`.
fn split(level: Level, samples: &[f32], width: usize, first: isize, half: &mut [f32]) {
    let left = usize::try_from(-first).unwrap_or(0).div_ceil(2).min(half.len());
    // Columns `first + 2 * k` below `width`.
    let right = usize::try_from(width as isize - first).unwrap_or(0).div_ceil(2).min(half.len()).max(left);
    let at = |k: usize| first + 2 * k as isize;
    for (k, v) in half[..left].iter_mut().enumerate() {
        *v = samples[mirror(at(k), width)];
    }
    if left < right {
        // `at(left)` is the first column that is not negative.
        let inside = &samples[at(left) as usize..];
        every_second(level, inside, &mut half[left..right]);
    }
    for (k, v) in half[right..].iter_mut().enumerate() {
        *v = samples[mirror(at(right + k), width)];
    }
}

kernel! {
    fn every_second(samples: &[f32], out: &mut [f32]) {
        // All pairs are whole but for the last, which may lack what is not wanted.
        let (pairs, rest) = samples.as_chunks::<2>();
        for (v, pair) in out.iter_mut().zip(pairs) {
            *v = pair[0];
        }
        if let (Some(v), Some(s)) = (out.get_mut(pairs.len()), rest.first()) {
            *v = *s;
        }
    }
}

kernel! {
    /// The reverse of a split: `even[0], odd[0], even[1], ...`, as many as `out` has room for.
    pub(crate) fn weave(even: &[f32], odd: &[f32], out: &mut [f32]) {
        let (pairs, rest) = out.as_chunks_mut::<2>();
        for ((pair, e), o) in pairs.iter_mut().zip(even).zip(odd) {
            *pair = [*e, *o];
        }
        if let ([last], Some(e)) = (rest, even.get(pairs.len())) {
            *last = *e;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::Domain;

    #[test]
    fn a_mirror_does_not_repeat_the_edge_and_keeps_the_parity() {
        let seen: Vec<usize> = (-5..9).map(|i| mirror(i, 4)).collect();
        assert_eq!(seen, [1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2]);
        for n in 2..12 {
            for i in -40isize..40 {
                assert_eq!(mirror(i, n) % 2, i.rem_euclid(2) as usize);
                assert!(mirror(i, n) < n);
            }
        }
    }

    #[test]
    fn split_and_weave_are_inverse_and_mirror_outside() {
        let samples: Vec<f32> = (0..7).map(|v| v as f32).collect();
        for first in -6..4isize {
            let (mut even, mut odd) = (vec![-1.0; 8], vec![-1.0; 8]);
            split(Level::Plain, &samples, 7, first, &mut even);
            split(Level::Plain, &samples, 7, first + 1, &mut odd);
            let mut row = vec![-1.0; 15];
            weave(Level::Plain, &even, &odd, &mut row);
            for (i, v) in row.iter().enumerate() {
                assert_eq!(*v, mirror(first + i as isize, 7) as f32, "from {first}, column {i}");
            }
        }
    }

    #[test]
    fn taps_are_neighbours() {
        let data: Vec<f32> = (0..6 * 9).map(|v| v as f32).collect();
        let input = Band::new(&data, 1, 9, 0..6);
        let rect = Rect { x: 3, y: 1, width: 4, height: 4 };
        let window = Window { plane: (9, 6), rect, cfa: Cfa::Rggb.shifted(1, 3) };
        let mut lines = Lines::new(window, Working::new(None, Domain::Linear), Level::Plain, 2, 8);
        for y in -1..5 {
            lines.push(&input, y);
        }
        // Row 1 of the window is row 2 of the plane; its column 0 is column 3.
        let range = lines.inside();
        assert_eq!(lines.tap(1, 0, &range), [21.0, 23.0]);
        assert_eq!(lines.tap(1, 1, &range), [22.0, 24.0]);
        assert_eq!(lines.tap(1, -1, &range), [20.0, 22.0]);
        assert_eq!(lines.tap(0, 1 + 2, &range), [15.0, 17.0]);
    }
}
