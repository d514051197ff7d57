//! OpenEXR files, written here so that equal pictures give equal bytes.
//!
//! The crate `exr` keeps attributes in a randomly seeded hash map, so its headers differ from run
//! to run. Here attributes are sorted by name, the order OpenEXR itself writes; only some block
//! compressors are the crate's. Single part, scan lines, increasing Y.

use std::collections::BTreeMap;

use exr::compression::Compression;
use exr::meta::BlockDescription;
use exr::meta::attribute::{ChannelDescription, IntegerBounds, LineOrder, SampleType, Text};
use exr::meta::header::Header;
use exr::prelude::Vec2;
use rushes_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::piz::Piz;
use super::zip::Zip;

/// How the blocks of an EXR file are compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExrCompression {
    /// Not at all; the only form ST 2065-4 allows.
    #[default]
    None,
    /// Run lengths; lossless, a line a block.
    Rle,
    /// Deflate; lossless, a line a block.
    Zips,
    /// Deflate; lossless, 16 lines a block.
    Zip,
    /// Wavelet; lossless, 32 lines a block. Small and fast for pictures with grain.
    Piz,
    /// DCT at level 45; lossy, 32 lines a block.
    Dwaa,
    /// DCT at level 45; lossy, 256 lines a block.
    Dwab,
}

/// Level of the DWA compressions: OpenEXR's own default (ImfStandardAttributes, dwaCompressionLevel).
const DWA_LEVEL: f32 = 45.0;

impl ExrCompression {
    fn codec(self) -> Compression {
        match self {
            Self::None => Compression::Uncompressed,
            Self::Rle => Compression::RLE,
            Self::Zips => Compression::ZIP1,
            Self::Zip => Compression::ZIP16,
            Self::Piz => Compression::PIZ,
            Self::Dwaa => Compression::DWAA(Some(DWA_LEVEL)),
            Self::Dwab => Compression::DWAB(Some(DWA_LEVEL)),
        }
    }

    /// The value of the attribute `compression` (OpenEXR file layout, "Predefined attribute types").
    fn code(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Rle => 1,
            Self::Zips => 2,
            Self::Zip => 3,
            Self::Piz => 4,
            Self::Dwaa => 8,
            Self::Dwab => 9,
        }
    }

    /// Lines that are compressed together.
    pub(crate) fn lines_per_block(self) -> usize {
        match self {
            Self::None | Self::Rle | Self::Zips => 1,
            Self::Zip => 16,
            Self::Piz | Self::Dwaa => 32,
            Self::Dwab => 256,
        }
    }
}

/// The kind of every sample of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sample {
    /// 16-bit float.
    Half,
    /// 32-bit float.
    Float,
}

impl Sample {
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Half => 2,
            Self::Float => 4,
        }
    }
}

/// The attributes of a header, sorted by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Attributes(BTreeMap<&'static str, (&'static str, Vec<u8>)>);

impl Attributes {
    pub(crate) fn int(&mut self, name: &'static str, v: i32) {
        self.put(name, "int", v.to_le_bytes());
    }

    /// Leaves the attribute out where the number is not finite.
    pub(crate) fn float(&mut self, name: &'static str, v: f64) {
        let v = v as f32;
        if v.is_finite() {
            self.put(name, "float", v.to_le_bytes());
        }
    }

    /// Leaves the attribute out where nothing but blanks would be written: ST 2065-4 wants the
    /// strings it lists to be non-empty. What follows a NUL is padding.
    pub(crate) fn text(&mut self, name: &'static str, v: &str) {
        let v = v.split('\0').next().unwrap_or("").trim();
        if !v.is_empty() {
            self.put(name, "string", v.bytes());
        }
    }

    /// Leaves the attribute out where the numerator does not fit.
    pub(crate) fn rational(&mut self, name: &'static str, num: u32, den: u32) {
        if let Ok(num) = i32::try_from(num) {
            self.put(name, "rational", num.to_le_bytes().into_iter().chain(den.to_le_bytes()));
        }
    }

    pub(crate) fn timecode(&mut self, name: &'static str, time_and_flags: u32) {
        self.put(name, "timecode", time_and_flags.to_le_bytes().into_iter().chain([0; 4]));
    }

    /// First and last column and row, both included.
    pub(crate) fn window(&mut self, name: &'static str, [x0, y0, x1, y1]: [i32; 4]) {
        self.put(name, "box2i", [x0, y0, x1, y1].into_iter().flat_map(i32::to_le_bytes));
    }

    /// xy of red, green, blue and white.
    pub(crate) fn chromaticities(&mut self, xy: [[f64; 2]; 4]) {
        let bytes = xy.into_iter().flatten().flat_map(|v| (v as f32).to_le_bytes());
        self.put("chromaticities", "chromaticities", bytes);
    }

    fn put(&mut self, name: &'static str, kind: &'static str, bytes: impl IntoIterator<Item = u8>) {
        self.0.insert(name, (kind, bytes.into_iter().collect()));
    }

