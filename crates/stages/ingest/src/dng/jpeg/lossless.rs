//! Lossless JPEG (ITU-T T.81, annex H).

use rushes_core::Result;
use rushes_core::simd::Level;

use super::super::tiff::bad;
use super::differences::Unstuffed;
use super::predict;
use super::two_codes::TwoCodes;
use super::{Jpeg, RowSink};

/// Samples that are decoded at once, or those of a row where they are more.
const BLOCK: usize = 4096;

/// The same for predictors that go better over several rows.
const MOST: usize = 4 * BLOCK;

/// Bytes that decoding a picture of rows of `samples` allocates at most: four for each sample decoded at once, four
/// times that, two rows more, and tables.
pub(crate) fn working_bytes(samples: u64) -> u64 {
    samples.max(MOST as u64).saturating_mul(24) + (1 << 17)
}

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
    // Rows are decoded several at a time where they are short, or better predicted together.
    let room = if jpeg.selection < 6 { BLOCK } else { MOST };
    let at_once = (room / samples).clamp(1, if restart_rows > 0 { restart_rows } else { f.height });
    let mut bits = Unstuffed::new(jpeg.data, at_once * samples);
    let codes = TwoCodes::new(jpeg.tables.iter().map(|(t, _)| t).collect(), long_16);
    let level = Level::current();
    // The row above, then differences that become samples in place.
    let mut rows = vec![0u16; (at_once + 1) * samples];
    let mut shifted = if jpeg.transform > 0 { vec![0u16; samples] } else { Vec::new() };
    let (mut y, mut since_restart) = (0, 0);
    while y < f.height {
        if restart_rows > 0 && y > 0 && since_restart == restart_rows {
            bits.restart()?;
            since_restart = 0;
        }
        let until_restart = if restart_rows > 0 { restart_rows - since_restart } else { f.height };
        let count = at_once.min(f.height - y).min(until_restart);
        let whole = bits.take(level, &codes, &mut rows[samples..][..count * samples]);
        if !whole || bits.exhausted() {
            let how = if bits.exhausted() { "end" } else { "are damaged" };
            let last = y + count - 1;
            return Err(bad(format!("the lossless JPEG data {how} in rows {y} to {last} of {}", f.height))
                .advice("copy the file from the card again"));
        }
        let mut rows_to_do = &mut rows[..(count + 1) * samples];
        // After a restart there is no row above.
        if since_restart == 0 {
            rows_to_do = &mut rows_to_do[samples..];
            predict::first_row(n, start, &mut rows_to_do[..samples]);
        }
        predict::rows(level, jpeg.selection, n, samples, rows_to_do);
        for row in rows[samples..][..count * samples].chunks_exact(samples) {
            if jpeg.transform > 0 {
                for (o, i) in shifted.iter_mut().zip(row) {
                    *o = i << jpeg.transform;
                }
                sink(&shifted)?;
            } else {
                sink(row)?;
            }
        }
        rows.copy_within(count * samples..(count + 1) * samples, 0);
        y += count;
        since_restart += count;
    }
    Ok(())
}
