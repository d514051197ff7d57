//! Sequential DCT JPEG of one component, 8 or 12 bits (ITU-T T.81, annexes A and F).

use std::f32::consts::FRAC_1_SQRT_2;

use rushes_core::Result;

use super::super::tiff::bad;
use super::bits::Bits;
use super::{Jpeg, RowSink};

/// Zigzag order to row by row (T.81, figure A.6).
#[rustfmt::skip]
const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61,
    54, 47, 55, 62, 63,
];

/// Decodes the scan in rows of blocks.
pub(super) fn decode(jpeg: &Jpeg<'_>, sink: &mut RowSink<'_>) -> Result<()> {
    let f = &jpeg.frame;
    let (dc, Some(ac)) = &jpeg.tables[0] else { return Err(bad("a JPEG scan without AC table")) };
    let quantization = usize::from(f.components[0].quantization);
    let Some(Some(quantization)) = jpeg.quantization.get(quantization) else {
        return Err(bad("a JPEG quantization table is missing"));
    };
    let (across, down) = (f.width.div_ceil(8), f.height.div_ceil(8));
    // A block takes two bits at least: its DC and its end.
    if (across as u64) * (down as u64) > jpeg.data.len() as u64 * 4 {
        return Err(bad(format!("{} bytes of JPEG cannot hold {}x{} pixels", jpeg.data.len(), f.width, f.height))
            .advice("copy the file from the card again"));
    }
    let cosines = cosines();
    let max = ((1u32 << f.precision) - 1) as f32;
    // The level shift (T.81, A.3.1) as an offset of the DC coefficient, which weighs 1/8.
    let start = 8 << (f.precision - 1);
    let mut bits = Bits::new(jpeg.data);
    let (mut predicted, mut block_number) = (start, 0);
    let stride = across * 8;
    let mut rows = vec![0u16; stride * 8];
    for by in 0..down {
        for bx in 0..across {
            if jpeg.restart > 0 && block_number > 0 && block_number % jpeg.restart == 0 {
                bits.restart()?;
                predicted = start;
            }
            block_number += 1;
            let mut block = [0f32; 64];
            let coefficients = (|| {
                bits.refill();
                let k = bits.decode(dc).filter(|&k| k <= 15)?;
                let diff = if k == 0 { 0 } else { bits.extend(u32::from(k)) };
                predicted = diff.wrapping_mul(i32::from(quantization[0])).wrapping_add(predicted);
                block[0] = predicted as f32;
                let mut i = 1;
                while i < 64 {
                    bits.refill();
                    let symbol = bits.decode(ac)?;
                    let (run, k) = (usize::from(symbol >> 4), u32::from(symbol & 15));
                    if k == 0 && run < 15 {
                        break;
                    }
                    i += run;
                    if k > 0 {
                        let v = bits.extend(k);
                        *block.get_mut(*ZIGZAG.get(i)?)? = (v * i32::from(*quantization.get(i)?)) as f32;
                    }
                    i += 1;
                }
                Some(())
            })();
            if coefficients.is_none() || bits.exhausted() {
                let how = if bits.exhausted() { "end" } else { "are damaged" };
                return Err(bad(format!("the JPEG data {how} in block {bx}, {by} of {across}x{down}"))
                    .advice("copy the file from the card again"));
            }
            let out = inverse(&mut block, &cosines);
            for (row, values) in rows.chunks_exact_mut(stride).zip(out.chunks_exact(8)) {
                for (o, v) in row[bx * 8..bx * 8 + 8].iter_mut().zip(values) {
                    // Half is added and the fraction cut, as dcraw and LibRaw do.
                    *o = (v + 0.5).clamp(0.0, max) as u16;
                }
            }
        }
        for row in rows.chunks_exact(stride).take(f.height - by * 8) {
            sink(&row[..f.width])?;
        }
    }
    Ok(())
}

/// cos((2x + 1) u pi / 16) / 2 for x, u.
fn cosines() -> [[f32; 8]; 8] {
    std::array::from_fn(|x| {
        std::array::from_fn(|u| {
            (f64::from((2 * x as u32 + 1) * u as u32 % 32) * std::f64::consts::PI / 16.0).cos() as f32 / 2.0
        })
    })
}

/// The inverse DCT (T.81, A.3.3), columns of coefficients first summed along rows, then down.
fn inverse(block: &mut [f32; 64], cosines: &[[f32; 8]; 8]) -> [f32; 64] {
    for c in block.iter_mut().take(8) {
        *c *= FRAC_1_SQRT_2;
    }
    for i in 0..8 {
        block[i * 8] *= FRAC_1_SQRT_2;
    }
    let mut half = [0f32; 64];
    for (row, out) in block.chunks_exact(8).zip(half.chunks_exact_mut(8)) {
        for (o, c) in out.iter_mut().zip(cosines) {
            *o = row.iter().zip(c).fold(0.0, |s, (a, b)| s + a * b);
        }
    }
    let mut out = [0f32; 64];
    for (line, c) in out.chunks_exact_mut(8).zip(cosines) {
        for (row, weight) in half.chunks_exact(8).zip(c) {
            for (o, v) in line.iter_mut().zip(row) {
                *o += v * weight;
            }
        }
    }
    out
}
