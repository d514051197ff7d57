//! The raw picture of a DNG: which directory it is in, its size, coding, levels and framing.

use rushes_core::media::{Cfa, Levels, Orientation, Rect};
use rushes_core::{Error, ErrorKind, Result};

use super::jpeg::FrameHeader;
use super::layout::{Layout, check_size};
use super::names::label;
use super::tiff::{Ifd, Tiff, bad};

/// How the samples are stored (TIFF tag 259).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// 1: packed, not compressed.
    None,
    /// 7: JPEG, lossless in most files.
    Jpeg,
    /// Anything else, by its number.
    Other(u16),
}

impl Compression {
    /// What it is called.
    pub fn name(self) -> String {
        match self {
            Self::None => "none".into(),
            Self::Jpeg => "JPEG".into(),
            Self::Other(8) => "Deflate".into(),
            Self::Other(9) => "VC-5".into(),
            Self::Other(34892) => "lossy JPEG".into(),
            Self::Other(52546) => "JPEG XL".into(),
            Self::Other(n) => format!("compression {n}"),
        }
    }
}

/// What a sample is (TIFF tag 262).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Photometric {
    /// 32803: a colour filter array.
    Cfa,
    /// 34892: demosaiced, linear, in camera colours.
    LinearRaw,
}

/// The raw picture as its directory describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Columns stored.
    pub width: usize,
    /// Rows stored.
    pub height: usize,
    /// Samples at each position: 1 in a mosaic.
    pub samples: usize,
    /// Bits of a stored sample.
    pub bits: u32,
    /// How they are stored.
    pub compression: Compression,
    /// What they are.
    pub photometric: Photometric,
    /// Where they are.
    pub layout: Layout,
    /// LinearizationTable: stored value to linear value; the last holds for all beyond.
    pub linearization: Option<Vec<u16>>,
    /// Bayer phase of the active area; `None` for another pattern and for LinearRaw.
    pub cfa: Option<Cfa>,
    /// The pattern as the file has it: `2x2 0 1 1 2`.
    pub cfa_pattern: String,
    /// Black and white after the table; of the first sample where there are several.
    pub levels: Levels,
    /// Black and white of each sample of LinearRaw.
    pub sample_levels: Vec<(f64, f64)>,
    /// ActiveArea, in the stored picture.
    pub active_area: Option<Rect>,
    /// MaskedAreas, in the stored picture.
    pub masked_areas: Vec<Rect>,
    /// DefaultCropOrigin and DefaultCropSize, within the active area.
    pub default_crop: Option<Rect>,
    /// Width over height of a pixel, from DefaultScale.
    pub pixel_aspect: Option<(u32, u32)>,
    /// How to turn it upright.
    pub orientation: Orientation,
    /// The JPEG frame of the first strip or tile.
    pub(super) jpeg: Option<FrameHeader>,
    /// What about the coding is not decoded here.
    pub(super) refusal: Option<String>,
    /// DNGVersion lies before 1.1.0.0.
    pub(super) before_1_1: bool,
}

/// The index of the directory with the raw picture: a mosaic or LinearRaw in full resolution
/// (NewSubfileType 0), the largest of them.
pub(super) fn find(tiff: &Tiff) -> Result<usize> {
    let mut best: Option<(bool, bool, u64, usize)> = None;
    for (i, ifd) in tiff.ifds.iter().enumerate() {
        let Ok(Some(p @ (32803 | 34892))) = ifd.int(262) else { continue };
        let full = matches!(ifd.int(254), Ok(None | Some(0)));
        let size = |t| ifd.int(t).ok().flatten().unwrap_or(0);
        let key = (full, p == 32803, size(256).saturating_mul(size(257)), i);
        if best.is_none_or(|b| (key.0, key.1, key.2) > (b.0, b.1, b.2)) {
            best = Some(key);
        }
    }
    let kinds = || tiff.ifds.iter().map(|i| i.name.as_str()).collect::<Vec<_>>().join(", ");
    best.map(|b| b.3).ok_or_else(|| {
        bad(format!("no directory of the file has a raw picture (colour filter array or LinearRaw); found {}", kinds()))
    })
}

