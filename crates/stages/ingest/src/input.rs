//! Reads of headers, bounded: few bytes at a time, at any offset, never beyond a budget.

use std::io::{Read, Seek, SeekFrom};

/// Bytes fetched at once, so that neighbouring small reads cost one.
const BLOCK: usize = 8 << 10;

/// The largest single read.
const MAX_READ: usize = 1 << 20;

/// A camera's text as one line: what would steer a terminal or break a log line becomes a space.
pub(crate) fn one_line(text: &str) -> Option<String> {
    let s: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let s = s.trim();
    (!s.is_empty()).then(|| s.to_owned())
}

/// A file of which headers are read. What lies past the end reads short; lying sizes cost at
/// most the budget.
#[derive(Debug)]
pub(crate) struct Input<R> {
    inner: R,
    len: u64,
    block: Vec<u8>,
    at: u64,
    budget: u64,
}

impl<R: Read + Seek> Input<R> {
    /// An input that reads at most `budget` bytes in all.
    pub(crate) fn new(mut inner: R, budget: u64) -> std::io::Result<Self> {
        let len = inner.seek(SeekFrom::End(0))?;
        Ok(Self { inner, len, block: Vec::new(), at: 0, budget })
    }

    /// Says that the file has `len` bytes although fewer are at hand.
    pub(crate) fn claim(mut self, len: u64) -> Self {
        self.len = self.len.max(len);
        self
    }

    /// Bytes of the file.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// `n` bytes at `offset`, fewer where the file ends before or `n` is more than 1 MiB.
    pub(crate) fn upto(&mut self, offset: u64, n: usize) -> std::io::Result<&[u8]> {
        let n = n.min(MAX_READ);
        let inside = offset
            .checked_sub(self.at)
            .and_then(|skip| usize::try_from(skip).ok())
            .filter(|&skip| skip.saturating_add(n) <= self.block.len());
        if let Some(skip) = inside {
            return Ok(&self.block[skip..skip + n]);
        }
        let want = n.max(BLOCK);
        self.budget = self.budget.checked_sub(want as u64).ok_or_else(|| {
            std::io::Error::new(std::io::ErrorKind::InvalidData, "its headers are far larger than any camera writes")
        })?;
        self.block.clear();
        self.at = offset;
        if offset < self.len {
            self.inner.seek(SeekFrom::Start(offset))?;
            self.inner.by_ref().take(want as u64).read_to_end(&mut self.block)?;
        }
        Ok(&self.block[..n.min(self.block.len())])
    }

    /// Exactly `N` bytes at `offset`; `None` where the file ends before.
    pub(crate) fn array<const N: usize>(&mut self, offset: u64) -> std::io::Result<Option<[u8; N]>> {
        Ok(self.upto(offset, N)?.try_into().ok())
    }

    /// Exactly `n` bytes at `offset`; `None` where the file ends before or `n` is more than 1 MiB.
    pub(crate) fn bytes(&mut self, offset: u64, n: u64) -> std::io::Result<Option<Vec<u8>>> {
        let Some(n) = usize::try_from(n).ok().filter(|&n| n <= MAX_READ) else { return Ok(None) };
        let got = self.upto(offset, n)?;
        Ok((got.len() == n).then(|| got.to_vec()))
    }
}

/// Big-endian fields of a record; `None` past its end.
pub(crate) fn be_u16(b: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(b.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

/// As [`be_u16`], four bytes.
pub(crate) fn be_u32(b: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(b.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// As [`be_u16`], eight bytes.
pub(crate) fn be_u64(b: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(b.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn reads_past_the_end_are_short_and_the_budget_holds() {
        let data: Vec<u8> = (0..20_000).map(|v| v as u8).collect();
        let mut input = Input::new(Cursor::new(&data), 3 * BLOCK as u64).unwrap();
        assert_eq!(input.upto(3, 2).unwrap(), [3, 4]);
        assert_eq!(input.upto(19_999, 4).unwrap(), [data[19_999]]);
        assert_eq!(input.array::<2>(u64::MAX).unwrap(), None);
        assert!(input.upto(3, 1).is_err(), "the fourth block is beyond the budget");
    }
}
