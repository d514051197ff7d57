//! A CinemaDNG writer for synthetic frames: 12 bits, packed (with a table or without) or as lossless JPEG, one strip, little-endian.
//!
//! Tags after DNG 1.7 and the CinemaDNG 1.1 additions (TimeCodes, FrameRate, ReelName,
//! CameraLabel). Not a writer for cameras: it knows what the test card needs.

use crate::ljpeg;
use rushes_core::media::{CameraColor, Cfa, Rect, Timecode, WhitePoint};

/// How samples are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Coding {
    /// 12 bits, packed.
    #[default]
    Packed,
    /// The same, counted down from the highest: a LinearizationTable of 4,096 entries turns them over.
    Table,
    /// Lossless JPEG, one stream.
    LosslessJpeg,
}

/// What a frame's file says, and its samples.
#[derive(Debug, Clone)]
pub struct DngFrame<'a> {
    /// Stored columns.
    pub width: usize,
    /// Stored rows.
    pub height: usize,
    /// The light-sensitive part, when it is not all.
    pub active_area: Option<Rect>,
    /// Bayer phase of the active area.
    pub cfa: Cfa,
    /// Black levels of the 2x2 pattern.
    pub black: [f64; 4],
    /// White level.
    pub white: u16,
    /// Calibration and white.
    pub color: &'a CameraColor,
    /// Camera model; the maker is "Rushes".
    pub model: &'a str,
    /// Serial number of the camera.
    pub serial: &'a str,
    /// Reel.
    pub reel: &'a str,
    /// The camera's letter.
    pub label: &'a str,
    /// Lens.
    pub lens: &'a str,
    /// Focal length, millimetres.
    pub focal_length: u32,
    /// T-stop in tenths.
    pub t_stop_tenths: u32,
    /// Exposure index.
    pub iso: u16,
    /// Exposure time, seconds as a fraction.
    pub exposure_time: (u32, u32),
    /// Timecode of the frame; its rate is the clip's.
    pub timecode: Timecode,
    /// Samples of the stored area, row by row, 12 bits.
    pub samples: &'a [u16],
    /// How they are stored.
    pub coding: Coding,
}

/// The frame as a file.
pub fn write_dng(f: &DngFrame<'_>) -> Vec<u8> {
    let area = f.active_area.unwrap_or(Rect::whole(f.width, f.height));
    let pixels = match f.coding {
        Coding::Packed => pack(f.samples, f.width),
        Coding::Table => pack(&f.samples.iter().map(|v| HIGHEST - v).collect::<Vec<_>>(), f.width),
        Coding::LosslessJpeg => ljpeg::encode(f.samples, f.width),
    };
    let color = |i: usize, of: fn(&rushes_core::media::CalibratedIlluminant) -> [[f64; 3]; 3]| {
        f.color.calibrations.get(i).map(|c| of(c).concat())
    };
    let mut e = Entries::default();
    e.longs(254, &[0]);
    e.longs(256, &[f.width as u32]);
    e.longs(257, &[f.height as u32]);
    e.shorts(258, &[12]);
    e.shorts(259, &[if f.coding == Coding::LosslessJpeg { 7 } else { 1 }]);
    e.shorts(262, &[32803]);
    e.text(271, "Rushes");
    e.text(272, f.model);
    e.longs(STRIP, &[0]); // the strip's offset, filled in below
    e.shorts(274, &[1]);
    e.shorts(277, &[1]);
    e.longs(278, &[f.height as u32]);
    e.longs(279, &[pixels.len() as u32]);
    e.shorts(284, &[1]);
    e.text(305, concat!("rushes testcard ", env!("CARGO_PKG_VERSION")));
    e.shorts(33421, &[2, 2]);
    let pattern = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(r, c)| f.cfa.color_at(r, c) as u8);
    e.bytes(33422, &pattern);
    e.longs(EXIF, &[0]); // the second directory's offset, filled in below
    e.bytes(50706, &[1, 4, 0, 0]);
    e.bytes(50707, &[1, 1, 0, 0]);
    e.text(50708, &format!("Rushes {}", f.model));
    if f.coding == Coding::Table {
        e.shorts(50712, &(0..=HIGHEST).rev().collect::<Vec<_>>());
    }
    e.shorts(50713, &[2, 2]);
    e.rational(50714, &f.black.map(|v| ((v * 100.0).round() as u32, 100)));
    e.longs(50717, &[u32::from(f.white)]);
    for (i, tag) in [(0, 50721), (1, 50722)] {
        if let Some(m) = color(i, |c| c.color_matrix) {
            e.srational(tag, &m);
        }
    }
    for (i, tag) in [(0, 50723), (1, 50724)] {
        if let Some(m) = color(i, |c| c.camera_calibration) {
            e.srational(tag, &m);
        }
    }
    e.rational(50727, &f.color.analog_balance.map(millionths));
    match f.color.as_shot {
        Some(WhitePoint::Neutral(neutral)) => e.rational(50728, &neutral.map(millionths)),
        Some(WhitePoint::Xy(xy)) => e.rational(50729, &xy.map(millionths)),
        None => {}
    }
    e.srational(50730, &[f.color.baseline_exposure]);
    e.text(50735, f.serial);
    for (i, tag) in [(0, 50778), (1, 50779)] {
        if let Some(c) = f.color.calibrations.get(i) {
            e.shorts(tag, &[c.light_source]);
        }
    }
    e.longs(50829, &[area.y as u32, area.x as u32, (area.y + area.height) as u32, (area.x + area.width) as u32]);
    e.bytes(51043, &smpte_12m(f.timecode));
    let rate = f.timecode.rate();
    e.push(51044, 10, 1, [rate.num().to_le_bytes(), rate.den().to_le_bytes()].concat());
    e.rational(51058, &[(f.t_stop_tenths, 10)]);
    e.text(51081, f.reel);
    e.text(51105, f.label);
    let mut exif = Entries::default();
    exif.rational(33434, &[f.exposure_time]);
    exif.shorts(34855, &[f.iso]);
    exif.rational(37386, &[(f.focal_length, 1)]);
    exif.text(42036, f.lens);
    file(e, exif, &pixels)
}

