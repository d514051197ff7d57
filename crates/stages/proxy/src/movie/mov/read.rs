//! Reads back what a movie says about itself: the tables, not the pictures.

use std::io::{Read, Seek, SeekFrom};

use rushes_core::media::{Rate, Timecode};
use rushes_core::{Error, ErrorKind, Result};

use super::sample_entry::DROP_FRAME;

/// What a movie says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::movie) struct Found {
    /// The video's format.
    pub(in crate::movie) codec: [u8; 4],
    /// Columns.
    pub(in crate::movie) width: u16,
    /// Rows.
    pub(in crate::movie) height: u16,
    /// Number of frames.
    pub(in crate::movie) frames: u32,
    /// Frames per second; `None` when they last unequally long.
    pub(in crate::movie) rate: Option<Rate>,
    /// The first frame's label.
    pub(in crate::movie) timecode: Option<Timecode>,
    /// The reel of the timecode track.
    pub(in crate::movie) reel: Option<String>,
    /// Codes of primaries, transfer and matrix.
    pub(in crate::movie) color: Option<[u16; 3]>,
    /// Horizontal and vertical spacing of pixels.
    pub(in crate::movie) pixel_aspect: Option<(u32, u32)>,
}

/// Tables larger than this are a lie: ours need twelve bytes a frame.
const MOST_TABLES: u64 = 1 << 31;

/// Reads the movie in `file`, which is `len` bytes long.
///
/// # Errors
/// When the boxes contradict each other or the file's length, a sample lies outside the media
/// data, or there is no video track.
pub(in crate::movie) fn read<R: Read + Seek>(file: &mut R, len: u64) -> Result<Found> {
    let (moov, media) = top_level(file, len)?;
    let mut video = None;
    let mut timecode = None;
    for trak in boxes(&moov) {
        let trak = trak?;
        if trak.kind != *b"trak" {
            continue;
        }
        let mdia = child(trak.body, b"mdia")?;
        match field(child(mdia, b"hdlr")?, 8)? {
            kind if kind == *b"vide" && video.is_none() => video = Some(video_track(mdia, &media)?),
            kind if kind == *b"tmcd" && timecode.is_none() => timecode = Some(timecode_track(mdia, file, &media)?),
            _ => {}
        }
    }
    let mut found = video.ok_or_else(|| bad("there is no video track"))?;
    if let Some((label, reel)) = timecode {
        (found.timecode, found.reel) = (Some(label), reel);
    }
    Ok(found)
}

fn bad(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadMedia, why).doing("reading a movie")
}

/// From and to where media data lies in the file.
type Extents = Vec<(u64, u64)>;

/// The contents of `moov`, and where media data lies.
fn top_level<R: Read + Seek>(file: &mut R, len: u64) -> Result<(Vec<u8>, Extents)> {
    let io = |e: std::io::Error| bad(e.to_string());
    let mut moov = None;
    let mut media = Vec::new();
    let mut at = 0u64;
    for _ in 0..10_000 {
        if len - at < 8 {
            break;
        }
        file.seek(SeekFrom::Start(at)).map_err(io)?;
        let mut head = [0u8; 8];
        file.read_exact(&mut head).map_err(io)?;
        let (size, header) = match u32::from_be_bytes(field(&head, 0)?) {
            0 => (len - at, 8),
            1 => {
                let mut long = [0u8; 8];
                file.read_exact(&mut long).map_err(io)?;
                (u64::from_be_bytes(long), 16)
            }
            size => (u64::from(size), 8),
        };
        if size < header || size > len - at {
            return Err(bad(format!("the box at byte {at} claims {size} bytes of {}", len - at)));
        }
        match &head[4..] {
            b"mdat" => media.push((at + header, at + size)),
            b"moov" if moov.is_none() => {
                if size > MOST_TABLES {
                    return Err(bad(format!("the movie box claims {size} bytes")));
                }
                // `size` lies within the file.
                let mut body = vec![0u8; (size - header) as usize];
                file.read_exact(&mut body).map_err(io)?;
                moov = Some(body);
            }
            _ => {}
        }
        at += size;
    }
    Ok((moov.ok_or_else(|| bad("there is no movie box"))?, media))
}

struct Atom<'a> {
    kind: [u8; 4],
    body: &'a [u8],
}

