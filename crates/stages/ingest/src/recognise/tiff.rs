//! TIFF files: which of them are DNG, which are stills raws, which are developed pictures.

use std::io::{Read, Result, Seek};

use rushes_core::media::ClipFormat;

use super::{Recognised, extension};
use crate::input::Input;

/// Sub-directories looked into at most.
const MAX_SUBS: usize = 8;

/// What a directory says that tells formats apart.
#[derive(Debug, Default)]
struct Directory {
    dng: bool,
    cinema: bool,
    make: String,
    model: String,
    compression: u32,
    photometric: u32,
    subs: Vec<u64>,
    /// The file ends inside it.
    cut: bool,
}

impl Directory {
    /// A colour filter array, or a compression only camera makers use: NEF, ARW, SRW, PEF.
    fn raw(&self) -> bool {
        self.photometric == 32803 || matches!(self.compression, 34713 | 32767 | 32770 | 65535 | 65000 | 262)
    }
}

pub(super) fn identify<R: Read + Seek>(input: &mut Input<R>, name: &str) -> Result<Option<Recognised>> {
    let by_name = extension::of_tiff(name);
    let Some(head) = input.array::<8>(0)? else { return Ok(None) };
    let order = Order { little: &head[..2] == b"II" };
    if !matches!(order.u16(&head[2..]), 42 | 43) {
        return Ok(None);
    }
    let first = directory(input, order, u64::from(order.u32(&head[4..])))?;
    if first.cut && !first.dng {
        // The header is cut short; the name says what it was meant to be.
        let mut found = by_name.map(|f| Recognised::new(f, "TIFF, cut short"));
        if let Some(f) = &mut found {
            f.remark = Some("the file ends inside its first directory; it was taken for what its name says".into());
        }
        return Ok(found);
    }
    let mut subs = Vec::new();
    for &at in first.subs.iter().take(MAX_SUBS) {
        subs.push(directory(input, order, at)?);
    }
    let camera = format!("{} {}", first.make, first.model);
    let of =
        |what: &str| if camera.trim().is_empty() { what.to_owned() } else { format!("{what} of a {}", camera.trim()) };
    if first.dng {
        // VC-5 has compression 9 (GoPro's GPR SDK).
        return Ok(Some(if [&first].into_iter().chain(&subs).any(|d| d.compression == 9) {
            Recognised::new(ClipFormat::Gpr, of("GPR"))
        } else if first.cinema {
            Recognised::new(ClipFormat::CinemaDng, of("CinemaDNG"))
        } else {
            Recognised::new(ClipFormat::Dng, of("DNG"))
        }));
    }
    let raw = first.raw() || subs.iter().any(Directory::raw);
    let cut = subs.iter().any(|d| d.cut) && by_name == Some(ClipFormat::StillRaw);
    // Old raws look like plain TIFF; a camera's name and the extension tell.
    let named = by_name == Some(ClipFormat::StillRaw) && !first.make.is_empty();
    Ok(Some(if raw || cut || named {
        Recognised::new(ClipFormat::StillRaw, of("raw"))
    } else {
        Recognised::new(ClipFormat::Still, "TIFF")
    }))
}

#[derive(Debug, Clone, Copy)]
struct Order {
    little: bool,
}

impl Order {
    fn u16(self, b: &[u8]) -> u16 {
        let b = [b[0], b[1]];
        if self.little { u16::from_le_bytes(b) } else { u16::from_be_bytes(b) }
    }

    fn u32(self, b: &[u8]) -> u32 {
        let b = [b[0], b[1], b[2], b[3]];
        if self.little { u32::from_le_bytes(b) } else { u32::from_be_bytes(b) }
    }
}

fn directory<R: Read + Seek>(input: &mut Input<R>, order: Order, at: u64) -> Result<Directory> {
    let cut = Directory { cut: true, ..Directory::default() };
    let Some(count) = input.array::<2>(at)? else { return Ok(cut) };
    // At most 65,535 entries of 12 bytes.
    let size = usize::from(order.u16(&count)) * 12;
    let entries = input.upto(at.saturating_add(2), size)?.to_vec();
    let mut dir = Directory { cut: entries.len() < size || size == 0, ..Directory::default() };
    for e in entries.chunks_exact(12) {
        let (tag, kind, count) = (order.u16(e), order.u16(&e[2..]), order.u32(&e[4..]));
        let short = || if kind == 3 { u32::from(order.u16(&e[8..])) } else { order.u32(&e[8..]) };
        let offset = u64::from(order.u32(&e[8..]));
        match tag {
            259 => dir.compression = short(),
            262 => dir.photometric = short(),
            271 => dir.make = text(input, e, count, offset)?,
            272 => dir.model = text(input, e, count, offset)?,
            330 if count == 1 => dir.subs.push(offset),
            330 => {
                let list = input.upto(offset, count.min(MAX_SUBS as u32) as usize * 4)?;
                dir.subs.extend(list.chunks_exact(4).map(|b| u64::from(order.u32(b))));
            }
            50706 => dir.dng = true,
            // TimeCodes, FrameRate (CinemaDNG 1.1).
            51043 | 51044 => dir.cinema = true,
            _ => {}
        }
    }
    Ok(dir)
}

fn text<R: Read + Seek>(input: &mut Input<R>, entry: &[u8], count: u32, offset: u64) -> Result<String> {
    let bytes = if count <= 4 { &entry[8..8 + count as usize] } else { input.upto(offset, count.min(64) as usize)? };
    let text = String::from_utf8_lossy(bytes);
    let text = text.split('\0').next().unwrap_or("").trim();
    Ok(text.chars().filter(|c| !c.is_control()).collect())
}
