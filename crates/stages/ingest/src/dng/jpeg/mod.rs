//! The JPEG processes found under DNG's Compression 7 (ITU-T T.81): lossless (SOF3), and the
//! sequential DCT of 8 and 12 bits (SOF0, SOF1) in which Blackmagic cameras store 3:1 and 4:1.
//!
//! Decoders hand out rows of samples as the JPEG frame counts them; how these lie in a DNG tile is
//! the caller's matter.

mod bits;
mod dct;
mod differences;
mod lossless;
mod predict;
mod two_codes;

#[cfg(test)]
pub(crate) mod encoder;

use rushes_core::{Error, ErrorKind, Result};

use super::tiff::bad;
use bits::Huffman;
pub(crate) use lossless::working_bytes;

/// Takes one row of interleaved samples.
pub(crate) type RowSink<'a> = dyn FnMut(&[u16]) -> Result<()> + 'a;

/// What a start-of-frame marker says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    /// The number of the SOF marker: 3 is lossless.
    pub(crate) process: u8,
    /// Bits of a sample.
    pub(crate) precision: u8,
    /// Columns.
    pub(crate) width: usize,
    /// Rows.
    pub(crate) height: usize,
    components: Vec<Component>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Component {
    id: u8,
    sampling: (u8, u8),
    quantization: u8,
}

impl FrameHeader {
    /// Samples at each position.
    pub(crate) fn components(&self) -> usize {
        self.components.len()
    }

    /// The process in words.
    pub(crate) fn process_name(&self) -> String {
        match self.process {
            0 => "baseline JPEG".to_owned(),
            1 => "extended sequential JPEG".to_owned(),
            2 => "progressive JPEG".to_owned(),
            3 => "lossless JPEG".to_owned(),
            n => format!("JPEG process SOF{n}"),
        }
    }

    /// `Ok` when it is decoded here.
    pub(crate) fn check(&self) -> Result<()> {
        let refuse = |why: String| Err(Error::new(ErrorKind::Unsupported, why).advice(super::CONVERT));
        if self.components.iter().any(|c| c.sampling != self.components[0].sampling) {
            return refuse(format!("{} with subsampled components is not decoded here", self.process_name()));
        }
        match self.process {
            3 if !(2..=16).contains(&self.precision) => Err(bad(format!("lossless JPEG of {} bits", self.precision))),
            3 => Ok(()),
            0 | 1 if self.components.len() != 1 => {
                refuse(format!("{} with {} components is not decoded here", self.process_name(), self.components.len()))
            }
            0 | 1 if !matches!(self.precision, 8 | 12) => {
                Err(bad(format!("{} of {} bits", self.process_name(), self.precision)))
            }
            0 | 1 => Ok(()),
            _ => refuse(format!("{} is not decoded here", self.process_name())),
        }
    }
}

/// A JPEG stream up to its first scan.
#[derive(Debug)]
pub(crate) struct Jpeg<'a> {
    pub(crate) frame: FrameHeader,
    /// DC (or lossless) and AC tables of each component, in the order of the frame.
    tables: Vec<(Huffman, Option<Huffman>)>,
    quantization: [Option<[u16; 64]>; 4],
    /// MCUs between restart markers; 0 for none.
    restart: usize,
    /// Ss of the scan: the predictor of a lossless one.
    selection: u8,
    /// Al of the scan: the point transform of a lossless one.
    transform: u8,
    /// The entropy-coded data and all that follows.
    data: &'a [u8],
}

impl<'a> Jpeg<'a> {
    /// Reads the markers up to the first scan.
    ///
    /// # Errors
    /// When the stream is no JPEG, ends early, contradicts itself, or uses a process not decoded here.
    pub(crate) fn parse(data: &'a [u8]) -> Result<Self> {
        let mut frame = None;
        let mut huffman: [[Option<Huffman>; 4]; 2] = Default::default();
        let mut quantization = [None; 4];
        let mut restart = 0;
        let mut markers = Markers::new(data)?;
        loop {
            let (marker, body) = markers.next()?;
            match marker {
                0xC4 => huffman_tables(body, &mut huffman)?,
                0xDB => quantization_tables(body, &mut quantization)?,
                0xDD => restart = usize::from(word(body, 0)?),
                0xC0..=0xCF if !matches!(marker, 0xC8 | 0xCC) => {
                    if frame.is_some() {
                        return Err(bad("the JPEG stream has two frames"));
                    }
                    let header = frame_header(marker, body)?;
                    header.check()?;
                    frame = Some(header);
                }
                0xDA => {
                    let frame = frame.ok_or_else(|| bad("the JPEG scan comes before its frame header"))?;
                    let n = usize::from(byte(body, 0)?);
                    if n != frame.components.len() {
                        return Err(Error::new(
                            ErrorKind::Unsupported,
                            format!("a JPEG frame of {} components in several scans", frame.components.len()),
                        )
                        .advice(super::CONVERT));
                    }
                    let mut tables = Vec::with_capacity(n);
                    for (i, c) in frame.components.iter().enumerate() {
                        let (id, select) = (byte(body, 1 + 2 * i)?, byte(body, 2 + 2 * i)?);
                        if id != c.id {
                            return Err(bad("the JPEG scan names components in another order than the frame"));
                        }
                        let table = |class: usize, at: u8| {
                            huffman[class].get(usize::from(at)).cloned().flatten().ok_or_else(|| {
                                bad(format!("the JPEG scan uses Huffman table {at}, which is not in the stream"))
                            })
                        };
                        let ac = if frame.process == 3 { None } else { Some(table(1, select & 15)?) };
                        tables.push((table(0, select >> 4)?, ac));
                    }
                    let (selection, transform) = (byte(body, 1 + 2 * n)?, byte(body, 3 + 2 * n)? & 15);
                    let data = markers.rest();
                    return Ok(Self { frame, tables, quantization, restart, selection, transform, data });
                }
                _ => {}
            }
        }
    }

