//! Rows of a picture at another size.

use std::ops::Range;

use rushes_core::frame::{Band, BandMut, FrameFormat};
use rushes_core::simd::{Level, kernel};
use rushes_core::stage::{FrameKernel, InOrder};

use super::domain::{self, ScaleDomain};
use super::weights::Weights;

/// Rows are mixed first, then columns: a reduction leaves half as many rows to run along.
pub(super) struct ScaleKernel {
    pub(super) format: FrameFormat,
    pub(super) columns: Weights,
    pub(super) rows: Weights,
    pub(super) domain: ScaleDomain,
}

impl FrameKernel for ScaleKernel {
    fn format(&self) -> &FrameFormat {
        &self.format
    }

    fn input_rows(&self, out: Range<usize>) -> Range<usize> {
        self.rows.input_of(out)
    }

    fn run(&self, input: &Band<'_>, out: &mut BandMut<'_>) {
        Descent::new(self).run(input, out);
    }

    fn in_order(&self) -> Option<Box<dyn InOrder + '_>> {
        Some(Box::new(Descent::new(self)))
    }
}

/// Rows that are resampled side by side, one in each lane, so that the sums along a row need no shuffling.
const LANES: usize = 8;

/// A scale on its way down a frame: scratch, and the rows it has already brought into the domain of averages.
struct Descent<'a> {
    of: &'a ScaleKernel,
    entered: Entered,
    columns: Vec<[f32; LANES]>,
    made: Vec<[f32; LANES]>,
}

impl<'a> Descent<'a> {
    fn new(of: &'a ScaleKernel) -> Self {
        let made = vec![[0.0; LANES]; of.columns.len()];
        Self { of, entered: Entered::default(), columns: Vec::new(), made }
    }
}

impl InOrder for Descent<'_> {
    fn run(&mut self, input: &Band<'_>, out: &mut BandMut<'_>) {
        let level = Level::current();
        let Self { of, entered, columns, made } = self;
        let need = of.input_rows(out.rows());
        let log = of.domain == ScaleDomain::Log;
        if log {
            entered.go_on(level, input, need.clone());
        }
        columns.resize(input.width(), [0.0; LANES]);
        for plane in 0..out.planes() {
            let row = |r| if log { entered.row(plane, r) } else { input.row(plane, r) };
            let rows: Vec<&[f32]> = need.clone().map(row).collect();
            for first in out.rows().step_by(LANES) {
                let lanes = first..(first + LANES).min(out.rows().end);
                let spans: Vec<(usize, &[f32])> =
                    lanes.clone().map(|r| of.rows.of(r)).map(|(at, weights)| (at - need.start, weights)).collect();
                mix_rows(level, &rows, &spans, columns);
                mix_columns(level, columns, &of.columns, made);
                for (lane, row) in lanes.enumerate() {
                    let to = out.row_mut(plane, row);
                    take_lane(level, made, lane, to);
                    if log {
                        domain::leave(level, to);
                    }
                }
            }
        }
    }

    fn taken(&self) -> usize {
        self.entered.rows.end
    }
}

/// The last rows of each plane in the domain of averages.
#[derive(Default)]
struct Entered {
    data: Vec<f32>,
    rows: Range<usize>,
    planes: usize,
    width: usize,
    /// Rows there is room for; row `r` lies at `r` modulo it.
    room: usize,
}

impl Entered {
    /// Brings in those of `rows` that are not here; those before them may go.
    fn go_on(&mut self, level: Level, input: &Band<'_>, rows: Range<usize>) {
        let goes_on = (self.rows.start..=self.rows.end).contains(&rows.start);
        let kept = if goes_on { rows.start..self.rows.end.max(rows.start) } else { rows.start..rows.start };
        if rows.len() > self.room {
            let wider = Self { planes: input.planes(), width: input.width(), room: rows.len(), ..Self::default() };
            let old = std::mem::replace(self, wider);
            self.data = vec![0.0; self.planes * self.room * self.width];
            for (plane, row) in (0..self.planes).flat_map(|p| kept.clone().map(move |r| (p, r))) {
                self.row_mut(plane, row).copy_from_slice(old.row(plane, row));
            }
        }
        for (plane, row) in (0..self.planes).flat_map(|p| (kept.end..rows.end).map(move |r| (p, r))) {
            domain::enter(level, input.row(plane, row), self.row_mut(plane, row));
        }
        self.rows = rows;
    }

