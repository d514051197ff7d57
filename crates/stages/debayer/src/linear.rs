//! The linear filters: bilinear and Malvar-He-Cutler.
//!
//! They are so cheap that taking rows apart by colour would cost more than it saves: both kinds of site are computed
//! at every column, and a mask chooses. Directions are as on a map: `n` the row above, `w` the column to the left,
//! `nn` two rows above. *Chroma* sites (red in one row, blue in the next) lack green and the opposite colour,
//! *green* sites lack the colour of their row and that of their column.

use std::ops::Range;

use rushes_core::frame::{Band, BandMut};
use rushes_core::simd::kernel;

use crate::panel::{PAD, Panel, Spare};
use crate::params::Domain;
use crate::ring::{MOST, Ring, cut};
use crate::working::{Working, leave};

/// Which filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filter {
    /// The mean of the two or four nearest samples of the colour wanted.
    Bilinear,
    /// Those of Malvar, He and Cutler 2004, figure 2.
    Malvar,
}

impl Filter {
    /// Rows above and below that a row depends on.
    pub(crate) const fn radius(self) -> usize {
        match self {
            Self::Bilinear => 1,
            Self::Malvar => 2,
        }
    }
}

/// A panel's rows of the mosaic, undivided.
#[derive(Debug)]
pub(crate) struct Linear {
    panel: Panel,
    working: Working,
    filter: Filter,
    lines: Ring<8, 2>,
    spare: Spare,
}

impl Linear {
    pub(crate) fn new(panel: Panel, working: Working, filter: Filter) -> Self {
        Self { panel, working, filter, lines: Ring::new(), spare: Spare::new() }
    }
}

kernel! {
    /// Takes in the rows `newest` of the mosaic and puts together those that are the filter's radius behind, from
    /// `start` on.
    pub(crate) fn advance(
        linear: &mut Linear,
        input: &Band<'_>,
        out: &mut BandMut<'_>,
        newest: Range<isize>,
        start: isize,
    ) {
        for newest in newest {
            linear.panel.take_whole(&mut linear.lines, &linear.working, input, newest, &mut linear.spare);
            let y = newest - linear.filter.radius() as isize;
            if y >= start {
                match (linear.filter, linear.working.domain()) {
                    (Filter::Bilinear, Domain::Linear) => linear.row::<false, false>(y, input, out),
                    (Filter::Bilinear, Domain::Sqrt) => linear.row::<false, true>(y, input, out),
                    (Filter::Malvar, Domain::Linear) => linear.row::<true, false>(y, input, out),
                    (Filter::Malvar, Domain::Sqrt) => linear.row::<true, true>(y, input, out),
                }
            }
        }
    }
}

/// Ones in every second column.
static CHROMA: [u32; 2 * MOST] = {
    let mut mask = [0; 2 * MOST];
    let mut i = 0;
    while i < mask.len() {
        mask[i] = !0;
        i += 2;
    }
    mask
};

impl Linear {
    #[inline(always)]
    fn row<const MALVAR: bool, const SQRT: bool>(&self, y: isize, input: &Band<'_>, out: &mut BandMut<'_>) {
        let Self { panel, working, lines, .. } = self;
        let (len, window) = (panel.width, panel.window);
        let tap = |dy: isize, dx: isize| lines.whole(y + dy, 2 * PAD as isize + dx, len);
        let (color, parity) = (window.chroma(y), window.chroma_parity(y));
        let row = Row { samples: panel.samples(input, y), chroma: &CHROMA[parity..parity + len] };
        let gains = [working.gain(color).recip(), working.gain(2 - color).recip()];
        let [red, green, blue] = out.rgb_row_mut(y as usize);
        let (own, other) = if color == 0 { (red, blue) } else { (blue, red) };
        let columns = panel.left..panel.left + len;
        let (own, green, other) = (&mut own[columns.clone()], &mut green[columns.clone()], &mut other[columns]);
        let near = [tap(-1, -1), tap(-1, 0), tap(-1, 1), tap(0, -1), tap(0, 1), tap(1, -1), tap(1, 0), tap(1, 1)];
        if MALVAR {
            let far = [tap(0, 0), tap(-2, 0), tap(0, -2), tap(0, 2), tap(2, 0)];
            malvar::<SQRT>(own, green, other, row, near, far, gains);
        } else {
            bilinear::<SQRT>(own, green, other, row, near, gains);
        }
    }
}

