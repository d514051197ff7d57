//! Debayers raw samples from standard input: `debayer WIDTH HEIGHT CFA METHOD < mosaic.f32 > rgb.f32`.
//!
//! In: `WIDTH * HEIGHT` samples, f32 in native byte order, row by row. Out: the red, green and blue planes in
//! the same form (for superpixel, half as wide and high). CFA is RGGB, BGGR, GRBG or GBRG. METHOD is superpixel,
//! bilinear, malvar, rcd or gbtf, or the stage's parameters as JSON: `{"method": "rcd", "domain": "sqrt"}`.

use std::error::Error;
use std::io::{Read, Write};

use rushes_core::frame::{Band, BandMut, FrameFacts, FrameFormat, ImageState};
use rushes_core::stage::FrameStage;
use rushes_debayer::Debayer;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [width, height, cfa, method] = args.as_slice() else {
        return Err("usage: debayer WIDTH HEIGHT CFA METHOD < mosaic.f32 > rgb.f32".into());
    };
    let (width, height): (usize, usize) = (width.parse()?, height.parse()?);
    let cfa = Some(serde_json::from_value(cfa.as_str().into())?);
    let stage: Debayer = if method.starts_with('{') {
        serde_json::from_str(method)?
    } else {
        serde_json::from_value(serde_json::json!({ "method": method }))?
    };

    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes)?;
    let mosaic: Vec<f32> = bytes.as_chunks().0.iter().map(|b| f32::from_ne_bytes(*b)).collect();
    if width.checked_mul(height) != Some(mosaic.len()) {
        return Err(format!("{} samples are not {width}x{height}", mosaic.len()).into());
    }

    let facts = FrameFacts { cfa, ..FrameFacts::default() };
    let kernel = stage.prepare(&FrameFormat { state: ImageState::Linear, width, height, facts })?;
    let format = kernel.format();
    let mut rgb = vec![0.0; 3 * format.width * format.height];
    let mut out = BandMut::new(&mut rgb, 3, format.width, 0..format.height);
    kernel.run(&Band::new(&mosaic, 1, width, 0..height), &mut out);

    let bytes: Vec<u8> = rgb.iter().flat_map(|v| v.to_ne_bytes()).collect();
    std::io::stdout().lock().write_all(&bytes)?;
    Ok(())
}
