//! Values of directory entries as numbers and as text.

use rushes_core::Result;

use super::names;
use super::tiff::{ByteOrder, Entry, Ifd, Value, bad, size_of};

/// Values printed of a long array; the count of the rest is stated.
const SHOWN: usize = 64;

impl Ifd {
    /// The entry of `tag`; the first where a file has it twice.
    pub(super) fn get(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|e| e.tag == tag)
    }

    /// The loaded bytes of `tag`, with its type.
    fn loaded(&self, tag: u16) -> Result<Option<(&Entry, &[u8])>> {
        let Some(e) = self.get(tag) else { return Ok(None) };
        let what = || format!("{}:{}", self.name, names::label(tag));
        match &e.value {
            Value::Loaded(b) => Ok(Some((e, b))),
            Value::TooLong(n) => Err(bad(format!("{} claims {n} bytes", what()))),
            Value::Beyond(end) => Err(bad(format!("{} should end at byte {end}, after the end of the file", what()))
                .advice("copy the file from the card again")),
        }
    }

    /// Unsigned integers of `tag`.
    ///
    /// # Errors
    /// When the value is not in the file or has a type that holds no unsigned integer.
    pub(super) fn ints(&self, tag: u16) -> Result<Option<Vec<u64>>> {
        let Some((e, b)) = self.loaded(tag)? else { return Ok(None) };
        let o = self.order;
        Ok(Some(match e.kind {
            1 | 7 => b.iter().map(|&v| u64::from(v)).collect(),
            3 => b.chunks_exact(2).map(|c| u64::from(o.u16(c))).collect(),
            4 | 13 => b.chunks_exact(4).map(|c| u64::from(o.u32(c))).collect(),
            k => return Err(bad(format!("{}:{} has the type {}", self.name, names::label(tag), kind_name(k)))),
        }))
    }

    /// The only or first unsigned integer of `tag`.
    pub(super) fn int(&self, tag: u16) -> Result<Option<u64>> {
        Ok(self.ints(tag)?.and_then(|v| v.first().copied()))
    }

    /// Fractions of `tag` (numerator, denominator); integers have the denominator 1.
    pub(super) fn fractions(&self, tag: u16) -> Result<Option<Vec<(i64, i64)>>> {
        let Some((e, b)) = self.loaded(tag)? else { return Ok(None) };
        let o = self.order;
        Ok(Some(match e.kind {
            5 => b.chunks_exact(8).map(|c| (i64::from(o.u32(c)), i64::from(o.u32(&c[4..])))).collect(),
            10 => b.chunks_exact(8).map(|c| (i64::from(o.u32(c) as i32), i64::from(o.u32(&c[4..]) as i32))).collect(),
            8 => b.chunks_exact(2).map(|c| (i64::from(o.u16(c) as i16), 1)).collect(),
            9 => b.chunks_exact(4).map(|c| (i64::from(o.u32(c) as i32), 1)).collect(),
            // `ints` gives 32 bits at most.
            _ => self.ints(tag)?.unwrap_or_default().into_iter().map(|v| (v as i64, 1)).collect(),
        }))
    }

    /// Numbers of `tag`, whatever their type; a fraction over zero is not a number.
    pub(super) fn numbers(&self, tag: u16) -> Result<Option<Vec<f64>>> {
        let Some((e, b)) = self.loaded(tag)? else { return Ok(None) };
        let o = self.order;
        Ok(Some(match e.kind {
            11 => b.chunks_exact(4).map(|c| f64::from(f32::from_bits(o.u32(c)))).collect(),
            12 => b.chunks_exact(8).map(|c| f64::from_bits(o.u64(c))).collect(),
            _ => {
                let f = self.fractions(tag)?.unwrap_or_default();
                f.into_iter().map(|(n, d)| if d == 0 { f64::NAN } else { n as f64 / d as f64 }).collect()
            }
        }))
    }

    /// The text of `tag` without its NUL and blanks; `None` when it is absent, empty or unreadable.
    pub(super) fn text(&self, tag: u16) -> Option<String> {
        let (e, b) = self.loaded(tag).ok()??;
        if !matches!(e.kind, 1 | 2 | 7) {
            return None;
        }
        let end = b.iter().position(|&c| c == 0).unwrap_or(b.len());
        crate::input::one_line(&String::from_utf8_lossy(&b[..end]))
    }

    /// The bytes of `tag`.
    pub(super) fn raw(&self, tag: u16) -> Result<Option<&[u8]>> {
        Ok(self.loaded(tag)?.map(|(_, b)| b))
    }
}

impl Entry {
    /// The value as text: fractions stay fractions, long arrays are cut, undefined bytes are hexadecimal.
    pub(super) fn to_text(&self, o: ByteOrder) -> String {
        let b = match &self.value {
            Value::Loaded(b) => b,
            Value::TooLong(n) => return format!("({n} bytes, not read)"),
            Value::Beyond(_) => return "(outside the file)".to_owned(),
        };
        if self.kind == 2 {
            return String::from_utf8_lossy(b).trim_end_matches(['\0', ' ']).to_owned();
        }
        let Some(size) = size_of(self.kind) else { return String::new() };
        let mut words: Vec<String> = b
            .chunks_exact(size as usize)
            .take(SHOWN)
            .map(|c| match self.kind {
                1 => c[0].to_string(),
                6 => (c[0] as i8).to_string(),
                7 => format!("{:02x}", c[0]),
                3 => o.u16(c).to_string(),
                8 => (o.u16(c) as i16).to_string(),
                4 | 13 => o.u32(c).to_string(),
                9 => (o.u32(c) as i32).to_string(),
                5 => format!("{}/{}", o.u32(c), o.u32(&c[4..])),
                10 => format!("{}/{}", o.u32(c) as i32, o.u32(&c[4..]) as i32),
                11 => f32::from_bits(o.u32(c)).to_string(),
                _ => f64::from_bits(o.u64(c)).to_string(),
            })
            .collect();
        if self.count as usize > SHOWN {
            words.push(format!("... ({} values)", self.count));
        }
        words.join(" ")
    }
}

fn kind_name(kind: u16) -> &'static str {
    match kind {
        2 => "ASCII",
        5 => "RATIONAL",
        6 => "SBYTE",
        8 => "SSHORT",
        9 => "SLONG",
        10 => "SRATIONAL",
        11 => "FLOAT",
        12 => "DOUBLE",
        _ => "of no unsigned integer",
    }
}
