//! Colour facts: named spaces, and what a camera says about its own colours.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A 3x3 matrix, row by row.
pub type Matrix3 = [[f64; 3]; 3];

/// The spaces a frame may be in. There is no default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub enum ColorSpace {
    /// SMPTE ST 2065-1: AP0 primaries, linear.
    #[serde(rename = "ACES2065-1")]
    Aces2065_1,
    /// S-2014-004: AP1 primaries, linear.
    #[serde(rename = "ACEScg")]
    AcesCg,
    /// S-2016-001: AP1 primaries, log with a toe.
    #[serde(rename = "ACEScct")]
    AcesCct,
    /// ITU-R BT.709 primaries, BT.1886 display encoding with gamma 2.4.
    #[serde(rename = "rec709-display")]
    Rec709Display,
    /// ITU-R BT.2100 primaries, PQ, full range.
    #[serde(rename = "rec2100-pq")]
    Rec2100Pq,
    /// ITU-R BT.2100 primaries, HLG, full range.
    #[serde(rename = "rec2100-hlg")]
    Rec2100Hlg,
}

impl ColorSpace {
    /// The name users know it by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aces2065_1 => "ACES2065-1",
            Self::AcesCg => "ACEScg",
            Self::AcesCct => "ACEScct",
            Self::Rec709Display => "Rec.709 display (BT.1886)",
            Self::Rec2100Pq => "Rec.2100 PQ display",
            Self::Rec2100Hlg => "Rec.2100 HLG display",
        }
    }

    /// CIE xy of red, green, blue and white.
    pub const fn chromaticities(self) -> [[f64; 2]; 4] {
        match self {
            // SMPTE ST 2065-1:2021, table 1.
            Self::Aces2065_1 => [[0.7347, 0.2653], [0.0, 1.0], [0.0001, -0.077], [0.32168, 0.33767]],
            // S-2014-004, section 4.
            Self::AcesCg | Self::AcesCct => [[0.713, 0.293], [0.165, 0.830], [0.128, 0.044], [0.32168, 0.33767]],
            // ITU-R BT.709-6, section 1.
            Self::Rec709Display => [[0.64, 0.33], [0.30, 0.60], [0.15, 0.06], [0.3127, 0.3290]],
            // ITU-R BT.2100-3, table 2.
            Self::Rec2100Pq | Self::Rec2100Hlg => [[0.708, 0.292], [0.170, 0.797], [0.131, 0.046], [0.3127, 0.3290]],
        }
    }
}

impl std::fmt::Display for ColorSpace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What a DNG says about the colours of its camera (DNG 1.7, chapter 6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CameraColor {
    /// One or two calibrations, in the order of the file.
    pub calibrations: Vec<CalibratedIlluminant>,
    /// AnalogBalance: gains already applied to the stored values.
    pub analog_balance: [f64; 3],
    /// BaselineExposure in stops.
    pub baseline_exposure: f64,
    /// The white chosen at the time of the take; `None` when the file does not say.
    pub as_shot: Option<WhitePoint>,
}

/// One illuminant's calibration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalibratedIlluminant {
    /// CalibrationIlluminant as an EXIF LightSource code (17 is standard light A, 21 is D65).
    pub light_source: u16,
    /// ColorMatrix: CIE XYZ to the reference camera's native space.
    pub color_matrix: Matrix3,
    /// ForwardMatrix: white-balanced camera space to XYZ (D50).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward_matrix: Option<Matrix3>,
    /// CameraCalibration: the reference camera to this camera.
    pub camera_calibration: Matrix3,
}

/// The white of a take.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WhitePoint {
    /// AsShotNeutral: a neutral patch in linear camera space.
    Neutral([f64; 3]),
    /// AsShotWhiteXY: CIE xy.
    Xy([f64; 2]),
}
