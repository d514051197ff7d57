//! Lossless JPEG (ITU-T T.81, annex H).

use rushes_core::Result;

use super::super::tiff::bad;
use super::bits::Bits;
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
    let mut bits = Bits::new(jpeg.data);
    // Two rows: differences become samples in place.
    let (mut above, mut row) = (vec![0u16; samples], vec![0u16; samples]);
    let mut shifted = if jpeg.transform > 0 { vec![0u16; samples] } else { Vec::new() };
    let mut since_restart = 0;
    for y in 0..f.height {
        if restart_rows > 0 && y > 0 && y % restart_rows == 0 {
            bits.restart()?;
            since_restart = 0;
        }
        let whole = match n {
            1 => differences::<1>(jpeg, &mut bits, long_16, &mut row),
            2 => differences::<2>(jpeg, &mut bits, long_16, &mut row),
            3 => differences::<3>(jpeg, &mut bits, long_16, &mut row),
            _ => differences::<4>(jpeg, &mut bits, long_16, &mut row),
        };
        if !whole || bits.exhausted() {
            let how = if bits.exhausted() { "end" } else { "are damaged" };
            return Err(bad(format!("the lossless JPEG data {how} in row {y} of {}", f.height))
                .advice("copy the file from the card again"));
        }
        if since_restart == 0 {
            let first = [start; 4];
            predict(1, n, &first[..n], None, &mut row);
        } else {
            // The left column is predicted from above.
            let (first, _) = above.split_at(n);
            predict(jpeg.selection, n, first, Some(&above), &mut row);
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

/// Decodes the differences of one row, modulo 2^16 (T.81, table H.2). False at a code that is in no table.
fn differences<const N: usize>(jpeg: &Jpeg<'_>, bits: &mut Bits<'_>, long_16: bool, row: &mut [u16]) -> bool {
    for pixel in row.chunks_exact_mut(N) {
        for (out, (table, _)) in pixel.iter_mut().zip(&jpeg.tables) {
            bits.refill();
            let Some(category) = bits.decode(table) else { return false };
            *out = match category {
                0 => 0,
                16 if !long_16 => 0x8000,
                k => bits.extend(u32::from(k)) as u16,
            };
        }
    }
    true
}

/// Turns differences into samples: `first` predicts the leftmost pixel, `selection` (T.81, table
/// H.1) all others.
fn predict(selection: u8, n: usize, first: &[u16], above: Option<&[u16]>, row: &mut [u16]) {
    for (r, p) in row.iter_mut().zip(first) {
        *r = r.wrapping_add(*p);
    }
    match (selection, above) {
        (2, Some(above)) => with(n, above, row, |_, b, _| b),
        (3, Some(above)) => with(n, above, row, |_, _, c| c),
        (4, Some(above)) => with(n, above, row, |a, b, c| a + b - c),
        (5, Some(above)) => with(n, above, row, |a, b, c| a + ((b - c) >> 1)),
        (6, Some(above)) => with(n, above, row, |a, b, c| b + ((a - c) >> 1)),
        (7, Some(above)) => with(n, above, row, |a, b, _| (a + b) >> 1),
        _ => (n..row.len()).for_each(|i| row[i] = row[i].wrapping_add(row[i - n])),
    }
}

/// Applies a predictor of left, above and above left.
#[inline]
fn with(n: usize, above: &[u16], row: &mut [u16], p: impl Fn(i32, i32, i32) -> i32) {
    let above = &above[..row.len()];
    for i in n..row.len() {
        let px = p(i32::from(row[i - n]), i32::from(above[i]), i32::from(above[i - n]));
        row[i] = row[i].wrapping_add(px as u16);
    }
}
