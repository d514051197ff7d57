//! Small DNG files for tests, written entry by entry so that each can also be written wrong.

use super::super::jpeg::encoder::Lossless;

#[derive(Clone)]
pub(super) struct Dng {
    pub(super) big: bool,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) bits: u32,
    pub(super) samples: usize,
    /// Tag, type, count, bytes in the file's order; replaces or adds to what follows from the picture.
    pub(super) entries: Vec<(u16, u16, Vec<u64>)>,
    /// Columns and rows of a tile; rows of a strip when the columns are 0.
    pub(super) segment: (usize, usize),
    pub(super) lossless: bool,
    pub(super) values: Vec<u16>,
}

/// A gradient with noise that uses all bits.
pub(super) fn picture(width: usize, height: usize, bits: u32) -> Vec<u16> {
    let mut seed = 1u32;
    (0..width * height)
        .map(|i| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let v = (i % width * 517 + i / width * 3301) as u32 + (seed >> 20);
            (v & ((1 << bits) - 1)) as u16
        })
        .collect()
}

impl Dng {
    pub(super) fn new(width: usize, height: usize, bits: u32) -> Self {
        Self {
            big: false,
            width,
            height,
            bits,
            samples: 1,
            entries: Vec::new(),
            segment: (0, height),
            lossless: false,
            values: picture(width, height, bits),
        }
    }

    pub(super) fn with(mut self, tag: u16, kind: u16, values: &[u64]) -> Self {
        self.entries.retain(|e| e.0 != tag);
        self.entries.push((tag, kind, values.to_vec()));
        self
    }

    pub(super) fn text(self, tag: u16, text: &str) -> Self {
        let bytes: Vec<u64> = text.bytes().chain([0]).map(u64::from).collect();
        self.with(tag, 2, &bytes)
    }

    fn segments(&self) -> Vec<Vec<u8>> {
        let (tile, rows) = self.segment;
        let width = if tile == 0 { self.width } else { tile };
        let mut out = Vec::new();
        for y in (0..self.height).step_by(rows) {
            for x in (0..self.width).step_by(width) {
                let high = if tile == 0 { rows.min(self.height - y) } else { rows };
                let n = self.samples;
                let at = |r: usize, c: usize| self.values[(r * self.width + c / n) * n + c % n];
                let lines: Vec<Vec<u16>> = (y..y + high)
                    .map(|r| {
                        (x * n..(x + width) * n)
                            .map(|c| at(r.min(self.height - 1), c.min(self.width * n - 1)))
                            .collect()
                    })
                    .collect();
                out.push(if self.lossless {
                    // Two columns as two components, as most writers do.
                    let pair = usize::from(width.is_multiple_of(2)) + 1;
                    let coder = Lossless { components: pair, predictor: 6, ..Lossless::default() };
                    coder.encode(&lines.concat(), width / pair)
                } else {
                    lines.iter().flat_map(|l| self.pack(l)).collect()
                });
            }
        }
        out
    }

    fn pack(&self, line: &[u16]) -> Vec<u8> {
        if self.bits == 16 {
            return line.iter().flat_map(|v| if self.big { v.to_be_bytes() } else { v.to_le_bytes() }).collect();
        }
        let mut out = vec![0u8; (line.len() * self.bits as usize).div_ceil(8)];
        for (i, bit) in line.iter().flat_map(|v| (0..self.bits).rev().map(move |b| v >> b & 1)).enumerate() {
            out[i / 8] |= (bit as u8) << (7 - i % 8);
        }
        out
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let segments = self.segments();
        let tiled = self.segment.0 > 0;
        let (offsets, lengths) = if tiled { (324, 325) } else { (273, 279) };
        let mut dng = self.clone();
        for (tag, kind, values) in [
            (256, 4, vec![self.width as u64]),
            (257, 4, vec![self.height as u64]),
            (258, 3, vec![u64::from(self.bits); self.samples]),
            (259, 3, vec![if self.lossless { 7 } else { 1 }]),
            (262, 3, vec![if self.samples == 1 { 32803 } else { 34892 }]),
            (277, 3, vec![self.samples as u64]),
            (lengths, 4, segments.iter().map(|s| s.len() as u64).collect()),
            (offsets, 4, vec![0; segments.len()]),
            (33421, 3, vec![2, 2]),
            (33422, 1, vec![0, 1, 1, 2]),
            (50706, 1, vec![1, 4, 0, 0]),
        ] {
            if !dng.entries.iter().any(|e| e.0 == tag) {
                dng.entries.push((tag, kind, values));
            }
        }
        if tiled {
            dng = dng.with(322, 4, &[self.segment.0 as u64]).with(323, 4, &[self.segment.1 as u64]);
        } else {
            dng = dng.with(278, 4, &[self.segment.1 as u64]);
        }
        dng.entries.sort_by_key(|e| e.0);
        // Two passes: the first finds where the pixels begin.
        let start = dng.directory().len() as u64;
        if let Some(e) = dng.entries.iter_mut().find(|e| e.0 == offsets && e.2.iter().all(|&v| v == 0)) {
            let mut at = start;
            e.2 = segments.iter().map(|s| (at, at += s.len() as u64).0).collect();
        }
        let mut out = dng.directory();
        segments.iter().for_each(|s| out.extend(s));
        out
    }

    fn directory(&self) -> Vec<u8> {
        let n = |v: u64, bytes: usize| -> Vec<u8> {
            if self.big { v.to_be_bytes()[8 - bytes..].to_vec() } else { v.to_le_bytes()[..bytes].to_vec() }
        };
        let mut out = if self.big { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
        out.extend(n(8, 4));
        out.extend(n(self.entries.len() as u64, 2));
        let mut extra_at = out.len() + self.entries.len() * 12 + 4;
        let mut extra = Vec::new();
        for (tag, kind, values) in &self.entries {
            // A fraction is written as its two halves in one number: numerator in the high 32 bits.
            let (size, count) = match kind {
                1 | 2 | 6 | 7 => (1, values.len()),
                3 | 8 => (2, values.len()),
                5 | 10 => (8, values.len()),
                _ => (4, values.len()),
            };
            let mut bytes: Vec<u8> = match kind {
                5 | 10 => values.iter().flat_map(|v| [n(v >> 32, 4), n(v & 0xFFFF_FFFF, 4)].concat()).collect(),
                _ => values.iter().flat_map(|&v| n(v, size)).collect(),
            };
            out.extend([n(u64::from(*tag), 2), n(u64::from(*kind), 2), n(count as u64, 4)].concat());
            if bytes.len() <= 4 {
                bytes.resize(4, 0);
                out.extend(bytes);
            } else {
                out.extend(n(extra_at as u64, 4));
                extra_at += bytes.len();
                extra.extend(bytes);
            }
        }
        out.extend([0; 4]);
        out.extend(extra);
        out
    }
}

/// A fraction as [`Dng::with`] takes it.
pub(super) fn fraction(n: i32, d: i32) -> u64 {
    u64::from(n as u32) << 32 | u64::from(d as u32)
}