/// The boxes that fill `bytes`; ends after the first that does not fit.
fn boxes(bytes: &[u8]) -> impl Iterator<Item = Result<Atom<'_>>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        // Fewer than eight bytes are QuickTime's end of a list, or nothing.
        let size = u32::from_be_bytes(field(rest, 0).ok()?);
        let kind = field(rest, 4).ok()?;
        let at = std::mem::take(&mut rest);
        let (from, to) = match size {
            0 => (8, Some(at.len())),
            1 => (16, field(at, 8).ok().and_then(|b| usize::try_from(u64::from_be_bytes(b)).ok())),
            n => (8, usize::try_from(n).ok()),
        };
        let Some((to, body)) = to.and_then(|to| Some((to, at.get(from..to)?))) else {
            return Some(Err(bad(format!("the box {} claims more bytes than there are", kind.escape_ascii()))));
        };
        rest = &at[to..];
        Some(Ok(Atom { kind, body }))
    })
}

fn find<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(bytes).filter_map(Result::ok).find(|b| b.kind == *kind).map(|b| b.body)
}

fn child<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Result<&'a [u8]> {
    find(bytes, kind).ok_or_else(|| bad(format!("there is no whole {} box", kind.escape_ascii())))
}

/// The `N` bytes at `at`.
fn field<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N]> {
    bytes
        .get(at..)
        .and_then(|b| b.first_chunk::<N>())
        .copied()
        .ok_or_else(|| bad(format!("a box ends before byte {}", at + N)))
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16> {
    field(bytes, at).map(u16::from_be_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32> {
    field(bytes, at).map(u32::from_be_bytes)
}

/// The first sample description of a sample table, its size and type included.
fn sample_entry(stbl: &[u8]) -> Result<&[u8]> {
    let stsd = child(stbl, b"stsd")?;
    let entries = stsd.get(8..).unwrap_or_default();
    let size = u32_at(entries, 0)? as usize;
    entries.get(..size).filter(|e| e.len() >= 16).ok_or_else(|| bad("the sample description is cut off"))
}

fn video_track(mdia: &[u8], media: &[(u64, u64)]) -> Result<Found> {
    let stbl = child(child(mdia, b"minf")?, b"stbl")?;
    let entry = sample_entry(stbl)?;
    // Sixteen bytes of every sample description, seventy of a video one, then boxes.
    let extensions = entry.get(86..).unwrap_or_default();
    let color = find(extensions, b"colr")
        .filter(|c| c.starts_with(b"nclc") || c.starts_with(b"nclx"))
        .and_then(|c| Some([u16_at(c, 4).ok()?, u16_at(c, 6).ok()?, u16_at(c, 8).ok()?]));
    let pixel_aspect = find(extensions, b"pasp").and_then(|p| Some((u32_at(p, 0).ok()?, u32_at(p, 4).ok()?)));
    let sizes = SampleSizes::of(stbl)?;
    check_chunks(stbl, &sizes, media)?;
    let timescale = timescale(child(mdia, b"mdhd")?)?;
    Ok(Found {
        codec: field(entry, 4)?,
        width: u16_at(entry, 32)?,
        height: u16_at(entry, 34)?,
        frames: sizes.count,
        rate: sample_duration(stbl, sizes.count)?.and_then(|d| Rate::new(timescale, d)),
        timecode: None,
        reel: None,
        color,
        pixel_aspect,
    })
}

fn timescale(mdhd: &[u8]) -> Result<u32> {
    let long = field::<1>(mdhd, 0)? == [1];
    u32_at(mdhd, if long { 20 } else { 12 })
}

/// What each sample lasts; `None` when they differ.
fn sample_duration(stbl: &[u8], samples: u32) -> Result<Option<u32>> {
    let stts = child(stbl, b"stts")?;
    let mut total = 0u64;
    let mut each = None;
    let mut equal = true;
    for run in table::<8>(stts, 4)? {
        total += u64::from(u32_at(run, 0)?);
        let duration = u32_at(run, 4)?;
        equal &= *each.get_or_insert(duration) == duration;
    }
    if total != u64::from(samples) {
        return Err(bad(format!("there are durations for {total} of {samples} samples")));
    }
    Ok(each.filter(|_| equal))
}

/// The entries of `N` bytes of a table whose count is at `count_at`.
fn table<const N: usize>(body: &[u8], count_at: usize) -> Result<std::slice::Iter<'_, [u8; N]>> {
    let count = u32_at(body, count_at)? as usize;
    let (entries, _) = body.get(count_at + 4..).unwrap_or_default().as_chunks::<N>();
    entries.get(..count).map(<[_]>::iter).ok_or_else(|| bad(format!("a table of {count} entries is cut off")))
}

struct SampleSizes<'a> {
    each: u32,
    count: u32,
    table: &'a [[u8; 4]],
}

impl<'a> SampleSizes<'a> {
    fn of(stbl: &'a [u8]) -> Result<Self> {
        let stsz = child(stbl, b"stsz")?;
        let (each, count) = (u32_at(stsz, 4)?, u32_at(stsz, 8)?);
        let table = if each == 0 { table::<4>(stsz, 8)?.as_slice() } else { &[] };
        Ok(Self { each, count, table })
    }

    /// Bytes of samples `first .. first + n`.
    fn total(&self, first: u64, n: u64) -> Result<u64> {
        let end = first.checked_add(n).filter(|end| *end <= u64::from(self.count));
        let end = end.ok_or_else(|| bad("the chunks hold more samples than there are"))?;
        if self.each > 0 {
            return Ok(n * u64::from(self.each));
        }
        Ok(self.table[first as usize..end as usize].iter().map(|s| u64::from(u32::from_be_bytes(*s))).sum())
    }
}

/// Positions of the chunks.
fn chunk_offsets(stbl: &[u8]) -> Result<Vec<u64>> {
    match find(stbl, b"co64") {
        Some(co64) => Ok(table::<8>(co64, 4)?.map(|b| u64::from_be_bytes(*b)).collect()),
        None => Ok(table::<4>(child(stbl, b"stco")?, 4)?.map(|b| u64::from(u32::from_be_bytes(*b))).collect()),
    }
}

/// Every chunk lies within the media data, and together they hold every sample once.
fn check_chunks(stbl: &[u8], sizes: &SampleSizes<'_>, media: &[(u64, u64)]) -> Result<()> {
    let chunks = chunk_offsets(stbl)?;
    let runs: Vec<[u32; 2]> =
        table::<12>(child(stbl, b"stsc")?, 4)?.map(|r| Ok([u32_at(r, 0)?, u32_at(r, 4)?])).collect::<Result<_>>()?;
    let mut run = 0;
    let mut sample = 0u64;
    for (number, at) in (1u32..).zip(&chunks) {
        while runs.get(run + 1).is_some_and(|next| next[0] <= number) {
            run += 1;
        }
        let n = u64::from(runs.get(run).filter(|r| r[0] <= number).map_or(0, |r| r[1]));
        let end = at.checked_add(sizes.total(sample, n)?);
        if !media.iter().any(|(from, to)| from <= at && end.is_some_and(|end| end <= *to)) {
            return Err(bad(format!("chunk {number} lies outside the media data")));
        }
        sample += n;
    }
    if sample != u64::from(sizes.count) {
        return Err(bad(format!("the chunks hold {sample} of {} samples", sizes.count)));
    }
    Ok(())
}

fn timecode_track<R: Read + Seek>(
    mdia: &[u8],
    file: &mut R,
    media: &[(u64, u64)],
) -> Result<(Timecode, Option<String>)> {
    let stbl = child(child(mdia, b"minf")?, b"stbl")?;
    let entry = sample_entry(stbl)?;
    let rate = Rate::new(u32_at(entry, 24)?, u32_at(entry, 28)?).ok_or_else(|| bad("the timecode has no rate"))?;
    let drop = u32_at(entry, 20)? & DROP_FRAME != 0;
    check_chunks(stbl, &SampleSizes::of(stbl)?, media)?;
    let at = *chunk_offsets(stbl)?.first().ok_or_else(|| bad("the timecode track has no sample"))?;
    let mut start = [0u8; 4];
    file.seek(SeekFrom::Start(at))
        .and_then(|_| file.read_exact(&mut start))
        .map_err(|e| bad(format!("the timecode sample: {e}")))?;
    let timecode = Timecode::from_frames(i64::from(u32::from_be_bytes(start)), rate, drop)?;
    let reel = find(entry.get(34..).unwrap_or_default(), b"name").and_then(|n| {
        let n = n.get(4..4 + usize::from(u16_at(n, 0).ok()?))?;
        Some(String::from_utf8_lossy(n).into_owned())
    });
    Ok((timecode, reel))
}
