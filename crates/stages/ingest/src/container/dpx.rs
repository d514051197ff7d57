//! The header of a DPX file (SMPTE ST 268-1).

use std::path::Path;

use rushes_core::media::{Rate, Timecode, open_original};
use rushes_core::{Error, ErrorKind, Result};

use super::{ContainerFacts, Fact, printable, trouble};
use crate::input::Input;

/// Bytes of the generic header (file, image, orientation).
const GENERIC: usize = 1664;

/// Bytes of the generic, film and television headers; some writers leave the latter two out.
const HEADER: usize = 2048;

/// What a DPX header says, and how long the file must be.
#[derive(Debug, Clone, PartialEq)]
pub struct DpxHeader {
    /// Timecode, rate, size.
    pub facts: ContainerFacts,
    /// Bytes of the file.
    pub file_len: u64,
    /// Bytes that header and picture need by size, depth and packing; `None` for run-length
    /// coded or unusual pictures. The header's own file size is not used: it is often wrong.
    pub needed: Option<u64>,
    /// What must not change inside a clip, in words: `600x402, 8 bit, descriptor 50, packing 0`.
    pub layout: String,
}

impl DpxHeader {
    /// Reads the header of the file at `path`.
    ///
    /// # Errors
    /// When the file cannot be read, is no DPX, or ends inside the header.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let read = || -> Result<Self> {
            let file = open_original(path)?;
            let mut input = Input::new(file, 1 << 20).map_err(|e| trouble(path, e))?;
            let len = input.len();
            Self::parse(input.upto(0, HEADER).map_err(|e| trouble(path, e))?, len)
        };
        read().map_err(|e| e.doing("reading the DPX header").path(path))
    }

    /// Reads the header from the first 2048 bytes of a file of `file_len` bytes.
    ///
    /// # Errors
    /// As [`DpxHeader::read`].
    pub fn parse(head: &[u8], file_len: u64) -> Result<Self> {
        let little = match head.get(..4) {
            Some(b"SDPX") => false,
            Some(b"XPDS") => true,
            _ => return Err(Error::new(ErrorKind::BadMedia, "it begins with neither SDPX nor XPDS: no DPX file")),
        };
        if head.len() < GENERIC {
            return Err(Error::new(
                ErrorKind::BadMedia,
                format!("the file has {file_len} bytes; a DPX header has 1664"),
            )
            .advice("copy the file again"));
        }
        let mut whole = [0xff; HEADER];
        let given = head.len().min(HEADER);
        whole[..given].copy_from_slice(&head[..given]);
        let head = whole;
        // All offsets lie within the 2048 bytes.
        let u16 = |at: usize| {
            let b = [head[at], head[at + 1]];
            if little { u16::from_le_bytes(b) } else { u16::from_be_bytes(b) }
        };
        let u32 = |at: usize| {
            let b = [head[at], head[at + 1], head[at + 2], head[at + 3]];
            if little { u32::from_le_bytes(b) } else { u32::from_be_bytes(b) }
        };
        let text = |at: usize, n: usize| printable(&String::from_utf8_lossy(&head[at..at + n]));
        let (width, height) = (u32(772), u32(776));
        let mut facts = ContainerFacts::default();
        let stated = |v: u32, tag: &str| (v > 0 && v != u32::MAX).then(|| Fact::new(v, tag));
        facts.width = stated(width, "DPX image:pixels per line");
        facts.height = stated(height, "DPX image:lines per image element");
        facts.product = text(1556, 32).map(|v| Fact::new(v, "DPX orientation:input device"));
        let (descriptor, depth, packing, encoding) = (head[800], head[803], u16(804), u16(806));
        facts.codec = Some(Fact::new(format!("DPX {depth} bit"), "DPX image:bit depth"));
        // Where the pixels begin at once there is neither a film nor a television header.
        let offset = if u32(808) == u32::MAX { u32(4) } else { u32(808) };
        let industry = |at| if offset as usize >= HEADER { u32(at) } else { u32::MAX };
        let tv = rate(f32::from_bits(industry(1940)));
        let film = rate(f32::from_bits(industry(1724)));
        facts.rate = tv
            .map(|r| Fact::new(r, "DPX television:frame rate"))
            .or(film.map(|r| Fact::new(r, "DPX film:frame rate of original")));
        facts.timecode = tv.or(film).and_then(|r| {
            let tc = timecode(industry(1920), r)?;
            Some(Fact::new(tc, "DPX television:SMPTE time code"))
        });
        let needed = || {
            let eol = u32(812);
            let line = line_bytes(descriptor, depth, packing, u64::from(width))?;
            let pad = if eol == u32::MAX { 0 } else { u64::from(eol) };
            let lines = u64::from(height);
            let body = line.checked_add(pad)?.checked_mul(lines)?.checked_sub(pad)?;
            u64::from(offset).checked_add(body)
        };
        Ok(Self {
            needed: if encoding == 1 || u16(770) != 1 { None } else { needed() },
            layout: format!("{width}x{height}, {depth} bit, descriptor {descriptor}, packing {packing}"),
            facts,
            file_len,
        })
    }

    /// Checks that the file holds the whole picture.
    ///
    /// # Errors
    /// [`ErrorKind::BadMedia`], with both sizes.
    pub fn check_complete(&self) -> Result<()> {
        match self.needed {
            Some(needed) if self.file_len < needed => Err(Error::new(
                ErrorKind::BadMedia,
                format!("the picture ends at byte {needed} and the file has {}", self.file_len),
            )
            .advice("copy the file again")),
            _ => Ok(()),
        }
    }
}

/// Bytes of a line (ST 268-1, 8 and annex C): elements of 32-bit words, each line on a word.
fn line_bytes(descriptor: u8, depth: u8, packing: u16, width: u64) -> Option<u64> {
    // CbYCr 4:2:2 has two samples a pixel; see table 1 for the others.
    let samples = match descriptor {
        1..=6 | 8 => 1,
        50 | 102 => 3,
        51 | 52 | 103 => 4,
        100 => 2,
        101 => 3,
        _ => return None,
    };
    let n = width.checked_mul(samples)?;
    let words = |bits: u64| Some(n.checked_mul(bits)?.div_ceil(32) * 4);
    match (depth, packing) {
        (8 | 16 | 32 | 64, _) | (10 | 12, 0) => words(u64::from(depth)),
        // Three samples to a word, and one sample to 16 bits.
        (10, _) => Some(n.div_ceil(3) * 4),
        (12, _) => words(16),
        _ => None,
    }
}

/// The rate of a float field, rounded to the thousandth; undefined is NaN, zero or infinite.
fn rate(v: f32) -> Option<Rate> {
    // A float holds thousandths of rates up to a thousand exactly enough. Programs that do not know
    // the rate write 1; no camera's footage is shown as slowly as that.
    (v.is_finite() && (6.0..=1000.0).contains(&v))
        .then(|| Rate::from_camera((f64::from(v) * 1000.0).round() as u32, 1000))?
}

/// Eight decimal digits, hours first (ST 268-1, television header, field 1).
fn timecode(bcd: u32, rate: Rate) -> Option<Timecode> {
    if bcd == u32::MAX {
        return None;
    }
    let pair = |shift: u32| {
        let (tens, units) = (bcd >> (shift + 4) & 15, bcd >> shift & 15);
        (tens < 10 && units < 10).then_some(tens * 10 + units)
    };
    Timecode::from_label(pair(24)?, pair(16)?, pair(8)?, pair(0)?, rate, false).ok()
}
