//! The space a look is computed in.

use rushes_core::frame::{FrameFormat, ImageState};
use rushes_core::media::ColorSpace;
use rushes_core::simd::{Level, kernel};
use rushes_core::stage::DeviceWork;
use rushes_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::matrix::{self, IDENTITY, apply_f32, to_f32};
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
}

/// The way into a working space and back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Through {
    into: [[f32; 3]; 3],
    back: [[f32; 3]; 3],
    log: bool,
}

impl Through {
    pub(crate) fn new(space: WorkingSpace, input: &FrameFormat) -> Result<Self> {
        let from = scene_space(input)?;
        let (into, back) = match (from, space == WorkingSpace::Aces2065_1) {
            (ColorSpace::Aces2065_1, false) => (*aces::AP0_TO_AP1, *aces::AP1_TO_AP0),
            (ColorSpace::AcesCg, true) => (*aces::AP1_TO_AP0, *aces::AP0_TO_AP1),
            _ => (IDENTITY, IDENTITY),
        };
        Ok(Self { into: to_f32(&into), back: to_f32(&back), log: space == WorkingSpace::AcesCct })
    }

    /// `work` with one more word, 1 where the space is logarithmic, and 18 numbers: the matrix into the space and the one
    /// back, row by row.
    pub(crate) fn on_device(&self, work: DeviceWork) -> DeviceWork {
        let matrices = self.into.into_iter().chain(self.back).flatten();
        work.word(self.log.into()).numbers(matrices)
    }

    /// Rows into the space, changed in place by `look`, and back.
    pub(crate) fn rows(&self, from: [&[f32]; 3], to: [&mut [f32]; 3], look: impl Fn(Level, [&mut [f32]; 3])) {
        let ([r, g, b], level) = (to, Level::current());
        let enter = if self.log { cct::encode_rows } else { matrix::rows };
        let leave = if self.log { cct::decode_rows } else { in_place };
        // A few columns at a time stay in the first cache on their way.
        for (i, ((r, g), b)) in r.chunks_mut(PART).zip(g.chunks_mut(PART)).zip(b.chunks_mut(PART)).enumerate() {
            let from = from.map(|row| &row[i * PART..]);
            enter(level, &self.into, from, [&mut *r, &mut *g, &mut *b]);
            look(level, [&mut *r, &mut *g, &mut *b]);
            leave(level, &self.back, [r, g, b]);
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
