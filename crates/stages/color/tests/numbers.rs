//! Our numbers against other people's.

use std::path::{Path, PathBuf};

use rushes_color::idt::camera_transform;
use rushes_color::{CdlStyle, Correction, Cube, Interpolation, aces, cct, matrix, output, read_cdl};
use rushes_core::media::{CalibratedIlluminant, CameraColor, Matrix3, WhitePoint};
use serde_json::Value;

/// Camera RGB to AP0 by numpy 2.4.6 from the text of DNG 1.7, chapter 6, with colour-science
/// 0.4.7 for the temperatures (Robertson 1968), Bradford and AP0. The white, whether the
/// ForwardMatrix is used, and the matrix, of which the two calibrations' ends and the way between
/// them are asked.
const CAMERA_TO_ACES: [(WhitePoint, bool, Matrix3); 10] = [
    (
        WhitePoint::Xy([0.44758, 0.40745]),
        true,
        [[0.6370013, 0.4372679, 0.3488716], [-0.2481382, 1.0894992, 0.1539524], [0.0003967, -0.5594303, 3.4842140]],
    ),
    (
        WhitePoint::Xy([0.44758, 0.40745]),
        false,
        [[0.9825862, 0.2249319, 0.3304154], [-0.1979279, 1.0930603, 0.0743731], [0.0645360, -0.5494614, 3.3704469]],
    ),
    (
        WhitePoint::Xy([0.38, 0.377]),
        true,
        [[1.0138921, 0.3805235, 0.1594630], [-0.1772473, 1.1059689, -0.0242492], [0.0266932, -0.4153388, 2.1851488]],
    ),
    (
        WhitePoint::Xy([0.38, 0.377]),
        false,
        [[1.2238508, 0.3121219, 0.0991367], [-0.1383913, 1.1074324, -0.0574287], [0.0626052, -0.3604021, 2.0709508]],
    ),
    (
        WhitePoint::Xy([0.3127, 0.329]),
        true,
        [[1.5828058, 0.3270194, 0.0585006], [-0.0670270, 1.1214983, -0.1080409], [0.0667724, -0.2794732, 1.4225674]],
    ),
    (
        WhitePoint::Xy([0.3127, 0.329]),
        false,
        [[1.5806978, 0.3636459, 0.0178654], [-0.0722465, 1.1496329, -0.1376501], [0.0558419, -0.2592308, 1.4044617]],
    ),
    (
        WhitePoint::Neutral([0.5, 1.0, 0.62]),
        true,
        [[1.0352603, 0.3802949, 0.1646370], [-0.1802793, 1.1060352, -0.0256381], [0.0273400, -0.4147581, 2.2598195]],
    ),
    (
        WhitePoint::Neutral([0.5, 1.0, 0.62]),
        false,
        [[1.2304352, 0.3131787, 0.1154898], [-0.1349834, 1.0965622, -0.0468879], [0.0670331, -0.3813901, 2.1739897]],
    ),
    (
        WhitePoint::Neutral([0.8, 1.0, 0.45]),
        true,
        [[0.5073250, 0.4376543, 0.3477460], [-0.1985692, 1.0893870, 0.1543741], [0.0002028, -0.5604115, 3.4672205]],
    ),
    (
        WhitePoint::Neutral([0.8, 1.0, 0.45]),
        false,
        [[0.8686761, 0.1443005, 0.3572414], [-0.2287363, 1.1561650, 0.0596089], [0.0622227, -0.5313006, 3.2922720]],
    ),
];

/// A Blackmagic Pocket Cinema Camera 4K's matrices, with gains and a unit's own calibration.
fn camera(forward: bool) -> CameraColor {
    let illuminant = |light_source, color_matrix, forward_matrix, gains: [f64; 3]| CalibratedIlluminant {
        light_source,
        color_matrix,
        forward_matrix: forward.then_some(forward_matrix),
        camera_calibration: matrix::diagonal(gains),
    };
    CameraColor {
        calibrations: vec![
            illuminant(
                17,
                [[0.94953, -0.45496, 0.02829], [-0.35699, 1.32274, 0.19503], [-0.04625, 0.15492, 0.73498]],
                [[0.40018, 0.46878, 0.09517], [0.03209, 0.99278, -0.02487], [-0.00228, -0.45168, 1.2794]],
                [0.97, 1.0, 1.02],
            ),
            illuminant(
                21,
                [[0.68795, -0.24747, -0.04866], [-0.39256, 1.20114, 0.15793], [-0.08916, 0.20063, 0.58148]],
                [[0.61439, 0.34862, 0.00112], [0.20367, 0.95223, -0.1559], [0.01959, -0.22077, 1.02661]],
                [1.01, 1.0, 0.98],
            ),
        ],
        analog_balance: [1.1, 1.0, 1.2],
        baseline_exposure: 0.0,
        as_shot: None,
    }
}

