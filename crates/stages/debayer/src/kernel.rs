//! The interpolating kernel: panel by panel from top to bottom of a band, with what a panel keeps from band to band.

use std::ops::Range;

use rushes_core::frame::{Band, BandMut, FrameFormat};
use rushes_core::simd::Level;
use rushes_core::stage::{DeviceWork, FrameKernel, InOrder};

use crate::gbtf::{self, Gbtf};
use crate::linear::{self, Filter, Linear};
use crate::panel::Panel;
use crate::params::Method;
use crate::rcd::{self, Rcd};
use crate::window::Window;
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
            Self::Bilinear => Filter::Bilinear.radius(),
            Self::Malvar => Filter::Malvar.radius(),
            Self::Rcd => Rcd::RADIUS,
            Self::Gbtf => Gbtf::RADIUS,
        }
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

    /// Words: those of [`Window::on_device`], then those of [`Working::on_device`].
    fn on_device(&self) -> Option<DeviceWork> {
        let program = match self.interpolation {
            Interpolation::Bilinear => "debayer-bilinear",
            Interpolation::Malvar => "debayer-malvar",
            Interpolation::Rcd => "debayer-rcd",
            Interpolation::Gbtf => "debayer-gbtf",
        };
        Some(self.working.on_device(self.window.on_device(DeviceWork::new(program))))
    }
}

/// Bytes in a line of the cache.
const LINE: usize = 64;

/// A debayer on its way down a frame: the rows around the last one that was put together, and what was
/// computed of them.
struct Descent<'a> {
    of: &'a Interpolate,
    panels: Vec<Steps>,
    /// The first row of all.
    first: isize,
    /// The next row to be put together.
    next: isize,
}

/// What a panel keeps from row to row.
enum Steps {
    Linear(Box<Linear>),
    Rcd(Box<Rcd>),
    Gbtf(Box<Gbtf>),
}

impl<'a> Descent<'a> {
    fn new(of: &'a Interpolate, first: usize) -> Self {
        // As signed numbers, because the rows around the first one lie before the frame.
        Self { of, panels: Vec::new(), first: first as isize, next: first as isize }
    }

    /// Makes the panels for rows that are written as those of `out`.
    fn begin(&mut self, out: &mut BandMut<'_>) {
        let of = self.of;
        let steps = |panel: Panel| match of.interpolation {
            Interpolation::Bilinear => Steps::Linear(Box::new(Linear::new(panel, of.working, Filter::Bilinear))),
            Interpolation::Malvar => Steps::Linear(Box::new(Linear::new(panel, of.working, Filter::Malvar))),
            Interpolation::Rcd => Steps::Rcd(Box::new(Rcd::new(panel, of.working))),
            Interpolation::Gbtf => Steps::Gbtf(Box::new(Gbtf::new(panel, of.working))),
        };
        let head = match of.interpolation {
            // What the linear filters spend is mostly writing, and vectors that cross lines of the cache cost twice as
            // much: the columns up to the first line are a panel of their own.
            Interpolation::Bilinear | Interpolation::Malvar => {
                let row = out.rows().start;
                let head = out.row_mut(0, row).as_ptr().align_offset(LINE);
                if head.is_multiple_of(2) && head < LINE { head } else { 0 }
            }
            Interpolation::Rcd | Interpolation::Gbtf => 0,
        };
        self.panels = Panel::all(of.window, head).map(steps).collect();
    }

    fn rows(&mut self, input: &Band<'_>, out: &mut BandMut<'_>) {
        let (level, radius) = (self.of.level, self.of.interpolation.radius() as isize);
        let (start, end) = (out.rows().start as isize, out.rows().end as isize);
        // The rows around the first one come before it.
        let newest = if start == self.first { start - radius } else { start + radius };
        if self.panels.is_empty() {
            self.begin(out);
        }
        for panel in &mut self.panels {
            let newest = newest..end + radius;
            match panel {
                Steps::Linear(linear) => linear::advance(level, linear, input, out, newest, self.first),
                Steps::Rcd(rcd) => rcd::advance(level, rcd, input, out, newest, self.first),
                Steps::Gbtf(gbtf) => gbtf::advance(level, gbtf, input, out, newest, self.first),
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
