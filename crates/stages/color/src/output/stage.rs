//! The stage `output-transform`.

use std::ops::Range;

use rushes_core::Result;
use rushes_core::frame::{Band, BandMut, Display, FrameFormat, ImageState, SceneLinear};
use rushes_core::graph::{AnyStage, Takes};
use rushes_core::media::ColorSpace;
use rushes_core::simd::Level;
use rushes_core::stage::{DeviceWork, FrameKernel, FrameStage, StageInfo};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Rendering, Target};
use crate::aces;
use crate::matrix::{self, to_f32};
use crate::working::scene_space;

/// Renders a scene-linear picture for a display by the ACES 2.0 output transform.
///
/// ```
/// use rushes_color::OutputTransform;
/// use rushes_color::output::Target;
/// let stage: OutputTransform = serde_json::from_str(r#"{ "display": "rec2100-pq-1000" }"#)?;
/// assert_eq!(stage, OutputTransform { display: Target::Pq1000 });
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OutputTransform {
    /// The display.
    pub display: Target,
}

impl StageInfo for OutputTransform {
    fn name(&self) -> &'static str {
        "output-transform"
    }

    fn version(&self) -> u32 {
        3
    }

    fn params(&self) -> serde_json::Value {
        serde_json::json!({ "display": self.display })
    }
}

impl Takes<SceneLinear> for OutputTransform {
    type Gives = Display;

    fn into_stage(self) -> AnyStage {
        AnyStage::frame(self)
    }
}

impl FrameStage for OutputTransform {
    fn input(&self) -> ImageState {
        ImageState::SceneLinear
    }

    fn output(&self) -> ImageState {
        ImageState::Display
    }

    fn prepare(&self, input: &FrameFormat) -> Result<Box<dyn FrameKernel>> {
        let to_ap0 = (scene_space(input)? == ColorSpace::AcesCg).then(|| to_f32(&aces::AP1_TO_AP0));
        let mut format = FrameFormat { state: ImageState::Display, ..input.clone() };
        format.facts.color_space = Some(self.display.space());
        Ok(Box::new(Kernel { rendering: self.display.rendering(), to_ap0, format }))
    }
}

struct Kernel {
    rendering: &'static Rendering,
    /// For pictures in ACEScg.
    to_ap0: Option<[[f32; 3]; 3]>,
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
        let (rendering, level) = (self.rendering, Level::current());
        let mut ap0 = self.to_ap0.map(|m| (m, [0, 1, 2].map(|_| vec![0.0; input.width()])));
        for row in out.rows() {
            let from = [0, 1, 2].map(|p| input.row(p, row));
            match &mut ap0 {
                Some((m, [r, g, b])) => {
                    matrix::rows(level, m, from, [r, g, b]);
                    rendering.rows(level, [r, g, b], out.rgb_row_mut(row));
                }
                None => rendering.rows(level, from, out.rgb_row_mut(row)),
            }
        }
    }

    /// Words and tables: those of [`Rendering::on_device`]; then 1 for a picture in ACEScg, and the matrix from there to
    /// ACES2065-1, 9 numbers row by row.
    fn on_device(&self) -> Option<DeviceWork> {
        let m = self.to_ap0.unwrap_or(to_f32(&matrix::IDENTITY));
        Some(self.rendering.on_device().word(self.to_ap0.is_some().into()).numbers(m.into_iter().flatten()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rushes_core::ErrorKind;
    use rushes_core::frame::FrameFacts;

    fn format(color_space: Option<ColorSpace>) -> FrameFormat {
        let facts = FrameFacts { color_space, ..FrameFacts::default() };
        FrameFormat { state: ImageState::SceneLinear, width: 2, height: 1, facts }
    }

    fn run(space: ColorSpace, pixels: [f32; 6]) -> [f32; 6] {
        let kernel = OutputTransform::default().prepare(&format(Some(space))).unwrap();
        assert_eq!(kernel.format().facts.color_space, Some(ColorSpace::Rec709Display));
        assert_eq!(kernel.format().state, ImageState::Display);
        let mut out = [0.0; 6];
        kernel.run(&Band::new(&pixels, 3, 2, 0..1), &mut BandMut::new(&mut out, 3, 2, 0..1));
        out
    }

    #[test]
    fn acescg_and_aces2065_1_of_one_light_look_the_same() {
        let (light, grey) = ([0.5f32, 0.1, 0.05], 0.18);
        let m = to_f32(&aces::AP0_TO_AP1);
        let cg = [0, 1, 2].map(|r: usize| m[r][0] * light[0] + m[r][1] * light[1] + m[r][2] * light[2]);
        let a = run(ColorSpace::Aces2065_1, [light[0], grey, light[1], grey, light[2], grey]);
        let b = run(ColorSpace::AcesCg, [cg[0], grey, cg[1], grey, cg[2], grey]);
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }

    #[test]
    fn a_picture_of_unknown_or_other_space_is_refused() {
        let kind = |space| OutputTransform::default().prepare(&format(space)).err().map(|e| e.kind());
        assert_eq!(kind(None), Some(ErrorKind::MissingFact));
        assert_eq!(kind(Some(ColorSpace::AcesCct)), Some(ErrorKind::Invalid));
    }
}
