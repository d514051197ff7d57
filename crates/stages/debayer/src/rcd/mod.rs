//! Ratio Corrected Demosaicing (Luis Sanz Rodríguez, release 2.3), row by row.
//!
//! 1. *Directions.* A high-pass filter along rows, columns and the two diagonals, squared and summed over
//!    three sites, says where the detail lies. A site's direction gives way to its neighbourhood's where that is
//!    more decided.
//! 2. *Green* at red and blue sites. Hamilton and Adams add the difference of the centre's colour to the
//!    neighbouring green; RCD multiplies the green by the ratio of a low-pass that mixes the colours alike
//!    everywhere, which cannot overshoot at edges.
//! 3. *Red at blue and blue at red*, along the diagonals, as differences to green.
//! 4. *Red and blue at green*, along rows and columns, as differences to green.
//!
//! Each step needs a few rows of the one before. Rings hold just these, so a band of any height costs the same
//! scratch memory (about 240 bytes for each column) and 20 rows of run-up.
//!
//! Written from the author's description and checked against librtprocess (commit 9a85827): green is equal to
//! 3e-6. It filters the diagonals of every other row one column beside the red or blue site; with this put
//! right, red and blue are equal to 3e-6 too.

mod steps;

use std::ops::Range;

use rushes_core::frame::{Band, BandMut};
use rushes_core::simd::kernel;

use crate::panel::{PAD, Panel, Spare};
use crate::params::Domain;
use crate::ring::Ring;
use crate::working::Working;
use steps::{ChromaLine, Directions, GreenLine, Row};

/// A panel's rows of each step.
#[derive(Debug)]
pub(crate) struct Rcd {
    panel: Panel,
    working: Working,
    /// The mosaic's.
    lines: Ring<16, 2>,
    /// Detail along columns, and along rows.
    detail_v: Ring<4, 2>,
    detail_h: Ring<1, 2>,
    /// Detail along the diagonals, \ and /, of chroma sites.
    detail_p: Ring<4, 1>,
    detail_q: Ring<4, 1>,
    /// 0 where the picture runs along columns, 1 along rows.
    vh: Ring<8, 2>,
    /// 0 where the picture runs along \, 1 along /. Chroma sites.
    pq: Ring<8, 1>,
    /// The low-pass at chroma sites.
    low: Ring<8, 1>,
    /// Green at chroma sites.
    green: Ring<8, 1>,
    /// Red at blue and blue at red.
    opposite: Ring<8, 1>,
    spare: Spare,
}

kernel! {
    /// Takes in the rows `newest` of the mosaic and puts together those that are [`Rcd::RADIUS`] behind, from `start`
    /// on.
    pub(crate) fn advance(
        rcd: &mut Rcd,
        input: &Band<'_>,
        out: &mut BandMut<'_>,
        newest: Range<isize>,
        start: isize,
    ) {
        for y in newest {
            // The phase is settled here, so that every tap is at a known distance.
            if rcd.panel.window.chroma_parity(y) == 0 {
                rcd.row::<0, 1>(input, out, y, start);
            } else {
                rcd.row::<1, 0>(input, out, y, start);
            }
        }
    }
}

impl Rcd {
    /// Rows above and below that a row depends on: 3 to the opposite colour, 2 more to green, 1 more to its
    /// direction, 1 more to the sum of detail, 3 more to the samples. As many columns, which is 5 samples of a half
    /// row.
    pub(crate) const RADIUS: usize = 10;

    pub(crate) fn new(panel: Panel, working: Working) -> Self {
        Self {
            panel,
            working,
            lines: Ring::new(),
            detail_v: Ring::new(),
            detail_h: Ring::new(),
            detail_p: Ring::new(),
            detail_q: Ring::new(),
            vh: Ring::new(),
            pq: Ring::new(),
            low: Ring::new(),
            green: Ring::new(),
            opposite: Ring::new(),
            spare: Spare::new(),
        }
    }

    /// Takes in row `newest`, whose chroma sites are at columns of parity `P` (and of `Q` in every other row), and
    /// advances each step by a row, as far as rows from `start` on need it.
    #[inline(always)]
    fn row<const P: usize, const Q: usize>(
        &mut self,
        input: &Band<'_>,
        out: &mut BandMut<'_>,
        newest: isize,
        start: isize,
    ) {
        self.panel.take(&mut self.lines, &self.working, input, newest, &mut self.spare);
        if newest > start - 7 {
            self.low_pass::<Q>(newest - 1);
        }
        if newest - 3 >= start - 7 {
            self.detail::<Q>(newest - 3);
        }
        if newest - 4 >= start - 6 {
            self.directions::<P>(newest - 4);
        }
        if newest - 5 >= start - 5 {
            self.green::<Q>(newest - 5);
        }
        if newest - 7 >= start - 3 {
            self.opposite::<Q>(newest - 7);
        }
        if newest - 10 >= start {
            match self.working.domain() {
                Domain::Linear => self.finish::<P, false>(newest - 10, input, out),
                Domain::Sqrt => self.finish::<P, true>(newest - 10, input, out),
            }
        }
    }

    #[inline(always)]
    fn low_pass<const P: usize>(&mut self, y: isize) {
        let (len, at) = (self.panel.len, (y, P as isize));
        let edges = self.lines.taps(at, [(-1, 0), (0, -1), (0, 1), (1, 0)], len);
        let corners = self.lines.taps(at, CORNERS, len);
        steps::low_pass(self.low.half_mut(y, P, len), self.lines.tap(at.0, at.1, len), edges, corners);
    }

