//! The last few rows of a quantity, as half rows.

/// Samples in a line of the cache, and in the widest vectors.
pub(crate) const LANES: usize = 16;

/// Samples in a half row at most.
pub(crate) const MOST: usize = 33 * LANES;

/// `ROWS` (a power of two) rows of `HALVES` half rows: with two, column `2 * k + parity` is sample `k` of the half
/// row `parity`; with one, only the half of the row's chroma sites (those that are not green) is kept.
///
/// Half rows lie one after the other, so that a tap beyond the ends of one finds samples of the next: numbers
/// without meaning, as steps allow for ([`Ring::tap`]).
#[derive(Debug)]
pub(crate) struct Ring<const ROWS: usize, const HALVES: usize> {
    data: Vec<f32>,
    /// Where the first half row begins: so that all begin with a line of the cache.
    start: usize,
}

impl<const ROWS: usize, const HALVES: usize> Ring<ROWS, HALVES> {
    pub(crate) fn new() -> Self {
        const { assert!(ROWS.is_power_of_two() && (HALVES == 1 || HALVES == 2)) };
        // A line of taps at either end, and one to move them.
        let data = vec![0.0; ROWS * HALVES * MOST + 3 * LANES];
        let start = LANES + data.as_ptr().align_offset(4 * LANES).min(LANES);
        Self { data, start }
    }

    #[inline(always)]
    fn at(&self, y: isize, parity: isize) -> usize {
        // The lowest bits of a negative number count on from those of the positive ones.
        let row = y as usize & (ROWS - 1);
        self.start + (row * HALVES + if HALVES == 1 { 0 } else { parity as usize & 1 }) * MOST
    }

    /// `len` samples of row `y` that lie `col` columns right of the even columns `2 * k`, `k` from 0 on. `col` is from
    /// -32 to 32; what comes from beyond the ends has no meaning.
    #[inline(always)]
    pub(crate) fn tap(&self, y: isize, col: isize, len: usize) -> &[f32] {
        let first = self.at(y, col & 1).wrapping_add_signed(col >> 1);
        &self.data[first..first + len]
    }

    /// Taps along a line of `N` (odd) sites through the one at row `y` and column `col`, in the direction of rows and
    /// columns `toward`.
    #[inline(always)]
    pub(crate) fn line<const N: usize>(
        &self,
        (y, col): (isize, isize),
        toward: (isize, isize),
        len: usize,
    ) -> [&[f32]; N] {
        let mut taps: [&[f32]; N] = [&[]; N];
        for (i, tap) in taps.iter_mut().enumerate() {
            let d = i as isize - (N / 2) as isize;
            *tap = self.tap(y + d * toward.0, col + d * toward.1, len);
        }
        taps
    }

    /// Taps at sites `around` the one at row `y` and column `col`.
    #[inline(always)]
    pub(crate) fn taps<const N: usize>(
        &self,
        (y, col): (isize, isize),
        around: [(isize, isize); N],
        len: usize,
    ) -> [&[f32]; N] {
        let mut taps: [&[f32]; N] = [&[]; N];
        for (tap, (dy, dx)) in taps.iter_mut().zip(around) {
            *tap = self.tap(y + dy, col + dx, len);
        }
        taps
    }

    /// `len` samples of the half row of the columns of `parity` in row `y`, to be written.
    #[inline(always)]
    pub(crate) fn half_mut(&mut self, y: isize, parity: usize, len: usize) -> &mut [f32] {
        let at = self.at(y, parity as isize);
        &mut self.data[at..at + len]
    }
}

impl<const ROWS: usize> Ring<ROWS, 2> {
    /// `len` samples of both half rows of row `y`, to be written.
    #[inline(always)]
    pub(crate) fn row_mut(&mut self, y: isize, len: usize) -> [&mut [f32]; 2] {
        let at = self.at(y, 0);
        let (even, odd) = self.data[at..at + 2 * MOST].split_at_mut(MOST);
        [&mut even[..len], &mut odd[..len]]
    }

    /// `len` samples of an undivided row `y` from column `col` on.
    #[inline(always)]
    pub(crate) fn whole(&self, y: isize, col: isize, len: usize) -> &[f32] {
        let first = self.at(y, 0).wrapping_add_signed(col);
        &self.data[first..first + len]
    }

    /// `len` samples of an undivided row `y`, to be written.
    #[inline(always)]
    pub(crate) fn whole_mut(&mut self, y: isize, len: usize) -> &mut [f32] {
        let at = self.at(y, 0);
        &mut self.data[at..at + len]
    }
}

/// Cuts slices to `len`, so that loops over them need no checks. (A loop over an array of slices is not unrolled before
/// those checks would be taken out.)
macro_rules! cut {
    ($len:expr; $($slice:ident),+ $(,)?) => {
        $(let $slice = &$slice[..$len];)+
    };
}
pub(crate) use cut;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_are_neighbours() {
        let mut ring = Ring::<4, 2>::new();
        for y in -2..2 {
            let [even, odd] = ring.row_mut(y, 40);
            for k in 0..40 {
                (even[k], odd[k]) = ((100 * y + 2 * k as isize) as f32, (100 * y + 2 * k as isize + 1) as f32);
            }
        }
        assert_eq!(ring.tap(-2, 4, 3), [-196.0, -194.0, -192.0]);
        assert_eq!(ring.tap(1, 3, 2), [103.0, 105.0]);
        assert_eq!(ring.line::<3>((0, 5), (1, -1), 1), [[-94.0], [5.0], [104.0]]);
        assert_eq!(ring.taps((0, 4), [(-1, 3), (0, -2)], 2), [[-93.0, -91.0], [2.0, 4.0]]);
        assert_eq!(ring.half_mut(1, 1, 2), [101.0, 103.0]);
        // Row 2 takes the place of row -2.
        ring.half_mut(2, 0, 1)[0] = 7.0;
        assert_eq!(ring.tap(-2, 0, 1), [7.0]);
    }

    #[test]
    fn rows_left_whole_are_whole() {
        let mut ring = Ring::<2, 2>::new();
        ring.whole_mut(1, 2 * MOST).iter_mut().enumerate().for_each(|(i, v)| *v = i as f32);
        assert_eq!(ring.whole(-1, MOST as isize - 1, 3), [MOST - 1, MOST, MOST + 1].map(|v| v as f32));
    }
}
