//! OpenEXR, from the standard attributes of its header (openexr.com, Standard Attributes).

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use rushes_core::media::{CameraMetadata, Rate, Timecode, Verbatim, VerbatimField, open_original};
use rushes_core::{Error, ErrorKind, Result};

use crate::mapping::{Facts, Mapping, Subject};

/// Bytes of a header at most; previews make it long.
const LONGEST: u64 = 4 << 20;

/// Attributes of a header at most.
const MOST: usize = 1000;

pub(crate) struct Exr;

impl Mapping for Exr {
    fn read(&self, subject: &Subject<'_>) -> Result<Facts> {
        let header = Header::read(subject.path).map_err(|e| e.doing("reading the EXR header").path(subject.path))?;
        Ok(map(&header, subject))
    }
}

fn map(header: &Header, subject: &Subject<'_>) -> Facts {
    let text = |name: &str| header.text(name).map(|v| subject.sourced(v, name));
    let number = |name: &str| header.float(name).map(|v| subject.sourced(v, name));
    let rate = subject.rate(header.rate("framesPerSecond").map(|v| subject.sourced(v, "framesPerSecond")));
    let packed = header.get("timeCode", "timecode").filter(|b| b.len() == 8).map(|b| word(b, 0));
    let start_timecode = packed
        .zip(rate.as_ref())
        .and_then(|(tc, rate)| timecode(tc, rate.value))
        .map(|tc| subject.sourced(tc, "timeCode"));
    let timecode_as_found = match (&rate, packed.is_some() && start_timecode.is_none()) {
        (_, false) => None,
        (None, true) => Some("the header has a timeCode, which means nothing without a frame rate".to_owned()),
        (Some(r), true) => Some(format!("the header's timeCode does not exist at {} frames/s", r.value)),
    };
    let window = header.get("dataWindow", "box2i").filter(|b| b.len() == 16);
    let stored_size = window.and_then(|b| {
        let edge = |at| i64::from(word(b, at) as i32);
        let size = |low, high| usize::try_from(edge(high) - edge(low) + 1).ok().filter(|&n| n > 0);
        Some(subject.sourced((size(0, 8)?, size(4, 12)?), "dataWindow"))
    });
    let metadata = CameraMetadata {
        make: text("cameraMake"),
        model: text("cameraModel"),
        serial_number: text("cameraSerialNumber"),
        firmware_version: text("cameraFirmwareVersion"),
        camera_label: text("cameraLabel"),
        reel: text("reelName"),
        recorded_at: text("capDate"),
        start_timecode,
        rate,
        capture_rate: header.rate("captureRate").map(|v| subject.sourced(v, "captureRate")),
        stored_size,
        compression: header
            .get("compression", "compression")
            .and_then(|b| b.first())
            .map(|&c| subject.sourced(compression(c), "compression")),
        iso: number("isoSpeed"),
        shutter_angle: number("shutterAngle"),
        lens_make: text("lensMake"),
        lens_model: text("lensModel"),
        lens_serial_number: text("lensSerialNumber"),
        focal_length: number("nominalFocalLength"),
        f_stop: number("aperture"),
        t_stop: number("tStop"),
        focus_distance: number("focus"),
        ..CameraMetadata::default()
    };
    let fields = header
        .attributes
        .iter()
        .map(|(name, (kind, value))| VerbatimField { value: show(kind, value), origin: subject.origin(name.as_str()) });
    Facts { metadata, verbatim: Verbatim(fields.collect()), frames: None, timecode_as_found }
}

/// Attributes of the first part: name to type and value.
struct Header {
    attributes: BTreeMap<String, (String, Vec<u8>)>,
}

impl Header {
    fn read(path: &Path) -> Result<Self> {
        let mut bytes = Vec::new();
        let file = open_original(path)?;
        file.take(LONGEST).read_to_end(&mut bytes).map_err(|e| Error::io(path, e))?;
        Self::parse(&bytes)
    }

    /// OpenEXR File Layout: magic, version, then attributes up to an empty name.
    fn parse(bytes: &[u8]) -> Result<Self> {
        let bad = |what: &str| Error::new(ErrorKind::BadMedia, what).advice("copy the file again");
        let mut rest = bytes.strip_prefix(&[0x76, 0x2f, 0x31, 0x01]).ok_or_else(|| bad("it is no OpenEXR file"))?;
        let ends = || bad("the OpenEXR header ends early");
        rest = rest.get(4..).ok_or_else(ends)?;
        let mut attributes = BTreeMap::new();
        loop {
            let (name, after) = string(rest).ok_or_else(ends)?;
            if name.is_empty() {
                return Ok(Self { attributes });
            }
            let (kind, after) = string(after).ok_or_else(ends)?;
            let size = after.get(..4).map(|b| word(b, 0) as usize).ok_or_else(ends)?;
            let value = after.get(4..).and_then(|b| b.get(..size)).ok_or_else(ends)?;
            if attributes.len() >= MOST {
                return Err(bad("the OpenEXR header has more attributes than any program writes"));
            }
            attributes.insert(name, (kind, value.to_vec()));
            rest = &after[4 + size..];
        }
    }

    fn get(&self, name: &str, kind: &str) -> Option<&[u8]> {
        self.attributes.get(name).filter(|a| a.0 == kind).map(|a| a.1.as_slice())
    }

