//! Does a TIFF-like file hold all the picture data it speaks of?

/// IFDs that are followed at most: files have fewer than ten, damaged ones may point in circles.
const MOST_IFDS: usize = 64;

/// The first strip or tile that lies beyond the end of a TIFF-like file (offset, length), if
/// any. Files of another kind have none.
pub(crate) fn beyond_end(file: &[u8]) -> Option<(u64, u64)> {
    let big = match file.get(..2)? {
        b"II" => false,
        b"MM" => true,
        _ => return None,
    };
    let tiff = Tiff { file, big };
    let mut todo = vec![tiff.u32(4)? as usize];
    let mut seen = 0;
    while let Some(ifd) = todo.pop() {
        seen += 1;
        if seen > MOST_IFDS {
            return None;
        }
        let Some(entries) = tiff.u16(ifd) else { continue };
        let (mut offsets, mut counts) = (Vec::new(), Vec::new());
        for i in 0..usize::from(entries) {
            let at = ifd + 2 + 12 * i;
            match tiff.u16(at) {
                Some(273 | 324) => offsets = tiff.values(at),
                Some(279 | 325) => counts = tiff.values(at),
                Some(330) => todo.extend(tiff.values(at).into_iter().take(16).map(|v| v as usize)),
                Some(_) => {}
                None => break,
            }
        }
        for (offset, count) in offsets.into_iter().zip(counts) {
            if u64::from(offset) + u64::from(count) > file.len() as u64 {
                return Some((u64::from(offset), u64::from(count)));
            }
        }
        match tiff.u32(ifd + 2 + 12 * usize::from(entries)) {
            Some(next) if next != 0 => todo.push(next as usize),
            _ => {}
        }
    }
    None
}

struct Tiff<'a> {
    file: &'a [u8],
    big: bool,
}

impl Tiff<'_> {
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
        let count = (count as usize).min(self.file.len() / size);
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
    }
}
