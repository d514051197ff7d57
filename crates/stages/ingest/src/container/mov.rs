//! QuickTime and ISO base media: the picture track, the timecode track, the reel.
//!
//! Layouts: Apple, QuickTime File Format Specification (2016), "Video Sample Description",
//! "Timecode Sample Description" and "Timecode Sample Data".

use std::collections::BTreeMap;
use std::io::{Read, Result, Seek};
use std::ops::Range;

use rushes_core::media::{Rate, Timecode};

use super::atoms::{child, children, descend};
use super::{ContainerFacts, Fact, printable, timecode_rate};
use crate::input::{Input, be_u16, be_u32};

/// A movie as far as ingest needs it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Movie {
    /// FourCC of the first sample description of each picture track.
    pub(crate) codecs: Vec<[u8; 4]>,
    /// Samples of the longest picture track.
    pub(crate) samples: u64,
    /// `CanonCRM0001/...`: Canon's own name of its container.
    pub(crate) canon: Option<String>,
    pub(crate) facts: ContainerFacts,
}

impl Movie {
    /// Reads the movie atom; `None` when there is none.
    pub(crate) fn read<R: Read + Seek>(input: &mut Input<R>) -> Result<Option<Self>> {
        let whole = 0..input.len();
        let Some(moov) = child(input, whole, b"moov")? else { return Ok(None) };
        let mut movie = Self::default();
        let mut timecode = None;
        for atom in children(input, moov.clone())? {
            match &atom.kind {
                b"trak" => {
                    let Some(track) = Track::read(input, atom.body)? else { continue };
                    match &track.handler {
                        b"vide" => movie.picture(input, &track)?,
                        b"tmcd" if timecode.is_none() => timecode = Some(track),
                        _ => {}
                    }
                }
                b"uuid" if movie.canon.is_none() => movie.canon = canon(input, atom.body)?,
                b"meta" => movie.keys(input, atom.body)?,
                _ => {}
            }
        }
        if let Some(track) = timecode {
            movie.timecode(input, &track)?;
        }
        Ok(Some(movie))
    }

    fn picture<R: Read + Seek>(&mut self, input: &mut Input<R>, track: &Track) -> Result<()> {
        let entry = input.upto(track.entry.start, size(&track.entry).min(128))?.to_vec();
        let Some(code) = entry.get(4..8) else { return Ok(()) };
        let code = [code[0], code[1], code[2], code[3]];
        let first = self.codecs.is_empty();
        self.codecs.push(code);
        let timing = track.timing(input)?;
        self.samples = self.samples.max(timing.samples);
        if !first {
            return Ok(());
        }
        let facts = &mut self.facts;
        let tag = |name: &str| format!("moov/trak/mdia/minf/stbl/{name}");
        facts.codec = Some(Fact::new(codec_name(code), tag("stsd")));
        let dimension = |at| be_u16(&entry, at).filter(|&v| v > 0).map(|v| Fact::new(u32::from(v), tag("stsd")));
        facts.width = dimension(32);
        facts.height = dimension(34);
        if timing.samples > 0 {
            facts.frames = Some(Fact::new(timing.samples, tag("stts")));
        }
        facts.rate = timing.rate.map(|r| Fact::new(r, tag("stts")));
        Ok(())
    }

