//! The interpolating kernel: takes rows in, has the missing colours of each row found, puts the rows together.

use std::ops::Range;

use rushes_core::frame::{Band, BandMut, FrameFormat};
use rushes_core::simd::Level;
use rushes_core::stage::FrameKernel;

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
}

impl Interpolation {
    /// The interpolation of `method`; superpixel has none.
    pub(crate) fn of(method: Method) -> Option<Self> {
        match method {
            Method::Superpixel => None,
            Method::Bilinear => Some(Self::Bilinear),
            Method::Malvar => Some(Self::Malvar),
            Method::Rcd => Some(Self::Rcd),
        }
    }

    /// Rows above and below that a row depends on.
    const fn radius(self) -> usize {
        match self {
            Self::Bilinear => 1,
            Self::Malvar => 2,
            Self::Rcd => Rcd::RADIUS,
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
        match self.interpolation {
            Interpolation::Bilinear => self.linear(input, out, linear::bilinear),
            Interpolation::Malvar => self.linear(input, out, linear::malvar),
            Interpolation::Rcd => self.rcd(input, out),
        }
    }
}

impl Interpolate {
    fn linear(&self, input: &Band<'_>, out: &mut BandMut<'_>, filter: fn(&Lines, isize, usize, &mut Sites)) {
        let radius = self.interpolation.radius() as isize;
        let mut lines = Lines::new(self.window, self.working, self.level, 2, 8);
        let mut sites = Sites::new(lines.inside().len());
        let (start, end) = (out.rows().start as isize, out.rows().end as isize);
        for newest in start - radius..end + radius {
            lines.push(input, newest);
            let y = newest - radius;
            if y >= start {
                filter(&lines, y, self.window.chroma_parity(y), &mut sites);
                self.emit(&lines, y, &mut sites, input, out);
            }
        }
    }

    fn rcd(&self, input: &Band<'_>, out: &mut BandMut<'_>) {
        let radius = Rcd::RADIUS as isize;
        let mut rcd = Rcd::new(self.window, self.working, self.level);
        let mut sites = Sites::new(rcd.lines().inside().len());
        let (start, end) = (out.rows().start as isize, out.rows().end as isize);
        for newest in start - radius..end + radius {
            rcd.push(input, newest, start);
            let y = newest - radius;
            if y >= start {
                rcd.finish(y, &mut sites);
                self.emit(rcd.lines(), y, &mut sites, input, out);
            }
        }
    }

    /// Puts row `y` together of its samples and of what was interpolated, and writes it.
    fn emit(&self, lines: &Lines, y: isize, sites: &mut Sites, input: &Band<'_>, out: &mut BandMut<'_>) {
        let (color, parity) = (self.window.chroma(y), self.window.chroma_parity(y));
        self.working.leave(self.level, 1, &mut sites.green);
        self.working.leave(self.level, 2 - color, &mut sites.opposite);
        self.working.leave(self.level, color, &mut sites.of_row);
        self.working.leave(self.level, 2 - color, &mut sites.of_column);

        let range = lines.inside();
        let chroma = lines.tap(y, parity as isize, &range);
        let green = lines.tap(y, 1 - parity as isize, &range);
        // Rows of the window are not negative.
        let row = y as usize;
        let planes = out.rgb_row_mut(row);
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
            let rect = self.window.rect;
            let samples = &input.row(0, rect.y + row)[rect.x..rect.x + rect.width];
            restore(planes[color], samples, parity);
            restore(planes[1], samples, 1 - parity);
        }
    }
}

/// Copies every second sample, from `parity` on.
fn restore(out: &mut [f32], samples: &[f32], parity: usize) {
    for (v, s) in out.iter_mut().zip(samples).skip(parity).step_by(2) {
        *v = *s;
    }
}
