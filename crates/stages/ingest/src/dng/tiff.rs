//! TIFF 6.0 structure: byte order, image file directories (IFDs) and their entries.
//!
//! Only directories and values are read, with seeks; never the pixels. Every count and offset of
//! the file is checked against the file's length and the limits below before anything is
//! allocated.

use std::io::{Read, Seek, SeekFrom};

use rushes_core::{Error, ErrorKind, Result};

use super::names;

/// Values longer than this are not loaded (maker notes, profile tables, previews' settings).
const MAX_VALUE: u64 = 1 << 20;
/// All loaded values of one file together.
const MAX_LOADED: u64 = 16 << 20;
/// Directories in one file; a DNG has fewer than ten.
const MAX_IFDS: usize = 64;
/// Entries of one directory; a DNG has fewer than two hundred.
const MAX_ENTRIES: u16 = 4096;
/// The start of the file read at once, so that most headers need a single read.
const HEAD: u64 = 16 << 10;

/// The byte order of a TIFF file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteOrder {
    /// `II`, least significant byte first.
    Little,
    /// `MM`, most significant byte first.
    Big,
}

impl ByteOrder {
    /// The first two bytes as an integer.
    pub(super) fn u16(self, b: &[u8]) -> u16 {
        let b = [b[0], b[1]];
        if self == Self::Little { u16::from_le_bytes(b) } else { u16::from_be_bytes(b) }
    }

    /// The first four bytes as an integer.
    pub(super) fn u32(self, b: &[u8]) -> u32 {
        let b = [b[0], b[1], b[2], b[3]];
        if self == Self::Little { u32::from_le_bytes(b) } else { u32::from_be_bytes(b) }
    }

    /// The first eight bytes as an integer.
    pub(super) fn u64(self, b: &[u8]) -> u64 {
        let (a, b) = (u64::from(self.u32(b)), u64::from(self.u32(&b[4..])));
        if self == Self::Little { b << 32 | a } else { a << 32 | b }
    }
}

/// What an entry holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// The bytes, in the file's order.
    Loaded(Vec<u8>),
    /// Left in the file because of its size.
    TooLong(u64),
    /// The file ends before the value does: the byte where the value would end.
    Beyond(u64),
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) tag: u16,
    /// TIFF 6.0 type, 1 to 12, or 13 (IFD, TIFF Technical Note 1).
    pub(super) kind: u16,
    pub(super) count: u32,
    pub(super) value: Value,
}

/// One directory.
#[derive(Debug, Clone)]
pub(super) struct Ifd {
    /// `IFD0`, `IFD1`, `SubIFD`, `SubIFD1`, `ExifIFD`.
    pub(super) name: String,
    pub(super) order: ByteOrder,
    pub(super) entries: Vec<Entry>,
}

/// The directories of a file.
#[derive(Debug, Clone)]
pub(super) struct Tiff {
    pub(super) order: ByteOrder,
    pub(super) len: u64,
    pub(super) ifds: Vec<Ifd>,
    /// What is odd but does no harm.
    pub(super) remarks: Vec<String>,
}

/// Bytes of one value of TIFF type `kind`; `None` for types TIFF does not know.
pub(super) fn size_of(kind: u16) -> Option<u64> {
    Some(match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 => 8,
        _ => return None,
    })
}

/// An error about media that contradicts itself.
pub(super) fn bad(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadMedia, detail)
}

/// The operating system's error while reading; the caller names the file.
pub(crate) fn read_error(e: std::io::Error) -> Error {
    use std::io::ErrorKind as K;
    let e = match e.downcast::<Error>() {
        Ok(e) => return e,
        Err(e) => e,
    };
    match e.kind() {
        // The length was checked: the file has shrunk since.
        K::UnexpectedEof => bad("the file ended while it was read"),
        K::Interrupted | K::TimedOut | K::WouldBlock => Error::new(ErrorKind::Io, e.to_string()).source(e).retryable(),
        _ => Error::new(ErrorKind::Io, e.to_string()).source(e),
    }
}

const COPY_AGAIN: &str = "copy the file from the card again";

struct Input<R> {
    inner: R,
    len: u64,
    head: Vec<u8>,
    loaded: u64,
}

impl<R: Read + Seek> Input<R> {
    fn new(mut inner: R) -> Result<Self> {
        let io = read_error;
        let len = inner.seek(SeekFrom::End(0)).map_err(io)?;
        inner.seek(SeekFrom::Start(0)).map_err(io)?;
        let mut head = Vec::new();
        inner.by_ref().take(HEAD).read_to_end(&mut head).map_err(io)?;
        Ok(Self { inner, len, head, loaded: 0 })
    }

    /// `n` bytes at `offset`; the caller has checked them against the length.
    fn bytes(&mut self, offset: u64, n: u64) -> Result<Vec<u8>> {
        self.loaded += n;
        if self.loaded > MAX_LOADED {
            return Err(bad(format!("its directories hold more than {} MiB", MAX_LOADED >> 20)));
        }
        if let (Ok(a), Ok(b)) = (usize::try_from(offset), usize::try_from(offset.saturating_add(n)))
            && let Some(s) = self.head.get(a..b)
        {
            return Ok(s.to_vec());
        }
        let io = read_error;
        // MAX_LOADED bounds n.
        let mut out = vec![0; n as usize];
        self.inner.seek(SeekFrom::Start(offset)).map_err(io)?;
        self.inner.read_exact(&mut out).map_err(io)?;
        Ok(out)
    }
}