    fn text(&self, name: &str) -> Option<String> {
        let s = String::from_utf8_lossy(self.get(name, "string")?);
        let s: String = s.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let s = s.trim();
        (!s.is_empty()).then(|| s.to_owned())
    }

    /// A positive number; zero and what is no number mean unknown.
    fn float(&self, name: &str) -> Option<f64> {
        let b = self.get(name, "float").filter(|b| b.len() == 4)?;
        let v = f64::from(f32::from_bits(word(b, 0)));
        (v.is_finite() && v > 0.0).then_some(v)
    }

    fn rate(&self, name: &str) -> Option<Rate> {
        let b = self.get(name, "rational").filter(|b| b.len() == 8)?;
        Rate::from_camera(u32::try_from(word(b, 0) as i32).ok()?, word(b, 4))
    }
}

/// A text up to NUL, at most 255 bytes, and what follows it.
fn string(b: &[u8]) -> Option<(String, &[u8])> {
    let end = b.iter().take(256).position(|&c| c == 0)?;
    Some((String::from_utf8_lossy(&b[..end]).into_owned(), &b[end + 1..]))
}

/// Four bytes, least significant first; 0 where there are fewer.
fn word(b: &[u8], at: usize) -> u32 {
    b.get(at..at + 4).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}

/// A timeCode's first word in TV60 packing (OpenEXR, ImfTimeCode.h): the bytes of SMPTE ST 12-1,
/// frames lowest. Above 30 frames/s the digits count pairs; bit 15 is the field mark at all rates.
fn timecode(packed: u32, rate: Rate) -> Option<Timecode> {
    let marked = packed & !(1 << 31) | (packed >> 15 & 1) << 31;
    let [frames, seconds, minutes, hours] = marked.to_le_bytes();
    let stored = rushes_ingest::dng::TimeCode::from_bytes([frames, seconds, minutes, hours, 0, 0, 0, 0])?;
    stored.at(rate).ok()
}

fn compression(code: u8) -> String {
    const NAMES: [&str; 10] = ["none", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "B44", "B44A", "DWAA", "DWAB"];
    NAMES.get(usize::from(code)).map_or_else(|| format!("compression {code}"), |n| (*n).to_owned())
}

/// The value as text, for the types that have a short one.
fn show(kind: &str, b: &[u8]) -> String {
    let floats = || b.chunks_exact(4).map(|c| f32::from_bits(word(c, 0)).to_string()).collect::<Vec<_>>().join(" ");
    let ints = || b.chunks_exact(4).map(|c| (word(c, 0) as i32).to_string()).collect::<Vec<_>>().join(" ");
    match kind {
        "string" => String::from_utf8_lossy(b).trim_end_matches('\0').to_owned(),
        "float" | "v2f" | "v3f" | "m33f" | "m44f" | "chromaticities" => floats(),
        "int" | "v2i" | "v3i" | "box2i" => ints(),
        "rational" => format!("{}/{}", word(b, 0) as i32, word(b, 4)),
        "timecode" => format!("{:08x} {:08x}", word(b, 0), word(b, 4)),
        "compression" if b.len() == 1 => compression(b[0]),
        _ => format!("({kind}, {} bytes)", b.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(name: &str, kind: &str, value: &[u8]) -> Vec<u8> {
        let mut out = [name.as_bytes(), &[0], kind.as_bytes(), &[0]].concat();
        out.extend((value.len() as u32).to_le_bytes());
        out.extend(value);
        out
    }

    fn file() -> Vec<u8> {
        let mut out = vec![0x76, 0x2f, 0x31, 0x01, 2, 0, 0, 0];
        out.extend(attribute("compression", "compression", &[4]));
        out.extend(attribute("dataWindow", "box2i", &[0, 0, 0, 0, 0, 0, 0, 0, 63, 0, 0, 0, 31, 0, 0, 0]));
        let rate = [24000u32.to_le_bytes(), 1001u32.to_le_bytes()].concat();
        out.extend(attribute("framesPerSecond", "rational", &rate));
        out.extend(attribute("reelName", "string", b"A001"));
        out.extend(attribute("timeCode", "timecode", &[0x14, 0x55, 0x01, 0x08, 0, 0, 0, 0]));
        out.push(0);
        out
    }

    #[test]
    fn standard_attributes_become_facts() {
        let header = Header::parse(&file()).unwrap();
        let subject = Subject {
            path: Path::new("a.exr"),
            parts: &[],
            name: "a.exr".into(),
            format: rushes_core::media::ClipFormat::Exr,
            rate: None,
        };
        let facts = map(&header, &subject);
        let m = &facts.metadata;
        assert_eq!(m.start_timecode.as_ref().unwrap().value.to_string(), "08:01:55:14");
        assert_eq!(m.rate.as_ref().unwrap().value, Rate::FPS_23_976);
        assert_eq!(m.reel.as_ref().unwrap().origin.tag, "reelName");
        assert_eq!(m.stored_size.as_ref().unwrap().value, (64, 32));
        assert_eq!(m.compression.as_ref().unwrap().value, "PIZ");
        assert_eq!(facts.verbatim.0.len(), 5);
    }

    #[test]
    fn no_cut_or_changed_header_panics() {
        let whole = file();
        for n in 0..whole.len() {
            assert!(Header::parse(&whole[..n]).is_err());
            let mut bent = whole.clone();
            bent[n] ^= 0xff;
            let _ = Header::parse(&bent);
        }
    }
}
