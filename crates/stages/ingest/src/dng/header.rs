//! The header of a DNG: all that is known before a pixel is read.

use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use rushes_core::media::{CalibratedIlluminant, CameraColor, Rate, Timecode, open_original};
use rushes_core::{Error, ErrorKind, Result};

use super::jpeg;
use super::names::{label, name};
use super::picture::{self, Compression, Picture};
use super::shot::Shot;
use super::tiff::{ByteOrder, Tiff};
use super::{color, layout};

/// Bytes of the first strip or tile in which its JPEG header is looked for.
const JPEG_HEAD: u64 = 4096;

/// One entry of a directory, kept as found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The directory: `IFD0`, `SubIFD`, `ExifIFD`.
    pub ifd: String,
    /// The tag's number.
    pub tag: u16,
    /// The value as text: fractions as `24/1`, long arrays cut.
    pub text: String,
}

impl Field {
    /// The tag's name; `None` for a private or unknown one.
    pub fn name(&self) -> Option<&'static str> {
        name(self.tag)
    }

    /// Where it is, in words: `IFD0:ReelName (51081)`.
    pub fn origin(&self) -> String {
        format!("{}:{}", self.ifd, label(self.tag))
    }
}

/// What a DNG file says about itself. Reading it takes the directories only, never the pixels.
///
/// ```no_run
/// let header = rushes_ingest::dng::Header::read("A001_C001_000000.dng")?;
/// header.check_complete(header.file_len)?;
/// # Ok::<(), rushes_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// The file's byte order, also of its 16-bit samples.
    pub byte_order: ByteOrder,
    /// Bytes of the file when it was read.
    pub file_len: u64,
    /// The directory that has the raw picture: `IFD0`, `SubIFD`.
    pub raw_ifd: String,
    /// Size, coding, levels and framing of the raw picture.
    pub picture: Picture,
    /// Calibration and white; `None` when the file has neither.
    pub color: Option<CameraColor>,
    /// The third calibration of DNG 1.6.
    pub third_calibration: Option<CalibratedIlluminant>,
    /// Timecode, rate, reel, exposure, lens.
    pub shot: Shot,
    /// Every entry of every directory, in the order of the file.
    pub fields: Vec<Field>,
    /// What is odd about the directories but does no harm.
    pub remarks: Vec<String>,
}

impl Header {
    /// Reads the header of the file at `path`.
    ///
    /// # Errors
    /// When the file cannot be read, is no DNG, or its directories are damaged or contradict
    /// themselves. A file whose *pixels* are missing has a header: see [`Header::check_complete`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut file = open_original(path)?;
        Self::from_reader(&mut file).map_err(|e| e.doing("reading the DNG header").path(path))
    }

    /// Reads the header from the bytes of a file, of which the pixels may be missing.
    ///
    /// # Errors
    /// As [`Header::read`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Self::from_reader(Cursor::new(bytes)).map_err(|e| e.doing("reading the DNG header"))
    }

    /// Reads the header from an open file.
    ///
    /// # Errors
    /// As [`Header::read`], without the path.
    pub fn from_reader(mut reader: impl Read + Seek) -> Result<Self> {
        let tiff = Tiff::read(&mut reader)?;
        if !tiff.ifds.iter().any(|i| i.get(50706).is_some()) {
            return Err(Error::new(ErrorKind::Unsupported, "a TIFF file, but no DNG: it has no DNGVersion")
                .advice("convert it with Adobe DNG Converter, or use the decoder for its camera"));
        }
        let raw = &tiff.ifds[picture::find(&tiff)?];
        let mut picture = Picture::read(&tiff, raw)?;
        if picture.compression == Compression::Jpeg {
            picture.jpeg = peek(&mut reader, &picture);
        }
        let (color, third_calibration) = color::read(&tiff, raw)?;
        let shot = Shot::read(&tiff, raw);
        let fields = tiff
            .ifds
            .iter()
            .flat_map(|ifd| {
                let o = ifd.order;
                ifd.entries.iter().map(move |e| Field { ifd: ifd.name.clone(), tag: e.tag, text: e.to_text(o) })
            })
            .collect();
        Ok(Self {
            byte_order: tiff.order,
            file_len: tiff.len,
            raw_ifd: raw.name.clone(),
            picture,
            color,
            third_calibration,
            shot,
            fields,
            remarks: tiff.remarks,
        })
    }

    /// The timecode of the frame at `rate`; `None` when the file has no TimeCodes, or a label that
    /// does not exist at the rate.
    pub fn timecode(&self, rate: Rate) -> Option<Timecode> {
        self.shot.time_code.as_ref()?.value.at(rate).ok()
    }

    /// Checks that all strips or tiles of the picture lie within a file of `file_len` bytes.
    ///
    /// Compressed pixels that end early inside a strip are found by decoding only.
    ///
    /// # Errors
    /// [`ErrorKind::BadMedia`], naming the first strip or tile that is missing and the byte where
    /// the file ends.
    pub fn check_complete(&self, file_len: u64) -> Result<()> {
        let p = &self.picture;
        let row = if p.compression == Compression::None { p.packed_row() } else { 0 };
        p.layout.check((p.width, p.height), file_len, |i| row.saturating_mul(p.layout.stored_rows(i, p.height) as u64))
    }

    /// Checks that the picture is of a kind decoded here, is not larger than
    /// [`super::MAX_PIXELS`], and that the file can hold it.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] with advice, or [`ErrorKind::BadMedia`].
    pub fn check_decodable(&self) -> Result<()> {
        let p = &self.picture;
        p.check_decodable()?;
        layout::check_size(p.width as u64, p.height as u64)?;
        self.check_complete(self.file_len)
    }

    /// The entry of `tag` in `ifd`.
    pub fn field(&self, ifd: &str, tag: u16) -> Option<&Field> {
        self.fields.iter().find(|f| f.tag == tag && f.ifd == ifd)
    }

    /// Where `tag` is stated for the raw picture, in words: in its own directory, else in any.
    pub fn origin(&self, tag: u16) -> Option<String> {
        let anywhere = || self.fields.iter().find(|f| f.tag == tag);
        self.field(&self.raw_ifd, tag).or_else(anywhere).map(Field::origin)
    }
}

/// The JPEG frame of the first strip or tile, when it is there.
fn peek(reader: &mut (impl Read + Seek), picture: &Picture) -> Option<jpeg::FrameHeader> {
    let (offset, len) = (*picture.layout.offsets.first()?, *picture.layout.lengths.first()?);
    reader.seek(SeekFrom::Start(offset)).ok()?;
    let mut head = Vec::new();
    reader.take(len.min(JPEG_HEAD)).read_to_end(&mut head).ok()?;
    jpeg::peek(&head)
}
