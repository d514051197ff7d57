//! The space a look is computed in.

use rushes_core::frame::{FrameFormat, ImageState};
use rushes_core::media::ColorSpace;
use rushes_core::simd::{Level, kernel};
use rushes_core::stage::DeviceWork;
use rushes_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::camera_log::{self, Gamut, LogCurve};
use crate::matrix::{self, IDENTITY, apply_f32, mul, to_f32};
use crate::{aces, cct};

/// The space a look is computed in; the picture comes back in the space it was in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum WorkingSpace {
    /// ACEScct, in which most CDLs of ACES shows are made.
    #[default]
    #[serde(rename = "ACEScct")]
    AcesCct,
    /// ACEScg.
    #[serde(rename = "ACEScg")]
    AcesCg,
    /// ACES2065-1.
    #[serde(rename = "ACES2065-1")]
    Aces2065_1,
    /// ARRI LogC3 at exposure index 800, ALEXA Wide Gamut 3.
    #[serde(rename = "LogC3-EI800/AWG3")]
    LogC3,
    /// ARRI LogC4, ARRI Wide Gamut 4.
    #[serde(rename = "LogC4/AWG4")]
    LogC4,
    /// Sony S-Log3, S-Gamut3.
    #[serde(rename = "S-Log3/S-Gamut3")]
    SLog3,
    /// Sony S-Log3, S-Gamut3.Cine.
    #[serde(rename = "S-Log3/S-Gamut3.Cine")]
    SLog3Cine,
    /// Panasonic V-Log, V-Gamut.
    #[serde(rename = "V-Log/V-Gamut")]
    VLog,
    /// RED Log3G10, REDWideGamutRGB.
    #[serde(rename = "Log3G10/REDWideGamutRGB")]
    Log3G10,
    /// Blackmagic Film and Wide Gamut of Generation 5.
    #[serde(rename = "BlackmagicFilm-Gen5/BWG")]
    FilmGen5,
    /// DaVinci Intermediate, DaVinci Wide Gamut.
    #[serde(rename = "DaVinciIntermediate/DWG")]
    DaVinci,
}

impl WorkingSpace {
    const fn camera(self) -> Option<(Gamut, LogCurve)> {
        Some(match self {
            Self::AcesCct | Self::AcesCg | Self::Aces2065_1 => return None,
            Self::LogC3 => (Gamut::ARRI_3, LogCurve::LOG_C3),
            Self::LogC4 => (Gamut::ARRI_4, LogCurve::LOG_C4),
            Self::SLog3 => (Gamut::SONY, LogCurve::S_LOG3),
            Self::SLog3Cine => (Gamut::SONY_CINE, LogCurve::S_LOG3),
            Self::VLog => (Gamut::PANASONIC, LogCurve::V_LOG),
            Self::Log3G10 => (Gamut::RED, LogCurve::LOG3_G10),
            Self::FilmGen5 => (Gamut::BLACKMAGIC, LogCurve::FILM_GEN5),
            Self::DaVinci => (Gamut::DAVINCI, LogCurve::DAVINCI),
        })
    }
}

/// The way from a scene-linear space into a working space, and back.
#[derive(Debug, Clone, Copy)]
pub struct Through {
    into: [[f32; 3]; 3],
    back: [[f32; 3]; 3],
    curve: Curve,
}

/// How a working space encodes light.
#[derive(Debug, Clone, Copy)]
enum Curve {
    Linear,
    AcesCct,
    Camera(LogCurve),
}

