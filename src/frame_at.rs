//! One frame at one point of the chain: for looking, debugging, benches and other tools.

use std::path::{Path, PathBuf};

use ndarray::{Array2, Array3};
use rushes_core::frame::{BandMut, FrameFormat, ImageState};
use rushes_core::graph::AnyStage;
use rushes_core::media::{Clip, ClipMedia, ColorSpace};
use rushes_core::stage::{ClipRef, FrameStage};
use rushes_core::{Error, ErrorKind, Result};
use rushes_proxy::{PngEncoding, write_exr_frame, write_npy_f32, write_npy_u16, write_png_frame};

use crate::Job;
use crate::recipes::{self, Dailies};

/// A point of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// The whole stored area, after the linearization table and before black subtraction.
    Mosaic,
    /// The active area with black at 0 and white at 1.
    Linear,
    /// Debayered, in the camera's own colours.
    CameraRgb,
    /// ACES2065-1.
    Aces2065_1,
    /// Rendered for Rec.709.
    Display,
}

impl Point {
    const fn state(self) -> ImageState {
        match self {
            Self::Mosaic => ImageState::Mosaic,
            Self::Linear => ImageState::Linear,
            Self::CameraRgb => ImageState::CameraRgb,
            Self::Aces2065_1 => ImageState::SceneLinear,
            Self::Display => ImageState::Display,
        }
    }
}

/// Which frame, at which point.
#[derive(Debug, Clone)]
pub struct FrameAt {
    /// A camera file, or a folder that holds one clip.
    pub path: PathBuf,
    /// The frame, numbered as in the clip; `None` for the first.
    pub frame: Option<i64>,
    /// The point.
    pub at: Point,
    /// The parameters of the stages up to it.
    pub picture: Dailies,
}

/// A frame taken out of the chain.
#[derive(Debug, Clone)]
pub struct Taken {
    /// Samples of shape (planes, rows, columns). A mosaic's are whole numbers.
    pub samples: Array3<f32>,
    /// Size, state and facts.
    pub format: FrameFormat,
}

impl FrameAt {
    /// Computes it.
    ///
    /// # Errors
    /// When there is not exactly one clip, nothing here decodes it, or a fact is missing that
    /// the point needs.
    pub async fn take(&self) -> Result<Taken> {
        let mut workflow = recipes::inspect(false);
        for stage in &mut workflow.stages {
            if let ("normalize", serde_json::Value::Object(params)) = (stage.stage.as_str(), self.picture.normalize()) {
                stage.params = params;
            }
        }
        let batch = Job::new(workflow, &self.path, "").understand().await?.last();
        let clip = match batch.clips.as_slice() {
            [clip] => clip.clone(),
            [] => {
                let why = batch.findings.first().map_or_else(String::new, |f| format!(": {}", f.text));
                return Err(Error::new(ErrorKind::NotFound, format!("there is no camera file{why}")).path(&self.path));
            }
            many => {
                let names: Vec<_> = many.iter().map(|c| c.name.as_str()).collect();
                return Err(Error::new(ErrorKind::Invalid, format!("there are several clips: {}", names.join(", ")))
                    .path(&self.path)
                    .advice("name a file of the one you mean"));
            }
        };
        let this = self.clone();
        tokio::task::spawn_blocking(move || this.develop(&clip))
            .await
            .unwrap_or_else(|e| Err(Error::new(ErrorKind::Panicked, format!("a stage panicked: {e}"))))
            .map_err(|e| e.path(&self.path))
    }

