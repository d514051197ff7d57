//! From strips and tiles to rows of samples.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use ndarray::Array2;
use rushes_core::frame::Pool;
use rushes_core::media::open_original;
use rushes_core::{Error, ErrorKind, Result};

use super::CONVERT;
use super::header::Header;
use super::jpeg::{self, Jpeg};
use super::picture::{Compression, Photometric};
use super::tiff::{bad, read_error};
use super::unpack;

/// Takes a run of samples: picture row, first sample in that row (columns times samples per
/// pixel), stored values.
type Put<'a> = dyn FnMut(usize, usize, &[u16]) + 'a;

/// Decodes the mosaic of the DNG at `path`: its header, and the whole stored area after the
/// linearization table and before black subtraction, as (rows, columns).
///
/// # Errors
/// When the file is no DNG, is not complete, or is coded in a way not decoded here. A frame is
/// returned whole or not at all.
pub fn decode_u16(path: impl AsRef<Path>) -> Result<(Header, Array2<u16>)> {
    let path = path.as_ref();
    let run = || {
        let mut file = open_original(path)?;
        let header = Header::from_reader(&mut file)?;
        if header.picture.photometric != Photometric::Cfa {
            header.check_decodable()?;
            return Err(Error::new(ErrorKind::Unsupported, "it holds no mosaic but LinearRaw, already debayered")
                .advice("take the frame after debayering"));
        }
        let samples = samples(&header, &mut file, true)?;
        let shape = (header.picture.height, header.picture.width);
        let mosaic = Array2::from_shape_vec(shape, samples).map_err(|e| bad(e.to_string()))?;
        Ok((header, mosaic))
    };
    run().map_err(|e: Error| e.doing("decoding a DNG frame").path(path))
}

/// All samples of the picture, row by row, interleaved; through the linearization table or as stored.
pub(super) fn samples(header: &Header, file: &mut (impl Read + Seek), linearize: bool) -> Result<Vec<u16>> {
    header.check_decodable()?;
    let p = &header.picture;
    let mut out = vec![0u16; p.width * p.samples * p.height];
    samples_into(header, file, &Pool::default(), &mut out)?;
    if let Some(table) = p.linearization.as_deref().filter(|_| linearize) {
        out.iter_mut().for_each(|v| *v = look_up(table, *v));
    }
    Ok(out)
}

/// The samples as stored, into `out`, which has room for all of a picture that was found decodable. Strips and tiles
/// are read into a buffer of `pool`.
pub(super) fn samples_into(
    header: &Header,
    file: &mut (impl Read + Seek),
    pool: &Pool<u8>,
    out: &mut [u16],
) -> Result<()> {
    let row = header.picture.width * header.picture.samples;
    decode(header, file, pool, &mut |y, x, values| out[y * row + x..][..values.len()].copy_from_slice(values))
}

/// Bytes that decoding allocates at most beside its result.
pub(super) fn working_bytes(header: &Header) -> u64 {
    let p = &header.picture;
    let longest = p.layout.lengths.iter().take(p.layout.count().min(1 << 32) as usize).max().copied().unwrap_or(0);
    // That of the lossless process is more than eight rows of blocks and one of samples. Where there are several
    // streams, one has been looked at, and the others may have any size.
    let row =
        |f: &jpeg::FrameHeader| if p.layout.count() > 1 { 4 * 65_535 } else { f.width as u64 * f.components() as u64 };
    let rows = p.jpeg.as_ref().map_or(0, |f| jpeg::working_bytes(row(f)));
    longest + rows.max(p.layout.width.min(p.width) as u64 * p.samples as u64 * 2)
}

/// DNG 1.7, LinearizationTable: values beyond the table take its last entry.
#[inline]
pub(super) fn look_up(table: &[u16], v: u16) -> u16 {
    table[usize::from(v).min(table.len() - 1)]
}

