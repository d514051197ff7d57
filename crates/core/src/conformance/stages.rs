//! Stages for testing executors: cheap, exact, and able to misbehave on demand.

use std::fs::File;
use std::io::Write as _;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use ndarray::Array3;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::frame::{Band, BandMut, Frame, FrameFacts, FrameFormat, ImageState, Mosaic};
use crate::graph::Registry;
use crate::media::{Digest, FrameRange};
use crate::stage::{
    ClipReader, ClipRef, DeviceWork, Encoded, FrameKernel, FrameSink, FrameStage, OutputFile, Sink, SinkContext,
    SinkWriter, Source, SourceFrame, StageInfo,
};

/// The registry with the stages of this module: `test-pattern`, `test-blur`, `test-half`,
/// `test-frames` and `test-reel`.
pub fn registry() -> Registry {
    let mut r = Registry::new();
    r.source::<Pattern>("test-pattern");
    r.frame::<Blur>("test-blur");
    r.frame::<Half>("test-half");
    r.with("test-frames", |v| Ok(crate::graph::AnyStage::sink(serde_json::from_value::<Files>(v)?.one_each())));
    r.with("test-reel", |v| Ok(crate::graph::AnyStage::sink(serde_json::from_value::<Files>(v)?.one_in_all())));
    r
}

fn params(of: &impl Serialize) -> Value {
    serde_json::to_value(of).unwrap_or(Value::Null)
}

/// A mosaic that differs in every sample and frame; needs no files.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pattern {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Milliseconds a decode takes.
    pub slow_ms: u64,
    /// The frame at which decoding fails.
    pub fail_at: Option<i64>,
    /// The frame at which decoding panics.
    pub panic_at: Option<i64>,
    /// A file that grows by a byte with each decode.
    pub count_in: Option<PathBuf>,
}

impl Default for Pattern {
    fn default() -> Self {
        Self { width: 61, height: 47, slow_ms: 0, fail_at: None, panic_at: None, count_in: None }
    }
}

