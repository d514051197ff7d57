//! Lossless JPEG (ITU-T T.81, annex H).

use rushes_core::Result;
use rushes_core::simd::Level;

use super::super::tiff::bad;
use super::differences::Unstuffed;
use super::predict::predict;
use super::two_codes::TwoCodes;
use super::{Jpeg, RowSink};

/// Decodes the scan, row by row. `long_16`: the category 16 is followed by 16 bits, as the first
/// DNG writers had it (the Adobe DNG SDK reads files before DNG 1.1.0.0 so); T.81 has none.
pub(super) fn decode(jpeg: &Jpeg<'_>, long_16: bool, sink: &mut RowSink<'_>) -> Result<()> {
    let f = &jpeg.frame;
    let (n, samples) = (f.components(), f.width * f.components());
    if !(1..=7).contains(&jpeg.selection) {
        return Err(bad(format!("lossless JPEG with the predictor {}", jpeg.selection)));
    }
    if jpeg.transform >= f.precision {
        return Err(bad(format!("lossless JPEG of {} bits shifted by {}", f.precision, jpeg.transform)));
    }
    if !jpeg.restart.is_multiple_of(f.width) {
        return Err(bad(format!("a restart interval of {} in a row of {}", jpeg.restart, f.width)));
    }
    if jpeg.tables.iter().any(|(t, _)| t.exceeds(16)) {
        return Err(bad("a lossless JPEG Huffman table has categories above 16"));
    }
    // A sample takes one bit at least.
    if (samples as u64) * (f.height as u64) > jpeg.data.len() as u64 * 8 {
        return Err(bad(format!(
            "{} bytes of lossless JPEG cannot hold {}x{} pixels",
            jpeg.data.len(),
            f.width,
            f.height
        ))
        .advice("copy the file from the card again"));
    }
    let restart_rows = jpeg.restart / f.width;
    let start = 1u16 << (f.precision - jpeg.transform - 1);
    let mut bits = Unstuffed::new(jpeg.data, samples);
    let codes = TwoCodes::new(jpeg.tables.iter().map(|(t, _)| t).collect(), long_16);
    let level = Level::current();
    // Two rows: differences become samples in place.
    let (mut above, mut row) = (vec![0u16; samples], vec![0u16; samples]);
    let mut shifted = if jpeg.transform > 0 { vec![0u16; samples] } else { Vec::new() };
    let mut since_restart = 0;
    for y in 0..f.height {
        if restart_rows > 0 && y > 0 && y % restart_rows == 0 {
            bits.restart()?;
            since_restart = 0;
        }
        let whole = bits.row(level, &codes, &mut row);
        if !whole || bits.exhausted() {
            let how = if bits.exhausted() { "end" } else { "are damaged" };
            return Err(bad(format!("the lossless JPEG data {how} in row {y} of {}", f.height))
                .advice("copy the file from the card again"));
        }
        // After a restart there is no row above; elsewhere the left column is predicted from it.
        let middle = [start; 4];
        let (selection, first, above_row) = match since_restart {
            0 => (1, &middle[..n], None),
            _ => (jpeg.selection, &above[..n], Some(above.as_slice())),
        };
        match n {
            1 => predict::<1>(selection, first, above_row, &mut row),
            2 => predict::<2>(selection, first, above_row, &mut row),
            3 => predict::<3>(selection, first, above_row, &mut row),
            _ => predict::<4>(selection, first, above_row, &mut row),
        }
        if jpeg.transform > 0 {
            for (o, i) in shifted.iter_mut().zip(&row) {
                *o = i << jpeg.transform;
            }
            sink(&shifted)?;
        } else {
            sink(&row)?;
        }
        std::mem::swap(&mut above, &mut row);
        since_restart += 1;
    }
    Ok(())
}
