//! The blocks of an MLV file.

use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use rushes_core::media::{Cfa, Levels, Rate, open_original};
use rushes_core::{Error, ErrorKind, Result};

use crate::dng::tiff::read_error;

use super::{FrameAt, MlvCompression, MlvHeader, color};

/// Bytes of a block that are looked at; RAWI is the longest with 180.
const HEAD: usize = 256;

/// What the blocks said; the first of each kind holds for the recording.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Identity, class and rate of the recording.
    id: Option<(u64, u16, u32, u32)>,
    raw: Option<Vec<u8>>,
    expo: Option<Vec<u8>>,
    lens: Option<Vec<u8>>,
    identity: Option<Vec<u8>>,
    balance: Option<Vec<u8>>,
    clock: Option<Vec<u8>>,
    frames: Vec<FrameAt>,
}

fn bad(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadMedia, detail)
}

fn u16(b: &[u8], at: usize) -> u16 {
    b.get(at..at + 2).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]))
}

fn u32(b: &[u8], at: usize) -> u32 {
    u32::from(u16(b, at)) | u32::from(u16(b, at + 2)) << 16
}

fn u64(b: &[u8], at: usize) -> u64 {
    u64::from(u32(b, at)) | u64::from(u32(b, at + 4)) << 32
}

fn text(b: &[u8], at: usize, n: usize) -> Option<String> {
    let b = b.get(at..at + n)?;
    let end = b.iter().position(|&c| c == 0).unwrap_or(n);
    crate::input::one_line(&String::from_utf8_lossy(&b[..end]))
}

impl Found {
    /// Walks the blocks of one file.
    pub(super) fn file(&mut self, index: usize, path: &Path) -> Result<()> {
        let io = |e| Error::io(path, e);
        let file = open_original(path)?;
        let len = file.size().map_err(io)?;
        self.blocks(index, BufReader::new(file), len).map_err(|e| e.path(path))
    }

    pub(super) fn blocks(&mut self, index: usize, mut file: impl Read + Seek, len: u64) -> Result<()> {
        let io = read_error;
        let (mut at, mut count) = (0u64, 0u64);
        while at.saturating_add(16) <= len {
            // Each look costs a read; frames are large, and the blocks between them are few.
            count += 1;
            if count > 100_000 && at / count < 256 {
                return Err(bad(format!(
                    "{count} blocks in its first {at} bytes: no camera writes so many small ones"
                )));
            }
            file.seek(SeekFrom::Start(at)).map_err(io)?;
            let mut head = Vec::with_capacity(HEAD);
            file.by_ref().take(HEAD as u64).read_to_end(&mut head).map_err(io)?;
            let (kind, size) = (head.get(..4).unwrap_or_default(), u64::from(u32(&head, 4)));
            if at == 0 && kind != b"MLVI" {
                return Err(bad("it begins with no MLVI block: no Magic Lantern video"));
            }
            if size < 16 {
                return Err(bad(format!("the block at byte {at} claims {size} bytes")));
            }
            if at + size > len {
                // The card was full or the battery flat: what is before is whole.
                return Ok(());
            }
            head.truncate(usize::try_from(size).unwrap_or(HEAD));
            self.block(index, at, size, head)?;
            at += size;
        }
        Ok(())
    }

    fn block(&mut self, file: usize, at: u64, size: u64, head: Vec<u8>) -> Result<()> {
        let slot = match &head[..4] {
            b"MLVI" => {
                if head.len() < 52 {
                    return Err(bad("its MLVI block is too short"));
                }
                let id = (u64(&head, 16), u16(&head, 32), u32(&head, 44), u32(&head, 48));
                match &self.id {
                    Some(first) if first.0 != id.0 => {
                        return Err(bad("it belongs to another recording than the first part"));
                    }
                    _ => self.id.get_or_insert(id),
                };
                return Ok(());
            }
            b"VIDF" => {
                let skip = 32 + u64::from(u32(&head, 28));
                let Some(len) = size.checked_sub(skip).filter(|_| head.len() >= 32) else {
                    return Err(bad(format!("the frame at byte {at} is shorter than its header")));
                };
                self.frames.push(FrameAt { number: u32(&head, 16), file, offset: at + skip, len });
                return Ok(());
            }
            b"RAWI" => &mut self.raw,
            b"EXPO" => &mut self.expo,
            b"LENS" => &mut self.lens,
            b"IDNT" => &mut self.identity,
            b"WBAL" => &mut self.balance,
            b"RTCI" => &mut self.clock,
            _ => return Ok(()),
        };
        slot.get_or_insert(head);
        Ok(())
    }

