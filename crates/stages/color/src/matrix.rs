//! 3x3 matrices in `f64`, and the row kernel that applies one.

use rushes_core::media::Matrix3;
use rushes_core::simd::kernel;

/// The identity.
pub const IDENTITY: Matrix3 = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

/// `a` times `b`: applies `b` first.
pub fn mul(a: &Matrix3, b: &Matrix3) -> Matrix3 {
    let mut m = [[0.0; 3]; 3];
    for (row, out) in a.iter().zip(&mut m) {
        for (c, v) in out.iter_mut().enumerate() {
            *v = (0..3).map(|k| row[k] * b[k][c]).sum();
        }
    }
    m
}

/// `m` times the column `v`.
pub fn apply(m: &Matrix3, v: [f64; 3]) -> [f64; 3] {
    [0, 1, 2].map(|r| m[r][0] * v[0] + m[r][1] * v[1] + m[r][2] * v[2])
}

/// The diagonal matrix of `v`.
pub fn diagonal(v: [f64; 3]) -> Matrix3 {
    [[v[0], 0.0, 0.0], [0.0, v[1], 0.0], [0.0, 0.0, v[2]]]
}

/// Every element times `s`.
pub fn scale(m: &Matrix3, s: f64) -> Matrix3 {
    m.map(|row| row.map(|v| v * s))
}

/// The inverse; `None` when there is none.
pub fn inverse(m: &Matrix3) -> Option<Matrix3> {
    let cofactor = |r: usize, c: usize| {
        let (r1, r2, c1, c2) = ((r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3);
        m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
    };
    let det: f64 = (0..3).map(|c| m[0][c] * cofactor(0, c)).sum();
    if !det.is_finite() || det.abs() < 1e-12 {
        return None;
    }
    let mut inv = [[0.0; 3]; 3];
    for (r, row) in inv.iter_mut().enumerate() {
        for (c, v) in row.iter_mut().enumerate() {
            *v = cofactor(c, r) / det;
        }
    }
    Some(inv)
}

/// CIE xy as XYZ with Y = 1.
pub fn xy_to_xyz([x, y]: [f64; 2]) -> [f64; 3] {
    [x / y, 1.0, (1.0 - x - y) / y]
}

/// CIE xy of XYZ; `None` for black.
pub fn xyz_to_xy([x, y, z]: [f64; 3]) -> Option<[f64; 2]> {
    let sum = x + y + z;
    (sum.is_finite() && sum.abs() > 1e-12).then(|| [x / sum, y / sum])
}

/// RGB of the given primaries and white (CIE xy of red, green, blue, white) to XYZ, white at
/// Y = 1 (SMPTE RP 177, section 3.3).
pub fn rgb_to_xyz(chromaticities: [[f64; 2]; 4]) -> Matrix3 {
    let [r, g, b, w] = chromaticities.map(xy_to_xyz);
    let columns = [[r[0], g[0], b[0]], [r[1], g[1], b[1]], [r[2], g[2], b[2]]];
    // The primaries of a real space span the plane; the identity is for those that do not.
    let gains = inverse(&columns).map_or([1.0; 3], |inv| apply(&inv, w));
    mul(&columns, &diagonal(gains))
}

/// The cone responses of Bradford (ICC.1:2022, annex E).
pub const BRADFORD: Matrix3 = [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]];

/// The cone responses of CIECAM02 (CIE 159:2004).
pub const CAT02: Matrix3 = [[0.7328, 0.4296, -0.1624], [-0.7036, 1.6975, 0.0061], [0.0030, 0.0136, 0.9834]];

/// The adaptation of XYZ from white `from` to white `to`, CIE xy, each cone response by a gain of its own (von Kries).
pub fn adaptation(cones: &Matrix3, from: [f64; 2], to: [f64; 2]) -> Matrix3 {
    let (a, b) = (apply(cones, xy_to_xyz(from)), apply(cones, xy_to_xyz(to)));
    let gains = diagonal([b[0] / a[0], b[1] / a[1], b[2] / a[2]]);
    inverse(cones).map_or(IDENTITY, |back| mul(&back, &mul(&gains, cones)))
}

/// The Bradford adaptation from white `from` to white `to`, CIE xy.
pub fn bradford(from: [f64; 2], to: [f64; 2]) -> Matrix3 {
    adaptation(&BRADFORD, from, to)
}

/// A matrix in `f32`, for kernels.
pub fn to_f32(m: &Matrix3) -> [[f32; 3]; 3] {
    m.map(|row| row.map(|v| v as f32))
}

/// `m` times the column `v`, in `f32`, for kernels.
#[inline(always)]
pub fn apply_f32(m: &[[f32; 3]; 3], v: [f32; 3]) -> [f32; 3] {
    let row = |r: usize| m[r][0] * v[0] + m[r][1] * v[1] + m[r][2] * v[2];
    [row(0), row(1), row(2)]
}

kernel! {
    /// Applies `m` to rows of red, green and blue.
    pub fn rows(m: &[[f32; 3]; 3], from: [&[f32]; 3], to: [&mut [f32]; 3]) {
        let ([r, g, b], [to_r, to_g, to_b]) = (from, to);
        for (((((&r, &g), &b), to_r), to_g), to_b) in r.iter().zip(g).zip(b).zip(to_r).zip(to_g).zip(to_b) {
            [*to_r, *to_g, *to_b] = apply_f32(m, [r, g, b]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_matrix_times_its_inverse_is_the_identity(m in proptest::array::uniform3(proptest::array::uniform3(-2.0f64..2.0))) {
            if let Some(inv) = inverse(&m) {
                let size = inv.iter().flatten().fold(1.0f64, |a, v| a.max(v.abs()));
                for (row, want) in mul(&m, &inv).iter().zip(IDENTITY) {
                    for (v, w) in row.iter().zip(want) {
                        prop_assert!((v - w).abs() < 1e-12 * size * size.max(1.0));
                    }
                }
            }
        }
    }

    #[test]
    fn a_matrix_without_an_inverse_has_none() {
        assert!(inverse(&[[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 1.0, 0.0]]).is_none());
        assert!(inverse(&diagonal([f64::NAN, 1.0, 1.0])).is_none());
    }

    #[test]
    fn bradford_takes_one_white_to_the_other() {
        let (d50, d65) = ([0.3457, 0.3585], [0.3127, 0.3290]);
        let to = apply(&bradford(d50, d65), xy_to_xyz(d50));
        for (a, b) in to.iter().zip(xy_to_xyz(d65)) {
            assert!((a - b).abs() < 1e-12);
        }
    }
}