    fn write(&self, out: &mut Vec<u8>) {
        for (name, (kind, bytes)) in &self.0 {
            for s in [name, kind] {
                out.extend_from_slice(s.as_bytes());
                out.push(0);
            }
            // The strings of a header come from a camera's header: far below 2 GiB.
            out.extend_from_slice(&(bytes.len() as i32).to_le_bytes());
            out.extend_from_slice(bytes);
        }
        out.push(0);
    }
}

/// Encodes one picture, top to bottom; holds the encoded bytes and one block of lines.
#[derive(Debug)]
pub(crate) struct ExrEncoder {
    header: Header,
    codec: Compression,
    /// For blocks that are deflated, on machines with the byte order of files.
    zip: Option<Zip>,
    /// For blocks of halfs under PIZ.
    piz: Option<Piz>,
    /// Bytes that were not taken yet.
    out: Vec<u8>,
    table_at: usize,
    chunk: usize,
    /// Lines of the block that is being filled, native byte order: a line holds its channels one
    /// after the other, in the order of the file.
    block: Vec<u8>,
    line_bytes: usize,
    filled: usize,
    row: usize,
    /// Lines go into the file as they are: where each lies is known before the first comes.
    as_they_are: bool,
}

impl ExrEncoder {
    /// Starts a file of `width` x `height`. `channels` must be sorted by name; `attributes` are
    /// added to those every file needs.
    ///
    /// # Errors
    /// When the size or a channel name is not one that EXR can hold.
    pub(crate) fn new(
        (width, height): (usize, usize),
        channels: &[&str],
        sample: Sample,
        compression: ExrCompression,
        mut attributes: Attributes,
    ) -> Result<Self> {
        check_size(width, height)?;
        check_channels(channels)?;
        let line_bytes = width * channels.len() * sample.bytes();
        let lines = compression.lines_per_block();
        let chunks = height.div_ceil(lines);

        let last = [width as i32 - 1, height as i32 - 1];
        attributes.window("dataWindow", [0, 0, last[0], last[1]]);
        attributes.window("displayWindow", [0, 0, last[0], last[1]]);
        attributes.put("channels", "chlist", channel_list(channels, sample));
        attributes.put("compression", "compression", [compression.code()]);
        attributes.put("lineOrder", "lineOrder", [0]);
        attributes.put("screenWindowCenter", "v2f", [0; 8]);
        attributes.float("screenWindowWidth", 1.0);
        if !attributes.0.contains_key("pixelAspectRatio") {
            attributes.float("pixelAspectRatio", 1.0);
        }
        if matches!(compression, ExrCompression::Dwaa | ExrCompression::Dwab) {
            attributes.float("dwaCompressionLevel", f64::from(DWA_LEVEL));
        }

        // Files have the byte order of this machine, unless it is one of the few with the other.
        let as_they_are = compression == ExrCompression::None && cfg!(target_endian = "little");
        let mut out = Vec::new();
        if !as_they_are {
            out.reserve(encoded_limit((width, height), channels.len(), sample, compression));
        }
        out.extend_from_slice(&20_000_630u32.to_le_bytes());
        out.extend_from_slice(&2u32.to_le_bytes());
        attributes.write(&mut out);
        let table_at = out.len();
        out.resize(table_at + 8 * chunks, 0);
        if as_they_are {
            let (first, each) = (out.len(), 8 + line_bytes);
            for (line, at) in out[table_at..].as_chunks_mut::<8>().0.iter_mut().enumerate() {
                *at = ((first + line * each) as u64).to_le_bytes();
            }
        }

        let codec = compression.codec();
        let kind = match sample {
            Sample::Half => SampleType::F16,
            Sample::Float => SampleType::F32,
        };
        let list = channels.iter().map(|c| ChannelDescription::new(*c, kind, false)).collect();
        let header = Header::new(Text::from(""), (width, height), list).with_encoding(
            codec,
            BlockDescription::ScanLines,
            LineOrder::Increasing,
        );
        let block = if as_they_are { Vec::new() } else { vec![0; line_bytes * lines.min(height)] };
        let (chunk, filled, row) = (0, 0, 0);
        let deflated = matches!(compression, ExrCompression::Zip | ExrCompression::Zips);
        let zip = (deflated && cfg!(target_endian = "little")).then(Zip::new);
        let piz =
            (compression == ExrCompression::Piz && sample == Sample::Half).then(|| Piz::new(width, channels.len()));
        Ok(Self { header, codec, zip, piz, out, table_at, chunk, block, line_bytes, filled, row, as_they_are })
    }

    /// The number of the next line.
    pub(crate) fn next_row(&self) -> usize {
        self.row
    }

