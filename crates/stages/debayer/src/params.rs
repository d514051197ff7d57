//! What a workflow may say about the debayer.

use rushes_core::frame::FrameFacts;
use rushes_core::media::WhitePoint;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The debayer stage: linear mosaic in, camera RGB out. Its fields are its parameters in a workflow file.
///
/// ```
/// use rushes_debayer::{Debayer, Method};
/// let stage: Debayer = serde_json::from_str(r#"{ "method": "malvar", "crop": false }"#)?;
/// assert_eq!(stage, Debayer { crop: false, ..Debayer::new(Method::Malvar) });
/// assert!(serde_json::from_str::<Debayer>(r#"{ "methode": "malvar" }"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Debayer {
    /// How missing colours are found.
    pub method: Method,
    /// Whether samples are white-balanced before the interpolation, and this undone after it: methods that
    /// mix colours work best where grey is equal in all three. Takes effect where the facts state the
    /// neutral of the take (`AsShotNeutral`), else the interpolation runs on the samples as they are.
    /// Left out: true for `rcd` and `gbtf`, false for the linear filters, which are then as published.
    /// Superpixel mixes no colours and ignores it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<bool>,
    /// Whether the result is the default crop of the facts (computed with the real samples around it)
    /// rather than the whole plane.
    pub crop: bool,
    /// The values to interpolate in. Left out: `sqrt` for `rcd` and `gbtf`, `linear` for the linear filters, which are
    /// then as published. Superpixel interpolates nothing and ignores it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<Domain>,
}

/// How missing colours are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Method {
    /// One pixel for each 2x2 block, the greens averaged: half the width and height, rounded down.
    Superpixel,
    /// The mean of the nearest neighbours of each colour.
    Bilinear,
    /// Malvar, He, Cutler 2004: linear 5x5 filters with gradient correction.
    Malvar,
    /// Ratio Corrected Demosaicing 2.3: directional, with few false colours and little overshoot.
    Rcd,
    /// Gradient Based Threshold Free interpolation with adaptive chroma: the most detail and the fewest false
    /// colours where the camera's colours go together, as those of photographs do before they are graded.
    #[default]
    Gbtf,
}

/// The values to interpolate in.
///
/// On photographs in linear light with sensor noise, `sqrt` is worth 2 dB with RCD, 3.7 dB with GBTF and 3 dB with
/// Malvar when judged as displayed; judged in linear light, 0.7 dB with RCD and 1.5 dB with GBTF. What it costs: means of square roots are a little
/// lower than means of light, so that interpolated samples near the noise floor lose about 2 % on average where
/// the signal is twice the noise, and less than 0.5 % from four times the noise up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Domain {
    /// As measured, proportional to light.
    Linear,
    /// Square roots, the sign kept (a negative x becomes -sqrt(-x)). Evens out the noise of light and weighs
    /// edges about as the eye does.
    Sqrt,
}

impl Debayer {
    /// The stage with `method` and defaults for the rest.
    pub const fn new(method: Method) -> Self {
        Self { method, balance: None, crop: true, domain: None }
    }

    /// Red, green and blue gains applied around the interpolation of frames with `facts`; `None` where
    /// samples are taken as they are. Green's gain is 1.
    ///
    /// The gain of a colour is the neutral's green over the neutral's value of that colour (DNG 1.7,
    /// AsShotNeutral). A neutral that is not positive and finite is not used.
    pub fn gains(&self, facts: &FrameFacts) -> Option<[f32; 3]> {
        if !self.balanced() {
            return None;
        }
        let WhitePoint::Neutral(neutral) = facts.camera_color.as_ref()?.as_shot? else { return None };
        let gains = neutral.map(|n| (neutral[1] / n) as f32);
        // The inverse is needed to undo it, so a gain must not vanish in f32 either.
        gains.iter().all(|g| g.is_normal() && g.recip().is_normal() && *g > 0.0).then_some(gains)
    }

    /// `domain` with its default filled in.
    pub(crate) fn working_domain(&self) -> Domain {
        match self.method {
            Method::Superpixel => Domain::Linear,
            Method::Bilinear | Method::Malvar => self.domain.unwrap_or(Domain::Linear),
            Method::Rcd | Method::Gbtf => self.domain.unwrap_or(Domain::Sqrt),
        }
    }

    /// `balance` with its default filled in.
    pub(crate) fn balanced(&self) -> bool {
        match self.method {
            Method::Superpixel => false,
            Method::Bilinear | Method::Malvar => self.balance.unwrap_or(false),
            Method::Rcd | Method::Gbtf => self.balance.unwrap_or(true),
        }
    }
}

impl Default for Debayer {
    fn default() -> Self {
        Self::new(Method::default())
    }
}
