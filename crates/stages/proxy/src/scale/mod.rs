//! Resampling to another size.

mod domain;
mod kernel;
mod weights;

use rushes_core::frame::{FrameFormat, ImageState};
use rushes_core::stage::{FrameKernel, FrameStage, StageInfo};
use rushes_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::domain::ScaleDomain;
use self::kernel::ScaleKernel;
pub use self::weights::ResampleFilter;
use self::weights::Weights;

/// The size a picture is scaled to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ScaleTo {
    /// As large as fits in a box; keeps the aspect.
    Fit {
        /// Columns of the box.
        width: usize,
        /// Rows of the box.
        height: usize,
    },
    /// Exactly this size; the aspect follows.
    Exact {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// By a factor, 0.5 for half the width and height.
    Factor(f64),
}

/// The frame stage `scale`: resamples pictures of three planes, in the state they are in.
///
/// Scale scene-linear pictures where the light must be averaged rightly (plates), display
/// pictures where edges must look clean (proxies and stills): filters with negative lobes ring
/// around scene-linear highlights.
///
/// ```
/// use rushes_proxy::{Scale, ScaleTo};
/// let scale = Scale::display(ScaleTo::Fit { width: 1920, height: 1080 });
/// let same: Scale = serde_json::from_str(r#"{"state": "display", "to": {"fit": {"width": 1920, "height": 1080}}}"#)?;
/// assert_eq!(scale, same);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// The state of the pictures: `scene-linear`, `display` or `camera-rgb`.
    pub state: ImageState,
    /// The size.
    pub to: ScaleTo,
    /// The filter.
    #[serde(default)]
    pub filter: ResampleFilter,
    /// What samples are averaged as.
    #[serde(default)]
    pub domain: ScaleDomain,
    /// Makes pixels square: an anamorphic picture gets the width it is shown with.
    #[serde(default = "yes")]
    pub desqueeze: bool,
    /// Makes width and height even, as movie codecs with halved chroma need them.
    #[serde(default)]
    pub even: bool,
    /// Lets [`ScaleTo::Fit`] enlarge a picture that is smaller than its box.
    #[serde(default)]
    pub enlarge: bool,
}

fn yes() -> bool {
    true
}

impl Scale {
    /// Scales scene-linear pictures to `to`, with the defaults of every other parameter.
    pub fn scene_linear(to: ScaleTo) -> Self {
        Self {
            state: ImageState::SceneLinear,
            to,
            filter: ResampleFilter::default(),
            domain: ScaleDomain::default(),
            desqueeze: true,
            even: false,
            enlarge: false,
        }
    }

    /// Scales display pictures to `to`, with the defaults of every other parameter.
    pub fn display(to: ScaleTo) -> Self {
        Self { state: ImageState::Display, ..Self::scene_linear(to) }
    }

    /// With even width and height.
    pub fn even(self) -> Self {
        Self { even: true, ..self }
    }

    /// The format of what comes out.
    fn target(&self, input: &FrameFormat) -> Result<FrameFormat> {
        let invalid = |why: String| Error::new(ErrorKind::Invalid, why);
        let (w, h) = (input.width as f64, input.height as f64);
        let aspect = input.facts.pixel_aspect;
        let squeeze = match aspect {
            Some((num, den)) if num == 0 || den == 0 => {
                return Err(Error::new(ErrorKind::BadMedia, format!("a pixel aspect of {num}/{den}")));
            }
            Some((num, den)) if self.desqueeze => f64::from(num) / f64::from(den),
            _ => 1.0,
        };
        // The width of the picture in square pixels, where those are asked for.
        let wide = w * squeeze;
        let kept = aspect.map(|a| if self.desqueeze { (1, 1) } else { a });
        let (width, height, pixel_aspect) = match self.to {
            ScaleTo::Fit { width, height } => {
                let box_ = (self.side(width as f64)?, self.side(height as f64)?);
                let mut factor = (width as f64 / wide).min(height as f64 / h);
                if !self.enlarge {
                    factor = factor.min(1.0);
                }
                let (fit_w, fit_h) = (self.side(wide * factor)?, self.side(h * factor)?);
                (fit_w.min(box_.0), fit_h.min(box_.1), kept)
            }
            ScaleTo::Exact { width, height } => {
                if (self.side(width as f64)?, self.side(height as f64)?) != (width, height) {
                    return Err(
                        invalid(format!("{width}x{height} is not even")).advice("leave out `even`, or round it")
                    );
                }
                let stretched = aspect.map(|a| stretched(a, (input.width, input.height), (width, height)));
                (width, height, if self.desqueeze { kept } else { stretched })
            }
            ScaleTo::Factor(factor) if factor.is_finite() && factor > 0.0 => {
                (self.side(wide * factor)?, self.side(h * factor)?, kept)
            }
            ScaleTo::Factor(factor) => {
                return Err(invalid(format!("a factor of {factor}")).advice("write 0.5 for half size"));
            }
        };
        let mut format = FrameFormat { width, height, ..input.clone() };
        format.facts.pixel_aspect = pixel_aspect;
        Ok(format)
    }

