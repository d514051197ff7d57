//! Where the samples lie in the file: strips and tiles (TIFF 6.0, sections 3 and 15).

use rushes_core::media::Rect;
use rushes_core::{Error, ErrorKind, Result};

use super::tiff::{Ifd, bad};

/// Pixels of the largest picture read, columns times rows.
pub const MAX_PIXELS: u64 = 500_000_000;

/// The strips or tiles of a picture. The lists are as the file has them: they may be too short or
/// point outside the file until [`super::Header::check_complete`] has seen them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// True for tiles, which are all of one size; false for strips, of which the last may be lower.
    pub tiled: bool,
    /// Columns of a strip or tile.
    pub width: usize,
    /// Rows of a strip or tile.
    pub height: usize,
    /// Strips or tiles side by side.
    pub across: usize,
    /// Strips or tiles one below the other.
    pub down: usize,
    /// Where each begins in the file, in bytes, row by row.
    pub offsets: Vec<u64>,
    /// Bytes of each.
    pub lengths: Vec<u64>,
}

impl Layout {
    pub(super) fn read(ifd: &Ifd, width: usize, height: usize) -> Result<Self> {
        let size = |tag: u16| -> Result<Option<usize>> {
            let v = ifd.int(tag)?;
            if v == Some(0) {
                return Err(bad(format!("{}:{} is 0", ifd.name, super::names::label(tag))));
            }
            Ok(v.map(|v| usize::try_from(v).unwrap_or(usize::MAX)))
        };
        let (tiled, w, h, tags) = match (size(322)?, size(323)?) {
            (Some(w), Some(h)) => (true, w, h, (324, 325)),
            // RowsPerStrip: by default the whole picture is one strip.
            _ => (false, width, size(278)?.unwrap_or(height).min(height), (273, 279)),
        };
        // The lists may be truncated with the file: the facts remain readable without them.
        let list = |tag: u16| ifd.ints(tag).ok().flatten();
        let offsets = list(tags.0).unwrap_or_default();
        let lengths = list(tags.1).unwrap_or_default();
        Ok(Self { tiled, width: w, height: h, across: width.div_ceil(w), down: height.div_ceil(h), offsets, lengths })
    }

    /// Number of strips or tiles the picture needs.
    pub fn count(&self) -> u64 {
        self.across as u64 * self.down as u64
    }

    /// The part of a picture of `width` x `height` that strip or tile `index` covers.
    pub fn area(&self, index: usize, width: usize, height: usize) -> Rect {
        let (x, y) = (index % self.across * self.width, index / self.across * self.height);
        Rect { x, y, width: self.width.min(width - x), height: self.height.min(height - y) }
    }

    /// Rows that strip or tile `index` holds: a strip ends with the picture, a tile is padded.
    pub(super) fn stored_rows(&self, index: usize, height: usize) -> usize {
        if self.tiled { self.height } else { self.height.min(height - index / self.across * self.height) }
    }

    /// `strip` or `tile`.
    pub(super) fn noun(&self) -> &'static str {
        if self.tiled { "tile" } else { "strip" }
    }

    /// Checks that all strips or tiles are listed and lie within a file of `file_len` bytes, and
    /// that each has at least the bytes that `least` asks of it.
    pub(super) fn check(&self, picture: (usize, usize), file_len: u64, least: impl Fn(usize) -> u64) -> Result<()> {
        let (noun, count) = (self.noun(), self.count());
        let listed = self.offsets.len().min(self.lengths.len()) as u64;
        let again = "copy the file from the card again";
        if listed < count {
            return Err(bad(format!("the file lists {listed} of {count} {noun}s of its picture")).advice(again));
        }
        // `listed` bounds `count` to what was loaded.
        let count = count as usize;
        let mut outside = 0;
        let mut first = None;
        for (i, (&offset, &len)) in self.offsets.iter().zip(&self.lengths).take(count).enumerate() {
            let end = offset.checked_add(len);
            if len == 0 || end.is_none_or(|end| end > file_len) {
                outside += 1;
                first.get_or_insert((i, offset, len));
            }
        }
        if let Some((i, offset, len)) = first {
            let r = self.area(i, picture.0, picture.1);
            let where_ = format!("{noun} {} of {count}, rows {} to {}", i + 1, r.y, r.y + r.height - 1);
            let what = if len == 0 {
                format!("{where_}, has no bytes")
            } else {
                format!(
                    "{where_}, should end at byte {}, the file ends at byte {file_len}",
                    u128::from(offset) + u128::from(len)
                )
            };
            let many = if outside > 1 { format!(" ({outside} {noun}s are missing or cut)") } else { String::new() };
            return Err(bad(format!("the picture is not complete: {what}{many}")).advice(again));
        }
        let total = self.lengths.iter().take(count).try_fold(0u64, |sum, len| sum.checked_add(*len));
        if total.is_none_or(|t| t > file_len) {
            let what = format!("its {noun}s have more bytes together than the file: they share some");
            return Err(bad(what).advice(again));
        }
        for (i, &len) in self.lengths.iter().take(count).enumerate() {
            let needed = least(i);
            if len < needed {
                return Err(bad(format!(
                    "the picture is not complete: {noun} {} of {count} has {len} bytes, its pixels take {needed}",
                    i + 1
                ))
                .advice(again));
            }
        }
        Ok(())
    }
}

/// Refuses a picture that is empty or beyond [`MAX_PIXELS`].
pub(super) fn check_size(width: u64, height: u64) -> Result<()> {
    if width == 0 || height == 0 {
        return Err(bad(format!("a picture of {width}x{height} pixels")));
    }
    if width.checked_mul(height).is_none_or(|n| n > MAX_PIXELS) {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("a picture of {width}x{height} pixels; at most {} million are read", MAX_PIXELS / 1_000_000),
        ));
    }
    Ok(())
}
