//! Colours through one of our transforms, for comparing with other tools: raw little-endian
//! `f32` RGB triples on standard input, the results on standard output.
//!
//!     transform rec709 < in.f32 > out.f32
//!
//! A display of the output transform (`rec709`, `rec2100-pq-1000` ...), a working space (`LogC4/AWG4` ...), or one of those named below.

use std::io::{Read as _, Write as _};
use std::process::ExitCode;

use rushes_color::output::Target;
use rushes_color::{CdlStyle, Correction, Through, WorkingSpace, aces, cct, matrix};
use rushes_core::media::ColorSpace;
use rushes_core::simd::Level;

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    let to_ap1 = matrix::to_f32(&aces::AP0_TO_AP1);
    let m =
        move |p: [f32; 3]| [0, 1, 2].map(|r: usize| to_ap1[r][0] * p[0] + to_ap1[r][1] * p[1] + to_ap1[r][2] * p[2]);
    let correction = Correction {
        slope: [1.35, 1.1, 0.71],
        offset: [0.05, -0.23, 0.11],
        power: [0.93, 0.81, 1.27],
        saturation: 1.239,
    };
    if let Ok(target) = serde_json::from_value::<Target>(name.as_str().into()) {
        return copy(|values| rendered(target, values));
    }
    if let Ok(space) = serde_json::from_value::<WorkingSpace>(name.as_str().into())
        && name != "ACEScct"
    {
        return copy(|values| encoded(space, values));
    }
    let transform: Box<dyn Fn([f32; 3]) -> [f32; 3]> = match name.as_str() {
        "acescg" => Box::new(m),
        "acescct" => Box::new(move |p| m(p).map(cct::encode)),
        "cdl" => Box::new(move |p| correction.apply(p, CdlStyle::Clamp)),
        "cdl-no-clamp" => Box::new(move |p| correction.apply(p, CdlStyle::NoClamp)),
        _ => {
            eprintln!("name a display, or one of: acescg acescct cdl cdl-no-clamp");
            return ExitCode::FAILURE;
        }
    };
    copy(|values| values.chunks_exact(3).flat_map(|p| transform([p[0], p[1], p[2]])).collect())
}

/// In a working space.
fn encoded(space: WorkingSpace, values: &[f32]) -> Vec<f32> {
    let Ok(through) = Through::new(space, ColorSpace::Aces2065_1) else { return Vec::new() };
    by_rows(values, |from, to| through.enter(Level::current(), from, to))
}

/// The whole picture as one row, as the stage computes it.
fn rendered(target: Target, values: &[f32]) -> Vec<f32> {
    by_rows(values, |from, to| target.rendering().rows(Level::current(), from, to))
}

fn by_rows(values: &[f32], run: impl Fn([&[f32]; 3], [&mut [f32]; 3])) -> Vec<f32> {
    let [r, g, b] = [0, 1, 2].map(|c| values.iter().skip(c).step_by(3).copied().collect::<Vec<f32>>());
    let mut out = [(); 3].map(|()| vec![0.0; r.len()]);
    let [to_r, to_g, to_b] = &mut out;
    run([&r, &g, &b], [to_r, to_g, to_b]);
    (0..values.len() / 3 * 3).map(|i| out[i % 3][i / 3]).collect()
}

fn copy(transform: impl Fn(&[f32]) -> Vec<f32>) -> ExitCode {
    let mut bytes = Vec::new();
    if let Err(e) = std::io::stdin().lock().read_to_end(&mut bytes) {
        eprintln!("reading: {e}");
        return ExitCode::FAILURE;
    }
    let values: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let out: Vec<u8> = transform(&values).into_iter().flat_map(f32::to_le_bytes).collect();
    match std::io::stdout().lock().write_all(&out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
