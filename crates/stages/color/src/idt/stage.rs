//! The stage `input-transform`.

use std::ops::Range;

use rushes_core::frame::{Band, BandMut, CameraRgb, FrameFormat, ImageState, SceneLinear};
use rushes_core::graph::{AnyStage, Takes};
use rushes_core::media::{ColorSpace, WhitePoint};
use rushes_core::simd::{Level, kernel};
use rushes_core::stage::{DeviceWork, FrameKernel, FrameStage, StageInfo};
use rushes_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{camera_transform, kelvin_to_xy};
use crate::matrix::{apply_f32, to_f32};

/// Camera RGB to ACES2065-1, by the calibration and the white that the file states.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct InputTransform {
    /// The white, for files that do not state one or instead of theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub white: Option<White>,
    /// Exposure in stops, beside the file's BaselineExposure.
    pub exposure: f64,
    /// What becomes of values above the camera's white.
    pub highlights: Highlights,
}

/// A white, in the way it is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum White {
    /// What a grey is in linear camera RGB.
    Neutral([f64; 3]),
    /// CIE xy.
    Xy([f64; 2]),
    /// Correlated colour temperature and tint.
    Kelvin {
        /// Kelvin, 1667 to 100,000.
        kelvin: f64,
        /// Tint in raw developers' units; positive is magenta.
        #[serde(default)]
        tint: f64,
    },
}

/// What becomes of values above the camera's white.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Highlights {
    /// Each channel is limited to what white is at the level where the first channel clips
    /// (DNG 1.7, chapter 6): blown highlights are white, never magenta.
    #[default]
    Clip,
    /// Kept as they are, whatever their hue.
    Keep,
}

impl StageInfo for InputTransform {
    fn name(&self) -> &'static str {
        "input-transform"
    }

    fn version(&self) -> u32 {
        1
    }

    fn params(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl Takes<CameraRgb> for InputTransform {
    type Gives = SceneLinear;

    fn into_stage(self) -> AnyStage {
        AnyStage::frame(self)
    }
}

impl FrameStage for InputTransform {
    fn input(&self) -> ImageState {
        ImageState::CameraRgb
    }

    fn output(&self) -> ImageState {
        ImageState::SceneLinear
    }

    fn prepare(&self, input: &FrameFormat) -> Result<Box<dyn FrameKernel>> {
        let doing = "making the input transform";
        let color = input.facts.camera_color.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::MissingFact, "the camera's colour matrix is not known")
                .doing(doing)
                .advice("DNG: ColorMatrix1 (50721) is missing; no honest colours can be made without it")
        })?;
        let stated = self.white.map(|w| match w {
            White::Neutral(neutral) => WhitePoint::Neutral(neutral),
            White::Xy(xy) => WhitePoint::Xy(xy),
            White::Kelvin { kelvin, tint } => WhitePoint::Xy(kelvin_to_xy(kelvin, tint)),
        });
        let white = stated.or(color.as_shot).ok_or_else(|| {
            Error::new(ErrorKind::MissingFact, "the white of the take is not known")
                .doing(doing)
                .advice("the file states none (DNG: AsShotNeutral 50728 or AsShotWhiteXY 50729): give one with the `white` parameter, on the command line `--white`")
        })?;
        let transform = camera_transform(color, white, self.exposure)?;
        let limit = match self.highlights {
            Highlights::Clip => transform.neutral.map(|v| v as f32),
            Highlights::Keep => [f32::INFINITY; 3],
        };
        let mut format = FrameFormat { state: ImageState::SceneLinear, ..input.clone() };
        format.facts.camera_color = None;
        format.facts.color_space = Some(ColorSpace::Aces2065_1);
        Ok(Box::new(Kernel { m: to_f32(&transform.matrix), limit, format }))
    }
}

struct Kernel {
    m: [[f32; 3]; 3],
    limit: [f32; 3],
    format: FrameFormat,
}

impl FrameKernel for Kernel {
    fn format(&self) -> &FrameFormat {
        &self.format
    }

