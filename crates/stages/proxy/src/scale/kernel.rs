//! Rows of a picture at another size.

use std::ops::Range;
use std::sync::Arc;

use rushes_core::frame::{Band, BandMut, FrameFormat, Pool, Pooled};
use rushes_core::simd::{Level, kernel};
use rushes_core::stage::{DeviceWork, FrameKernel, InOrder};

use super::domain::{self, ScaleDomain};
use super::weights::Weights;

/// Rows are mixed first, then columns: a reduction leaves half as many rows to run along.
pub(super) struct ScaleKernel {
    pub(super) format: FrameFormat,
    pub(super) columns: Arc<Weights>,
    pub(super) rows: Arc<Weights>,
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

    /// Words: 1 where samples are averaged as logarithms. Tables: for columns and for rows, the spans and weights of
    /// [`Weights::on_device`].
    fn on_device(&self) -> Option<DeviceWork> {
        let work = DeviceWork::new("scale").word((self.domain == ScaleDomain::Log).into());
        let tables = [self.columns.on_device()?, self.rows.on_device()?];
        Some(tables.into_iter().flatten().fold(work, |work, table| work.table(Arc::clone(table))))
    }
}

/// Rows that are resampled side by side, one in each lane, so that the sums along a row need no shuffling.
const LANES: usize = 8;

/// A column of as many rows.
#[derive(Debug, Clone, Copy)]
#[repr(align(32))]
struct Column([f32; LANES]);

/// A scale on its way down a frame: scratch, and the rows it has already brought into the domain of averages.
struct Descent<'a> {
    of: &'a ScaleKernel,
    entered: Entered,
    columns: [Vec<Column>; PLANES],
    made: [Vec<Column>; PLANES],
}

/// Planes of a picture; their columns are mixed by the same weights.
const PLANES: usize = 3;

impl<'a> Descent<'a> {
    fn new(of: &'a ScaleKernel) -> Self {
        let made = [(); PLANES].map(|()| vec![Column([0.0; LANES]); of.columns.len()]);
        Self { of, entered: Entered::default(), columns: Default::default(), made }
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
        for first in out.rows().step_by(LANES) {
            let lanes = first..(first + LANES).min(out.rows().end);
            let spans: Vec<(usize, &[f32])> =
                lanes.clone().map(|r| of.rows.of(r)).map(|(at, weights)| (at - need.start, weights)).collect();
            for (plane, columns) in columns.iter_mut().enumerate() {
                let row = |r| if log { entered.row(plane, r) } else { input.row(plane, r) };
                let rows: Vec<&[f32]> = need.clone().map(row).collect();
                columns.resize(input.width(), Column([0.0; LANES]));
                mix_rows(level, &rows, &spans, columns);
            }
            let [a, b, c] = &*columns;
            let [to_a, to_b, to_c] = made;
            mix_columns(level, [a, b, c], &of.columns, [to_a, to_b, to_c]);
            for (plane, made) in made.iter().enumerate() {
                for (lane, row) in lanes.clone().enumerate() {
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
    data: Option<Pooled<f32>>,
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
            self.data = Some(Pool::default().take(self.planes * self.room * self.width));
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
        &self.data.as_deref().unwrap_or_default()[self.at(plane, row)]
    }

    fn row_mut(&mut self, plane: usize, row: usize) -> &mut [f32] {
        let at = self.at(plane, row);
        &mut self.data.as_deref_mut().unwrap_or_default()[at]
    }
}

/// Products that are summed in one go; sums of sums keep the rounding of strong reductions small.
const RUN: usize = 16;

/// Columns whose sums are kept in registers.
const BLOCK: usize = 128;

kernel! {
    /// Each lane of `out` becomes the weighted sum of some of `rows`: of which, say its span's first row and its weights.
    ///
    /// Block after block of columns, so that what several lanes need comes from the nearest cache.
    fn mix_rows(rows: &[&[f32]], spans: &[(usize, &[f32])], out: &mut [Column]) {
        let (blocks, rest) = out.as_chunks_mut::<BLOCK>();
        for (at, out) in (0..).step_by(BLOCK).zip(&mut *blocks) {
            let mut sums = [[0f32; BLOCK]; LANES];
            for (sum, &(first, weights)) in sums.iter_mut().zip(spans) {
                *sum = weighted(&rows[first..first + weights.len()], at, weights);
            }
            let [a, b, c, d, e, f, g, h] = &sums;
            for (k, out) in out.iter_mut().enumerate() {
                out.0 = [a[k], b[k], c[k], d[k], e[k], f[k], g[k], h[k]];
            }
        }
        let done = blocks.len() * BLOCK;
        for (lane, &(first, weights)) in spans.iter().enumerate() {
            for (column, out) in (done..).zip(&mut *rest) {
                out.0[lane] = weighted_one(&rows[first..first + weights.len()], column, weights);
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
        for (row, w) in rows.iter().zip(weights) {
            // Rows are as long as the picture is wide, and the block lies in it.
            let row = row[at..].first_chunk::<BLOCK>().unwrap_or(&[0.0; BLOCK]);
            part.iter_mut().zip(row).for_each(|(p, v)| *p = w.mul_add(*v, *p));
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
        sum += rows.iter().zip(weights).fold(0.0, |part, (row, w)| w.mul_add(row[column], part));
    }
    sum
}

kernel! {
    /// Each of `out` becomes the weighted sum of some of `columns`, in every lane and plane.
    fn mix_columns(columns: [&[Column]; PLANES], weights: &Weights, out: [&mut [Column]; PLANES]) {
        let [a, b, c] = columns;
        let [to_a, to_b, to_c] = out;
        for (i, ((to_a, to_b), to_c)) in to_a.iter_mut().zip(to_b).zip(to_c).enumerate() {
            let (first, weights) = weights.of(i);
            let mut sums = [[0f32; LANES]; PLANES];
            for (first, weights) in (first..).step_by(RUN).zip(weights.chunks(RUN)) {
                let span = first..first + weights.len();
                let mut parts = [[0f32; LANES]; PLANES];
                for (((a, b), c), w) in a[span.clone()].iter().zip(&b[span.clone()]).zip(&c[span]).zip(weights) {
                    for (part, column) in parts.iter_mut().zip([a, b, c]) {
                        part.iter_mut().zip(&column.0).for_each(|(p, v)| *p = w.mul_add(*v, *p));
                    }
                }
                for (sum, part) in sums.iter_mut().zip(&parts) {
                    sum.iter_mut().zip(part).for_each(|(s, p)| *s += p);
                }
            }
            [to_a.0, to_b.0, to_c.0] = sums;
        }
    }
}

kernel! {
    fn take_lane(from: &[Column], lane: usize, to: &mut [f32]) {
        let lane = lane % LANES;
        for (to, from) in to.iter_mut().zip(from) {
            *to = from.0[lane];
        }
    }
}
