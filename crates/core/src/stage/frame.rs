//! Stages that compute pixels.

use std::ops::Range;

use super::{DeviceWork, StageInfo};
use crate::error::Result;
use crate::frame::{Band, BandMut, FrameFormat, ImageState};

/// A pure function of pixels and parameters.
pub trait FrameStage: StageInfo {
    /// The state it takes.
    fn input(&self) -> ImageState;

    /// The state it gives.
    fn output(&self) -> ImageState;

    /// Readies the stage for frames of `input`: checks the facts it needs, computes tables.
    /// Called once at plan time and once per frame.
    ///
    /// # Errors
    /// When a needed fact is missing or contradictory; the message says which and what to do.
    fn prepare(&self, input: &FrameFormat) -> Result<Box<dyn FrameKernel>>;
}

/// A frame stage readied for one format. Computes any band of output rows, in any order,
/// from any thread; equal rows come out whatever the banding.
pub trait FrameKernel: Send + Sync {
    /// Size, state and facts of what comes out.
    fn format(&self) -> &FrameFormat;

    /// The input rows needed to compute output rows `out`, clamped to the input frame.
    /// Must not move backwards: a later `out` never needs rows before those of an earlier one.
    fn input_rows(&self, out: Range<usize>) -> Range<usize>;

    /// Computes the rows of `out` from `input`, which holds at least
    /// `input_rows(out.rows())`. `out` comes in with unspecified contents.
    fn run(&self, input: &Band<'_>, out: &mut BandMut<'_>);

    /// As [`FrameKernel::run`], for bands that come one after the other from top to bottom, each beginning
    /// where the last ended: what was computed for the rows around one band may be kept for the
    /// next. The rows that come out are equal. Default: `None`, nothing is worth keeping.
    fn in_order(&self) -> Option<Box<dyn InOrder + '_>> {
        None
    }

    /// The same work as data, for devices. Default: `None`, it can only be called.
    fn on_device(&self) -> Option<DeviceWork> {
        None
    }
}

/// A kernel on its way down a frame.
pub trait InOrder {
    /// As [`FrameKernel::run`]. A band that does not begin where the last one ended is computed afresh.
    fn run(&mut self, input: &Band<'_>, out: &mut BandMut<'_>);

    /// The first input row that it has not taken: of those before it, it keeps what the next bands need, and they
    /// need not be given again as long as bands follow each other. Default: 0, all rows that
    /// [`FrameKernel::input_rows`] names are wanted.
    fn taken(&self) -> usize {
        0
    }
}
