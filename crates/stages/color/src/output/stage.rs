//! The stage `output-transform`.

use std::ops::Range;

use rushes_core::Result;
use rushes_core::frame::{Band, BandMut, Display, FrameFormat, ImageState, SceneLinear};
use rushes_core::graph::{AnyStage, Takes};
use rushes_core::media::ColorSpace;
use rushes_core::simd::Level;
use rushes_core::stage::{FrameKernel, FrameStage, StageInfo};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cube::Baked;
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
/// assert_eq!(stage, OutputTransform { display: Target::Pq1000, ..OutputTransform::default() });
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OutputTransform {
    /// The display.
    pub display: Target,
    /// How exactly it is computed.
    pub precision: Precision,
}

/// How exactly the output transform is computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Each pixel as the Academy has it, within 1e-4 of OpenColorIO.
    #[default]
    Analytic,
    /// By a table of 65 x 65 x 65 pixels, for proxies and previews. SDR is off by 0.1 of 1,023 code values in greys on
    /// average; in colours with up to two stops between their channels by 0.3, 99 in 100 within 2.5, and single values by up
    /// to 70, where a channel leaves black. PQ by less than half of that.
    Cube65,
}

impl StageInfo for OutputTransform {
    fn name(&self) -> &'static str {
        "output-transform"
    }

    fn version(&self) -> u32 {
        3
    }

    fn params(&self) -> serde_json::Value {
        let mut params = serde_json::json!({ "display": self.display });
        // Work that was made before there was a choice stands.
        if self.precision != Precision::default() {
            params["precision"] = serde_json::json!(self.precision);
        }
        params
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
        let cg = scene_space(input)? == ColorSpace::AcesCg;
        let mut format = FrameFormat { state: ImageState::Display, ..input.clone() };
        format.facts.color_space = Some(self.display.space());
        let by = match self.precision {
            Precision::Analytic => By::Formula(self.display.rendering(), cg.then(|| to_f32(&aces::AP1_TO_AP0))),
            Precision::Cube65 => {
                let to_ap1 = if cg { matrix::IDENTITY } else { *aces::AP0_TO_AP1 };
                By::Table(Baked::of(self.display), to_f32(&to_ap1))
            }
        };
        Ok(Box::new(Kernel { by, format }))
    }
}

struct Kernel {
    by: By,
    format: FrameFormat,
}

enum By {
    /// With a way to ACES2065-1, for pictures in ACEScg.
    Formula(&'static Rendering, Option<[[f32; 3]; 3]>),
    /// With a way to ACEScg.
    Table(&'static Baked, [[f32; 3]; 3]),
}

impl FrameKernel for Kernel {
    fn format(&self) -> &FrameFormat {
        &self.format
    }

    fn input_rows(&self, out: Range<usize>) -> Range<usize> {
        out
    }

    fn run(&self, input: &Band<'_>, out: &mut BandMut<'_>) {
        let level = Level::current();
        let mut ap0 = match &self.by {
            By::Formula(_, Some(_)) => [0, 1, 2].map(|_| vec![0.0; input.width()]),
            _ => Default::default(),
        };
        for row in out.rows() {
            let from = [0, 1, 2].map(|p| input.row(p, row));
            match &self.by {
                By::Formula(rendering, Some(to_ap0)) => {
                    let [r, g, b] = &mut ap0;
                    matrix::rows(level, to_ap0, from, [r, g, b]);
                    rendering.rows(level, [r, g, b], out.rgb_row_mut(row));
                }
                By::Formula(rendering, None) => rendering.rows(level, from, out.rgb_row_mut(row)),
                By::Table(baked, to_ap1) => baked.rows(level, to_ap1, from, out.rgb_row_mut(row)),
            }
        }
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
    fn the_table_gives_either_space_nearly_what_the_formula_does() {
        let stage: OutputTransform = serde_json::from_str(r#"{ "precision": "cube65" }"#).unwrap();
        assert_eq!(serde_json::from_value::<OutputTransform>(stage.params()).unwrap(), stage);
        assert_eq!(OutputTransform::default().params(), serde_json::json!({ "display": "rec709" }));
        let pixels = [0.5f32, 0.18, 0.3, 0.18, 0.2, 0.18];
        for space in [ColorSpace::Aces2065_1, ColorSpace::AcesCg] {
            let by = |stage: OutputTransform| {
                let mut out = [0.0; 6];
                let kernel = stage.prepare(&format(Some(space))).unwrap();
                kernel.run(&Band::new(&pixels, 3, 2, 0..1), &mut BandMut::new(&mut out, 3, 2, 0..1));
                out
            };
            let (table, formula) = (by(stage), by(OutputTransform::default()));
            for (t, f) in table.iter().zip(formula) {
                assert!((t - f).abs() < 2e-3, "{space}: {t}, not {f}");
            }
            assert_ne!(table, formula, "{space}");
        }
    }

    #[test]
    fn a_picture_of_unknown_or_other_space_is_refused() {
        let kind = |space| OutputTransform::default().prepare(&format(space)).err().map(|e| e.kind());
        assert_eq!(kind(None), Some(ErrorKind::MissingFact));
        assert_eq!(kind(Some(ColorSpace::AcesCct)), Some(ErrorKind::Invalid));
    }
}
