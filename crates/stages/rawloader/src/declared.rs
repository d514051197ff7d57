//! How large a picture does a file speak of? Asked before a decoder allocates it.

use crate::extent::Tiff;

/// CIFF directories that are entered at most.
const MOST_DIRECTORIES: usize = 32;

/// The most pixels any directory or JPEG frame of the file speaks of: TIFF-like files and Canon
/// CRW. `None` for other files, and where nothing is said.
pub(crate) fn most_pixels(file: &[u8]) -> Option<u64> {
    if file.get(6..14) == Some(b"HEAPCCDR") { ciff(file) } else { tiff(file) }
}

fn tiff(file: &[u8]) -> Option<u64> {
    let tiff = Tiff::of(file)?;
    let mut most = None;
    for ifd in tiff.ifds() {
        let one = |tag| tiff.tag(ifd, tag).first().copied().map(u64::from);
        most = most.max(one(256).zip(one(257)).map(|(w, h)| w * h));
        for offset in tiff.tag(ifd, 273).into_iter().chain(tiff.tag(ifd, 324)).take(64) {
            most = most.max(file.get(offset as usize..).and_then(jpeg));
        }
    }
    most
}

/// Samples of the frame of a JPEG (ITU-T T.81, B.2.2): lines, columns and components.
fn jpeg(b: &[u8]) -> Option<u64> {
    if !b.starts_with(&[0xff, 0xd8]) {
        return None;
    }
    let mut at = 2;
    // Segments before the frame header; a damaged list ends somewhere.
    for _ in 0..64 {
        let marker = b.get(at..at + 2)?;
        if marker[0] != 0xff {
            return None;
        }
        let word = |i: usize| Some(u64::from(u16::from_be_bytes([*b.get(at + i)?, *b.get(at + i + 1)?])));
        if matches!(marker[1], 0xc0..=0xc3) {
            return Some(word(5)? * word(7)? * u64::from(*b.get(at + 9)?));
        }
        at += 2 + word(2)? as usize;
    }
    None
}

/// Canon's CIFF (Camera Image File Format 1.0): a tree of directories, each at the end of its
/// block; SensorInfo (0x1031) has the picture's columns and rows.
fn ciff(file: &[u8]) -> Option<u64> {
    let start = u32::from_le_bytes(file.get(2..6)?.try_into().ok()?) as usize;
    let mut todo = vec![(start, file.len())];
    let mut seen = 0;
    while let Some((from, to)) = todo.pop() {
        seen += 1;
        if seen > MOST_DIRECTORIES {
            return None;
        }
        let Some(block) = file.get(from..to) else { continue };
        let word =
            |at: usize| Some(usize::from(u16::from_le_bytes(block.get(at..at.checked_add(2)?)?.try_into().ok()?)));
        let long = |at: usize| Some(u32::from_le_bytes(block.get(at..at.checked_add(4)?)?.try_into().ok()?) as usize);
        let Some(table) = block.len().checked_sub(4).and_then(long) else { continue };
        for i in 0..word(table).unwrap_or(0) {
            let at = table.saturating_add(2 + 10 * i);
            let (Some(tag), Some(size), Some(offset)) = (word(at), long(at + 2), long(at + 6)) else { break };
            match tag & 0x3fff {
                0x1031 => {
                    let (w, h) = (word(offset.checked_add(2)?)?, word(offset.checked_add(4)?)?);
                    return Some(w as u64 * h as u64);
                }
                // Types 0x2800 and 0x3000 are directories.
                t if matches!(t & 0x3800, 0x2800 | 0x3000) => {
                    todo.push((from.saturating_add(offset), from.saturating_add(offset).saturating_add(size)))
                }
                _ => {}
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_found_in_directories_and_in_jpeg_frames() {
        let mut f = b"II*\0\x08\0\0\0\x03\0".to_vec();
        for (tag, value) in [(256u16, 100u32), (257, 50), (273, 50)] {
            f.extend(tag.to_le_bytes());
            f.extend([4, 0, 1, 0, 0, 0]);
            f.extend(value.to_le_bytes());
        }
        f.extend([0; 4]);
        assert_eq!(most_pixels(&f), Some(5000));
        // A lossless frame of 300 lines, 400 columns and two components, behind a table.
        f.extend([0xff, 0xd8, 0xff, 0xc4, 0, 4, 9, 9, 0xff, 0xc3, 0, 14, 14, 1, 44, 1, 144, 2]);
        assert_eq!(most_pixels(&f), Some(240_000));
        for n in 0..f.len() {
            let _ = most_pixels(&f[..n]);
        }
    }

    #[test]
    fn the_size_of_a_crw_is_in_its_tree() {
        // A root block with one directory block, which holds SensorInfo.
        let mut f = b"II\x0e\0\0\0HEAPCCDR".to_vec();
        f.extend([34, 0, 0xb0, 8, 0xb0, 5]); // SensorInfo: size, 2224, 1456
        f.extend([1, 0, 0x31, 0x10, 6, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0]); // its directory, at 6
        f.extend([1, 0, 0x0a, 0x30, 22, 0, 0, 0, 0, 0, 0, 0, 22, 0, 0, 0]); // the root's, at 22
        assert_eq!(most_pixels(&f), Some(2224 * 1456));
        for n in 0..f.len() {
            let _ = most_pixels(&f[..n]);
        }
    }
}
