//! Panels: columns that are computed from top to bottom of a band before the next are.

use rushes_core::frame::{Band, BandMut};

use crate::params::Domain;
use crate::ring::{LANES, MOST, Ring, cut};
use crate::window::{Window, mirror};
use crate::working::{Working, enter};

/// Samples of a half row left and right of those that are wanted: the neighbours of neighbours.
pub(crate) const PAD: usize = 8;

/// Columns of a window: so many that the rows around a row stay in the nearest cache.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Panel {
    pub(crate) window: Window,
    /// Columns of the window left of it; even, so that all begin with the same colours.
    pub(crate) left: usize,
    pub(crate) width: usize,
    /// Samples of a half row with the neighbours, and a few more to make whole vectors of them.
    pub(crate) len: usize,
}

impl Panel {
    /// The panels of `window`: one of the first `head` columns (even, and less than [`MOST`]), if there are any,
    /// then some that are about equally wide.
    pub(crate) fn all(window: Window, head: usize) -> impl Iterator<Item = Self> {
        let width = window.rect.width;
        let head = head.min(width);
        let count = (width - head).div_ceil(2 * (MOST - 2 * PAD)).max(1);
        let each = (width - head).div_ceil(count).next_multiple_of(2 * LANES).max(1);
        let first = (head > 0).then_some((0, head));
        let rest = (head..width).step_by(each).map(move |left| (left, each.min(width - left)));
        first.into_iter().chain(rest).map(move |(left, width)| {
            let len = (width.div_ceil(2) + 2 * PAD).next_multiple_of(LANES);
            Self { window, left, width, len }
        })
    }

    /// Takes in row `y` of the window, mirrored where it is outside the plane, as half rows of working values.
    #[inline(always)]
    pub(crate) fn take<const ROWS: usize>(
        &self,
        lines: &mut Ring<ROWS, 2>,
        working: &Working,
        input: &Band<'_>,
        y: isize,
        spare: &mut Spare,
    ) {
        let (pairs, gains) = (self.pairs(input, y, spare), self.gains(working, y));
        let [even, odd] = lines.row_mut(y, self.len);
        match working.domain() {
            Domain::Linear => split::<false>(even, odd, pairs, gains),
            Domain::Sqrt => split::<true>(even, odd, pairs, gains),
        }
    }

    /// The same for rows that are not divided.
    #[inline(always)]
    pub(crate) fn take_whole<const ROWS: usize>(
        &self,
        lines: &mut Ring<ROWS, 2>,
        working: &Working,
        input: &Band<'_>,
        y: isize,
        spare: &mut Spare,
    ) {
        let (pairs, gains) = (self.pairs(input, y, spare), self.gains(working, y));
        let row = lines.whole_mut(y, 2 * self.len).as_chunks_mut().0;
        match working.domain() {
            Domain::Linear => copy::<false>(row, pairs, gains),
            Domain::Sqrt => copy::<true>(row, pairs, gains),
        }
    }

    /// The samples of row `y` with those beside the panel, even and odd columns.
    #[inline(always)]
    fn pairs<'a>(&self, input: &Band<'a>, y: isize, spare: &'a mut Spare) -> &'a [[f32; 2]] {
        let Window { plane: (width, height), rect, .. } = self.window;
        let samples = input.row(0, mirror(rect.y as isize + y, height));
        let first = (rect.x + self.left) as isize - 2 * PAD as isize;
        let count = 2 * self.len;
        let row = match usize::try_from(first) {
            Ok(first) if first + count <= width => &samples[first..first + count],
            _ => {
                reach(samples, first, &mut spare.0[0][..count]);
                &spare.0[0][..count]
            }
        };
        row.as_chunks().0
    }

    /// What even and odd columns of row `y` are multiplied by on their way to working values.
    #[inline(always)]
    fn gains(&self, working: &Working, y: isize) -> [f32; 2] {
        [working.gain(self.window.color(y, 0)), working.gain(self.window.color(y, 1))]
    }

