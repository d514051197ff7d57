//! The interpolating kernel: takes rows in, has the missing colours of each row found, puts the rows together.

use std::ops::Range;

use rushes_core::frame::{Band, BandMut, FrameFormat};
use rushes_core::media::Rect;
use rushes_core::simd::{Level, kernel};
use rushes_core::stage::{FrameKernel, InOrder};

use crate::gbtf::Gbtf;
use crate::linear;
use crate::lines::{Lines, Window, weave};
use crate::params::Method;
use crate::rcd::Rcd;
use crate::working::Working;

/// Which interpolation a kernel runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interpolation {
    Bilinear,
    Malvar,
    Rcd,
    Gbtf,
}

impl Interpolation {
    /// The interpolation of `method`; superpixel has none.
    pub(crate) fn of(method: Method) -> Option<Self> {
        match method {
            Method::Superpixel => None,
            Method::Bilinear => Some(Self::Bilinear),
            Method::Malvar => Some(Self::Malvar),
            Method::Rcd => Some(Self::Rcd),
            Method::Gbtf => Some(Self::Gbtf),
        }
    }

    /// Rows above and below that a row depends on.
    const fn radius(self) -> usize {
        match self {
            Self::Bilinear => 1,
            Self::Malvar => 2,
            Self::Rcd => Rcd::RADIUS,
            Self::Gbtf => Gbtf::RADIUS,
        }
    }
}

/// What a row lacks, as half rows.
#[derive(Debug)]
pub(crate) struct Sites {
    /// Green at chroma sites.
    pub(crate) green: Vec<f32>,
    /// Blue at red sites, red at blue sites.
    pub(crate) opposite: Vec<f32>,
    /// The colour of the row's chroma sites, at its green sites.
    pub(crate) of_row: Vec<f32>,
    /// The colour of the chroma sites of the rows above and below, at this row's green sites.
    pub(crate) of_column: Vec<f32>,
}

impl Sites {
    fn new(len: usize) -> Self {
        let half = || vec![0.0; len];
        Self { green: half(), opposite: half(), of_row: half(), of_column: half() }
    }
}

/// A full-size debayer readied for one format.
#[derive(Debug)]
pub(crate) struct Interpolate {
    pub(crate) format: FrameFormat,
    pub(crate) window: Window,
    pub(crate) working: Working,
    pub(crate) interpolation: Interpolation,
    pub(crate) level: Level,
}

impl FrameKernel for Interpolate {
    fn format(&self) -> &FrameFormat {
        &self.format
    }

    fn input_rows(&self, out: Range<usize>) -> Range<usize> {
        self.window.input_rows(&out, self.interpolation.radius())
    }

    fn run(&self, input: &Band<'_>, out: &mut BandMut<'_>) {
        Descent::new(self, out.rows().start).rows(input, out);
    }

    fn in_order(&self) -> Option<Box<dyn InOrder + '_>> {
        Some(Box::new(Descent::new(self, 0)))
    }
}

/// A debayer on its way down a frame: the rows around the last one that was put together, and what was
/// computed of them.
struct Descent<'a> {
    of: &'a Interpolate,
    panels: Vec<Panel>,
    /// The first row of all.
    first: isize,
    /// The next row to be put together.
    next: isize,
}

/// Columns of a panel: even, so that all begin with the same colours. Fewer cost more calls than they save.
const PANEL: usize = 1024;

/// Columns that are computed from top to bottom of a band before the next are: so many that the rows around a
/// row stay in the nearest cache.
struct Panel {
    window: Window,
    /// Columns left of it.
    left: usize,
    steps: Steps,
    sites: Sites,
}

enum Steps {
    Linear(Lines, fn(&Lines, isize, usize, &mut Sites)),
    Rcd(Box<Rcd>),
    Gbtf(Box<Gbtf>),
}

impl Steps {
    fn lines(&self) -> &Lines {
        match self {
            Self::Linear(lines, _) => lines,
            Self::Rcd(rcd) => rcd.lines(),
            Self::Gbtf(gbtf) => gbtf.lines(),
        }
    }
}

