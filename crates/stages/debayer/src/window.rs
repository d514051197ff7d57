//! The part of a plane that is computed, and what stands for samples outside the plane.

use std::ops::Range;

use rushes_core::media::{Cfa, Rect};
use rushes_core::stage::DeviceWork;

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
    pub(crate) fn color(&self, y: isize, parity: usize) -> usize {
        if parity == self.chroma_parity(y) { self.chroma(y) } else { 1 }
    }

    /// `work` with four more words: the column and row of the window's top left in the plane, and the row and column
    /// (0 or 1) of red in the window.
    pub(crate) fn on_device(&self, work: DeviceWork) -> DeviceWork {
        let (row, col) = self.cfa.red_at();
        [self.rect.x, self.rect.y, row, col].into_iter().fold(work, |work, v| work.word(v as u32))
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