    /// The timecode track: its description says how to count, its first sample where to begin.
    fn timecode<R: Read + Seek>(&mut self, input: &mut Input<R>, track: &Track) -> Result<()> {
        let entry = input.upto(track.entry.start, 34)?.to_vec();
        let field = |at| be_u32(&entry, at).unwrap_or(0);
        let (flags, scale, duration) = (field(20), field(24), field(28));
        let nominal = entry.get(32).map_or(0, |&n| u32::from(n));
        let names = track.entry.start.saturating_add(34)..track.entry.end;
        if let Some(name) = child(input, names, b"name")? {
            // Length and language, then the text.
            let text = input.upto(name.start, size(&name).min(1024))?;
            let length = usize::from(be_u16(text, 0).unwrap_or(0));
            let text = text.get(4..).map(|t| &t[..length.min(t.len())]).unwrap_or(&[]);
            if let Some(reel) = printable(&String::from_utf8_lossy(text)) {
                self.facts.reel = Some(Fact::new(reel, "moov/trak/mdia/minf/stbl/stsd/tmcd/name"));
            }
        }
        // Flag 8: the samples are plain counters, no timecode.
        let Some(rate) = Rate::from_camera(scale, duration).and_then(|r| timecode_rate(r, nominal)) else {
            return Ok(());
        };
        if flags & 8 != 0 {
            return Ok(());
        }
        let Some(offset) = track.first_chunk(input)? else { return Ok(()) };
        let Some(first) = input.array::<4>(offset)? else { return Ok(()) };
        let drop = flags & 1 != 0 && rate.can_drop();
        if let Ok(tc) = Timecode::from_frames(i64::from(i32::from_be_bytes(first)), rate, drop) {
            self.facts.timecode = Some(Fact::new(tc, "moov/trak/mdia/minf/stbl/stsd/tmcd"));
        }
        Ok(())
    }

    /// QuickTime metadata: `keys` names entries, `ilst` has their values.
    fn keys<R: Read + Seek>(&mut self, input: &mut Input<R>, meta: Range<u64>) -> Result<()> {
        let Some(keys) = child(input, meta.clone(), b"keys")? else { return Ok(()) };
        let Some(list) = child(input, meta, b"ilst")? else { return Ok(()) };
        let mut names = Vec::new();
        // Version and count come first; each key is laid out as an atom.
        for key in children(input, keys.start.saturating_add(8)..keys.end)? {
            let name = input.upto(key.body.start, size(&key.body).min(256))?;
            names.push(String::from_utf8_lossy(name).into_owned());
        }
        for item in children(input, list)? {
            let Some(name) = (u32::from_be_bytes(item.kind) as usize).checked_sub(1).and_then(|i| names.get(i)) else {
                continue;
            };
            let place = match name.to_ascii_lowercase().as_str() {
                "com.apple.proapps.reel" => &mut self.facts.reel,
                "com.apple.quicktime.make" | "com.apple.proapps.manufacturer" | "manufacturer" => &mut self.facts.maker,
                "com.apple.quicktime.model" | "com.apple.proapps.modelname" | "camera_type" => &mut self.facts.product,
                _ => continue,
            };
            let Some(data) = child(input, item.body, b"data")? else { continue };
            // Type 1 is UTF-8; then the locale.
            let head = input.upto(data.start, size(&data).min(1024))?;
            if let (Some(1), Some(text)) = (be_u32(head, 0), head.get(8..))
                && let Some(text) = printable(&String::from_utf8_lossy(text))
            {
                *place = Some(Fact::new(text, format!("moov/meta/{name}")));
            }
        }
        Ok(())
    }
}

/// What codecs are called.
pub(crate) fn codec_name(code: [u8; 4]) -> String {
    let words = match &code {
        b"apco" => "ProRes 422 Proxy",
        b"apcs" => "ProRes 422 LT",
        b"apcn" => "ProRes 422",
        b"apch" => "ProRes 422 HQ",
        b"ap4h" => "ProRes 4444",
        b"ap4x" => "ProRes 4444 XQ",
        b"aprn" => "ProRes RAW",
        b"aprh" => "ProRes RAW HQ",
        b"AVdh" => "DNxHR",
        b"AVdn" => "DNxHD",
        b"avc1" | b"avc3" | b"ai55" | b"ai5p" | b"ai5q" | b"ai15" | b"ai1q" => "H.264",
        b"hvc1" | b"hev1" => "H.265",
        b"jpeg" | b"mjpa" | b"mjpb" => "Motion JPEG",
        b"CFHD" => "CineForm",
        b"CRAW" => "Canon RAW",
        c if c.starts_with(b"br") => "Blackmagic RAW",
        _ => "",
    };
    let code: String = code.iter().map(|&b| if b.is_ascii_graphic() || b == b' ' { b as char } else { '?' }).collect();
    if words.is_empty() { code } else { format!("{words} ({code})") }
}

