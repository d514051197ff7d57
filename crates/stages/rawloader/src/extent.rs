//! Does a TIFF-like file hold all the picture data it speaks of?

/// IFDs that are followed at most: files have fewer than ten, damaged ones may point in circles.
const MOST_IFDS: usize = 64;

/// Values of a tag that are read at most: a strip for each row of the tallest picture.
const MOST_VALUES: usize = 1 << 16;

/// The first strip or tile that lies beyond the end of a TIFF-like file (offset, length), if
/// any. Files of another kind have none.
pub(crate) fn beyond_end(file: &[u8]) -> Option<(u64, u64)> {
    let tiff = Tiff::of(file)?;
    for ifd in tiff.ifds() {
        for (offsets, counts) in [(273, 279), (324, 325)] {
            for (offset, count) in tiff.tag(ifd, offsets).into_iter().zip(tiff.tag(ifd, counts)) {
                if u64::from(offset) + u64::from(count) > file.len() as u64 {
                    return Some((u64::from(offset), u64::from(count)));
                }
            }
        }
    }
    None
}

/// True for a DNG: it has a DNGVersion.
pub(crate) fn is_dng(file: &[u8]) -> bool {
    Tiff::of(file).is_some_and(|t| t.ifds().into_iter().any(|ifd| t.entry(ifd, 50706).is_some()))
}

/// A file that begins like TIFF.
pub(crate) struct Tiff<'a> {
    file: &'a [u8],
    big: bool,
}

impl<'a> Tiff<'a> {
    pub(crate) fn of(file: &'a [u8]) -> Option<Self> {
        match file.get(..2)? {
            b"II" => Some(Self { file, big: false }),
            b"MM" => Some(Self { file, big: true }),
            _ => None,
        }
    }

    /// Where the directories are that can be reached, each once.
    pub(crate) fn ifds(&self) -> Vec<usize> {
        let mut todo: Vec<usize> = self.u32(4).into_iter().map(|v| v as usize).collect();
        let mut seen = Vec::new();
        while let Some(ifd) = todo.pop() {
            let Some(entries) = self.u16(ifd).filter(|_| !seen.contains(&ifd)) else { continue };
            if seen.len() >= MOST_IFDS {
                break;
            }
            seen.push(ifd);
            todo.extend(self.tag(ifd, 330).into_iter().take(16).map(|v| v as usize));
            todo.extend(self.u32(ifd + 2 + 12 * usize::from(entries)).filter(|n| *n != 0).map(|n| n as usize));
        }
        seen
    }

    /// The values of a tag; none when it is not there.
    pub(crate) fn tag(&self, ifd: usize, tag: u16) -> Vec<u32> {
        self.entry(ifd, tag).map(|at| self.values(at)).unwrap_or_default()
    }

    fn entry(&self, ifd: usize, tag: u16) -> Option<usize> {
        let entries = usize::from(self.u16(ifd)?);
        (0..entries).map(|i| ifd + 2 + 12 * i).find(|at| self.u16(*at) == Some(tag))
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let b: [u8; 2] = self.file.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.big { u16::from_be_bytes(b) } else { u16::from_le_bytes(b) })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let b: [u8; 4] = self.file.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.big { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) })
    }

    /// The SHORT or LONG values of the entry at `at`, as many as are in the file.
    fn values(&self, at: usize) -> Vec<u32> {
        let (Some(kind), Some(count)) = (self.u16(at + 2), self.u32(at + 4)) else { return Vec::new() };
        let size = match kind {
            3 => 2,
            4 | 13 => 4,
            _ => return Vec::new(),
        };
        let count = (count as usize).min(MOST_VALUES);
        let from = if count * size <= 4 { at + 8 } else { self.u32(at + 8).map_or(usize::MAX, |v| v as usize) };
        let one = |i: usize| {
            let at = from.checked_add(i * size)?;
            if size == 2 { self.u16(at).map(u32::from) } else { self.u32(at) }
        };
        (0..count).map_while(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiff(offset: u32, count: u32, len: usize) -> Vec<u8> {
        let mut f = b"II*\0\x08\0\0\0\x02\0".to_vec();
        for (tag, value) in [(273u16, offset), (279, count)] {
            f.extend(tag.to_le_bytes());
            f.extend(4u16.to_le_bytes());
            f.extend(1u32.to_le_bytes());
            f.extend(value.to_le_bytes());
        }
        f.extend([0; 4]);
        f.resize(len, 0);
        f
    }

    #[test]
    fn a_strip_beyond_the_end_is_found() {
        assert_eq!(beyond_end(&tiff(100, 50, 150)), None);
        assert_eq!(beyond_end(&tiff(100, 51, 150)), Some((100, 51)));
        assert_eq!(beyond_end(&tiff(u32::MAX, u32::MAX, 150)), Some((u32::MAX.into(), u32::MAX.into())));
    }

    #[test]
    fn any_cut_is_an_answer() {
        let whole = tiff(100, 50, 150);
        for n in 0..whole.len() {
            let _ = beyond_end(&whole[..n]);
        }
        let mut circle = tiff(100, 50, 150);
        circle[34..38].copy_from_slice(&8u32.to_le_bytes());
        assert_eq!(beyond_end(&circle), None);
        assert!(!is_dng(&circle));
        circle[10..12].copy_from_slice(&50706u16.to_le_bytes());
        assert!(is_dng(&circle));
    }
}
