//! Between the scene-linear ACES spaces.

use std::ops::Range;

use rushes_core::frame::{Band, BandMut, FrameFormat, ImageState, SceneLinear};
use rushes_core::graph::{AnyStage, Takes};
use rushes_core::media::ColorSpace;
use rushes_core::simd::Level;
use rushes_core::stage::{DeviceWork, FrameKernel, FrameStage, StageInfo};
use rushes_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aces;
use crate::matrix::{self, IDENTITY, to_f32};
use crate::working::scene_space;

/// Converts scene-linear pictures between ACES2065-1 and ACEScg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Convert {
    /// The space to convert to.
    pub to: ColorSpace,
}

impl StageInfo for Convert {
    fn name(&self) -> &'static str {
        "convert"
    }

    fn version(&self) -> u32 {
        1
    }

    fn params(&self) -> serde_json::Value {
        serde_json::json!({ "to": self.to })
    }
}

impl Takes<SceneLinear> for Convert {
    type Gives = SceneLinear;

    fn into_stage(self) -> AnyStage {
        AnyStage::frame(self)
    }
}

impl FrameStage for Convert {
    fn input(&self) -> ImageState {
        ImageState::SceneLinear
    }

    fn output(&self) -> ImageState {
        ImageState::SceneLinear
    }

    fn prepare(&self, input: &FrameFormat) -> Result<Box<dyn FrameKernel>> {
        let from = scene_space(input)?;
        let m = match (from, self.to) {
            (a, b) if a == b => IDENTITY,
            (ColorSpace::Aces2065_1, ColorSpace::AcesCg) => *aces::AP0_TO_AP1,
            (ColorSpace::AcesCg, ColorSpace::Aces2065_1) => *aces::AP1_TO_AP0,
            (_, to) => {
                return Err(Error::new(ErrorKind::Unsupported, format!("a scene-linear picture cannot be in {to}"))
                    .advice("convert to ACES2065-1 or ACEScg"));
            }
        };
        let mut format = input.clone();
        format.facts.color_space = Some(self.to);
        Ok(Box::new(Kernel { m: to_f32(&m), format }))
    }
}

struct Kernel {
    m: [[f32; 3]; 3],
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
            matrix::rows(Level::current(), &self.m, [0, 1, 2].map(|p| input.row(p, row)), out.rgb_row_mut(row));
        }
    }

    /// Words: the matrix, 9 numbers row by row.
    fn on_device(&self) -> Option<DeviceWork> {
        Some(DeviceWork::new("convert").numbers(self.m.into_iter().flatten()))
    }
}
