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
//! scratch memory (about 200 bytes for each column) and 20 rows of run-up.
//!
//! Written from the author's description and checked against librtprocess (commit 9a85827): green is equal to
//! 3e-6. It filters the diagonals of every other row one column beside the red or blue site; with this put
//! right, red and blue are equal to 3e-6 too.

mod kernels;

use rushes_core::frame::Band;
use rushes_core::simd::Level;

use crate::kernel::Sites;
use crate::lines::{Lines, Ring, Window};
use crate::working::Working;
use kernels::{ChromaLine, GreenLine};

/// The steps' rows and how far each is behind the newest row of the mosaic.
#[derive(Debug)]
pub(crate) struct Rcd {
    window: Window,
    lines: Lines,
    /// Detail along columns, and along rows (of one row).
    detail_v: Ring,
    detail_h: Ring,
    /// Detail along the diagonals, \ and /, of chroma sites.
    detail_p: Ring,
    detail_q: Ring,
    /// 0 where the picture runs along columns, 1 along rows.
    vh: Ring,
    /// 0 where the picture runs along \, 1 along /. Chroma sites.
    pq: Ring,
    /// The low-pass at chroma sites.
    low: Ring,
    /// Green at chroma sites.
    green: Ring,
    /// Red at blue and blue at red.
    opposite: Ring,
    /// A direction after refinement.
    refined: Vec<f32>,
}

/// How many half-row samples at either end lack the neighbours for a step.
mod margin {
    pub(super) const DETAIL: usize = 2;
    pub(super) const DIRECTION: usize = 3;
    pub(super) const LOW: usize = 3;
    pub(super) const GREEN: usize = 4;
    pub(super) const DIAGONAL: usize = 4;
    pub(super) const OPPOSITE: usize = 5;
    pub(super) const RESULT: usize = 7;
}

impl Rcd {
    /// Rows above and below that a row depends on: 3 to the opposite colour, 2 more to green, 1 more to its
    /// direction, 1 more to the sum of detail, 3 more to the samples.
    pub(crate) const RADIUS: usize = 10;

    pub(crate) fn new(window: Window, working: Working, level: Level) -> Self {
        // Row `newest - 13` is still read when `newest` comes in.
        let lines = Lines::new(window, working, level, 2 * margin::RESULT, 16);
        let len = lines.len();
        let ring = |rows, halves| Ring::new(rows, halves, len);
        Self {
            window,
            lines,
            detail_v: ring(4, 2),
            detail_h: ring(1, 2),
            detail_p: ring(4, 1),
            detail_q: ring(4, 1),
            vh: ring(8, 2),
            pq: ring(8, 1),
            low: ring(8, 1),
            green: ring(8, 1),
            opposite: ring(8, 1),
            refined: vec![0.0; len],
        }
    }

    /// The mosaic's rows.
    pub(crate) fn lines(&self) -> &Lines {
        &self.lines
    }

    /// Takes in row `newest` and advances each step by a row, as far as rows from `start` on need it.
    pub(crate) fn push(&mut self, input: &Band<'_>, newest: isize, start: isize) {
        self.lines.push(input, newest);
        if newest > start - 7 {
            self.low_pass(newest - 1);
        }
        if newest - 3 >= start - 7 {
            self.detail(newest - 3);
        }
        if newest - 4 >= start - 6 {
            self.directions(newest - 4);
        }
        if newest - 5 >= start - 5 {
            self.green(newest - 5);
        }
        if newest - 7 >= start - 3 {
            self.opposite(newest - 7);
        }
    }

    /// What row `y`, 10 behind the newest, lacks.
    pub(crate) fn finish(&mut self, y: isize, sites: &mut Sites) {
        let Self { window, lines, vh, green, opposite, refined, .. } = self;
        let (level, range) = (lines.level(), lines.inside());
        let chroma = window.chroma_parity(y) as isize;
        sites.green.copy_from_slice(green.tap(y, chroma, &range));
        sites.opposite.copy_from_slice(opposite.tap(y, chroma, &range));

        // From here on at green sites.
        let col = 1 - chroma;
        let refined = &mut refined[..range.len()];
        kernels::refine(
            level,
            refined,
            vh.tap(y, col, &range),
            [(-1, -1), (-1, 1), (1, -1), (1, 1)].map(|(dy, dx)| vh.tap(y + dy, col + dx, &range)),
        );
        let sample = |dy: isize, dx: isize| lines.tap(y + dy, col + dx, &range);
        let other = |dy: isize, dx: isize| opposite.tap(y + dy, col + dx, &range);
        let g = |dy: isize, dx: isize| green.tap(y + dy, col + dx, &range);
        let green_v = [sample(-2, 0), g(-1, 0), g(1, 0), sample(2, 0)];
        let green_h = [sample(0, -2), g(0, -1), g(0, 1), sample(0, 2)];
        // The colour of this row was measured left and right, that of the column above and below.
        let vertical = |color| ChromaLine { color, green: green_v };
        let horizontal = |color| ChromaLine { color, green: green_h };
        let row = [vertical([-3, -1, 1, 3].map(|d| other(d, 0))), horizontal([-3, -1, 1, 3].map(|d| sample(0, d)))];
        kernels::chroma(level, &mut sites.of_row, sample(0, 0), row, refined);
        let column = [vertical([-3, -1, 1, 3].map(|d| sample(d, 0))), horizontal([-3, -1, 1, 3].map(|d| other(0, d)))];
        kernels::chroma(level, &mut sites.of_column, sample(0, 0), column, refined);
    }

