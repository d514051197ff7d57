//! Black and white levels.

use std::ops::Range;

use rushes_core::frame::{Band, BandMut, FrameFormat, ImageState, Linear, Mosaic};
use rushes_core::graph::{AnyStage, Takes};
use rushes_core::media::{Levels, Rect};
use rushes_core::simd::{Level, kernel};
use rushes_core::stage::{DeviceWork, FrameKernel, FrameStage, StageInfo};
use rushes_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Maps black to 0 and white to 1, and cuts the mosaic to its active area.
///
/// DNG 1.7, chapter 5: the black of each photosite is subtracted (pattern, per column and per
/// row), and the difference divided by white minus the largest black. Values are not clamped:
/// noise below black stays below 0, so that means stay right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Linearize {}

impl StageInfo for Linearize {
    fn name(&self) -> &'static str {
        "linearize"
    }

    fn version(&self) -> u32 {
        1
    }

    fn params(&self) -> serde_json::Value {
        serde_json::json!({})
    }
}

impl Takes<Mosaic> for Linearize {
    type Gives = Linear;

    fn into_stage(self) -> AnyStage {
        AnyStage::frame(self)
    }
}

impl FrameStage for Linearize {
    fn input(&self) -> ImageState {
        ImageState::Mosaic
    }

    fn output(&self) -> ImageState {
        ImageState::Linear
    }

    fn prepare(&self, input: &FrameFormat) -> Result<Box<dyn FrameKernel>> {
        let levels = input.facts.levels.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::MissingFact, "the black and white levels are not known")
                .advice("the decoder must state them (DNG: BlackLevel 50714 and WhiteLevel 50717)")
        })?;
        let area = input.facts.active_area.unwrap_or(Rect::whole(input.width, input.height));
        if !area.fits(input.width, input.height) {
            return Err(bad(format!(
                "the active area {area:?} is larger than the picture ({}x{})",
                input.width, input.height
            )));
        }
        let (black, scale) = tables(levels, area)?;
        let mut format = FrameFormat {
            state: ImageState::Linear,
            width: area.width,
            height: area.height,
            facts: input.facts.clone(),
        };
        format.facts.levels = None;
        format.facts.active_area = None;
        let delta_v = levels.delta_v.iter().map(|v| *v as f32).collect();
        Ok(Box::new(Kernel { format, area, black, delta_v, scale }))
    }
}

struct Kernel {
    format: FrameFormat,
    area: Rect,
    /// A row of blacks for each row of the pattern, deltas per column included.
    black: Vec<Vec<f32>>,
    delta_v: Vec<f32>,
    scale: f32,
}

impl FrameKernel for Kernel {
    fn format(&self) -> &FrameFormat {
        &self.format
    }

    fn input_rows(&self, out: Range<usize>) -> Range<usize> {
        out.start + self.area.y..out.end + self.area.y
    }

    fn run(&self, input: &Band<'_>, out: &mut BandMut<'_>) {
        for row in out.rows() {
            let black = &self.black[row % self.black.len()];
            let delta = self.delta_v.get(row).copied().unwrap_or(0.0);
            let from = &input.row(0, row + self.area.y)[self.area.x..self.area.x + self.area.width];
            subtract(Level::current(), from, black, delta, self.scale, out.row_mut(0, row));
        }
    }

    /// Program `linearize`. Words: the active area's first row and column, the rows of the pattern, the scale (a
    /// number), 1 if rows have deltas and 0 if not. Tables: the blacks, a row of the output's width for each row of
    /// the pattern; the delta of each row of the output, or nothing.
    fn on_device(&self) -> Option<DeviceWork> {
        let area = [self.area.y, self.area.x, self.black.len()].map(|n| u32::try_from(n).ok());
        let [Some(y), Some(x), Some(rows)] = area else { return None };
        let work = DeviceWork::new("linearize").word(y).word(x).word(rows).numbers([self.scale]);
        let work = work.word(u32::from(!self.delta_v.is_empty()));
        Some(work.table(self.black.concat()).table(self.delta_v.clone()))
    }
}

kernel! {
    /// `(code - black - delta) * scale`, sample by sample.
    fn subtract(code: &[f32], black: &[f32], delta: f32, scale: f32, out: &mut [f32]) {
        for ((out, code), black) in out.iter_mut().zip(code).zip(black) {
            *out = (code - black - delta) * scale;
        }
    }
}