fn decode(header: &Header, file: &mut (impl Read + Seek), pool: &Pool<u8>, put: &mut Put<'_>) -> Result<()> {
    let p = &header.picture;
    let l = &p.layout;
    // `check_complete` has seen that the lists are long enough and lie within the file.
    let count = l.count() as usize;
    // Bytes beyond those of the pixels are padding.
    let bytes = |index: usize| match p.compression {
        Compression::None => l.lengths[index].min(p.packed_row().saturating_mul(l.stored_rows(index, p.height) as u64)),
        _ => l.lengths[index],
    };
    let most = (0..count).map(bytes).max().unwrap_or(0);
    let mut room = pool.take(usize::try_from(most).map_err(|_| bad("a strip larger than memory"))?);
    for index in 0..count {
        // Not more than `most`, which fits.
        let data = &mut room[..bytes(index) as usize];
        file.seek(SeekFrom::Start(l.offsets[index])).and_then(|_| file.read_exact(data)).map_err(read_error)?;
        let result = match p.compression {
            Compression::None => uncompressed(header, index, data, put),
            _ => compressed(header, index, data, put),
        };
        result.map_err(|e| {
            let r = l.area(index, p.width, p.height);
            let at = format!("{} {} of {} (at {},{})", l.noun(), index + 1, l.count(), r.x, r.y);
            let advice = if e.kind() == ErrorKind::Unsupported { CONVERT } else { "copy the file from the card again" };
            Error::new(e.kind(), format!("{at}: {}", e.detail())).advice(advice)
        })?;
    }
    Ok(())
}

fn uncompressed(header: &Header, index: usize, data: &[u8], put: &mut Put<'_>) -> Result<()> {
    let p = &header.picture;
    let area = p.layout.area(index, p.width, p.height);
    let packed = usize::try_from(p.packed_row()).map_err(|_| bad("a row larger than memory"))?;
    let mut row = vec![0u16; area.width * p.samples];
    for (y, bytes) in data.chunks_exact(packed).take(area.height).enumerate() {
        unpack::row(bytes, p.bits, header.byte_order, &mut row);
        put(area.y + y, area.x * p.samples, &row);
    }
    Ok(())
}

/// Decodes a JPEG stream into its strip or tile.
///
/// The JPEG frame may have another shape: as many samples in other rows (Magic Lantern and Adobe
/// join two columns into two components, Blackmagic lays two rows side by side), which are taken in
/// order; or it may be larger than the picture needs, of which the top left is taken.
fn compressed(header: &Header, index: usize, data: &[u8], put: &mut Put<'_>) -> Result<()> {
    let p = &header.picture;
    let area = p.layout.area(index, p.width, p.height);
    let jpeg = Jpeg::parse(data)?;
    let f = &jpeg.frame;
    let (have, wide) = (f.width * f.components(), p.layout.width.saturating_mul(p.samples));
    let (needed, rows) = (area.width * p.samples, p.layout.stored_rows(index, p.height));
    let same_count = (have as u64).checked_mul(f.height as u64) == (wide as u64).checked_mul(rows as u64);
    // Samples of a row of the tile, and how many of the stream make one.
    let (per_row, enough) = if have == wide {
        (wide, f.height >= area.height)
    } else if same_count {
        (wide, true)
    } else {
        (have, have >= needed && f.height >= area.height)
    };
    if !enough {
        return Err(bad(format!(
            "its JPEG has {}x{} pixels of {} samples, the {} needs {}x{} of {}",
            f.width,
            f.height,
            f.components(),
            p.layout.noun(),
            area.width,
            area.height,
            p.samples
        )));
    }
    // Cameras lay two columns or two rows side by side, and encoders pad to their blocks; nobody
    // stores several times what the picture shows.
    let (stored, shown) = (have as u64 * f.height as u64, wide as u64 * rows as u64);
    if stored > shown.saturating_mul(4).saturating_add(1 << 20) {
        return Err(bad(format!("its JPEG has {stored} samples, the {} has room for {shown}", p.layout.noun())));
    }
    let mut at = 0usize;
    jpeg.decode(p.before_1_1, &mut |mut values| {
        while !values.is_empty() {
            let (y, x) = (at / per_row, at % per_row);
            let (run, rest) = values.split_at(values.len().min(per_row - x));
            if y < area.height && x < needed {
                put(area.y + y, area.x * p.samples + x, &run[..run.len().min(needed - x)]);
            }
            at += run.len();
            values = rest;
        }
        Ok(())
    })
}
