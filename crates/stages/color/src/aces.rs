//! The ACES encodings' matrices.

use std::sync::LazyLock;

use rushes_core::media::{ColorSpace, Matrix3};

use crate::matrix::{IDENTITY, inverse, mul, rgb_to_xyz};

/// The ACES white, CIE xy (SMPTE ST 2065-1:2021, 4.2).
pub const WHITE: [f64; 2] = [0.32168, 0.33767];

/// CIE XYZ (white at Y = 1, ACES white) to ACES2065-1.
pub static XYZ_TO_AP0: LazyLock<Matrix3> =
    LazyLock::new(|| inverse(&rgb_to_xyz(ColorSpace::Aces2065_1.chromaticities())).unwrap_or(IDENTITY));

/// ACES2065-1 to ACEScg.
pub static AP0_TO_AP1: LazyLock<Matrix3> = LazyLock::new(|| between(ColorSpace::Aces2065_1, ColorSpace::AcesCg));

/// ACEScg to ACES2065-1.
pub static AP1_TO_AP0: LazyLock<Matrix3> = LazyLock::new(|| between(ColorSpace::AcesCg, ColorSpace::Aces2065_1));

/// Between two spaces with the same white.
fn between(from: ColorSpace, to: ColorSpace) -> Matrix3 {
    let xyz = rgb_to_xyz(from.chromaticities());
    inverse(&rgb_to_xyz(to.chromaticities())).map_or(IDENTITY, |back| mul(&back, &xyz))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_to_ap1_is_the_published_one() {
        // S-2014-004, annex C.
        let want = [
            [1.4514393161, -0.2365107469, -0.2149285693],
            [-0.0765537734, 1.1762296998, -0.0996759264],
            [0.0083161484, -0.0060324498, 0.9977163014],
        ];
        for (row, want) in AP0_TO_AP1.iter().zip(want) {
            for (v, w) in row.iter().zip(want) {
                assert!((v - w).abs() < 1e-9, "{v} {w}");
            }
        }
    }
}