impl Pattern {
    /// The sample at `row`, `col` of `frame`.
    pub fn sample(frame: i64, row: usize, col: usize) -> f32 {
        let mut h = (frame as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ ((row as u64) << 20) ^ col as u64;
        h = (h ^ (h >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((h >> 40) & 0xfff) as f32
    }
}

impl StageInfo for Pattern {
    fn name(&self) -> &'static str {
        "test-pattern"
    }
    fn version(&self) -> u32 {
        1
    }
    fn params(&self) -> Value {
        params(self)
    }
}

impl Source for Pattern {
    fn accepts(&self, _: &ClipRef) -> Result<()> {
        Ok(())
    }
    fn open(&self, _: &ClipRef) -> Result<Box<dyn ClipReader>> {
        Ok(Box::new(self.clone()))
    }
}

impl ClipReader for Pattern {
    fn format(&self, frame: i64) -> Result<FrameFormat> {
        let facts = FrameFacts { frame, ..FrameFacts::default() };
        Ok(FrameFormat { state: ImageState::Mosaic, width: self.width, height: self.height, facts })
    }

    fn bytes_needed(&self, _: i64) -> Result<u64> {
        Ok((self.width * self.height * 4) as u64)
    }

    fn decode(&self, frame: i64) -> Result<Box<dyn SourceFrame>> {
        if let Some(path) = &self.count_in {
            let file = File::options().create(true).append(true).open(path);
            file.and_then(|mut f| f.write_all(b".")).map_err(|e| Error::io(path, e))?;
        }
        std::thread::sleep(Duration::from_millis(self.slow_ms));
        if self.fail_at == Some(frame) {
            return Err(Error::new(ErrorKind::BadMedia, "the test frame is damaged on purpose"));
        }
        assert!(self.panic_at != Some(frame), "the test source panics on purpose");
        let facts = FrameFacts { frame, ..FrameFacts::default() };
        let planes = Array3::from_shape_fn((1, self.height, self.width), |(_, r, c)| Self::sample(frame, r, c));
        Ok(Box::new(Frame::<Mosaic>::new(planes, facts)?))
    }
}

/// The mean of a row and its neighbours `radius` rows up and down (fewer at the borders).
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blur {
    /// Rows on each side.
    pub radius: usize,
    /// Panics at this output row.
    #[serde(default)]
    pub panic_at: Option<usize>,
}

/// Every second row, the mean of two; as many columns.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Half {}

struct BlurKernel(Blur, FrameFormat);
struct HalfKernel(FrameFormat, usize);

impl StageInfo for Blur {
    fn name(&self) -> &'static str {
        "test-blur"
    }
    fn version(&self) -> u32 {
        1
    }
    fn params(&self) -> Value {
        params(self)
    }
}

impl FrameStage for Blur {
    fn input(&self) -> ImageState {
        ImageState::Mosaic
    }
    fn output(&self) -> ImageState {
        ImageState::Mosaic
    }
    fn prepare(&self, input: &FrameFormat) -> Result<Box<dyn FrameKernel>> {
        Ok(Box::new(BlurKernel(*self, input.clone())))
    }
}

impl FrameKernel for BlurKernel {
    fn format(&self) -> &FrameFormat {
        &self.1
    }
    fn input_rows(&self, out: Range<usize>) -> Range<usize> {
        out.start.saturating_sub(self.0.radius)..(out.end + self.0.radius).min(self.1.height)
    }
    fn run(&self, input: &Band<'_>, out: &mut BandMut<'_>) {
        for row in out.rows() {
            assert!(self.0.panic_at != Some(row), "the test stage panics on purpose");
            let around = self.input_rows(row..row + 1);
            let n = around.len() as f32;
            for (c, v) in out.row_mut(0, row).iter_mut().enumerate() {
                *v = around.clone().map(|r| input.row(0, r)[c]).sum::<f32>() / n;
            }
        }
    }
    /// Program `test-blur`: the sum of the rows from top to bottom, over their number. Word: the radius.
    fn on_device(&self) -> Option<DeviceWork> {
        let radius = u32::try_from(self.0.radius).ok()?;
        // A device does not panic on purpose.
        self.0.panic_at.is_none().then(|| DeviceWork::new("test-blur").word(radius))
    }
}

impl StageInfo for Half {
    fn name(&self) -> &'static str {
        "test-half"
    }
    fn version(&self) -> u32 {
        1
    }
    fn params(&self) -> Value {
        params(self)
    }
}

impl FrameStage for Half {
    fn input(&self) -> ImageState {
        ImageState::Mosaic
    }
    fn output(&self) -> ImageState {
        ImageState::Mosaic
    }
    fn prepare(&self, input: &FrameFormat) -> Result<Box<dyn FrameKernel>> {
        Ok(Box::new(HalfKernel(FrameFormat { height: input.height.div_ceil(2), ..input.clone() }, input.height)))
    }
}

impl FrameKernel for HalfKernel {
    fn format(&self) -> &FrameFormat {
        &self.0
    }
    fn input_rows(&self, out: Range<usize>) -> Range<usize> {
        out.start * 2..(out.end * 2).min(self.1)
    }
    fn run(&self, input: &Band<'_>, out: &mut BandMut<'_>) {
        for row in out.rows() {
            let (a, b) = (input.row(0, row * 2), input.row(0, (row * 2 + 1).min(self.1 - 1)));
            for ((v, a), b) in out.row_mut(0, row).iter_mut().zip(a).zip(b) {
                *v = (a + b) / 2.0;
            }
        }
    }
    /// Program `test-half`: half of the sum of rows 2r and 2r + 1, or of the last row and itself. No words.
    fn on_device(&self) -> Option<DeviceWork> {
        Some(DeviceWork::new("test-half"))
    }
}

/// Writes samples as little-endian `f32`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// The folder below the output folder.
    pub folder: String,
}

impl Files {
    /// As a sink with a file for each frame, `test-frames`.
    pub fn one_each(self) -> impl Sink {
        FilesSink { files: self, reel: false }
    }

