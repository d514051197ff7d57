//! Correlated colour temperature by Robertson's method.
//!
//! A. R. Robertson, "Computation of Correlated Color Temperature and Distribution Temperature",
//! JOSA 58 (1968); the isotemperature lines as tabulated in Wyszecki and Stiles, *Color Science*
//! (1982), table 1(3.11), with the u of 325 mired corrected to 0.24792 as in later literature.

/// Reciprocal megakelvin, u and v (CIE 1960) on the Planckian locus, slope of the isotemperature line.
const LINES: [[f64; 4]; 31] = [
    [0.0, 0.18006, 0.26352, -0.24341],
    [10.0, 0.18066, 0.26589, -0.25479],
    [20.0, 0.18133, 0.26846, -0.26876],
    [30.0, 0.18208, 0.27119, -0.28539],
    [40.0, 0.18293, 0.27407, -0.30470],
    [50.0, 0.18388, 0.27709, -0.32675],
    [60.0, 0.18494, 0.28021, -0.35156],
    [70.0, 0.18611, 0.28342, -0.37915],
    [80.0, 0.18740, 0.28668, -0.40955],
    [90.0, 0.18880, 0.28997, -0.44278],
    [100.0, 0.19032, 0.29326, -0.47888],
    [125.0, 0.19462, 0.30141, -0.58204],
    [150.0, 0.19962, 0.30921, -0.70471],
    [175.0, 0.20525, 0.31647, -0.84901],
    [200.0, 0.21142, 0.32312, -1.0182],
    [225.0, 0.21807, 0.32909, -1.2168],
    [250.0, 0.22511, 0.33439, -1.4512],
    [275.0, 0.23247, 0.33904, -1.7298],
    [300.0, 0.24010, 0.34308, -2.0637],
    [325.0, 0.24792, 0.34655, -2.4681],
    [350.0, 0.25591, 0.34951, -2.9641],
    [375.0, 0.26400, 0.35200, -3.5814],
    [400.0, 0.27218, 0.35407, -4.3633],
    [425.0, 0.28039, 0.35577, -5.3762],
    [450.0, 0.28863, 0.35714, -6.7262],
    [475.0, 0.29685, 0.35823, -8.5955],
    [500.0, 0.30505, 0.35907, -11.324],
    [525.0, 0.31320, 0.35968, -15.628],
    [550.0, 0.32129, 0.36011, -23.325],
    [575.0, 0.32931, 0.36038, -40.770],
    [600.0, 0.33724, 0.36051, -116.45],
];

/// Units of tint to one unit of distance from the locus in CIE 1960 uv, green negative: the
/// scale of the DNG SDK, which raw developers show.
const TINT: f64 = -3000.0;

/// Correlated colour temperature in kelvin of CIE xy, between 1667 K and 100,000 K.
pub fn xy_to_kelvin(xy: [f64; 2]) -> f64 {
    let (u, v) = uv(xy);
    let distance = |line: &[f64; 4]| {
        let length = line[3].hypot(1.0);
        ((v - line[2]) - line[3] * (u - line[1])) / length
    };
    let mut last = distance(&LINES[0]);
    for pair in LINES.windows(2) {
        let next = distance(&pair[1]);
        if next <= 0.0 {
            let fraction = if last <= 0.0 { 0.0 } else { last / (last - next) };
            let mired = pair[0][0] + fraction * (pair[1][0] - pair[0][0]);
            return 1e6 / mired.max(10.0);
        }
        last = next;
    }
    1e6 / LINES[30][0]
}

/// CIE xy of a temperature in kelvin (1667 K to 100,000 K; beyond, the nearest) and a tint
/// (positive is magenta), on the isotemperature line.
pub fn kelvin_to_xy(kelvin: f64, tint: f64) -> [f64; 2] {
    let mired = (1e6 / kelvin).clamp(LINES[1][0], LINES[30][0]);
    let i = LINES.windows(2).position(|pair| mired <= pair[1][0]).unwrap_or(LINES.len() - 2);
    let (a, b) = (&LINES[i], &LINES[i + 1]);
    let f = (mired - a[0]) / (b[0] - a[0]);
    let mix = |x: f64, y: f64| x + (y - x) * f;
    let unit = |line: &[f64; 4]| {
        let length = line[3].hypot(1.0);
        (1.0 / length, line[3] / length)
    };
    let ((au, av), (bu, bv)) = (unit(a), unit(b));
    let (du, dv) = (mix(au, bu), mix(av, bv));
    let length = du.hypot(dv);
    let offset = tint / TINT;
    let (u, v) = (mix(a[1], b[1]) + du / length * offset, mix(a[2], b[2]) + dv / length * offset);
    [1.5 * u / (u - 4.0 * v + 2.0), v / (u - 4.0 * v + 2.0)]
}

/// CIE 1960 uv.
fn uv([x, y]: [f64; 2]) -> (f64, f64) {
    let d = 1.5 - x + 6.0 * y;
    (2.0 * x / d, 3.0 * y / d)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_illuminants_have_their_temperature() {
        // colour-science 0.4.7, uv_to_CCT_Robertson1968.
        for (xy, want) in GOLDEN {
            let t = xy_to_kelvin(xy);
            assert!((t - want).abs() < want * 2e-4, "{xy:?}: {t}, not {want}");
        }
    }

    const GOLDEN: [([f64; 2], f64); 4] = [
        ([0.44758, 0.40745], 2855.6),
        ([0.3457, 0.3585], 5000.7),
        ([0.3127, 0.3290], 6503.7),
        ([0.29902, 0.31485], 7506.0),
    ];

    proptest! {
        #[test]
        fn a_temperature_comes_back(kelvin in 1800.0f64..50_000.0, tint in -30.0f64..30.0) {
            let back = xy_to_kelvin(kelvin_to_xy(kelvin, tint));
            prop_assert!((1e6 / back - 1e6 / kelvin).abs() < 1.0, "{} {}", kelvin, back);
        }

        #[test]
        fn any_xy_has_a_finite_temperature(x in -1.0f64..2.0, y in -1.0f64..2.0) {
            let t = xy_to_kelvin([x, y]);
            prop_assert!(t.is_finite() && t > 0.0);
        }
    }
}