impl<'a> Descent<'a> {
    fn new(of: &'a Interpolate, first: usize) -> Self {
        let panel = |left: usize| {
            let rect =
                Rect { x: of.window.rect.x + left, width: PANEL.min(of.window.rect.width - left), ..of.window.rect };
            let window = Window { rect, ..of.window };
            let lines = || Lines::new(window, of.working, of.level, 2, 8);
            let steps = match of.interpolation {
                Interpolation::Bilinear => Steps::Linear(lines(), linear::bilinear),
                Interpolation::Malvar => Steps::Linear(lines(), linear::malvar),
                Interpolation::Rcd => Steps::Rcd(Box::new(Rcd::new(window, of.working, of.level))),
                Interpolation::Gbtf => Steps::Gbtf(Box::new(Gbtf::new(window, of.working, of.level))),
            };
            let sites = Sites::new(steps.lines().inside().len());
            Panel { window, left, steps, sites }
        };
        let panels = (0..of.window.rect.width).step_by(PANEL).map(panel).collect();
        // As signed numbers, because the rows around the first one lie before the frame.
        Self { of, panels, first: first as isize, next: first as isize }
    }

    fn rows(&mut self, input: &Band<'_>, out: &mut BandMut<'_>) {
        let radius = self.of.interpolation.radius() as isize;
        let (start, end) = (out.rows().start as isize, out.rows().end as isize);
        // The rows around the first one come before it.
        let newest = if start == self.first { start - radius } else { start + radius };
        for panel in &mut self.panels {
            for newest in newest..end + radius {
                let y = newest - radius;
                match &mut panel.steps {
                    Steps::Linear(lines, filter) => {
                        lines.push(input, newest);
                        if y >= self.first {
                            filter(lines, y, panel.window.chroma_parity(y), &mut panel.sites);
                        }
                    }
                    Steps::Rcd(rcd) => {
                        rcd.push(input, newest, self.first);
                        if y >= self.first {
                            rcd.finish(y, &mut panel.sites);
                        }
                    }
                    Steps::Gbtf(gbtf) => {
                        gbtf.push(input, newest, self.first);
                        if y >= self.first {
                            gbtf.finish(y, &mut panel.sites);
                        }
                    }
                }
                if y >= self.first {
                    self.of.emit(panel, y, input, out);
                }
            }
        }
        self.next = end;
    }
}

impl InOrder for Descent<'_> {
    fn run(&mut self, input: &Band<'_>, out: &mut BandMut<'_>) {
        let start = out.rows().start;
        if self.next != start as isize {
            *self = Self::new(self.of, start);
        }
        self.rows(input, out);
    }
}

impl Interpolate {
    /// Puts row `y` together of its samples and of what was interpolated, and writes it.
    fn emit(&self, panel: &mut Panel, y: isize, input: &Band<'_>, out: &mut BandMut<'_>) {
        let Panel { window, left, steps, sites } = panel;
        let (lines, rect) = (steps.lines(), window.rect);
        let (color, parity) = (window.chroma(y), window.chroma_parity(y));
        self.working.leave(self.level, 1, &mut sites.green);
        self.working.leave(self.level, 2 - color, &mut sites.opposite);
        self.working.leave(self.level, color, &mut sites.of_row);
        self.working.leave(self.level, 2 - color, &mut sites.of_column);

        let range = lines.inside();
        let chroma = lines.tap(y, parity as isize, &range);
        let green = lines.tap(y, 1 - parity as isize, &range);
        // Rows of the window are not negative.
        let row = y as usize;
        let planes = out.rgb_row_mut(row).map(|plane| &mut plane[*left..*left + rect.width]);
        for (plane, at_chroma, at_green) in [
            (color, chroma, sites.of_row.as_slice()),
            (1, &sites.green, green),
            (2 - color, &sites.opposite, &sites.of_column),
        ] {
            let (even, odd) = if parity == 0 { (at_chroma, at_green) } else { (at_green, at_chroma) };
            weave(self.level, even, odd, planes[plane]);
        }
        if !self.working.is_identity() {
            // There and back again is not exact: measured samples are taken from the input.
            let samples = &input.row(0, rect.y + row)[rect.x..rect.x + rect.width];
            restore(self.level, samples, parity, planes[color]);
            restore(self.level, samples, 1 - parity, planes[1]);
        }
    }
}

kernel! {
    /// Copies every second sample, from `parity` on.
    fn restore(samples: &[f32], parity: usize, out: &mut [f32]) {
        // A choice of bits in each lane: stores that leave lanes out would be taken apart.
        let keep = if parity == 0 { [0, !0] } else { [!0, 0] };
        let (pairs, last) = out.as_chunks_mut::<2>();
        for (out, sample) in pairs.iter_mut().zip(samples.as_chunks::<2>().0) {
            for i in 0..2 {
                out[i] = f32::from_bits(out[i].to_bits() & keep[i] | sample[i].to_bits() & !keep[i]);
            }
        }
        if let ([last], 0, Some(sample)) = (last, parity, samples.last()) {
            *last = *sample;
        }
    }
}