    /// Decodes the scan and hands its rows to `sink`, top to bottom.
    /// `long_16` as in [`lossless`](self): DNG before 1.1 stored 16 bits after the category 16.
    ///
    /// # Errors
    /// When the data end before the last row or hold a code that is in no table.
    pub(crate) fn decode(&self, long_16: bool, sink: &mut RowSink<'_>) -> Result<()> {
        if self.frame.process == 3 { lossless::decode(self, long_16, sink) } else { dct::decode(self, sink) }
    }
}

/// The frame header in the first bytes of a stream; `None` when it is not among them.
pub(crate) fn peek(data: &[u8]) -> Option<FrameHeader> {
    let mut markers = Markers::new(data).ok()?;
    loop {
        let (marker, body) = markers.next().ok()?;
        match marker {
            0xC4 | 0xC8 | 0xCC => {}
            0xC0..=0xCF => return frame_header(marker, body).ok(),
            0xDA => return None,
            _ => {}
        }
    }
}

struct Markers<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Markers<'a> {
    fn new(data: &'a [u8]) -> Result<Self> {
        if data.get(..2) != Some(&[0xFF, 0xD8]) {
            return Err(bad("the compressed data are no JPEG stream (no SOI marker)"));
        }
        Ok(Self { data, at: 2 })
    }

    fn next(&mut self) -> Result<(u8, &'a [u8])> {
        let ends = || bad("the JPEG stream ends within its header").advice("copy the file from the card again");
        if self.data.get(self.at) != Some(&0xFF) {
            return Err(if self.at >= self.data.len() { ends() } else { bad("rubbish between JPEG markers") });
        }
        // Any number of fill bytes may come before a marker (T.81, B.1.1.2).
        while self.data.get(self.at) == Some(&0xFF) {
            self.at += 1;
        }
        let marker = *self.data.get(self.at).ok_or_else(ends)?;
        self.at += 1;
        if marker == 0xD9 {
            return Err(bad("the JPEG stream ends without a picture"));
        }
        let len = usize::from(word(self.data, self.at).map_err(|_| ends())?);
        let end = self.at + len;
        if len < 2 {
            return Err(bad("a JPEG marker claims less than no length"));
        }
        let body = self.data.get(self.at + 2..end).ok_or_else(ends)?;
        self.at = end;
        Ok((marker, body))
    }

    fn rest(&self) -> &'a [u8] {
        self.data.get(self.at..).unwrap_or_default()
    }
}

fn byte(b: &[u8], at: usize) -> Result<u8> {
    b.get(at).copied().ok_or_else(|| bad("a JPEG marker is shorter than its contents"))
}

fn word(b: &[u8], at: usize) -> Result<u16> {
    Ok(u16::from(byte(b, at)?) << 8 | u16::from(byte(b, at + 1)?))
}

fn frame_header(marker: u8, b: &[u8]) -> Result<FrameHeader> {
    let (precision, height, width) = (byte(b, 0)?, word(b, 1)?, word(b, 3)?);
    let n = usize::from(byte(b, 5)?);
    if width == 0 || height == 0 || !(1..=4).contains(&n) {
        return Err(bad(format!("a JPEG frame of {width}x{height} with {n} components")));
    }
    let components = (0..n)
        .map(|i| {
            let (id, hv, tq) = (byte(b, 6 + 3 * i)?, byte(b, 7 + 3 * i)?, byte(b, 8 + 3 * i)?);
            Ok(Component { id, sampling: (hv >> 4, hv & 15), quantization: tq })
        })
        .collect::<Result<_>>()?;
    let (width, height) = (usize::from(width), usize::from(height));
    Ok(FrameHeader { process: marker & 15, precision, width, height, components })
}

fn huffman_tables(mut b: &[u8], into: &mut [[Option<Huffman>; 4]; 2]) -> Result<()> {
    while !b.is_empty() {
        let (class, at) = (usize::from(b[0] >> 4), usize::from(b[0] & 15));
        let counts = b.get(1..).and_then(|b| b.first_chunk::<16>());
        let counts = counts.ok_or_else(|| bad("a JPEG Huffman table ends early"))?;
        let n: usize = counts.iter().map(|&c| usize::from(c)).sum();
        let values = b.get(17..17 + n).ok_or_else(|| bad("a JPEG Huffman table ends early"))?;
        let slot = into.get_mut(class).and_then(|c| c.get_mut(at));
        let slot = slot.ok_or_else(|| bad(format!("a JPEG Huffman table of class {class}, number {at}")))?;
        *slot = Some(Huffman::new(counts, values)?);
        b = &b[17 + n..];
    }
    Ok(())
}

fn quantization_tables(mut b: &[u8], into: &mut [Option<[u16; 64]>; 4]) -> Result<()> {
    while !b.is_empty() {
        let (wide, at) = (b[0] >> 4 != 0, usize::from(b[0] & 15));
        let slot = into.get_mut(at).ok_or_else(|| bad(format!("a JPEG quantization table of number {at}")))?;
        let mut table = [0; 64];
        for (k, t) in table.iter_mut().enumerate() {
            *t = if wide { word(b, 1 + 2 * k)? } else { u16::from(byte(b, 1 + k)?) };
        }
        *slot = Some(table);
        b = &b[if wide { 129 } else { 65 }..];
    }
    Ok(())
}