    /// The recording's facts.
    pub(super) fn header(mut self, files: &[PathBuf]) -> Result<MlvHeader> {
        let raw = self.raw.take().filter(|r| r.len() >= 180).ok_or_else(|| bad("it has no RAWI block"))?;
        let (_, class, num, den) = self.id.ok_or_else(|| bad("it has no MLVI block"))?;
        let (width, height) = (usize::from(u16(&raw, 16)), usize::from(u16(&raw, 18)));
        let (bits, black, white) = (u32(&raw, 44), u32(&raw, 48), u32(&raw, 52));
        if width == 0 || height == 0 || !matches!(bits, 8..=16) || white > 65535 || black >= white {
            return Err(bad(format!("RAWI says {width}x{height}, {bits} bits, black {black}, white {white}")));
        }
        let cfa = match raw[96..100] {
            [0, 1, 1, 2] => Cfa::Rggb,
            [2, 1, 1, 0] => Cfa::Bggr,
            [1, 0, 2, 1] => Cfa::Grbg,
            [1, 2, 0, 1] => Cfa::Gbrg,
            ref other => return Err(bad(format!("RAWI has the colour filter array {other:?}"))),
        };
        let matrix: [f64; 9] = std::array::from_fn(|i| {
            let part = |at: usize| f64::from(u32(&raw, at) as i32);
            part(104 + 8 * i) / part(108 + 8 * i)
        });
        let known = matrix.iter().all(|v| v.is_finite()) && matrix.iter().any(|v| *v != 0.0);
        // Parts of a recording hold frames in turns.
        self.frames.sort_by_key(|f| f.number);
        self.frames.dedup_by_key(|f| f.number);
        let positive = |v: u32| (v > 0).then(|| f64::from(v));
        let of = |b: &Option<Vec<u8>>| b.clone().unwrap_or_default();
        let (expo, lens, identity, clock) = (of(&self.expo), of(&self.lens), of(&self.identity), of(&self.clock));
        Ok(MlvHeader {
            width,
            height,
            bits,
            compression: match class {
                1 => MlvCompression::None,
                0x21 => MlvCompression::Lossless,
                other => MlvCompression::Other(other),
            },
            cfa,
            levels: Levels::flat(f64::from(black), f64::from(white)),
            color: known.then(|| color(u16(&raw, 100), matrix)),
            rate: Rate::from_camera(num, den),
            camera: text(&identity, 16, 32),
            serial_number: text(&identity, 52, 32),
            lens: text(&lens, 32, 32),
            focal_length: positive(u32::from(u16(&lens, 16))),
            f_stop: positive(u32::from(u16(&lens, 20))).map(|v| v / 100.0),
            iso: positive(u32(&expo, 20)),
            exposure_time: u32::try_from(u64(&expo, 32)).ok().filter(|&us| us > 0).map(|us| (us, 1_000_000)),
            kelvin: positive(u32(&of(&self.balance), 20)),
            recorded_at: (clock.len() >= 28 && u16(&clock, 26) > 0 && u16(&clock, 24) < 12).then(|| {
                // struct tm: months from 0, years from 1900.
                let n = |at| u32::from(u16(&clock, at));
                let (y, mo, d) = (n(26) + 1900, n(24) + 1, n(22));
                format!("{y:04}:{mo:02}:{d:02} {:02}:{:02}:{:02}", n(20), n(18), n(16))
            }),
            frames: self.frames,
            files: files.to_vec(),
        })
    }
}