    fn low_pass(&mut self, y: isize) {
        let level = self.lines.level();
        let range = self.range(margin::LOW);
        let col = self.window.chroma_parity(y) as isize;
        let sample = |(dy, dx): (isize, isize)| self.lines.tap(y + dy, col + dx, &range);
        kernels::low_pass(
            level,
            &mut self.low.half_mut(y, col as usize)[range.clone()],
            sample((0, 0)),
            [(-1, 0), (0, -1), (0, 1), (1, 0)].map(sample),
            [(-1, -1), (-1, 1), (1, -1), (1, 1)].map(sample),
        );
    }

    fn detail(&mut self, y: isize) {
        let level = self.lines.level();
        const TAPS: [isize; 7] = [-3, -2, -1, 0, 1, 2, 3];
        let range = self.range(margin::DETAIL);
        for parity in 0..2 {
            let vertical = TAPS.map(|d| self.lines.tap(y + d, parity as isize, &range));
            kernels::detail(level, &mut self.detail_v.half_mut(y, parity)[range.clone()], vertical);
        }
        let col = self.window.chroma_parity(y) as isize;
        let diagonal = TAPS.map(|d| self.lines.tap(y + d, col + d, &range));
        kernels::detail(level, &mut self.detail_p.half_mut(y, col as usize)[range.clone()], diagonal);
        let diagonal = TAPS.map(|d| self.lines.tap(y + d, col - d, &range));
        kernels::detail(level, &mut self.detail_q.half_mut(y, col as usize)[range.clone()], diagonal);
    }

    fn directions(&mut self, y: isize) {
        let level = self.lines.level();
        let range = self.range(margin::DETAIL);
        for parity in 0..2 {
            let line = [-3, -2, -1, 0, 1, 2, 3].map(|d| self.lines.tap(y, parity as isize + d, &range));
            kernels::detail(level, &mut self.detail_h.half_mut(y, parity)[range.clone()], line);
        }
        let range = self.range(margin::DIRECTION);
        for parity in 0..2 {
            let col = parity as isize;
            kernels::direction(
                level,
                &mut self.vh.half_mut(y, parity)[range.clone()],
                [-1, 0, 1].map(|d| self.detail_v.tap(y + d, col, &range)),
                [-1, 0, 1].map(|d| self.detail_h.tap(y, col + d, &range)),
            );
        }
        let range = self.range(margin::DIAGONAL);
        let col = self.window.chroma_parity(y) as isize;
        kernels::direction(
            level,
            &mut self.pq.half_mut(y, col as usize)[range.clone()],
            [-1, 0, 1].map(|d| self.detail_p.tap(y + d, col + d, &range)),
            [-1, 0, 1].map(|d| self.detail_q.tap(y + d, col - d, &range)),
        );
    }

    fn green(&mut self, y: isize) {
        let level = self.lines.level();
        const TAPS: [isize; 9] = [-4, -3, -2, -1, 0, 1, 2, 3, 4];
        let range = self.range(margin::GREEN);
        let Self { window, lines, vh, low, green, refined, .. } = self;
        let col = window.chroma_parity(y) as isize;
        let refined = &mut refined[..range.len()];
        kernels::refine(
            level,
            refined,
            vh.tap(y, col, &range),
            [(-1, -1), (-1, 1), (1, -1), (1, 1)].map(|(dy, dx)| vh.tap(y + dy, col + dx, &range)),
        );
        let here = low.tap(y, col, &range);
        let vertical = GreenLine {
            samples: TAPS.map(|d| lines.tap(y + d, col, &range)),
            low: [-2, 2].map(|d| low.tap(y + d, col, &range)),
        };
        let horizontal = GreenLine {
            samples: TAPS.map(|d| lines.tap(y, col + d, &range)),
            low: [-2, 2].map(|d| low.tap(y, col + d, &range)),
        };
        let out = &mut green.half_mut(y, col as usize)[range.clone()];
        kernels::green(level, out, here, [vertical, horizontal], refined);
    }

    fn opposite(&mut self, y: isize) {
        let level = self.lines.level();
        let range = self.range(margin::OPPOSITE);
        let Self { window, lines, pq, green, opposite, refined, .. } = self;
        let col = window.chroma_parity(y) as isize;
        let refined = &mut refined[..range.len()];
        kernels::refine(
            level,
            refined,
            pq.tap(y, col, &range),
            [(-1, -1), (-1, 1), (1, -1), (1, 1)].map(|(dy, dx)| pq.tap(y + dy, col + dx, &range)),
        );
        let lines = [1, -1].map(|slope| ChromaLine {
            color: [-3, -1, 1, 3].map(|d| lines.tap(y + d, col + slope * d, &range)),
            green: [-2, -1, 1, 2].map(|d| green.tap(y + d, col + slope * d, &range)),
        });
        let out = &mut opposite.half_mut(y, col as usize)[range.clone()];
        kernels::chroma(level, out, green.tap(y, col, &range), lines, refined);
    }

    fn range(&self, margin: usize) -> std::ops::Range<usize> {
        margin..self.lines.len() - margin
    }
}