    /// As a sink with one file for the clip, `test-reel`.
    pub fn one_in_all(self) -> impl Sink {
        FilesSink { files: self, reel: true }
    }
}

#[derive(Debug, Clone)]
struct FilesSink {
    files: Files,
    reel: bool,
}

impl FilesSink {
    fn path(&self, clip: &ClipRef, frame: i64) -> String {
        let name = if self.reel { clip.name.clone() } else { format!("{}.{frame:07}", clip.name) };
        format!("{}/{name}.f32", self.files.folder)
    }
}

impl StageInfo for FilesSink {
    fn name(&self) -> &'static str {
        if self.reel { "test-reel" } else { "test-frames" }
    }
    fn version(&self) -> u32 {
        1
    }
    fn params(&self) -> Value {
        params(&self.files)
    }
}

impl Sink for FilesSink {
    fn input(&self) -> ImageState {
        ImageState::Mosaic
    }
    fn check(&self, _: &ClipRef, _: &FrameFormat) -> Result<()> {
        Ok(())
    }
    fn whole_clip(&self) -> bool {
        self.reel
    }
    fn outputs(&self, clip: &ClipRef, range: FrameRange) -> Vec<String> {
        if self.reel { vec![self.path(clip, 0)] } else { range.iter().map(|f| self.path(clip, f)).collect() }
    }
    fn bytes_needed(&self, input: &FrameFormat) -> u64 {
        (input.width * input.height * 4) as u64
    }
    fn open(&self, cx: &SinkContext, _: &FrameFormat) -> Result<Box<dyn SinkWriter>> {
        let folder = cx.out.join(&self.files.folder);
        std::fs::create_dir_all(&folder).map_err(|e| Error::io(&folder, e))?;
        let reel = self.reel.then(|| Vec::with_capacity(1024));
        Ok(Box::new(FilesWriter { sink: self.clone(), cx: cx.clone(), reel }))
    }
}

struct FilesWriter {
    sink: FilesSink,
    cx: SinkContext,
    reel: Option<Vec<u8>>,
}

impl FilesWriter {
    fn write(&self, frame: i64, frames: FrameRange, bytes: &[u8]) -> Result<OutputFile> {
        let path = self.sink.path(&self.cx.clip, frame);
        let whole: PathBuf = self.cx.out.join(&path);
        let part = whole.with_extension("part");
        let io = |e| Error::io(&whole, e);
        let mut file = File::create(&part).map_err(io)?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io)?;
        std::fs::rename(&part, &whole).map_err(io)?;
        Ok(OutputFile { role: "test".into(), path, bytes: bytes.len() as u64, digest: Digest::xxh64(bytes), frames })
    }
}

impl SinkWriter for FilesWriter {
    fn frame(&self, _: &FrameFormat) -> Result<Box<dyn FrameSink>> {
        Ok(Box::new(Collect { bytes: Vec::new(), next: 0 }))
    }

    fn commit(&mut self, frame: i64, encoded: Encoded) -> Result<Vec<OutputFile>> {
        let encoded = encoded.bytes()?;
        if let Some(reel) = &mut self.reel {
            reel.extend(encoded);
            return Ok(Vec::new());
        }
        Ok(vec![self.write(frame, FrameRange { first: frame, last: frame }, &encoded)?])
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<OutputFile>> {
        let Some(reel) = self.reel.take() else { return Ok(Vec::new()) };
        Ok(vec![self.write(0, self.cx.range, &reel)?])
    }

    fn abort(self: Box<Self>) {}
}

struct Collect {
    bytes: Vec<u8>,
    next: usize,
}

impl FrameSink for Collect {
    fn rows(&mut self, band: &Band<'_>) -> Result<()> {
        if band.rows().start != self.next {
            return Err(Error::new(ErrorKind::Invalid, format!("rows {:?} came after row {}", band.rows(), self.next)));
        }
        self.next = band.rows().end;
        for r in band.rows() {
            self.bytes.extend(band.row(0, r).iter().flat_map(|v| v.to_le_bytes()));
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Encoded> {
        Ok(Encoded::Bytes(self.bytes))
    }
}
