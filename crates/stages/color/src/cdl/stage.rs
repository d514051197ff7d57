//! The stage `cdl`.

use std::ops::Range;
use std::path::PathBuf;

use rushes_core::frame::{Band, BandMut, FrameFormat, ImageState, SceneLinear};
use rushes_core::graph::{AnyStage, Takes};
use rushes_core::stage::{DeviceWork, FrameKernel, FrameStage, StageInfo};
use rushes_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Correction, read_cdl};
use crate::working::{Through, WorkingSpace, scene_space};

/// An ASC CDL, computed in a working space; the picture comes back in the space it was in.
///
/// In a workflow file it is either numbers or a `file` (and an `id` in it). A file is read when
/// the workflow is: what is planned holds the numbers, so that units need no file beside them.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(try_from = "Written")]
#[schemars(with = "Written")]
pub struct Cdl {
    correction: Correction,
    /// Whether values are clamped.
    pub style: CdlStyle,
    /// Where it is computed.
    pub working_space: WorkingSpace,
}

/// Whether a correction clamps to 0..1, as ASC CDL 1.2 has it, or not, as scene-linear work needs it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CdlStyle {
    /// Nothing is clamped: highlights above 1 survive.
    #[default]
    NoClamp,
    /// Clamped after the offset and at the end.
    Clamp,
}

/// As it stands in a workflow file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Cdl")]
struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    slope: Option<[f32; 3]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<[f32; 3]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    power: Option<[f32; 3]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    saturation: Option<f32>,
    /// A .cc, .ccc or .cdl file.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
    /// The correction's id in the file, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    style: CdlStyle,
    working_space: WorkingSpace,
}

impl Cdl {
    /// `correction` in ACEScct, without clamping.
    ///
    /// # Errors
    /// When a number is out of its range.
    pub fn new(correction: Correction) -> Result<Self> {
        Ok(Self { correction: correction.check()?, style: CdlStyle::default(), working_space: WorkingSpace::default() })
    }

    /// The numbers.
    pub fn correction(&self) -> Correction {
        self.correction
    }
}

impl TryFrom<Written> for Cdl {
    type Error = Error;

    fn try_from(w: Written) -> Result<Self> {
        let numbers = w.slope.is_some() || w.offset.is_some() || w.power.is_some() || w.saturation.is_some();
        let correction = match (&w.file, numbers) {
            (Some(_), true) => {
                return Err(Error::new(ErrorKind::Invalid, "a CDL is either numbers or a file, not both"));
            }
            (Some(file), false) => read_cdl(file, w.id.as_deref())?,
            (None, _) => Correction {
                slope: w.slope.unwrap_or([1.0; 3]),
                offset: w.offset.unwrap_or([0.0; 3]),
                power: w.power.unwrap_or([1.0; 3]),
                saturation: w.saturation.unwrap_or(1.0),
            },
        };
        Ok(Self { correction: correction.check()?, style: w.style, working_space: w.working_space })
    }
}

impl StageInfo for Cdl {
    fn name(&self) -> &'static str {
        "cdl"
    }

    fn version(&self) -> u32 {
        3
    }

    fn params(&self) -> serde_json::Value {
        let Correction { slope, offset, power, saturation } = self.correction;
        let written = Written {
            slope: Some(slope),
            offset: Some(offset),
            power: Some(power),
            saturation: Some(saturation),
            file: None,
            id: None,
            style: self.style,
            working_space: self.working_space,
        };
        serde_json::to_value(written).unwrap_or_default()
    }
}

impl Takes<SceneLinear> for Cdl {
    type Gives = SceneLinear;

    fn into_stage(self) -> AnyStage {
        AnyStage::frame(self)
    }
}

impl FrameStage for Cdl {
    fn input(&self) -> ImageState {
        ImageState::SceneLinear
    }

    fn output(&self) -> ImageState {
        ImageState::SceneLinear
    }

    fn prepare(&self, input: &FrameFormat) -> Result<Box<dyn FrameKernel>> {
        let through = Through::new(self.working_space, scene_space(input)?)?;
        Ok(Box::new(Kernel { cdl: *self, through, format: input.clone() }))
    }
}

