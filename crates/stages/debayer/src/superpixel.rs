//! One pixel for each 2x2 block.

use std::ops::Range;

use rushes_core::frame::{Band, BandMut, FrameFormat};
use rushes_core::stage::{DeviceWork, FrameKernel};

use crate::window::Window;

/// The superpixel debayer readied for one format. Blocks start at the window's top left, whatever its phase;
/// an odd last row or column is left out.
#[derive(Debug)]
pub(crate) struct Superpixel {
    pub(crate) format: FrameFormat,
    pub(crate) window: Window,
}

impl FrameKernel for Superpixel {
    fn format(&self) -> &FrameFormat {
        &self.format
    }

    fn input_rows(&self, out: Range<usize>) -> Range<usize> {
        let top = self.window.rect.y;
        top + 2 * out.start..top + 2 * out.end
    }

    fn run(&self, input: &Band<'_>, out: &mut BandMut<'_>) {
        let rect = self.window.rect;
        let (red_row, red_col) = self.window.cfa.red_at();
        for y in out.rows() {
            let row = |i: usize| &input.row(0, rect.y + 2 * y + i)[rect.x..rect.x + rect.width];
            let (of_red, of_blue) = (row(red_row), row(1 - red_row));
            let rgb = out.rgb_row_mut(y);
            if red_col == 0 { blocks::<0>(of_red, of_blue, rgb) } else { blocks::<1>(of_red, of_blue, rgb) }
        }
    }

    /// Words: those of [`Window::on_device`].
    fn on_device(&self) -> Option<DeviceWork> {
        Some(self.window.on_device(DeviceWork::new("debayer-superpixel")))
    }
}

/// A row of blocks from the mosaic row that holds red, in columns `2 * k + RED`, and the one that holds blue.
pub(crate) fn blocks<const RED: usize>(of_red: &[f32], of_blue: &[f32], [r, g, b]: [&mut [f32]; 3]) {
    let (of_red, of_blue) = (of_red.as_chunks::<2>().0, of_blue.as_chunks::<2>().0);
    for ((((x, y), r), g), b) in of_red.iter().zip(of_blue).zip(r).zip(g).zip(b) {
        *r = x[RED];
        *g = (x[1 - RED] + y[RED]) * 0.5;
        *b = y[1 - RED];
    }
}