impl Picture {
    pub(super) fn read(tiff: &Tiff, ifd: &Ifd) -> Result<Self> {
        let need = |tag: u16| -> Result<u64> {
            ifd.int(tag)?.ok_or_else(|| bad(format!("{} has no {}", ifd.name, label(tag))))
        };
        let (w, h) = (need(256)?, need(257)?);
        check_size(w, h)?;
        // `check_size` bounds both.
        let (width, height) = (w as usize, h as usize);
        let samples = ifd.int(277)?.unwrap_or(1);
        if !(1..=4).contains(&samples) {
            return Err(bad(format!("{} samples per pixel", samples)));
        }
        let bits = ifd.ints(258)?.unwrap_or_else(|| vec![1]);
        let depth = bits.first().copied().unwrap_or(0);
        if !(1..=64).contains(&depth) {
            return Err(bad(format!("{depth} bits per sample")));
        }
        let photometric = if ifd.int(262)? == Some(34892) { Photometric::LinearRaw } else { Photometric::Cfa };
        let compression = match ifd.int(259)?.unwrap_or(1) {
            1 => Compression::None,
            7 => Compression::Jpeg,
            n => Compression::Other(u16::try_from(n).unwrap_or(u16::MAX)),
        };
        let layout = Layout::read(ifd, width, height)?;
        let active_area = active_area(ifd, width, height)?;
        let (cfa, cfa_pattern) =
            if photometric == Photometric::Cfa { pattern(tiff, ifd)? } else { (None, String::new()) };
        let active = active_area.unwrap_or(Rect::whole(width, height));
        let (levels, sample_levels) = levels(ifd, samples as usize, depth as u32, &active)?;
        let version = tiff.ifds.iter().find_map(|i| i.raw(50706).ok().flatten()).unwrap_or(&[1, 0]);
        Ok(Self {
            refusal: refusal(ifd, &bits, samples, compression)?,
            width,
            height,
            samples: samples as usize,
            bits: depth as u32,
            compression,
            photometric,
            layout,
            linearization: linearization(ifd)?,
            cfa,
            cfa_pattern,
            levels,
            sample_levels,
            active_area,
            masked_areas: masked_areas(ifd)?,
            default_crop: default_crop(ifd, &active)?,
            pixel_aspect: pixel_aspect(ifd)?,
            orientation: orientation(tiff, ifd)?,
            jpeg: None,
            before_1_1: version.get(..2).is_some_and(|v| v < &[1, 1][..]),
        })
    }

    /// How the samples are stored, in words: `none`, `lossless JPEG`.
    pub fn compression_name(&self) -> String {
        match &self.jpeg {
            Some(f) if self.compression == Compression::Jpeg => f.process_name(),
            _ => self.compression.name(),
        }
    }