struct Kernel {
    cdl: Cdl,
    through: Through,
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
            let Cdl { correction, style, .. } = &self.cdl;
            self.through.rows(from, out.rgb_row_mut(row), |level, rows| correction.rows(level, *style, rows));
        }
    }

    /// Words: 1 where the working space is logarithmic, the matrices into it and back (9 numbers each, row by row); 1 where
    /// values are clamped; slopes, offsets and powers of red, green and blue; the saturation.
    fn on_device(&self) -> Option<DeviceWork> {
        let Correction { slope, offset, power, saturation } = self.cdl.correction;
        let work = self.through.on_device(DeviceWork::new("cdl")).word((self.cdl.style == CdlStyle::Clamp).into());
        Some(work.numbers(slope).numbers(offset).numbers(power).numbers([saturation]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rushes_core::frame::FrameFacts;
    use rushes_core::media::ColorSpace;

    fn run(cdl: Cdl, pixel: [f32; 3]) -> Vec<f32> {
        let facts = FrameFacts { color_space: Some(ColorSpace::Aces2065_1), ..FrameFacts::default() };
        let format = FrameFormat { state: ImageState::SceneLinear, width: 1, height: 1, facts };
        let mut out = vec![0.0; 3];
        cdl.prepare(&format).unwrap().run(&Band::new(&pixel, 3, 1, 0..1), &mut BandMut::new(&mut out, 3, 1, 0..1));
        out
    }

    #[test]
    fn what_is_no_number_stays_so_in_every_working_space() {
        for space in ["ACEScct", "ACEScg", "ACES2065-1", "LogC4/AWG4"] {
            let cdl = serde_json::json!({ "slope": [1.1, 1.0, 0.9], "power": [1.2, 1.0, 0.8], "working_space": space });
            let cdl: Cdl = serde_json::from_value(cdl).unwrap();
            assert!(run(cdl, [f32::NAN; 3]).iter().all(|v| v.is_nan()), "{space}");
        }
    }

    #[test]
    fn a_neutral_correction_changes_nothing_visible() {
        for space in ["ACEScct", "ACEScg", "ACES2065-1"] {
            let cdl: Cdl = serde_json::from_value(serde_json::json!({ "working_space": space })).unwrap();
            for pixel in [[0.18f32, 0.18, 0.18], [4.0, 0.2, 0.1], [-0.01, 0.3, 0.6]] {
                for (v, w) in run(cdl, pixel).iter().zip(pixel) {
                    assert!((v - w).abs() < 1e-5 * w.abs().max(1.0), "{space} {pixel:?}: {v}");
                }
            }
        }
    }

    #[test]
    fn a_stop_in_acescct_is_a_stop_in_the_scene() {
        let cdl: Cdl =
            serde_json::from_value(serde_json::json!({ "offset": [1.0 / 17.52, 1.0 / 17.52, 1.0 / 17.52] })).unwrap();
        for v in run(cdl, [0.18; 3]) {
            assert!((v - 0.36).abs() < 1e-5);
        }
    }

    #[test]
    fn the_plan_holds_the_numbers_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("look.cc");
        let text = "<ColorCorrection><SOPNode><Slope>1.5 1 1</Slope></SOPNode></ColorCorrection>";
        std::fs::write(&file, text).unwrap();
        let cdl: Cdl = serde_json::from_value(serde_json::json!({ "file": file })).unwrap();
        std::fs::remove_file(&file).unwrap();
        let again: Cdl = serde_json::from_value(cdl.params()).unwrap();
        assert_eq!(again, cdl);
        assert_eq!(again.correction().slope, [1.5, 1.0, 1.0]);
        let e = serde_json::from_value::<Cdl>(serde_json::json!({ "file": file })).unwrap_err();
        assert!(e.to_string().contains("look.cc"), "{e}");
    }

    #[test]
    fn numbers_and_a_file_are_refused() {
        assert!(serde_json::from_str::<Cdl>(r#"{ "slope": [1, 1, 1], "file": "x.cc" }"#).is_err());
        assert!(serde_json::from_str::<Cdl>(r#"{ "slop": [1, 1, 1] }"#).is_err());
        assert!(serde_json::from_str::<Cdl>(r#"{ "power": [1, 0, 1] }"#).is_err());
    }
}