/// A row's samples, and ones where its chroma sites are.
#[derive(Clone, Copy)]
struct Row<'a> {
    samples: &'a [f32],
    chroma: &'a [u32],
}

/// `near` are the eight neighbours, row by row; `gains` those of the row's colour and the opposite one on the way
/// back to samples.
#[inline(always)]
fn bilinear<const SQRT: bool>(
    own: &mut [f32],
    middle: &mut [f32],
    other: &mut [f32],
    Row { samples, chroma }: Row<'_>,
    [nw, n, ne, w, e, sw, s, se]: [&[f32]; 8],
    gains: [f32; 2],
) {
    let len = own.len();
    assert!(middle.len() == len && other.len() == len);
    cut!(len; samples, chroma, nw, n, ne, w, e, sw, s, se);
    for k in 0..len {
        let (column, row) = (n[k] + s[k], w[k] + e[k]);
        let diagonal = (nw[k] + se[k]) + (ne[k] + sw[k]);
        let (green, opposite) = ((column + row) * 0.25, diagonal * 0.25);
        // There and back again is not exact: measured samples are taken from the input.
        own[k] = choose(chroma[k], samples[k], leave::<SQRT>(row * 0.5, gains[0]));
        middle[k] = choose(chroma[k], leave::<SQRT>(green, 1.0), samples[k]);
        other[k] = leave::<SQRT>(choose(chroma[k], opposite, column * 0.5), gains[1]);
    }
}

/// `far` are the site itself and those two away: above, left, right and below; the rest as for [`bilinear`].
#[inline(always)]
fn malvar<const SQRT: bool>(
    own: &mut [f32],
    middle: &mut [f32],
    other: &mut [f32],
    Row { samples, chroma }: Row<'_>,
    [nw, n, ne, w, e, sw, s, se]: [&[f32]; 8],
    [at, nn, ww, ee, ss]: [&[f32]; 5],
    gains: [f32; 2],
) {
    let len = own.len();
    assert!(middle.len() == len && other.len() == len);
    cut!(len; samples, chroma, nw, n, ne, w, e, sw, s, se, at, nn, ww, ee, ss);
    for k in 0..len {
        let (column, row) = (n[k] + s[k], w[k] + e[k]);
        let (far_column, far_row) = (nn[k] + ss[k], ww[k] + ee[k]);
        let diagonal = (nw[k] + se[k]) + (ne[k] + sw[k]);
        let far = far_column + far_row;
        let green = 4.0 * at[k] + 2.0 * (column + row) - far;
        let opposite = 6.0 * at[k] + 2.0 * diagonal - 1.5 * far;
        let of_row = 5.0 * at[k] + 4.0 * row - (far_row + diagonal) + 0.5 * far_column;
        let of_column = 5.0 * at[k] + 4.0 * column - (far_column + diagonal) + 0.5 * far_row;
        // There and back again is not exact: measured samples are taken from the input.
        own[k] = choose(chroma[k], samples[k], leave::<SQRT>(of_row * 0.125, gains[0]));
        middle[k] = choose(chroma[k], leave::<SQRT>(green * 0.125, 1.0), samples[k]);
        other[k] = leave::<SQRT>(choose(chroma[k], opposite, of_column) * 0.125, gains[1]);
    }
}

/// The first where `mask` is ones, the second where it is zeros. (A branch would become stores that leave lanes out.)
#[inline(always)]
fn choose(mask: u32, first: f32, second: f32) -> f32 {
    f32::from_bits(first.to_bits() & mask | second.to_bits() & !mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_of_each_filter_add_up_to_one() {
        let one: &[f32] = &[1.0];
        for mask in [0, !0] {
            let row = Row { samples: &[1.0], chroma: &[mask] };
            let mut out = [[9.0], [9.0], [9.0]];
            let [a, b, c] = &mut out;
            bilinear::<false>(a, b, c, row, [one; 8], [1.0; 2]);
            assert_eq!(out, [[1.0]; 3]);
            let [a, b, c] = &mut out;
            malvar::<false>(a, b, c, row, [one; 8], [one; 5], [1.0; 2]);
            assert_eq!(out, [[1.0]; 3]);
        }
    }
}