    /// Computes it and writes it to `out`: `.npy` in the stage's own type and shape (a mosaic as
    /// `u16` of shape (rows, columns), everything else as `f32` of shape (planes, rows, columns)),
    /// `.exr` as 32-bit floats, or `.png` with 16 bits. Says what it is.
    ///
    /// # Errors
    /// As [`FrameAt::take`], and when `out` cannot be written or has another extension.
    pub async fn write(&self, out: &Path, overwrite: bool) -> Result<String> {
        let kind = out.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        if !matches!(kind.as_str(), "npy" | "exr" | "png") {
            return Err(Error::new(ErrorKind::Invalid, "the extension says which format to write")
                .path(out)
                .advice("name it .npy, .exr or .png"));
        }
        let taken = self.take().await?;
        let (planes, rows, columns) = taken.samples.dim();
        let space = taken.format.facts.color_space;
        let what = space.map_or_else(|| taken.format.state.name().to_owned(), |s: ColorSpace| s.name().to_owned());
        match (kind.as_str(), self.at) {
            ("npy", Point::Mosaic) => {
                // Stored samples are whole numbers of at most 16 bits.
                let whole = Array2::from_shape_fn((rows, columns), |(r, c)| taken.samples[[0, r, c]] as u16);
                write_npy_u16(out, whole.view(), overwrite)?;
            }
            ("npy", _) => drop(write_npy_f32(out, taken.samples.view(), overwrite)?),
            ("exr", _) => drop(write_exr_frame(out, taken.samples.view(), space, overwrite)?),
            _ => {
                let (samples, encoding) = match (self.at, space) {
                    (Point::Mosaic, _) => (taken.samples.mapv(|v| v / 65535.0), PngEncoding::AsIs),
                    (Point::Display, Some(space)) => (taken.samples.clone(), PngEncoding::Display(space)),
                    _ => (taken.samples.clone(), PngEncoding::Srgb),
                };
                write_png_frame(out, samples.view(), encoding, overwrite)?;
            }
        }
        Ok(format!("{what}, {columns}x{rows}, {planes} plane{}", if planes == 1 { "" } else { "s" }))
    }

    fn develop(&self, clip: &Clip) -> Result<Taken> {
        let registry = crate::registry();
        let reference = ClipRef::of(clip);
        let AnyStage::Source(source) = registry.make("decode", serde_json::Value::Null)? else {
            return Err(Error::new(ErrorKind::Invalid, "`decode` is not a source"));
        };
        if let (Err(_), Some(needs)) = (source.accepts(&reference), &clip.needs) {
            return Err(
                Error::new(ErrorKind::Unsupported, format!("needs {}: {}", needs.backend, needs.why)).clip(&clip.name)
            );
        }
        source.accepts(&reference)?;
        let first = match &clip.media {
            ClipMedia::Sequence(s) => s.frames().next(),
            ClipMedia::Files(_) => Some(0),
        };
        let frame = self.frame.or(first).unwrap_or(0);
        if let Some(range) = clip.range.filter(|r| !r.contains(frame)) {
            return Err(Error::new(ErrorKind::NotFound, format!("the clip has frames {range}")).frame(frame));
        }
        let decoded = source.open(&reference)?.decode(frame).map_err(|e| e.frame(frame))?;
        let mut format = decoded.format();
        let mut samples = decoded.planes();

        let stages = self.picture.to_aces().into_iter().chain(self.picture.to_display());
        for (id, name, params) in stages {
            if format.state == self.at.state() && self.at != Point::Display {
                break;
            }
            let AnyStage::Frame(stage) = registry.make(name, params)? else { continue };
            if stage.input() != format.state {
                continue;
            }
            (samples, format) =
                whole(stage.as_ref(), &samples, &format).map_err(|e| e.doing(format!("preparing `{id}`")))?;
        }
        if format.state != self.at.state() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("the camera stored {}, there is no {} before it", decoded.format().state, self.at.state()),
            )
            .advice("ask for a later point"));
        }
        Ok(Taken { samples, format })
    }
}

/// A stage on a whole frame.
pub(crate) fn whole(
    stage: &dyn FrameStage,
    input: &Array3<f32>,
    format: &FrameFormat,
) -> Result<(Array3<f32>, FrameFormat)> {
    let kernel = stage.prepare(format)?;
    let to = kernel.format().clone();
    let mut made = vec![0.0f32; to.planes() * to.height * to.width];
    let standard = input.as_standard_layout();
    let rows = standard.as_slice().unwrap_or(&[]);
    let from = rushes_core::frame::Band::new(rows, format.planes(), format.width, 0..format.height);
    kernel.run(&from, &mut BandMut::new(&mut made, to.planes(), to.width, 0..to.height));
    let made = Array3::from_shape_vec((to.planes(), to.height, to.width), made)
        .map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()))?;
    Ok((made, to))
}