/// The blacks, and one over white minus the largest black.
fn tables(levels: &Levels, area: Rect) -> Result<(Vec<Vec<f32>>, f32)> {
    let (rows, cols) = levels.repeat;
    if rows == 0 || cols == 0 || levels.black.len() != rows * cols {
        return Err(bad(format!("a black pattern of {rows}x{cols} with {} values", levels.black.len())));
    }
    for (name, deltas, n) in
        [("BlackLevelDeltaH", &levels.delta_h, area.width), ("BlackLevelDeltaV", &levels.delta_v, area.height)]
    {
        if !deltas.is_empty() && deltas.len() != n {
            return Err(bad(format!("{name} has {} values for {n}", deltas.len())));
        }
    }
    // `max` passes over what is not a number, so that it must be looked for.
    if levels.black.iter().chain(&levels.delta_h).chain(&levels.delta_v).any(|v| !v.is_finite()) {
        return Err(bad("a black level is not a number".into()));
    }
    let delta_h = |c: usize| levels.delta_h.get(c).copied().unwrap_or(0.0);
    let black = (0..rows)
        .map(|r| (0..area.width).map(|c| (levels.black[r * cols + c % cols] + delta_h(c)) as f32).collect())
        .collect();
    let max = |v: &[f64]| v.iter().copied().fold(None, |m: Option<f64>, v| Some(m.map_or(v, |m| m.max(v))));
    let largest = max(&levels.black).unwrap_or(0.0)
        + max(&levels.delta_h).unwrap_or(0.0).max(0.0)
        + max(&levels.delta_v).unwrap_or(0.0).max(0.0);
    let range = levels.white - largest;
    if !range.is_finite() || range <= 0.0 {
        return Err(bad(format!("white {} does not lie above black {largest}", levels.white)));
    }
    Ok((black, (1.0 / range) as f32))
}

fn bad(what: String) -> Error {
    Error::new(ErrorKind::BadMedia, what).doing("linearizing").advice("the file's levels contradict themselves")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rushes_core::frame::FrameFacts;

    fn mosaic(width: usize, height: usize, levels: Levels, area: Option<Rect>) -> FrameFormat {
        let facts = FrameFacts { levels: Some(levels), active_area: area, ..FrameFacts::default() };
        FrameFormat { state: ImageState::Mosaic, width, height, facts }
    }

    #[test]
    fn blacks_belong_to_their_photosites_and_to_the_active_area() {
        let levels = Levels {
            repeat: (2, 2),
            black: vec![10.0, 20.5, 30.25, 40.0],
            delta_h: vec![0.0, 1.0, 2.0],
            delta_v: vec![0.5, 0.0],
            white: 142.5,
        };
        let format = mosaic(5, 4, levels, Some(Rect { x: 1, y: 2, width: 3, height: 2 }));
        let kernel = Linearize {}.prepare(&format).unwrap();
        assert_eq!(kernel.input_rows(0..2), 2..4);
        let code: Vec<f32> = (0..20).map(|v| 100.0 + v as f32).collect();
        let mut out = vec![0.0; 6];
        kernel.run(&Band::new(&code, 1, 5, 0..4), &mut BandMut::new(&mut out, 1, 3, 0..2));
        // White minus the largest black: 142.5 - 40 - 2 - 0.5.
        let want = [
            111.0 - 10.0 - 0.5,
            112.0 - 20.5 - 1.0 - 0.5,
            113.0 - 10.0 - 2.0 - 0.5,
            116.0 - 30.25,
            117.0 - 40.0 - 1.0,
            118.0 - 30.25 - 2.0,
        ];
        for (v, w) in out.iter().zip(want) {
            assert!((v - w / 100.0).abs() < 1e-6, "{out:?}");
        }
        assert!(kernel.format().facts.levels.is_none() && kernel.format().facts.active_area.is_none());
    }

    #[test]
    fn contradictions_are_told() {
        let refused = |levels, area| Linearize {}.prepare(&mosaic(4, 4, levels, area)).err().map(|e| e.to_string());
        let lines = [
            refused(Levels::flat(100.0, 100.0), None),
            refused(Levels { repeat: (2, 2), ..Levels::flat(0.0, 1.0) }, None),
            refused(Levels { delta_h: vec![1.0], ..Levels::flat(0.0, 9.0) }, None),
            refused(Levels::flat(0.0, 9.0), Some(Rect { x: 1, y: 0, width: 4, height: 4 })),
            refused(Levels::flat(f64::NAN, 9.0), None),
            refused(Levels { repeat: (1, 2), black: vec![1.0, f64::NAN], ..Levels::flat(0.0, 9.0) }, None),
            refused(Levels { delta_h: vec![f64::INFINITY; 4], ..Levels::flat(0.0, 9.0) }, None),
        ];
        for line in lines {
            assert!(line.is_some_and(|l| l.contains("linearizing")));
        }
        let unknown = FrameFormat { facts: FrameFacts::default(), ..mosaic(4, 4, Levels::flat(0.0, 1.0), None) };
        assert_eq!(Linearize {}.prepare(&unknown).err().map(|e| e.kind()), Some(ErrorKind::MissingFact));
    }
}