    /// The samples of row `y` of the window, which is in the plane.
    #[inline(always)]
    pub(crate) fn samples<'a>(&self, input: &Band<'a>, y: isize) -> &'a [f32] {
        // Rows of the window are not negative.
        let rect = self.window.rect;
        &input.row(0, rect.y + y as usize)[rect.x + self.left..][..self.width]
    }

    /// The samples of row `y` of the window and where it is to be written, as pairs of columns: planes of the row's
    /// colour, of green and of the other colour. To be followed by [`Panel::settle`].
    #[inline(always)]
    pub(crate) fn places<'a>(
        &self,
        input: &Band<'a>,
        out: &'a mut BandMut<'_>,
        y: isize,
        spare: &'a mut Spare,
    ) -> (&'a [[f32; 2]], [&'a mut [[f32; 2]]; 3]) {
        let samples = self.samples(input, y);
        let columns = self.left..self.left + self.width;
        let (samples, [red, green, blue]) = if self.width.is_multiple_of(2) {
            let [red, green, blue] = out.rgb_row_mut(y as usize);
            (samples, [&mut red[columns.clone()], &mut green[columns.clone()], &mut blue[columns]])
        } else {
            // The last column has none beside it, and is written with one elsewhere.
            let whole = self.width + 1;
            let [first, red, green, blue] = &mut spare.0;
            first[..self.width].copy_from_slice(samples);
            (&first[..whole], [&mut red[..whole], &mut green[..whole], &mut blue[..whole]])
        };
        let (own, other) = if self.window.chroma(y) == 0 { (red, blue) } else { (blue, red) };
        let (own, green, other) = (own.as_chunks_mut().0, green.as_chunks_mut().0, other.as_chunks_mut().0);
        (samples.as_chunks().0, [own, green, other])
    }

    /// Ends the writing of row `y`.
    #[inline(always)]
    pub(crate) fn settle(&self, out: &mut BandMut<'_>, y: isize, spare: &Spare) {
        if !self.width.is_multiple_of(2) {
            // See `places`.
            for (plane, made) in out.rgb_row_mut(y as usize).into_iter().zip(&spare.0[1..]) {
                plane[self.left..self.left + self.width].copy_from_slice(&made[..self.width]);
            }
        }
    }
}

/// Room for the samples of a row that reaches beyond the plane or ends with an odd column, and for three planes of the
/// latter.
#[derive(Debug)]
pub(crate) struct Spare([Vec<f32>; 4]);

impl Spare {
    pub(crate) fn new() -> Self {
        Self([(); 4].map(|()| vec![0.0; 2 * MOST]))
    }
}

/// Samples from column `first` on, mirrored outside the row.
fn reach(samples: &[f32], first: isize, out: &mut [f32]) {
    let (width, len) = (samples.len(), out.len() as isize);
    // Neither is negative any more. `first + from` is the first column that is not negative.
    let from = (-first).clamp(0, len) as usize;
    let to = (width as isize - first).clamp(from as isize, len) as usize;
    let at = |k: usize| mirror(first + k as isize, width);
    if from < to {
        out[from..to].copy_from_slice(&samples[at(from)..][..to - from]);
    }
    for k in (0..from).chain(to..out.len()) {
        out[k] = samples[at(k)];
    }
}

#[inline(always)]
fn split<const SQRT: bool>(even: &mut [f32], odd: &mut [f32], pairs: &[[f32; 2]], gains: [f32; 2]) {
    let len = even.len();
    assert!(odd.len() == len);
    cut!(len; pairs);
    for k in 0..len {
        even[k] = enter::<SQRT>(pairs[k][0], gains[0]);
        odd[k] = enter::<SQRT>(pairs[k][1], gains[1]);
    }
}

#[inline(always)]
fn copy<const SQRT: bool>(out: &mut [[f32; 2]], pairs: &[[f32; 2]], gains: [f32; 2]) {
    let len = out.len();
    cut!(len; pairs);
    for k in 0..len {
        out[k] = [enter::<SQRT>(pairs[k][0], gains[0]), enter::<SQRT>(pairs[k][1], gains[1])];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_reach_beyond_their_ends_as_in_a_mirror() {
        let samples: Vec<f32> = (0..7).map(|v| v as f32).collect();
        for first in -20..10isize {
            let mut out = vec![-1.0; 15];
            reach(&samples, first, &mut out);
            for (i, v) in out.iter().enumerate() {
                assert_eq!(*v, mirror(first + i as isize, 7) as f32, "from {first}, column {i}");
            }
        }
    }
}