#[test]
fn input_transforms_are_what_the_dng_specification_computes() {
    for (white, forward, want) in CAMERA_TO_ACES {
        let got = camera_transform(&camera(forward), white, 0.0).unwrap().matrix;
        for (got, want) in got.iter().flatten().zip(want.iter().flatten()) {
            assert!((got - want).abs() < 2e-4, "{white:?}, forward {forward}: {got}, not {want}");
        }
    }
}

/// The colour facts beside the checkout, where there are any.
fn facts(name: &str) -> Option<(PathBuf, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/footage/colour");
    let file = folder.join(name);
    let Ok(text) = std::fs::read_to_string(&file) else {
        eprintln!("SKIPPED: {} is absent", file.display());
        return None;
    };
    // The tool's overflows are in there by the names that JSON does not know; none of them is used here.
    let text = text.replace("-Infinity", "null").replace("Infinity", "null").replace("NaN", "null");
    Some((folder, serde_json::from_str(&text).unwrap()))
}

fn numbers<const N: usize>(v: &Value) -> [f32; N] {
    let all: Vec<f32> = v.as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect();
    all.try_into().unwrap()
}

/// The largest difference of the results of `ours` from `want`, relative above 1.
fn worst(input: &Value, want: &Value, ours: impl Fn([f32; 3]) -> [f32; 3]) -> f32 {
    let pairs = input.as_array().unwrap().iter().zip(want.as_array().unwrap());
    let of = |(pixel, want)| {
        let want: [f32; 3] = numbers(want);
        let got = ours(numbers(pixel));
        got.iter().zip(want).map(|(g, w)| (g - w).abs() / w.abs().max(1.0)).fold(0.0, f32::max)
    };
    pairs.map(of).fold(0.0, f32::max)
}

fn correction(v: &Value) -> Correction {
    Correction {
        slope: numbers(&v["slope"]),
        offset: numbers(&v["offset"]),
        power: numbers(&v["power"]),
        saturation: v["sat"].as_f64().unwrap() as f32,
    }
}

#[test]
fn cdl_vectors_of_opencolorio_are_met() {
    let Some((_, facts)) = facts("cdl_vectors.json") else { return };
    for v in facts["vectors"].as_array().unwrap() {
        let c = correction(v);
        for (style, want) in [(CdlStyle::Clamp, "asc_v1.2_clamped"), (CdlStyle::NoClamp, "no_clamp")] {
            let worst = worst(&v["input"], &v[want], |p| c.apply(p, style));
            assert!(worst < 3e-6, "{c:?} {style:?}: {worst}");
        }
    }
}

#[test]
fn cdl_and_cube_files_are_read_as_opencolorio_reads_them() {
    let Some((folder, facts)) = facts("facts_ocio_files.json") else { return };
    for (file, corrections) in facts["cdl_files"].as_object().unwrap() {
        for (id, want) in corrections.as_object().unwrap() {
            // A correction without an id among others cannot be asked for.
            if id != "(no id)" {
                assert_eq!(
                    read_cdl(&folder.join("cdl").join(file), Some(id)).unwrap(),
                    correction(want),
                    "{file} {id}"
                );
            }
        }
    }
    for (file, want) in facts["cube"].as_object().unwrap() {
        let cube = Cube::read(&folder.join("cube").join(file)).unwrap().0;
        for (how, name) in [(Interpolation::Tetrahedral, "tetrahedral"), (Interpolation::Trilinear, "linear")] {
            let worst = worst(&want["input"], &want[name], |p| cube.look_up(p, how));
            assert!(worst < 1e-6, "{file} {how:?}: {worst}");
        }
    }
}

#[test]
fn aces_numbers_of_opencolorio_are_met() {
    let Some((_, facts)) = facts("aces_expected.json") else { return };
    let facts = &facts["configs"]["studio-config-v4.0.0_aces-v2.0_ocio-v2.5"];
    let to_ap1 = matrix::to_f32(&aces::AP0_TO_AP1);
    let acescg = |p: [f32; 3]| to_ap1.map(|row| row[0] * p[0] + row[1] * p[1] + row[2] * p[2]);
    let from = &facts["from_ACES2065-1"];
    assert!(worst(&facts["input"], &from["ACEScg"], acescg) < 2e-6);
    assert!(worst(&facts["input"], &from["ACEScct"], |p| acescg(p).map(cct::encode)) < 3e-6);

    // In display light: next to black the gamma makes code values of rounding errors.
    let rec709 = output::Target::Rec709.rendering();
    let light = |v: f32| v.clamp(0.0, 1.0).powf(2.4);
    let want = &facts["displays"]["Rec.1886 Rec.709 - Display | ACES 2.0 - SDR 100 nits (Rec.709)"];
    let pairs = facts["input"].as_array().unwrap().iter().zip(want.as_array().unwrap());
    for (pixel, want) in pairs {
        let pixel = numbers(pixel);
        for (got, want) in rec709.apply(pixel).into_iter().zip(numbers::<3>(want)) {
            let near_black = want < 2e-3;
            assert!((light(got) - light(want)).abs() < 1e-4, "{pixel:?}: {got}, not {want}");
            assert!(near_black || (got - want).abs() < 1e-4, "{pixel:?}: {got}, not {want}");
        }
    }
}