    /// A whole (and where asked for, even) number of pixels.
    fn side(&self, v: f64) -> Result<usize> {
        const MOST: f64 = 65_536.0;
        if !(0.0 < v && v <= MOST) {
            return Err(Error::new(ErrorKind::Invalid, format!("a side of {v} pixels"))
                .advice(format!("choose a size of 1 to {MOST} pixels a side")));
        }
        // Down to even, so that a box is never left; a hair above a whole number is that number.
        let v = if self.even { (v / 2.0 + 1e-6).floor() * 2.0 } else { v.round() };
        Ok((v as usize).max(if self.even { 2 } else { 1 }))
    }
}

/// The pixel aspect that shows a picture of `from` pixels the same when it has `to` pixels.
fn stretched(aspect: (u32, u32), from: (usize, usize), to: (usize, usize)) -> (u32, u32) {
    let (mut num, mut den) =
        (u128::from(aspect.0) * from.0 as u128 * to.1 as u128, u128::from(aspect.1) * from.1 as u128 * to.0 as u128);
    let (mut a, mut b) = (num, den);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    (num, den) = (num / a.max(1), den / a.max(1));
    // What does not fit loses its last bits, which no eye sees.
    while num.max(den) > u128::from(u32::MAX) {
        (num, den) = ((num >> 1).max(1), (den >> 1).max(1));
    }
    (num as u32, den as u32)
}

impl StageInfo for Scale {
    fn name(&self) -> &'static str {
        "scale"
    }

    fn version(&self) -> u32 {
        3
    }

    fn params(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl FrameStage for Scale {
    fn input(&self) -> ImageState {
        self.state
    }

    fn output(&self) -> ImageState {
        self.state
    }

    fn prepare(&self, input: &FrameFormat) -> Result<Box<dyn FrameKernel>> {
        let doing = "preparing to scale";
        if self.state.planes() != 3 || input.state != self.state {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("a scale stage of {} pictures got {} ones", self.state, input.state),
            )
            .doing(doing)
            .advice("scale camera-rgb, scene-linear or display pictures, and name that state"));
        }
        if self.domain == ScaleDomain::Log && self.state != ImageState::SceneLinear {
            let what = format!("a {} picture is not averaged as the logarithm of light", self.state);
            return Err(Error::new(ErrorKind::Invalid, what)
                .doing(doing)
                .advice("leave out `domain`, or scale the scene-linear picture"));
        }
        if input.width == 0 || input.height == 0 {
            return Err(Error::new(ErrorKind::Invalid, "the picture is empty").doing(doing));
        }
        let format = self.target(input).map_err(|e| e.doing(doing))?;
        Ok(Box::new(ScaleKernel {
            columns: Weights::shared(self.filter, input.width, format.width),
            rows: Weights::shared(self.filter, input.height, format.height),
            domain: self.domain,
            format,
        }))
    }
}

#[cfg(test)]
mod tests;