    fn at(&self, plane: usize, row: usize) -> Range<usize> {
        let at = (plane * self.room + row % self.room) * self.width;
        at..at + self.width
    }

    fn row(&self, plane: usize, row: usize) -> &[f32] {
        &self.data[self.at(plane, row)]
    }

    fn row_mut(&mut self, plane: usize, row: usize) -> &mut [f32] {
        let at = self.at(plane, row);
        &mut self.data[at]
    }
}

/// Products that are summed in one go; sums of sums keep the rounding of strong reductions small.
const RUN: usize = 16;

/// Columns whose sums are kept in registers.
const BLOCK: usize = 64;

kernel! {
    /// Each lane of `out` becomes the weighted sum of some of `rows`: of which, say its span's first row and its weights.
    ///
    /// Block after block of columns, so that what several lanes need comes from the nearest cache.
    fn mix_rows(rows: &[&[f32]], spans: &[(usize, &[f32])], out: &mut [[f32; LANES]]) {
        let (blocks, rest) = out.as_chunks_mut::<BLOCK>();
        for (at, out) in (0..).step_by(BLOCK).zip(&mut *blocks) {
            let mut sums = [[0f32; BLOCK]; LANES];
            for (sum, &(first, weights)) in sums.iter_mut().zip(spans) {
                *sum = weighted(&rows[first..first + weights.len()], at, weights);
            }
            let [a, b, c, d, e, f, g, h] = &sums;
            for (k, out) in out.iter_mut().enumerate() {
                *out = [a[k], b[k], c[k], d[k], e[k], f[k], g[k], h[k]];
            }
        }
        let done = blocks.len() * BLOCK;
        for (lane, &(first, weights)) in spans.iter().enumerate() {
            for (column, out) in (done..).zip(&mut *rest) {
                let column = weighted_one(&rows[first..first + weights.len()], column, weights);
                out[lane] = column;
            }
        }
    }
}

/// The weighted sum of the block of columns from `at` on.
#[inline(always)]
fn weighted(rows: &[&[f32]], at: usize, weights: &[f32]) -> [f32; BLOCK] {
    let mut sum = [0f32; BLOCK];
    for (rows, weights) in rows.chunks(RUN).zip(weights.chunks(RUN)) {
        let mut part = [0f32; BLOCK];
        for (row, &w) in rows.iter().zip(weights) {
            // Rows are as long as the picture is wide, and the block lies in it.
            let row = row[at..].first_chunk::<BLOCK>().unwrap_or(&[0.0; BLOCK]);
            part.iter_mut().zip(row).for_each(|(p, v)| *p += w * v);
        }
        sum.iter_mut().zip(&part).for_each(|(s, p)| *s += p);
    }
    sum
}

/// The same of one column.
#[inline(always)]
fn weighted_one(rows: &[&[f32]], column: usize, weights: &[f32]) -> f32 {
    let mut sum = 0.0;
    for (rows, weights) in rows.chunks(RUN).zip(weights.chunks(RUN)) {
        let mut part = 0.0;
        for (row, &w) in rows.iter().zip(weights) {
            part += w * row[column];
        }
        sum += part;
    }
    sum
}

kernel! {
    /// Each of `out` becomes the weighted sum of some of `columns`, in every lane.
    fn mix_columns(columns: &[[f32; LANES]], weights: &Weights, out: &mut [[f32; LANES]]) {
        for (i, out) in out.iter_mut().enumerate() {
            let (first, weights) = weights.of(i);
            let mut sum = [0f32; LANES];
            for (columns, weights) in columns[first..first + weights.len()].chunks(RUN).zip(weights.chunks(RUN)) {
                let mut part = [0f32; LANES];
                for (column, &w) in columns.iter().zip(weights) {
                    part.iter_mut().zip(column).for_each(|(p, v)| *p += w * v);
                }
                sum.iter_mut().zip(&part).for_each(|(s, p)| *s += p);
            }
            *out = sum;
        }
    }
}

kernel! {
    fn take_lane(from: &[[f32; LANES]], lane: usize, to: &mut [f32]) {
        let lane = lane % LANES;
        for (to, from) in to.iter_mut().zip(from) {
            *to = from[lane];
        }
    }
}
