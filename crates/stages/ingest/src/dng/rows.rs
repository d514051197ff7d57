//! A decoded frame, widened to floats row by row.

use std::io::{Read, Seek, SeekFrom};

use rushes_core::Result;
use rushes_core::frame::{BandMut, FrameFormat, Pool, Pooled};
use rushes_core::simd::{Level, kernel};
use rushes_core::stage::SourceFrame;

use super::decode;
use super::header::Header;
use super::picture::{Compression, Photometric};
use super::tiff::{ByteOrder, bad, read_error};
use super::unpack;

/// The buffers of a clip's frames.
#[derive(Debug, Default)]
pub(super) struct Pools {
    packed: Pool<u8>,
    samples: Pool<u16>,
}

/// What is in a frame before its rows are widened.
enum Stored {
    /// Strips of packed samples, as in the file, without what pads them.
    Packed { bytes: Pooled<u8>, row: usize, bits: u32, order: ByteOrder },
    /// Samples as a decoder gave them.
    Samples(Pooled<u16>),
}

/// A LinearizationTable as floats, in one of two lengths so that kernels need not ask for it.
enum Table {
    /// Of at most 12 bits, which is filled in 2 us and stays in the nearest cache.
    Short(Box<[f32; 1 << 12]>),
    Long(Box<[f32; 1 << 16]>),
}

impl Table {
    fn new(table: &[u16]) -> Self {
        fn filled<const N: usize>(table: &[u16]) -> Box<[f32; N]> {
            let mut whole = Box::new([0.0; N]);
            // Values beyond the table take its last entry, which the whole's last is then.
            whole.iter_mut().zip(0..=u16::MAX).for_each(|(to, v)| *to = f32::from(decode::look_up(table, v)));
            whole
        }
        if table.len() <= 1 << 12 { Self::Short(filled(table)) } else { Self::Long(filled(table)) }
    }

    fn value(&self, code: u16) -> f32 {
        match self {
            Self::Short(table) => table[usize::from(code).min(0xFFF)],
            Self::Long(table) => table[usize::from(code)],
        }
    }
}

/// A frame of a DNG: code values through the linearization table, or camera RGB.
pub(super) struct DngFrame {
    format: FrameFormat,
    /// Stored samples of a row.
    columns: usize,
    stored: Stored,
    /// What each stored value stands for.
    table: Option<Table>,
    /// For camera RGB.
    rgb: Option<Rgb>,
}

/// From stored values to camera RGB: DNG 1.7, chapter 5, (value - black) / (white - black), for each
/// sample on its own.
struct Rgb {
    /// The active area's first row and column.
    origin: (usize, usize),
    /// The black of each sample, and one over its range.
    levels: Vec<(f32, f32)>,
    delta_h: Vec<f64>,
    delta_v: Vec<f64>,
}

impl DngFrame {
    /// Reads and decodes the picture of `header`, whose frame has `format`.
    ///
    /// # Errors
    /// When the file is not complete, or its picture is damaged or coded in a way not decoded here.
    pub(super) fn read(
        header: &Header,
        file: &mut (impl Read + Seek),
        format: FrameFormat,
        pools: &Pools,
    ) -> Result<Self> {
        header.check_decodable()?;
        let p = &header.picture;
        let rgb = match p.photometric {
            Photometric::Cfa => None,
            Photometric::LinearRaw => Some(Rgb::of(header)?),
        };
        let columns = p.width * p.samples;
        let stored = if p.compression == Compression::None && !p.layout.tiled {
            let row = usize::try_from(p.packed_row()).map_err(|_| bad("a row larger than memory"))?;
            let bytes = packed(header, file, row, &pools.packed)?;
            Stored::Packed { bytes, row, bits: p.bits, order: header.byte_order }
        } else {
            let mut samples = pools.samples.take(columns * p.height);
            decode::samples_into(header, file, &pools.packed, &mut samples)?;
            Stored::Samples(samples)
        };
        let table = p.linearization.as_deref().map(Table::new);
        Ok(Self { format, columns, stored, table, rgb })
    }

    /// Bytes that [`DngFrame::read`] allocates at most.
    pub(super) fn bytes_needed(header: &Header) -> u64 {
        let p = &header.picture;
        let rows = p.packed_row().max(p.width as u64 * p.samples as u64 * 2).saturating_mul(p.height as u64);
        rows.saturating_add(decode::working_bytes(header)).saturating_add(1 << 18)
    }

