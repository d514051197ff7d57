//! Single frames, ready for a display: what a viewer or a plug-in asks for.

use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ndarray::Array3;
use rushes_core::error::guarded;
use rushes_core::frame::{Band, BandMut, FrameFormat, ImageState};
use rushes_core::graph::Registry;
use rushes_core::run::CancellationToken;
use rushes_core::stage::{ClipRef, DeviceWork, FrameKernel};
use rushes_core::{Error, ErrorKind, Result};
use rushes_local::{Decoded, OpenCoprocessor as _, Preview};
use serde_json::Value;

use crate::device::{Device, lock};
use crate::executor::Gpu;
use crate::program::Programs;
use crate::unit::OnDevice;

/// How a picture's pixels become words: red in the lowest bits, alpha full. Samples are clamped to 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Packing {
    /// Ten bits a channel, two for alpha: `R10G10B10A2` of Direct3D, `A2B10G10R10` of Vulkan.
    Rgb10A2,
    /// Eight bits a channel: `RGBA8` in the order of bytes.
    Rgba8,
}

/// As [`Preview`], with a GPU for the stages that have a program.
///
/// ```no_run
/// use rushes_gpu::{Device, GpuPreview, Packing, Settings};
/// use serde_json::json;
///
/// # fn f(registry: &rushes_core::graph::Registry, clip: &rushes_core::stage::ClipRef) -> rushes_core::Result<()> {
/// let chain = [
///     ("decode", json!({})),
///     ("linearize", json!({})),
///     ("debayer", json!({ "method": "rcd" })),
///     ("input-transform", json!({})),
///     ("output-transform", json!({ "display": "rec709" })),
/// ];
/// let preview = GpuPreview::open(Device::open("best", Settings::default())?, registry, clip, &chain)?;
/// let mut words = Vec::new();
/// let format = preview.packed_into(86_400, Packing::Rgb10A2, &mut words)?;
/// assert_eq!(words.len(), format.width * format.height);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct GpuPreview {
    local: Preview,
    gpu: Gpu,
    open: Mutex<Option<Arc<OnDevice>>>,
    within: Duration,
    cancel: CancellationToken,
}

impl GpuPreview {
    /// As [`Preview::open`], on `device`, with the programs that come with Rushes.
    ///
    /// # Errors
    /// As [`Preview::open`]. Whether the device has programs for the chain turns out with the first frame.
    pub fn open(device: Device, registry: &Registry, clip: &ClipRef, chain: &[(&str, Value)]) -> Result<Self> {
        Self::with_programs(device, Programs::stock(), registry, clip, chain)
    }

    /// With the programs of `programs` alone.
    ///
    /// # Errors
    /// As [`GpuPreview::open`].
    pub fn with_programs(
        device: Device,
        programs: Programs,
        registry: &Registry,
        clip: &ClipRef,
        chain: &[(&str, Value)],
    ) -> Result<Self> {
        let local = Preview::open(registry, clip, chain)?;
        let (gpu, open) = (Gpu::new(device, programs), Mutex::default());
        Ok(Self { local, gpu, open, within: Duration::from_secs(10), cancel: CancellationToken::new() })
    }

    /// How long a call may wait for the device; 10 seconds if not said. Then it fails with an error that says that it
    /// may be tried again.
    pub fn within(mut self, limit: Duration) -> Self {
        self.within = limit;
        self
    }

    /// When `cancel` fires, calls that wait for the device end with an error of kind `Cancelled`, and so do later ones.
    pub fn cancelled_by(mut self, cancel: CancellationToken) -> Self {
        self.cancel = cancel;
        self
    }

    /// The picture of `frame`: its format, and its samples as (planes, rows, columns).
    ///
    /// # Errors
    /// As [`Preview::frame`]; when the device fails or has no program for the chain.
    pub fn frame(&self, frame: i64) -> Result<(FrameFormat, Array3<f32>)> {
        let mut picture = Array3::default((0, 0, 0));
        Ok((self.frame_into(frame, &mut picture)?, picture))
    }

    /// As [`GpuPreview::frame`], into a picture that was used before, as [`Preview::frame_into`].
    ///
    /// # Errors
    /// As [`GpuPreview::frame`].
    pub fn frame_into(&self, frame: i64, picture: &mut Array3<f32>) -> Result<FrameFormat> {
        self.guarded(frame, || self.picture(frame, &self.local.decode(frame)?, picture))
    }

    /// The picture of `frame` as one word a pixel, row by row, in `words`, whose memory is taken over. The words are
    /// made on the device if the chain's last stage is there, which saves most of the way back.
    ///
    /// # Errors
    /// As [`GpuPreview::frame`], and when the picture is no RGB.
    pub fn packed_into(&self, frame: i64, packing: Packing, words: &mut Vec<u32>) -> Result<FrameFormat> {
        self.guarded(frame, || self.packed(frame, packing, words))
    }