impl Tiff {
    /// Reads all directories: the chain from IFD0, the SubIFDs of each, and the EXIF directory.
    pub(super) fn read(reader: impl Read + Seek) -> Result<Self> {
        let mut input = Input::new(reader)?;
        let len = input.len;
        if len == 0 {
            return Err(bad("the file is empty").advice(COPY_AGAIN));
        }
        if len < 8 {
            return Err(bad(format!("the file has {len} bytes; a TIFF header has 8")).advice(COPY_AGAIN));
        }
        let h = input.bytes(0, 8)?;
        let order = match &h[..2] {
            b"II" => ByteOrder::Little,
            b"MM" => ByteOrder::Big,
            _ => return Err(bad("not a TIFF file: it begins with neither II nor MM")),
        };
        match order.u16(&h[2..]) {
            42 => {}
            43 => {
                return Err(Error::new(ErrorKind::Unsupported, "BigTIFF is not read here")
                    .advice("write the DNG as classic TIFF"));
            }
            n => return Err(bad(format!("not a TIFF file: its version is {n}, not 42"))),
        }
        let mut tiff = Self { order, len, ifds: Vec::new(), remarks: Vec::new() };
        tiff.chain(&mut input, u64::from(order.u32(&h[4..])))?;
        Ok(tiff)
    }

    /// Follows the chain from `first`, with children.
    fn chain<R: Read + Seek>(&mut self, input: &mut Input<R>, first: u64) -> Result<()> {
        let mut seen = Vec::new();
        let (mut at, mut number, mut subs) = (first, 0usize, 0usize);
        loop {
            let next = self.directory(input, at, format!("IFD{number}"), &mut seen)?;
            let mut parent = self.ifds.len() - 1;
            // SubIFDs may have SubIFDs; the list grows while it is walked, up to MAX_IFDS.
            while parent < self.ifds.len() {
                for (tag, exif) in [(330, false), (34665, true)] {
                    let Some(offsets) = self.ifds[parent].ints(tag)? else { continue };
                    // A directory has one ExifIFD; a list of them is damage.
                    for at in offsets.into_iter().take(if exif { 1 } else { MAX_IFDS }) {
                        let name = match (exif, subs) {
                            (true, _) => "ExifIFD".to_owned(),
                            (false, 0) => "SubIFD".to_owned(),
                            (false, n) => format!("SubIFD{n}"),
                        };
                        subs += usize::from(!exif);
                        match self.directory(input, at, name, &mut seen) {
                            Ok(_) => {}
                            // Exposure facts are no reason to refuse the picture.
                            Err(e) if exif && e.kind() == ErrorKind::BadMedia => {
                                self.remarks.push(format!("ExifIFD cannot be read: {}", e.detail()));
                            }
                            Err(e) => return Err(e),
                        }
                    }
                }
                parent += 1;
            }
            if next == 0 {
                return Ok(());
            }
            if next.saturating_add(2) > self.len {
                // Some writers leave rubbish here; the Adobe SDK passes over it as well.
                self.remarks.push(format!("IFD{number} points to a next directory outside the file"));
                return Ok(());
            }
            at = next;
            number += 1;
        }
    }

    /// Reads the directory at `at`, gives the offset of the next in the chain.
    fn directory<R: Read + Seek>(
        &mut self,
        input: &mut Input<R>,
        at: u64,
        name: String,
        seen: &mut Vec<u64>,
    ) -> Result<u64> {
        if seen.contains(&at) {
            return Err(bad(format!("the directories form a loop: {name} is at byte {at}, read before")));
        }
        if seen.len() >= MAX_IFDS {
            return Err(bad(format!("more than {MAX_IFDS} directories")));
        }
        seen.push(at);
        let len = self.len;
        if at < 8 || at.saturating_add(2) > len {
            return Err(bad(format!("{name} should be at byte {at}; the file has {len}")).advice(COPY_AGAIN));
        }
        let order = self.order;
        let count = order.u16(&input.bytes(at, 2)?);
        if count == 0 || count > MAX_ENTRIES {
            return Err(bad(format!("{name} claims {count} entries")));
        }
        let size = u64::from(count) * 12;
        let end = at + 2 + size;
        if end > len {
            return Err(bad(format!("{name} with {count} entries should end at byte {end}; the file has {len}"))
                .advice(COPY_AGAIN));
        }
        let raw = input.bytes(at + 2, size)?;
        let mut entries = Vec::with_capacity(usize::from(count));
        for e in raw.chunks_exact(12) {
            let (tag, kind, count) = (order.u16(e), order.u16(&e[2..]), order.u32(&e[4..]));
            let Some(one) = size_of(kind) else {
                self.remarks.push(format!("{name}: tag {tag} has the unknown type {kind}"));
                continue;
            };
            let size = one * u64::from(count);
            let value = if size <= 4 {
                Value::Loaded(e[8..8 + size as usize].to_vec())
            } else {
                let offset = u64::from(order.u32(&e[8..]));
                match offset.checked_add(size) {
                    Some(end) if end <= len => {
                        if size > MAX_VALUE {
                            Value::TooLong(size)
                        } else {
                            Value::Loaded(input.bytes(offset, size)?)
                        }
                    }
                    _ => {
                        self.remarks.push(format!("{name}: {} lies outside the file", names::label(tag)));
                        Value::Beyond(offset.saturating_add(size))
                    }
                }
            };
            entries.push(Entry { tag, kind, count, value });
        }
        let next = if end + 4 <= len { u64::from(order.u32(&input.bytes(end, 4)?)) } else { 0 };
        self.ifds.push(Ifd { name, order, entries });
        Ok(next)
    }
}