/// Of 12 bits.
const HIGHEST: u16 = 0xFFF;

/// StripOffsets and ExifIFD, whose values are known only when all sizes are.
const STRIP: u16 = 273;
const EXIF: u16 = 34665;

/// Timecode as eight bytes of BCD (SMPTE ST 331, section 8; ST 12-1 for the drop-frame bit).
fn smpte_12m(tc: Timecode) -> [u8; 8] {
    let (h, m, s, f) = tc.label();
    let bcd = |v: u32| (v / 10 % 10 * 16 + v % 10) as u8;
    let drop = if tc.is_drop() { 0x40 } else { 0 };
    [bcd(f) | drop, bcd(s), bcd(m), bcd(h), 0, 0, 0, 0]
}

fn millionths(v: f64) -> (u32, u32) {
    ((v * 1e6).round() as u32, 1_000_000)
}

/// Two samples to three bytes, most significant bits first; rows begin on a byte.
fn pack(samples: &[u16], width: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(samples.len() * 3 / 2 + samples.len() / width.max(1));
    for row in samples.chunks(width) {
        for pair in row.chunks(2) {
            let (a, b) = (pair[0], pair.get(1).copied().unwrap_or(0));
            out.extend([(a >> 4) as u8, ((a << 4) as u8) | (b >> 8) as u8]);
            if pair.len() == 2 {
                out.push(b as u8);
            }
        }
    }
    out
}

/// The entries of an IFD: tag, type, count and value bytes.
#[derive(Default)]
struct Entries(Vec<(u16, u16, u32, Vec<u8>)>);

impl Entries {
    fn push(&mut self, tag: u16, kind: u16, count: usize, bytes: Vec<u8>) {
        self.0.push((tag, kind, count as u32, bytes));
    }

    fn bytes(&mut self, tag: u16, v: &[u8]) {
        self.push(tag, 1, v.len(), v.to_vec());
    }

    fn text(&mut self, tag: u16, v: &str) {
        let bytes: Vec<u8> = v.bytes().chain([0]).collect();
        self.push(tag, 2, bytes.len(), bytes);
    }

    fn shorts(&mut self, tag: u16, v: &[u16]) {
        self.push(tag, 3, v.len(), v.iter().flat_map(|v| v.to_le_bytes()).collect());
    }

    fn longs(&mut self, tag: u16, v: &[u32]) {
        self.push(tag, 4, v.len(), v.iter().flat_map(|v| v.to_le_bytes()).collect());
    }

    fn rational(&mut self, tag: u16, v: &[(u32, u32)]) {
        self.push(tag, 5, v.len(), v.iter().flat_map(|(n, d)| [n.to_le_bytes(), d.to_le_bytes()].concat()).collect());
    }

    fn srational(&mut self, tag: u16, v: &[f64]) {
        let pair = |v: &f64| [((v * 10_000.0).round() as i32).to_le_bytes(), 10_000i32.to_le_bytes()].concat();
        self.push(tag, 10, v.len(), v.iter().flat_map(pair).collect());
    }

    /// Bytes of the directory and of the values that do not fit into their entries.
    fn len(&self) -> usize {
        let outside = self.0.iter().filter(|e| e.3.len() > 4).map(|e| e.3.len().next_multiple_of(2));
        2 + 12 * self.0.len() + 4 + outside.sum::<usize>()
    }

    /// The directory as it stands at byte `at` of the file, its values after it.
    fn directory(mut self, at: usize) -> Vec<u8> {
        self.0.sort_by_key(|e| e.0);
        let values_at = at + 2 + 12 * self.0.len() + 4;
        let mut directory = (self.0.len() as u16).to_le_bytes().to_vec();
        let mut values = Vec::new();
        for (tag, kind, count, mut bytes) in self.0 {
            directory.extend(tag.to_le_bytes());
            directory.extend(kind.to_le_bytes());
            directory.extend(count.to_le_bytes());
            if bytes.len() > 4 {
                directory.extend(((values_at + values.len()) as u32).to_le_bytes());
                values.extend(bytes);
                values.resize(values.len().next_multiple_of(2), 0);
            } else {
                bytes.resize(4, 0);
                directory.extend(bytes);
            }
        }
        directory.extend(0u32.to_le_bytes());
        directory.extend(values);
        directory
    }
}

/// Header, the image's directory, the Exif directory, picture.
fn file(mut image: Entries, exif: Entries, pixels: &[u8]) -> Vec<u8> {
    let image_at = 8;
    let exif_at = image_at + image.len();
    let pixels_at = (exif_at + exif.len()).next_multiple_of(16);
    for (tag, .., bytes) in &mut image.0 {
        match *tag {
            STRIP => *bytes = (pixels_at as u32).to_le_bytes().to_vec(),
            EXIF => *bytes = (exif_at as u32).to_le_bytes().to_vec(),
            _ => {}
        }
    }
    let mut file = b"II*\0".to_vec();
    file.extend((image_at as u32).to_le_bytes());
    file.extend(image.directory(image_at));
    file.extend(exif.directory(exif_at));
    file.resize(pixels_at, 0);
    file.extend(pixels);
    file
}