    fn packed(&self, frame: i64, packing: Packing, words: &mut Vec<u32>) -> Result<FrameFormat> {
        let decoded = self.local.decode(frame)?;
        let on = self.on_device(&decoded)?;
        if decoded.tree.nodes.last().is_none_or(|n| n.format.planes() != 3) {
            return Err(Error::new(ErrorKind::Unsupported, "the chain's picture is no RGB, and cannot be packed"));
        }
        let packed =
            self.waiting(|goes_on| on.compute_packed(&decoded.tree, decoded.rows.as_ref(), packing, words, goes_on));
        if let Some(format) = packed? {
            return Ok(format);
        }
        let mut picture = Array3::default((0, 0, 0));
        let format = self.picture(frame, &decoded, &mut picture)?;
        let whole = Band::new(picture.as_slice().unwrap_or_default(), 3, format.width, 0..format.height);
        words.resize(format.width * format.height, 0);
        for (row, words) in words.chunks_exact_mut(format.width).enumerate() {
            packing.pack([0, 1, 2].map(|p| whole.row(p, row)), words);
        }
        Ok(format)
    }

    fn picture(&self, frame: i64, decoded: &Decoded, picture: &mut Array3<f32>) -> Result<FrameFormat> {
        let (on, source) = (self.on_device(decoded)?, decoded.rows.as_ref());
        let computed = self.waiting(|goes_on| on.compute(&decoded.tree, source, goes_on))?;
        let mut rows = vec![(0, source)];
        rows.extend(computed.iter().map(|(node, rows)| (*node, rows.as_ref())));
        self.local.finish(frame, &decoded.tree, &rows, picture)
    }

    /// Does what waits for the device; `work` is given what it is to ask whether it goes on.
    fn waiting<T>(&self, work: impl FnOnce(&(dyn Fn() -> bool + Sync)) -> Result<T>) -> Result<T> {
        let begun = Instant::now();
        let done = work(&|| !self.cancel.is_cancelled() && begun.elapsed() < self.within);
        done.map_err(|e| match e.kind() {
            ErrorKind::Cancelled if !self.cancel.is_cancelled() => {
                Error::new(ErrorKind::Io, format!("the GPU gave no picture within {:?}", self.within))
                    .advice("try again, allow more time, or use the CPU")
                    .retryable()
            }
            _ => e,
        })
    }

    fn guarded<T>(&self, frame: i64, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let done = guarded("a stage of the preview", work);
        done.map_err(|e| e.doing("making a preview on the GPU").clip(self.local.clip()).frame(frame))
    }

    fn on_device(&self, decoded: &Decoded) -> Result<Arc<OnDevice>> {
        let mut open = lock(&self.open);
        if let Some(there) = open.as_ref().filter(|on| on.is_there()) {
            return Ok(Arc::clone(there));
        }
        let new = Arc::new(self.gpu.ready(&decoded.tree)?);
        *open = Some(Arc::clone(&new));
        Ok(new)
    }
}

impl Packing {
    /// The words of a row of red, green and blue.
    fn pack(self, rgb: [&[f32]; 3], words: &mut [u32]) {
        let (bits, alpha) = match self {
            Self::Rgb10A2 => (10, 3),
            Self::Rgba8 => (8, 255),
        };
        let most = ((1 << bits) - 1) as f32;
        for (col, word) in words.iter_mut().enumerate() {
            let code = |plane: usize| (rgb[plane][col].clamp(0.0, 1.0) * most + 0.5) as u32;
            *word = (0..3).rev().fold(alpha, |word, plane| (word << bits) | code(plane));
        }
    }
}

/// The packing of an RGB picture as a kernel: a word lies in the place of a sample of one plane.
pub(crate) struct Pack {
    packing: Packing,
    format: FrameFormat,
}

impl Pack {
    pub(crate) fn new(packing: Packing, of: &FrameFormat) -> Self {
        // The state with one plane.
        Self { packing, format: FrameFormat { state: ImageState::Linear, ..of.clone() } }
    }
}

impl FrameKernel for Pack {
    fn format(&self) -> &FrameFormat {
        &self.format
    }

    fn input_rows(&self, out: Range<usize>) -> Range<usize> {
        out
    }

    fn run(&self, input: &Band<'_>, out: &mut BandMut<'_>) {
        for row in out.rows() {
            let words = bytemuck::cast_slice_mut(out.row_mut(0, row));
            self.packing.pack([0, 1, 2].map(|p| input.row(p, row)), words);
        }
    }

    fn on_device(&self) -> Option<DeviceWork> {
        Some(DeviceWork::new(crate::programs::pack(self.packing).0))
    }
}
