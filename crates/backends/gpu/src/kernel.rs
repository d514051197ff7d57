//! One kernel on the device: for tests, and to measure.

use std::ops::Range;
use std::sync::Arc;

use rushes_core::frame::{Band, BandMut, FrameFormat, Pool};
use rushes_core::stage::{FrameKernel, SourceFrame};
use rushes_core::{Error, ErrorKind, Result};

use crate::device::Device;
use crate::layout::{Bounds, Layout, Node, Size};
use crate::program::Programs;

impl Device {
    /// Computes rows `out` of `kernel` by its program, from `input`, which holds its whole input frame. The samples
    /// come plane by plane, rows contiguous.
    ///
    /// # Errors
    /// When there is no program for it, it does not compile, or the device fails.
    pub fn run_kernel(
        &self,
        programs: &Programs,
        kernel: &dyn FrameKernel,
        input: &Band<'_>,
        out: Range<usize>,
    ) -> Result<Vec<f32>> {
        self.run_kernel_while(programs, kernel, input, out, &|| true)
    }

    /// The same; `goes_on` is asked while it waits.
    pub(crate) fn run_kernel_while(
        &self,
        programs: &Programs,
        kernel: &dyn FrameKernel,
        input: &Band<'_>,
        out: Range<usize>,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Vec<f32>> {
        let work = kernel
            .on_device()
            .ok_or_else(|| Error::new(ErrorKind::Unsupported, "the kernel does not say as data what it computes"))?;
        let program = programs
            .get(work.program)
            .ok_or_else(|| Error::new(ErrorKind::Unsupported, format!("there is no program `{}`", work.program)))?;
        let compiled = self.0.compiled(work.program, program)?;
        let who = format!("program `{}`", work.program);
        let nodes = [Node { who, kernel, work, compiled, from: None, read: out.clone() }];
        let source = Size { planes: input.planes(), width: input.width(), height: input.rows().end };
        let layout = Arc::new(Layout::new(source, &nodes, &Bounds::of(&self.0.limits, self.settings().max_binding))?);
        let given = Given { format: kernel.format(), band: input };
        let landed = self.fly(&layout, &nodes, &given, &Pool::default(), goes_on)?;
        let size = Size::of(kernel.format());
        let mut samples = vec![0.0; size.planes * size.width * out.len()];
        landed.rows(0, &mut BandMut::new(&mut samples, size.planes, size.width, out));
        Ok(samples)
    }
}

/// A band as the frame of which it holds all rows.
struct Given<'a> {
    format: &'a FrameFormat,
    band: &'a Band<'a>,
}

impl SourceFrame for Given<'_> {
    fn format(&self) -> FrameFormat {
        self.format.clone()
    }

    fn rows(&self, out: &mut BandMut<'_>) {
        for plane in 0..out.planes() {
            for row in out.rows() {
                out.row_mut(plane, row).copy_from_slice(self.band.row(plane, row));
            }
        }
    }
}