    /// Hands on the stored samples of row `row`.
    fn codes(&self, row: usize, scratch: &mut Vec<u16>, take: impl FnOnce(&[u16])) {
        match &self.stored {
            Stored::Samples(samples) => take(&samples[row * self.columns..][..self.columns]),
            Stored::Packed { bytes, row: n, bits, order } => {
                scratch.resize(self.columns, 0);
                unpack::row(&bytes[row * n..][..*n], *bits, *order, scratch);
                take(scratch);
            }
        }
    }
}

impl SourceFrame for DngFrame {
    fn format(&self) -> FrameFormat {
        self.format.clone()
    }

    fn rows(&self, out: &mut BandMut<'_>) {
        let level = Level::current();
        let mut scratch = Vec::new();
        for row in out.rows() {
            if let Some(rgb) = &self.rgb {
                self.codes(row + rgb.origin.0, &mut scratch, |codes| {
                    rgb.row(codes, row, self.table.as_ref(), out.rgb_row_mut(row));
                });
                continue;
            }
            let to = out.row_mut(0, row);
            self.codes(row, &mut scratch, |codes| match &self.table {
                None => widen(level, codes, to),
                Some(Table::Short(table)) => look_up_12(level, codes, table, to),
                Some(Table::Long(table)) => look_up_16(level, codes, table, to),
            });
        }
    }
}

impl Rgb {
    fn of(header: &Header) -> Result<Self> {
        let p = &header.picture;
        let levels: Vec<_> = p.sample_levels.iter().map(|&(b, w)| (b as f32, (1.0 / (w - b)) as f32)).collect();
        if levels.len() != 3 || levels.iter().any(|s| !s.1.is_finite()) {
            return Err(bad("WhiteLevel equals BlackLevel"));
        }
        let origin = p.active_area.map_or((0, 0), |a| (a.y, a.x));
        Ok(Self { origin, levels, delta_h: p.levels.delta_h.clone(), delta_v: p.levels.delta_v.clone() })
    }

    fn row(&self, codes: &[u16], row: usize, table: Option<&Table>, mut out: [&mut [f32]; 3]) {
        let delta_v = self.delta_v.get(row).copied().unwrap_or(0.0);
        for (col, codes) in codes.as_chunks::<3>().0.iter().skip(self.origin.1).take(out[0].len()).enumerate() {
            let delta = delta_v + self.delta_h.get(col).copied().unwrap_or(0.0);
            for ((out, &code), (black, scale)) in out.iter_mut().zip(codes).zip(&self.levels) {
                let v = table.map_or(f32::from(code), |t| t.value(code));
                out[col] = (v - black - delta as f32) * scale;
            }
        }
    }
}

kernel! {
    fn widen(codes: &[u16], out: &mut [f32]) {
        for (out, code) in out.iter_mut().zip(codes) {
            *out = f32::from(*code);
        }
    }
}

kernel! {
    fn look_up_12(codes: &[u16], table: &[f32; 1 << 12], out: &mut [f32]) {
        for (out, code) in out.iter_mut().zip(codes) {
            *out = table[usize::from((*code).min(0xFFF))];
        }
    }
}

kernel! {
    fn look_up_16(codes: &[u16], table: &[f32; 1 << 16], out: &mut [f32]) {
        for (out, code) in out.iter_mut().zip(codes) {
            *out = table[usize::from(*code)];
        }
    }
}

/// The strips of `header`'s picture one after the other, `row` bytes to a row.
fn packed(header: &Header, file: &mut (impl Read + Seek), row: usize, pool: &Pool<u8>) -> Result<Pooled<u8>> {
    let p = &header.picture;
    let whole = row.checked_mul(p.height).ok_or_else(|| bad("a picture larger than memory"))?;
    let mut bytes = pool.take(whole);
    let mut rest = &mut bytes[..];
    for (index, &offset) in p.layout.offsets.iter().enumerate().take(p.layout.count() as usize) {
        // `check_decodable` has seen that each strip has the bytes of its rows.
        let (strip, after) = rest.split_at_mut(row * p.layout.stored_rows(index, p.height));
        file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(strip)).map_err(read_error)?;
        rest = after;
    }
    Ok(bytes)
}