    /// `Ok` when the coding is one that is decoded here.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`], with what it is and what could be done.
    pub fn check_decodable(&self) -> Result<()> {
        let refuse = |why: String| Error::new(ErrorKind::Unsupported, why);
        match self.compression {
            Compression::None | Compression::Jpeg => {}
            c @ Compression::Other(9) => {
                return Err(refuse(format!("its picture is {} compressed (GoPro GPR)", c.name()))
                    .advice("convert it with gpr_tools or Adobe DNG Converter to an uncompressed or lossless DNG"));
            }
            c => return Err(refuse(format!("its picture is compressed as {}", c.name())).advice(super::CONVERT)),
        }
        if let Some(why) = &self.refusal {
            return Err(refuse(why.clone()).advice(super::CONVERT));
        }
        if let Some(f) = &self.jpeg {
            f.check()?;
        }
        match self.photometric {
            Photometric::Cfa if self.cfa.is_none() => {
                Err(refuse(format!("its colour filter array is {}, not a Bayer pattern", self.cfa_pattern))
                    .advice("debayer it with the maker's software"))
            }
            Photometric::Cfa if self.samples != 1 => Err(refuse(format!("a mosaic of {} samples", self.samples))),
            Photometric::LinearRaw if self.samples != 3 => {
                Err(refuse(format!("LinearRaw of {} samples; 3 are read", self.samples)))
            }
            Photometric::LinearRaw if self.levels.repeat != (1, 1) => {
                Err(refuse("LinearRaw with a pattern of black levels".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// Bytes of a row of a strip or tile when it is not compressed; rows begin at a byte (TIFF 6.0, section 3).
    pub(super) fn packed_row(&self) -> u64 {
        (self.layout.width as u64 * self.samples as u64 * u64::from(self.bits)).div_ceil(8)
    }
}

fn refusal(ifd: &Ifd, bits: &[u64], samples: u64, compression: Compression) -> Result<Option<String>> {
    let differs = |tag: u16, usual: u64| -> Result<Option<u64>> {
        Ok(ifd.ints(tag)?.and_then(|v| v.into_iter().find(|&v| v != usual)))
    };
    let depth = bits[0];
    Ok(if let Some(other) = bits.iter().find(|&&b| b != depth) {
        Some(format!("its samples have {depth} and {other} bits"))
    } else if let Some(f) = differs(339, 1)? {
        Some(if f == 3 { "its samples are floating point".into() } else { format!("SampleFormat {f}") })
    } else if depth > 16 || (compression == Compression::None && depth < 8) {
        Some(format!("its samples have {depth} bits"))
    } else if let Some(f) = differs(266, 1)? {
        Some(format!("FillOrder {f}"))
    } else if samples > 1 && differs(284, 1)?.is_some() {
        Some("its samples lie in separate planes".into())
    } else if compression == Compression::None && differs(317, 1)?.is_some() {
        Some("its samples are stored as differences (Predictor)".into())
    } else if differs(50975, 1)?.is_some() || differs(52547, 1)?.is_some() {
        Some("its rows or columns are interleaved".into())
    } else if differs(50974, 1)?.is_some() {
        Some("its tiles are cut into blocks (SubTileBlockSize)".into())
    } else {
        differs(50711, 1)?.map(|l| format!("its colour filter array is staggered (CFALayout {l})"))
    })
}

fn pattern(tiff: &Tiff, ifd: &Ifd) -> Result<(Option<Cfa>, String)> {
    let dim = ifd.ints(33421)?.unwrap_or_else(|| vec![2, 2]);
    // A few TIFF/EP writers leave the pattern in IFD0.
    let from = if ifd.get(33422).is_some() { ifd } else { &tiff.ifds[0] };
    let Some(colors) = from.ints(33422)? else {
        return Err(bad(format!("{} has no {}", ifd.name, label(33422))));
    };
    let cfa = match (&dim[..], &colors[..]) {
        ([2, 2], [0, 1, 1, 2]) => Some(Cfa::Rggb),
        ([2, 2], [2, 1, 1, 0]) => Some(Cfa::Bggr),
        ([2, 2], [1, 0, 2, 1]) => Some(Cfa::Grbg),
        ([2, 2], [1, 2, 0, 1]) => Some(Cfa::Gbrg),
        _ => None,
    };
    let join = |v: &[u64], by: &str| v.iter().take(64).map(u64::to_string).collect::<Vec<_>>().join(by);
    Ok((cfa, format!("{} {}", join(&dim, "x"), join(&colors, " "))))
}

fn linearization(ifd: &Ifd) -> Result<Option<Vec<u16>>> {
    let Some(table) = ifd.ints(50712)? else { return Ok(None) };
    if table.is_empty() || table.len() > 65536 {
        return Err(bad(format!("{} has {} entries", label(50712), table.len())));
    }
    let table = table.into_iter().map(u16::try_from).collect::<Result<_, _>>();
    table.map(Some).map_err(|_| bad(format!("{} holds values above 65535", label(50712))))
}

/// A TIFF rectangle: top, left, bottom, right.
fn rect(v: &[u64]) -> Option<Rect> {
    let &[top, left, bottom, right] = v else { return None };
    let n = |v: u64| usize::try_from(v).ok();
    let (x, y) = (n(left)?, n(top)?);
    Some(Rect { x, y, width: n(right)?.checked_sub(x)?, height: n(bottom)?.checked_sub(y)? })
}

fn active_area(ifd: &Ifd, width: usize, height: usize) -> Result<Option<Rect>> {
    let Some(v) = ifd.ints(50829)? else { return Ok(None) };
    match rect(&v) {
        Some(r) if r.fits(width, height) => Ok(Some(r)),
        _ => Err(bad(format!("{} is {v:?}, outside the {width}x{height} picture", label(50829)))),
    }
}

fn masked_areas(ifd: &Ifd) -> Result<Vec<Rect>> {
    let v = ifd.ints(50830)?.unwrap_or_default();
    v.chunks(4).map(|c| rect(c).ok_or_else(|| bad(format!("{} holds {c:?}, no rectangle", label(50830))))).collect()
}

/// Fractions are cut off; a crop that does not fit the active area is passed over.
fn default_crop(ifd: &Ifd, active: &Rect) -> Result<Option<Rect>> {
    let Some(size) = ifd.numbers(50720)? else { return Ok(None) };
    let origin = ifd.numbers(50719)?.unwrap_or_else(|| vec![0.0, 0.0]);
    let (&[x, y], &[width, height]) = (&origin[..], &size[..]) else { return Ok(None) };
    // `as` saturates, and makes 0 of what is not a number.
    let r = Rect { x: x as usize, y: y as usize, width: width as usize, height: height as usize };
    Ok(r.fits(active.width, active.height).then_some(r))
}

fn pixel_aspect(ifd: &Ifd) -> Result<Option<(u32, u32)>> {
    let Some(v) = ifd.fractions(50718)? else { return Ok(None) };
    let &[(hn, hd), (vn, vd)] = &v[..] else { return Ok(None) };
    let (Some(n), Some(d)) = (hn.checked_mul(vd), hd.checked_mul(vn)) else { return Ok(None) };
    if n <= 0 || d <= 0 {
        return Ok(None);
    }
    let (mut a, mut b) = (n, d);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    Ok(u32::try_from(n / a).ok().zip(u32::try_from(d / a).ok()))
}

fn orientation(tiff: &Tiff, ifd: &Ifd) -> Result<Orientation> {
    // DNG 1.7: Orientation is required in IFD0.
    let v = match tiff.ifds[0].int(274)? {
        Some(v) => Some(v),
        None => ifd.int(274)?,
    };
    Ok(v.and_then(|v| Orientation::from_tiff(u32::try_from(v).unwrap_or(0))).unwrap_or_default())
}

/// BlackLevel and its deltas, WhiteLevel (by default all bits set).
fn levels(ifd: &Ifd, samples: usize, bits: u32, active: &Rect) -> Result<(Levels, Vec<(f64, f64)>)> {
    let repeat = match ifd.ints(50713)?.as_deref() {
        None => (1, 1),
        Some(&[r, c]) if (1..=64).contains(&r) && (1..=64).contains(&c) => (r as usize, c as usize),
        Some(v) => return Err(bad(format!("{} is {v:?}", label(50713)))),
    };
    let finite = |tag: u16, v: Vec<f64>| -> Result<Vec<f64>> {
        if v.iter().all(|v| v.is_finite()) { Ok(v) } else { Err(bad(format!("{} holds no number", label(tag)))) }
    };
    let n = repeat.0 * repeat.1 * samples;
    let black = match ifd.numbers(50714)? {
        None => vec![0.0; n],
        // One value for all samples is met in the wild.
        Some(v) if v.len() == 1 => vec![finite(50714, v)?[0]; n],
        Some(v) if v.len() == n => finite(50714, v)?,
        Some(v) => return Err(bad(format!("{} has {} values; its pattern takes {n}", label(50714), v.len()))),
    };
    let delta = |tag: u16, n: usize| -> Result<Vec<f64>> {
        match ifd.numbers(tag)? {
            None => Ok(Vec::new()),
            Some(v) if v.len() == n => finite(tag, v),
            Some(v) => Err(bad(format!("{} has {} values for an active area of {n}", label(tag), v.len()))),
        }
    };
    let full = 2f64.powi(bits as i32) - 1.0;
    let white = finite(50717, ifd.numbers(50717)?.unwrap_or_default())?;
    let whites: Vec<f64> = (0..samples).map(|s| white.get(s).or(white.first()).copied().unwrap_or(full)).collect();
    let per_sample = (0..samples).map(|s| (black[s], whites[s])).collect();
    let levels = Levels {
        repeat,
        // Of several samples the first.
        black: black.chunks(samples).map(|c| c[0]).collect(),
        delta_h: delta(50715, active.width)?,
        delta_v: delta(50716, active.height)?,
        white: whites[0],
    };
    Ok((levels, per_sample))
}