    #[inline(always)]
    fn detail<const P: usize>(&mut self, y: isize) {
        let (len, at) = (self.panel.len, (y, P as isize));
        for parity in 0..2 {
            let line = self.lines.line((y, parity as isize), (1, 0), len);
            steps::detail(self.detail_v.half_mut(y, parity, len), line);
        }
        steps::detail(self.detail_p.half_mut(y, P, len), self.lines.line(at, (1, 1), len));
        steps::detail(self.detail_q.half_mut(y, P, len), self.lines.line(at, (1, -1), len));
    }

    #[inline(always)]
    fn directions<const P: usize>(&mut self, y: isize) {
        let (len, at) = (self.panel.len, (y, P as isize));
        for parity in 0..2 {
            let line = self.lines.line((y, parity as isize), (0, 1), len);
            steps::detail(self.detail_h.half_mut(0, parity, len), line);
        }
        for parity in 0..2 {
            let (v, h) = (
                self.detail_v.line((y, parity as isize), (1, 0), len),
                self.detail_h.line((0, parity as isize), (0, 1), len),
            );
            steps::direction(self.vh.half_mut(y, parity, len), v, h);
        }
        let (p, q) = (self.detail_p.line(at, (1, 1), len), self.detail_q.line(at, (1, -1), len));
        steps::direction(self.pq.half_mut(y, P, len), p, q);
    }

    #[inline(always)]
    fn green<const P: usize>(&mut self, y: isize) {
        let (len, at) = (self.panel.len, (y, P as isize));
        let vertical =
            GreenLine { samples: self.lines.line(at, (1, 0), len), low: self.low.taps(at, [(-2, 0), (2, 0)], len) };
        let horizontal =
            GreenLine { samples: self.lines.line(at, (0, 1), len), low: self.low.taps(at, [(0, -2), (0, 2)], len) };
        let low = self.low.tap(at.0, at.1, len);
        steps::green(self.green.half_mut(y, P, len), low, [vertical, horizontal], directions(&self.vh, at, len));
    }

    #[inline(always)]
    fn opposite<const P: usize>(&mut self, y: isize) {
        let (len, at) = (self.panel.len, (y, P as isize));
        let falling = ChromaLine {
            color: self.lines.taps(at, [(-3, -3), (-1, -1), (1, 1), (3, 3)], len),
            green: self.green.taps(at, [(-2, -2), (-1, -1), (1, 1), (2, 2)], len),
        };
        let rising = ChromaLine {
            color: self.lines.taps(at, [(-3, 3), (-1, 1), (1, -1), (3, -3)], len),
            green: self.green.taps(at, [(-2, 2), (-1, 1), (1, -1), (2, -2)], len),
        };
        let green = self.green.tap(at.0, at.1, len);
        let directions = directions(&self.pq, at, len);
        steps::opposite(self.opposite.half_mut(y, P, len), green, [falling, rising], directions);
    }

    /// Puts row `y` together and writes it.
    #[inline(always)]
    fn finish<const P: usize, const SQRT: bool>(&mut self, y: isize, input: &Band<'_>, out: &mut BandMut<'_>) {
        let Self { panel, working, lines, vh, green, opposite, spare, .. } = self;
        let len = panel.width.div_ceil(2);
        // The first chroma site that is wanted, and the first green site.
        let (chroma, at) = ((2 * PAD + P) as isize, (y, (2 * PAD + 1 - P) as isize));
        let [above, below, left, right] = lines.taps(at, [(-2, 0), (2, 0), (0, -2), (0, 2)], len);
        let [north, south, west, east] = green.taps(at, [(-1, 0), (1, 0), (0, -1), (0, 1)], len);
        const DOWN: [(isize, isize); 4] = [(-3, 0), (-1, 0), (1, 0), (3, 0)];
        const ACROSS: [(isize, isize); 4] = [(0, -3), (0, -1), (0, 1), (0, 3)];
        let row = Row {
            green: green.tap(y, chroma, len),
            opposite: opposite.tap(y, chroma, len),
            at: lines.tap(at.0, at.1, len),
            column: [above, north, south, below],
            row: [left, west, east, right],
            // The colour of this row was measured left and right, that of the column above and below.
            own: [opposite.taps(at, DOWN, len), lines.taps(at, ACROSS, len)],
            other: [lines.taps(at, DOWN, len), opposite.taps(at, ACROSS, len)],
            directions: directions(vh, at, len),
        };
        let color = panel.window.chroma(y);
        let gains = [working.gain(color).recip(), working.gain(2 - color).recip()];
        let (samples, [own, middle, other]) = panel.places(input, out, y, spare);
        steps::finish::<P, SQRT>(own, middle, other, samples, row, gains);
        panel.settle(out, y, spare);
    }
}

const CORNERS: [(isize, isize); 4] = [(-1, -1), (-1, 1), (1, -1), (1, 1)];

/// Directions at sites and at their diagonal neighbours.
#[inline(always)]
fn directions<const ROWS: usize, const HALVES: usize>(
    of: &Ring<ROWS, HALVES>,
    at: (isize, isize),
    len: usize,
) -> Directions<'_> {
    let [a, b, c, d] = of.taps(at, CORNERS, len);
    [of.tap(at.0, at.1, len), a, b, c, d]
}