fn size(range: &Range<u64>) -> usize {
    usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX)
}

/// `CNCV` in Canon's uuid atom.
fn canon<R: Read + Seek>(input: &mut Input<R>, uuid: Range<u64>) -> Result<Option<String>> {
    // The atom's 16-byte identifier stands before its children.
    let Some(body) = child(input, uuid.start.saturating_add(16)..uuid.end, b"CNCV")? else { return Ok(None) };
    let text = input.upto(body.start, size(&body).min(64))?;
    Ok(printable(&String::from_utf8_lossy(text)))
}

#[derive(Debug)]
struct Track {
    handler: [u8; 4],
    timescale: u32,
    table: Range<u64>,
    /// The first sample description, its size field included.
    entry: Range<u64>,
}

/// What a time-to-sample table amounts to.
struct Timing {
    samples: u64,
    rate: Option<Rate>,
}

impl Track {
    fn read<R: Read + Seek>(input: &mut Input<R>, trak: Range<u64>) -> Result<Option<Self>> {
        let Some(mdia) = child(input, trak, b"mdia")? else { return Ok(None) };
        let Some(hdlr) = child(input, mdia.clone(), b"hdlr")? else { return Ok(None) };
        let Some(handler) = input.array::<4>(hdlr.start + 8)? else { return Ok(None) };
        let mut timescale = 0;
        if let Some(mdhd) = child(input, mdia.clone(), b"mdhd")? {
            let head = input.upto(mdhd.start, 24)?;
            // Version 1 has 64-bit dates.
            let at = if head.first() == Some(&1) { 20 } else { 12 };
            timescale = be_u32(head, at).unwrap_or(0);
        }
        let Some(table) = descend(input, mdia, &[b"minf", b"stbl"])? else { return Ok(None) };
        let Some(stsd) = child(input, table.clone(), b"stsd")? else { return Ok(None) };
        let start = stsd.start.saturating_add(8);
        let Some(length) = input.array::<4>(start)? else { return Ok(None) };
        let end = start.saturating_add(u64::from(u32::from_be_bytes(length))).min(stsd.end);
        Ok((end > start).then_some(Self { handler, timescale, table, entry: start..end }))
    }

    /// Samples in all, and their rate where nine in ten have the same duration.
    fn timing<R: Read + Seek>(&self, input: &mut Input<R>) -> Result<Timing> {
        let Some(stts) = child(input, self.table.clone(), b"stts")? else {
            return Ok(Timing { samples: 0, rate: None });
        };
        // A movie of a constant rate has one entry; a megabyte of entries is enough of any other.
        let body = input.upto(stts.start, size(&stts))?;
        let count = be_u32(body, 4).unwrap_or(0) as usize;
        let mut samples = 0u64;
        let mut durations: BTreeMap<u32, u64> = BTreeMap::new();
        for e in body.get(8..).unwrap_or(&[]).chunks_exact(8).take(count) {
            let (n, d) = (be_u32(e, 0).unwrap_or(0), be_u32(e, 4).unwrap_or(0));
            samples += u64::from(n);
            *durations.entry(d).or_default() += u64::from(n);
        }
        let most = durations.into_iter().max_by_key(|&(_, n)| n);
        let rate = most
            .filter(|&(_, n)| n.saturating_mul(10) >= samples.saturating_mul(9))
            .and_then(|(d, _)| Rate::from_camera(self.timescale, d));
        Ok(Timing { samples, rate })
    }

    /// Where the first chunk of samples lies.
    fn first_chunk<R: Read + Seek>(&self, input: &mut Input<R>) -> Result<Option<u64>> {
        if let Some(stco) = child(input, self.table.clone(), b"stco")? {
            return Ok(input.array::<4>(stco.start + 8)?.map(|b| u64::from(u32::from_be_bytes(b))));
        }
        if let Some(co64) = child(input, self.table.clone(), b"co64")? {
            return Ok(input.array::<8>(co64.start + 8)?.map(u64::from_be_bytes));
        }
        Ok(None)
    }
}
