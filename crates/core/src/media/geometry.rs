//! Where the samples lie and what their numbers mean.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The four Bayer phases, named by the top left 2x2 of the area they describe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Cfa {
    /// R G / G B
    Rggb,
    /// B G / G R
    Bggr,
    /// G R / B G
    Grbg,
    /// G B / R G
    Gbrg,
}

impl Cfa {
    /// All four phases.
    pub const ALL: [Cfa; 4] = [Cfa::Rggb, Cfa::Bggr, Cfa::Grbg, Cfa::Gbrg];

    /// The colour (0 red, 1 green, 2 blue) of the photosite at `row`, `col`.
    #[inline]
    pub const fn color_at(self, row: usize, col: usize) -> usize {
        let (r, c) = self.red_at();
        match ((row + r) & 1, (col + c) & 1) {
            (0, 0) => 0,
            (1, 1) => 2,
            _ => 1,
        }
    }

    /// The row and column (each 0 or 1) of the red photosite in the 2x2 pattern.
    #[inline]
    pub const fn red_at(self) -> (usize, usize) {
        match self {
            Cfa::Rggb => (0, 0),
            Cfa::Bggr => (1, 1),
            Cfa::Grbg => (0, 1),
            Cfa::Gbrg => (1, 0),
        }
    }

    /// The phase seen from a window whose top left is at `row`, `col` of this one.
    pub const fn shifted(self, row: usize, col: usize) -> Cfa {
        let (r, c) = self.red_at();
        match ((r + row) & 1, (c + col) & 1) {
            (0, 0) => Cfa::Rggb,
            (1, 1) => Cfa::Bggr,
            (0, 1) => Cfa::Grbg,
            _ => Cfa::Gbrg,
        }
    }
}

/// A rectangle in pixels; `x`, `y` is its top left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Rect {
    /// Columns from the left.
    pub x: usize,
    /// Rows from the top.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Rect {
    /// The rectangle of a whole picture.
    pub const fn whole(width: usize, height: usize) -> Self {
        Self { x: 0, y: 0, width, height }
    }

    /// True when `self` lies wholly inside a picture of `width` x `height` and is not empty.
    pub fn fits(&self, width: usize, height: usize) -> bool {
        self.width > 0
            && self.height > 0
            && self.x.checked_add(self.width).is_some_and(|r| r <= width)
            && self.y.checked_add(self.height).is_some_and(|b| b <= height)
    }
}

/// Black and white levels of a mosaic, in code values after the linearization table.
///
/// The black of the photosite at `row`, `col` of the active area is
/// `black[(row % repeat.0) * repeat.1 + col % repeat.1] + delta_v[row] + delta_h[col]`
/// (DNG 1.7, BlackLevel, BlackLevelDeltaH and BlackLevelDeltaV).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Levels {
    /// Rows and columns of the black pattern.
    pub repeat: (usize, usize),
    /// The black pattern, row by row; fractions are kept.
    pub black: Vec<f64>,
    /// Added per column of the active area; empty for none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delta_h: Vec<f64>,
    /// Added per row of the active area; empty for none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delta_v: Vec<f64>,
    /// The code value of a saturated photosite.
    pub white: f64,
}

impl Levels {
    /// The same black everywhere.
    pub fn flat(black: f64, white: f64) -> Self {
        Self { repeat: (1, 1), black: vec![black], delta_h: Vec::new(), delta_v: Vec::new(), white }
    }
}

/// How the stored picture must be turned to stand upright (TIFF 6.0, Orientation).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Orientation {
    /// 1: as stored.
    #[default]
    Normal,
    /// 2: mirrored left to right.
    MirrorX,
    /// 3: turned by 180 degrees.
    Rotate180,
    /// 4: mirrored top to bottom.
    MirrorY,
    /// 5: mirrored about the main diagonal.
    Transpose,
    /// 6: turn by 90 degrees clockwise to stand upright.
    Rotate90,
    /// 7: mirrored about the other diagonal.
    Transverse,
    /// 8: turn by 270 degrees clockwise to stand upright.
    Rotate270,
}

impl Orientation {
    /// From the value of the TIFF tag, 1 to 8.
    pub const fn from_tiff(v: u32) -> Option<Self> {
        Some(match v {
            1 => Self::Normal,
            2 => Self::MirrorX,
            3 => Self::Rotate180,
            4 => Self::MirrorY,
            5 => Self::Transpose,
            6 => Self::Rotate90,
            7 => Self::Transverse,
            8 => Self::Rotate270,
            _ => return None,
        })
    }

    /// The value of the TIFF tag, 1 to 8.
    pub const fn to_tiff(self) -> u8 {
        match self {
            Self::Normal => 1,
            Self::MirrorX => 2,
            Self::Rotate180 => 3,
            Self::MirrorY => 4,
            Self::Transpose => 5,
            Self::Rotate90 => 6,
            Self::Transverse => 7,
            Self::Rotate270 => 8,
        }
    }

    /// True when rows become columns.
    pub const fn swaps_sides(self) -> bool {
        matches!(self, Self::Transpose | Self::Rotate90 | Self::Transverse | Self::Rotate270)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_phase_has_the_pattern_its_name_says() {
        for (cfa, name) in Cfa::ALL.into_iter().zip(["RGGB", "BGGR", "GRBG", "GBRG"]) {
            let seen: String =
                [(0, 0), (0, 1), (1, 0), (1, 1)].iter().map(|&(r, c)| ['R', 'G', 'B'][cfa.color_at(r, c)]).collect();
            assert_eq!(seen, name);
        }
    }

    #[test]
    fn a_shifted_window_sees_the_same_colours() {
        for cfa in Cfa::ALL {
            for (dr, dc) in [(0, 0), (0, 1), (1, 0), (1, 1), (3, 2)] {
                for (r, c) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    assert_eq!(cfa.shifted(dr, dc).color_at(r, c), cfa.color_at(r + dr, c + dc));
                }
            }
        }
    }

    #[test]
    fn a_rectangle_that_overflows_does_not_fit() {
        assert!(!Rect { x: usize::MAX, y: 0, width: 2, height: 1 }.fits(10, 10));
        assert!(Rect::whole(10, 10).fits(10, 10));
    }
}
