//! The stage: checks the facts, and readies a kernel.

use rushes_core::frame::{FrameFormat, ImageState};
use rushes_core::media::{Cfa, Rect};
use rushes_core::simd::Level;
use rushes_core::stage::{FrameKernel, FrameStage, StageInfo};
use rushes_core::{Error, ErrorKind, Result};

use crate::kernel::{Interpolate, Interpolation};
use crate::params::{Debayer, Method};
use crate::superpixel::Superpixel;
use crate::window::Window;
use crate::working::Working;

impl StageInfo for Debayer {
    fn name(&self) -> &'static str {
        "debayer"
    }

    fn version(&self) -> u32 {
        2
    }

    fn params(&self) -> serde_json::Value {
        serde_json::json!({
            "method": self.method,
            "balance": self.balanced(),
            "crop": self.crop,
            "domain": self.working_domain(),
        })
    }
}

impl FrameStage for Debayer {
    fn input(&self) -> ImageState {
        ImageState::Linear
    }

    fn output(&self) -> ImageState {
        ImageState::CameraRgb
    }

    /// The output is the default crop of the facts (the whole plane without one, or without `crop`), for
    /// superpixel at half its size rounded down. The facts lose the pattern, and the crop once it is cut;
    /// where superpixel leaves the crop uncut, it is halved to whole pixels inside it.
    ///
    /// # Errors
    /// When the input is not a linear mosaic; when the facts state no pattern; when the plane is smaller than
    /// 2x2 or its crop is not inside it, or holds no 2x2 block for superpixel.
    fn prepare(&self, input: &FrameFormat) -> Result<Box<dyn FrameKernel>> {
        self.ready(input).map_err(|e| e.doing("preparing the debayer").frame(input.facts.frame))
    }
}

impl Debayer {
    fn ready(&self, input: &FrameFormat) -> Result<Box<dyn FrameKernel>> {
        let cfa = bayer(input)?;
        let rect = self.rect(input)?;
        let window = Window { plane: (input.width, input.height), rect, cfa: cfa.shifted(rect.y % 2, rect.x % 2) };
        let interpolation = Interpolation::of(self.method);

        let mut facts = input.facts.clone();
        facts.cfa = None;
        facts.levels = None;
        facts.active_area = None;
        facts.default_crop = match (self.crop, interpolation) {
            (true, _) => None,
            (false, Some(_)) => facts.default_crop,
            (false, None) => facts.default_crop.and_then(half),
        };
        let (width, height) = match interpolation {
            Some(_) => (rect.width, rect.height),
            None => (rect.width / 2, rect.height / 2),
        };
        let format = FrameFormat { state: ImageState::CameraRgb, width, height, facts };
        Ok(match interpolation {
            Some(interpolation) => {
                let working = Working::new(self.gains(&input.facts), self.working_domain());
                Box::new(Interpolate { format, window, working, interpolation, level: Level::current() })
            }
            None => Box::new(Superpixel { format, window }),
        })
    }

    /// The part of the plane to compute.
    fn rect(&self, input: &FrameFormat) -> Result<Rect> {
        let (width, height) = (input.width, input.height);
        if width < 2 || height < 2 {
            return Err(Error::new(
                ErrorKind::BadMedia,
                format!("a mosaic of {width}x{height} does not hold its 2x2 pattern"),
            )
            .advice("check the size in the file's header"));
        }
        let rect = match input.facts.default_crop {
            Some(crop) if self.crop => crop,
            _ => Rect::whole(width, height),
        };
        let Rect { x, y, width: w, height: h } = rect;
        if !rect.fits(width, height) {
            return Err(Error::new(
                ErrorKind::BadMedia,
                format!("the default crop {w}x{h} at {x},{y} is not inside the picture of {width}x{height}"),
            )
            .advice("set crop = false to have the whole picture"));
        }
        if self.method == Method::Superpixel && (w < 2 || h < 2) {
            return Err(Error::new(ErrorKind::BadMedia, format!("a crop of {w}x{h} holds no 2x2 block"))
                .advice("use another method, or crop = false"));
        }
        Ok(rect)
    }
}

/// The pattern of a linear mosaic.
fn bayer(input: &FrameFormat) -> Result<Cfa> {
    if input.state != ImageState::Linear {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!("the debayer takes a {} picture, not a {} one", ImageState::Linear, input.state),
        )
        .advice("put the linearization before it"));
    }
    input.facts.cfa.ok_or_else(|| {
        Error::new(ErrorKind::MissingFact, "the Bayer phase of the picture is not known")
            .advice("look for the CFA pattern in the clip's metadata; only 2x2 Bayer patterns are handled")
    })
}

/// The whole superpixels inside a crop.
fn half(crop: Rect) -> Option<Rect> {
    let (x, y) = (crop.x.div_ceil(2), crop.y.div_ceil(2));
    let width = (crop.x.checked_add(crop.width)? / 2).checked_sub(x)?;
    let height = (crop.y.checked_add(crop.height)? / 2).checked_sub(y)?;
    (width > 0 && height > 0).then_some(Rect { x, y, width, height })
}