    fn input_rows(&self, out: Range<usize>) -> Range<usize> {
        out
    }

    fn run(&self, input: &Band<'_>, out: &mut BandMut<'_>) {
        for row in out.rows() {
            let from = [0, 1, 2].map(|p| input.row(p, row));
            limited_matrix(Level::current(), &self.m, self.limit, from, out.rgb_row_mut(row));
        }
    }

    /// Words: the limits of red, green and blue, which may be infinite; the matrix, 9 numbers row by row.
    fn on_device(&self) -> Option<DeviceWork> {
        Some(DeviceWork::new("input-transform").numbers(self.limit).numbers(self.m.into_iter().flatten()))
    }
}

kernel! {
    /// `m` times rows of red, green and blue, each limited first.
    fn limited_matrix(m: &[[f32; 3]; 3], limit: [f32; 3], from: [&[f32]; 3], to: [&mut [f32]; 3]) {
        let ([r, g, b], [to_r, to_g, to_b]) = (from, to);
        for (((((&r, &g), &b), to_r), to_g), to_b) in r.iter().zip(g).zip(b).zip(to_r).zip(to_g).zip(to_b) {
            [*to_r, *to_g, *to_b] = apply_f32(m, [r.min(limit[0]), g.min(limit[1]), b.min(limit[2])]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rushes_core::frame::FrameFacts;
    use rushes_core::media::{CalibratedIlluminant, CameraColor};

    fn format(as_shot: Option<WhitePoint>) -> FrameFormat {
        let camera_color = Some(CameraColor {
            calibrations: vec![CalibratedIlluminant {
                light_source: 21,
                color_matrix: [[0.7866, -0.2108, -0.0555], [-0.4869, 1.2483, 0.2681], [-0.1176, 0.2069, 0.7501]],
                forward_matrix: None,
                camera_calibration: crate::matrix::IDENTITY,
            }],
            analog_balance: [1.0; 3],
            baseline_exposure: 0.0,
            as_shot,
        });
        let facts = FrameFacts { camera_color, ..FrameFacts::default() };
        FrameFormat { state: ImageState::CameraRgb, width: 2, height: 1, facts }
    }

    fn run(stage: InputTransform, pixels: [f32; 6]) -> Vec<f32> {
        let kernel = stage.prepare(&format(Some(WhitePoint::Neutral([0.5, 1.0, 0.65])))).unwrap();
        assert_eq!(kernel.format().facts.color_space, Some(ColorSpace::Aces2065_1));
        let mut out = vec![0.0; 6];
        kernel.run(&Band::new(&pixels, 3, 2, 0..1), &mut BandMut::new(&mut out, 3, 2, 0..1));
        out
    }

    #[test]
    fn a_grey_is_grey_and_a_blown_white_is_white() {
        // Planes of two pixels: a grey at 18 %, and all photosites at their limit.
        let pixels = [0.09, 1.0, 0.18, 1.0, 0.117, 1.0];
        let out = run(InputTransform::default(), pixels);
        for p in 0..3 {
            assert!((out[2 * p] - 0.18).abs() < 1e-6 && (out[2 * p + 1] - 1.0).abs() < 1e-5, "{out:?}");
        }
        let kept = run(InputTransform { highlights: Highlights::Keep, ..InputTransform::default() }, pixels);
        assert!(kept[1] > kept[3] * 1.2, "magenta without the limit: {kept:?}");
    }

    #[test]
    fn without_a_white_nothing_is_guessed() {
        let e = InputTransform::default().prepare(&format(None)).err().unwrap();
        assert_eq!(e.kind(), ErrorKind::MissingFact);
        assert!(e.to_string().contains("AsShotNeutral"), "{e}");
        let stated =
            InputTransform { white: Some(White::Kelvin { kelvin: 5600.0, tint: 0.0 }), ..InputTransform::default() };
        assert!(stated.prepare(&format(None)).is_ok());
    }
}