    /// Takes the next line, which `fill` writes: channel after channel, native byte order.
    pub(crate) fn line(&mut self, fill: impl FnOnce(&mut [u8])) -> Result<()> {
        let Vec2(_, height) = self.header.layer_size;
        if self.row == height {
            return Err(Error::new(ErrorKind::Invalid, format!("more rows than the {height} of the picture")));
        }
        if self.as_they_are {
            self.out.extend_from_slice(&(self.row as i32).to_le_bytes());
            self.out.extend_from_slice(&(self.line_bytes as i32).to_le_bytes());
            let at = self.out.len();
            self.out.resize(at + self.line_bytes, 0);
            fill(&mut self.out[at..]);
            self.row += 1;
            return Ok(());
        }
        fill(&mut self.block[self.filled * self.line_bytes..][..self.line_bytes]);
        self.filled += 1;
        self.row += 1;
        if self.filled * self.line_bytes == self.block.len() || self.row == height { self.end_block() } else { Ok(()) }
    }

    /// Hands on what will not change any more, in the order of the file: band after band where lines go into it
    /// as they are, so that the picture never lies in memory whole; at the end where blocks are
    /// compressed, for a table before them says where each begins.
    pub(crate) fn take(&mut self, mut to: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        if self.as_they_are || self.row == self.header.layer_size.1 {
            to(&self.out)?;
            self.out.clear();
        }
        Ok(())
    }

    /// What was not taken of the finished file.
    ///
    /// # Errors
    /// When rows are missing.
    pub(crate) fn finish(self) -> Result<Vec<u8>> {
        let Vec2(_, height) = self.header.layer_size;
        if self.row != height {
            return Err(Error::new(ErrorKind::Invalid, format!("{} of {height} rows of the picture came", self.row)));
        }
        Ok(self.out)
    }

    fn end_block(&mut self) -> Result<()> {
        let y = self.row - self.filled;
        let raw = &self.block[..self.filled * self.line_bytes];
        let at = self.out.len();
        self.out[self.table_at + 8 * self.chunk..][..8].copy_from_slice(&(at as u64).to_le_bytes());
        self.out.extend_from_slice(&(y as i32).to_le_bytes());
        self.out.extend_from_slice(&[0; 4]);
        let data = self.out.len();
        if let Some(piz) = &mut self.piz {
            piz.append(raw, &mut self.out);
        } else if let Some(zip) = &mut self.zip {
            zip.append(raw, &mut self.out);
        } else {
            let section = IntegerBounds::new((0, y as i32), (self.header.layer_size.0, self.filled));
            let bytes = self
                .codec
                .compress_image_section_to_le(&self.header, raw.to_vec(), section)
                .map_err(|e| Error::new(ErrorKind::Invalid, format!("rows from {y} cannot be compressed: {e}")))?;
            self.out.extend_from_slice(&bytes);
        }
        // A block is at most 256 lines, checked in `new` to stay below 2 GiB.
        let size = (self.out.len() - data) as i32;
        self.out[data - 4..data].copy_from_slice(&size.to_le_bytes());
        self.chunk += 1;
        self.filled = 0;
        Ok(())
    }
}

/// The most bytes an encoded picture takes: a block that does not shrink is stored as it is.
pub(crate) fn encoded_limit(
    (width, height): (usize, usize),
    channels: usize,
    sample: Sample,
    compression: ExrCompression,
) -> usize {
    let raw = width.saturating_mul(height).saturating_mul(channels * sample.bytes());
    raw.saturating_add(16 * height.div_ceil(compression.lines_per_block())).saturating_add(16 << 10)
}

/// Refuses sizes that a block or an offset could not hold.
pub(crate) fn check_size(width: usize, height: usize) -> Result<()> {
    // 256 lines x 4 channels x 4 bytes of 2^18 columns are 1 GiB: below every 32-bit size in the file.
    const MOST: usize = 1 << 18;
    if width == 0 || height == 0 || width > MOST || height > MOST {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("a picture of {width}x{height} cannot be an EXR plate"),
        )
        .advice(format!("scale it to 1 to {MOST} pixels a side")));
    }
    Ok(())
}

fn check_channels(channels: &[&str]) -> Result<()> {
    // 31 bytes is the limit of files without the long-names flag (OpenEXR file layout, "Version field").
    let sorted = channels.windows(2).all(|w| w[0] < w[1]);
    let named = channels.iter().all(|c| (1..=31).contains(&c.len()) && !c.contains('\0'));
    if !sorted || !named || channels.is_empty() || channels.len() > 4 {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!("{channels:?} are not one to four different channel names of 1 to 31 bytes"),
        ));
    }
    Ok(())
}

fn channel_list(channels: &[&str], sample: Sample) -> Vec<u8> {
    let mut list = Vec::new();
    for c in channels {
        list.extend_from_slice(c.as_bytes());
        list.push(0);
        // Pixel type, pLinear and three reserved bytes, then the sampling in x and y.
        let kind: i32 = if sample == Sample::Half { 1 } else { 2 };
        for word in [kind, 0, 1, 1] {
            list.extend_from_slice(&word.to_le_bytes());
        }
    }
    list.push(0);
    list
}