impl Through {
    /// From ACES2065-1 or ACEScg into `space`.
    ///
    /// # Errors
    /// When `from` is another space.
    pub fn new(space: WorkingSpace, from: ColorSpace) -> Result<Self> {
        let (into_ap0, from_ap0) = match from {
            ColorSpace::Aces2065_1 => (IDENTITY, IDENTITY),
            ColorSpace::AcesCg => (*aces::AP1_TO_AP0, *aces::AP0_TO_AP1),
            other => {
                return Err(Error::new(ErrorKind::Invalid, format!("{other} is not scene-linear"))
                    .advice("take the input from an `input-transform` or `convert`"));
            }
        };
        let (into, back, curve) = match (space.camera(), space) {
            (Some((gamut, curve)), _) => {
                (mul(&gamut.ap0_to_gamut(), &into_ap0), mul(&from_ap0, &gamut.to_ap0()), Curve::Camera(curve))
            }
            (None, WorkingSpace::Aces2065_1) => (into_ap0, from_ap0, Curve::Linear),
            (None, _) => {
                let curve = if space == WorkingSpace::AcesCct { Curve::AcesCct } else { Curve::Linear };
                match from {
                    ColorSpace::AcesCg => (IDENTITY, IDENTITY, curve),
                    _ => (*aces::AP0_TO_AP1, *aces::AP1_TO_AP0, curve),
                }
            }
        };
        Ok(Self { into: to_f32(&into), back: to_f32(&back), curve })
    }

    /// Rows into the working space.
    pub fn enter(&self, level: Level, from: [&[f32]; 3], to: [&mut [f32]; 3]) {
        match &self.curve {
            Curve::Linear => matrix::rows(level, &self.into, from, to),
            Curve::AcesCct => cct::encode_rows(level, &self.into, from, to),
            Curve::Camera(curve) => camera_log::encode_rows(level, curve, &self.into, from, to),
        }
    }

    /// Rows in the working space back, in place.
    pub fn leave(&self, level: Level, rows: [&mut [f32]; 3]) {
        match &self.curve {
            Curve::Linear => in_place(level, &self.back, rows),
            Curve::AcesCct => cct::decode_rows(level, &self.back, rows),
            Curve::Camera(curve) => camera_log::decode_rows(level, curve, &self.back, rows),
        }
    }

    /// `work` with one more word, 0 where the space is linear, 1 for ACEScct and 2 for a camera's log encoding; 18 numbers, the
    /// matrix into the space and the one back, row by row; and 8 numbers of the camera's curve.
    pub(crate) fn on_device(&self, work: DeviceWork) -> DeviceWork {
        let matrices = self.into.into_iter().chain(self.back).flatten();
        let (kind, curve) = match &self.curve {
            Curve::Linear => (0, [0.0; 8]),
            Curve::AcesCct => (1, [0.0; 8]),
            Curve::Camera(curve) => (2, curve.numbers()),
        };
        work.word(kind).numbers(matrices).numbers(curve)
    }

    /// Rows into the space, changed in place by `look`, and back.
    pub(crate) fn rows(&self, from: [&[f32]; 3], to: [&mut [f32]; 3], look: impl Fn(Level, [&mut [f32]; 3])) {
        let ([r, g, b], level) = (to, Level::current());
        // A few columns at a time stay in the first cache on their way.
        for (i, ((r, g), b)) in r.chunks_mut(PART).zip(g.chunks_mut(PART)).zip(b.chunks_mut(PART)).enumerate() {
            let from = from.map(|row| &row[i * PART..]);
            self.enter(level, from, [&mut *r, &mut *g, &mut *b]);
            look(level, [&mut *r, &mut *g, &mut *b]);
            self.leave(level, [r, g, b]);
        }
    }
}

/// Columns that are computed at a time.
const PART: usize = 1024;

kernel! {
    fn in_place(m: &[[f32; 3]; 3], rows: [&mut [f32]; 3]) {
        let [r, g, b] = rows;
        for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
            [*r, *g, *b] = apply_f32(m, [*r, *g, *b]);
        }
    }
}

/// The scene-linear space of `input`.
///
/// # Errors
/// When the facts name none, or one that is not scene-linear.
pub(crate) fn scene_space(input: &FrameFormat) -> Result<ColorSpace> {
    match input.facts.color_space {
        Some(space @ (ColorSpace::Aces2065_1 | ColorSpace::AcesCg)) if input.state == ImageState::SceneLinear => {
            Ok(space)
        }
        Some(other) => {
            Err(Error::new(ErrorKind::Invalid, format!("the picture is in {other}, not in scene-linear light"))
                .advice("take the input from an `input-transform` or `convert`"))
        }
        None => Err(Error::new(ErrorKind::MissingFact, "the picture does not say which colour space it is in")
            .advice("take the input from an `input-transform`")),
    }
}
