//! The stage `lut`.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use rushes_core::frame::{Band, BandMut, FrameFormat, ImageState, SceneLinear};
use rushes_core::graph::{AnyStage, Takes};
use rushes_core::media::Digest;
use rushes_core::stage::{DeviceWork, FrameKernel, FrameStage, StageInfo};
use rushes_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cube, Interpolation};
use crate::working::{Through, WorkingSpace, scene_space};

/// A .cube look, scene to scene: looked up in a working space, and the picture comes back in
/// the space it was in. The file is read when the stage is made, once for a unit.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(try_from = "Written")]
#[schemars(with = "Written")]
pub struct Lut {
    written: Written,
    cube: Arc<Cube>,
    /// What devices get of the cube, made when one first asks.
    on_device: Arc<OnceLock<DeviceWork>>,
}

/// As it stands in a workflow file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Lut")]
struct Written {
    /// The .cube file.
    file: PathBuf,
    /// The digest of the file that is meant. Filled in when the workflow is read, so that a unit
    /// made later, or elsewhere, is never made with another look of the same name.
    #[serde(default)]
    digest: Option<Digest>,
    /// How values between the grid points are found.
    #[serde(default)]
    interpolation: Interpolation,
    /// The space of its input and output.
    #[serde(default)]
    working_space: WorkingSpace,
}

impl Lut {
    /// The look of `file`, tetrahedral, in `space`.
    ///
    /// # Errors
    /// When the file cannot be read or makes no sense.
    pub fn read(file: impl Into<PathBuf>, space: WorkingSpace) -> Result<Self> {
        Written { file: file.into(), digest: None, interpolation: Interpolation::default(), working_space: space }
            .try_into()
    }
}

impl TryFrom<Written> for Lut {
    type Error = Error;

    fn try_from(mut written: Written) -> Result<Self> {
        let (cube, digest) = Cube::read(&written.file)?;
        if let Some(meant) = written.digest.replace(digest).filter(|meant| Some(meant) != written.digest.as_ref()) {
            return Err(Error::new(ErrorKind::Invalid, format!("the file is not the one that was meant ({meant})"))
                .doing("reading a LUT")
                .path(&written.file)
                .advice("bring the meant file back, or plan again without `digest`"));
        }
        Ok(Self { written, cube: Arc::new(cube), on_device: Arc::default() })
    }
}

impl StageInfo for Lut {
    fn name(&self) -> &'static str {
        "lut"
    }

    fn version(&self) -> u32 {
        4
    }

    fn params(&self) -> serde_json::Value {
        serde_json::to_value(&self.written).unwrap_or_default()
    }
}

impl Takes<SceneLinear> for Lut {
    type Gives = SceneLinear;

    fn into_stage(self) -> AnyStage {
        AnyStage::frame(self)
    }
}

impl FrameStage for Lut {
    fn input(&self) -> ImageState {
        ImageState::SceneLinear
    }

    fn output(&self) -> ImageState {
        ImageState::SceneLinear
    }

    fn prepare(&self, input: &FrameFormat) -> Result<Box<dyn FrameKernel>> {
        let through = Through::new(self.written.working_space, scene_space(input)?)?;
        let (cube, interpolation) = (Arc::clone(&self.cube), self.written.interpolation);
        let on_device = Arc::clone(&self.on_device);
        Ok(Box::new(Kernel { cube, interpolation, through, on_device, format: input.clone() }))
    }
}

struct Kernel {
    cube: Arc<Cube>,
    interpolation: Interpolation,
    through: Through,
    on_device: Arc<OnceLock<DeviceWork>>,
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
            self.through.rows(from, out.rgb_row_mut(row), |level, rgb| {
                self.cube.look_up_rows(level, rgb, self.interpolation);
            });
        }
    }

    /// Words and tables: those of [`Cube::on_device`]; then 1 for trilinear interpolation, 0 for tetrahedral; the
    /// working space (27 words).
    fn on_device(&self) -> Option<DeviceWork> {
        let work = self.on_device.get_or_init(|| self.cube.on_device(DeviceWork::new("lut"))).clone();
        Some(self.through.on_device(work.word((self.interpolation == Interpolation::Trilinear).into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rushes_core::frame::FrameFacts;
    use rushes_core::media::ColorSpace;

    #[test]
    fn devices_get_the_tables_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("look.cube");
        std::fs::write(&file, format!("LUT_3D_SIZE 2\n{}", "0.5 0.25 1\n".repeat(8))).unwrap();
        let lut = Lut::read(&file, WorkingSpace::AcesCg).unwrap();
        let facts = FrameFacts { color_space: Some(ColorSpace::AcesCg), ..FrameFacts::default() };
        let format = FrameFormat { state: ImageState::SceneLinear, width: 2, height: 1, facts };
        let work = || lut.prepare(&format).unwrap().on_device().unwrap();
        let (one, two) = (work(), work());
        // No 1D table; a 3D one of 8 rows and those after them.
        assert_eq!((one.words.len(), one.words[0], one.words[7], one.words[14]), (42, 0, 2, 0));
        assert_eq!((one.tables[0].len(), one.tables[1].len()), (0, 4 * (8 + 4 + 2 + 1)));
        assert!(Arc::ptr_eq(&one.tables[1], &two.tables[1]));
    }
}
