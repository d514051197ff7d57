//! SMPTE RDD 36, profile 422 Proxy, progressive: an encoder.
//!
//! A picture is cut into *slices* of up to eight macroblocks (16 x 16 pixels) side by side. The coefficients of a
//! slice's blocks are transformed, divided and counted side by side, a block in each lane ([`transform`]), which
//! is the order in which they are coded, too: all blocks' first, then all their second ([`entropy`]).
//!
//! *Quality.* All slices of a picture are divided alike, which for a given number of bits leaves the least
//! squared error, by the finest scale that keeps the picture within [`BITS_PER_MACROBLOCK`]. Each picture is coded on
//! its own.

mod bits;
mod entropy;
mod transform;

use rushes_core::media::Rate;
use rushes_core::simd::Level;
use rushes_core::{Error, ErrorKind, Result};

use self::bits::BitWriter;
use self::transform::{CHROMA_BLOCKS, LUMA_BLOCKS, Scale, Tile};
use super::ycbcr::Picture422;

/// The most bits of a picture's slices, per macroblock: 45 Mbit/s at 1920x1080 and 29.97 frames/s, the rate that
/// Apple states for 422 Proxy (ProRes White Paper, 2022).
const BITS_PER_MACROBLOCK: u64 = 184;

/// Smaller pictures have the bits of so many macroblocks: the same paper has 12 Mbit/s at 720x576 and 25 frames/s.
const FEWEST_MACROBLOCKS: usize = 2600;

/// The finest division: finer ones would fill the rate of a proxy with noise.
const FINEST: u32 = 4;

/// One in so many slices is looked at to find the scale.
const SAMPLED: usize = 37;

/// The coarsest (RDD 36, table 15).
const COARSEST: u32 = 224;

/// Pixels of a macroblock's side.
const SIDE: usize = 16;

/// Macroblocks of a slice at most (RDD 36, 6.2.1: 2 to the third).
const SLICE: usize = 8;

/// The packet of `picture`, shown at `rate`.
///
/// # Errors
/// When the picture is larger than the codec's fields.
pub(super) fn encode(picture: &Picture422, rate: Rate, level: Level) -> Result<Vec<u8>> {
    let (wide, high) = (picture.width.div_ceil(SIDE), picture.height.div_ceil(SIDE));
    let slices = high * slices_of(wide).count();
    let fits = u16::try_from(picture.width).is_ok() && u16::try_from(picture.height).is_ok();
    if !fits || u16::try_from(slices).is_err() {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("{}x{} is too large for ProRes", picture.width, picture.height),
        )
        .doing("encoding a movie frame")
        .advice("choose a smaller proxy"));
    }
    let limit = limit(picture.width, picture.height);
    // A little less than there is, so that the estimate is seldom too fine.
    let mut index = estimated_index(picture, level, slices, limit - limit / 32);
    loop {
        let packet = encode_at(picture, rate, level, index);
        if packet.len() as u64 <= limit || index == COARSEST {
            return Ok(packet);
        }
        // The estimate was too fine.
        index += index.div_ceil(16).min(COARSEST - index);
    }
}

/// The finest index at which some of the slices say that all will keep to `limit`.
fn estimated_index(picture: &Picture422, level: Level, slices: usize, limit: u64) -> u32 {
    let sampled = |index| {
        let mut slice_of = SliceEncoder::new(picture, level, index);
        // An odd step, so that samples do not lie in columns.
        let sample = slices_at(picture).step_by(SAMPLED.min(slices.div_ceil(32) | 1));
        let (mut bytes, mut count, mut out) = (0, 0, Vec::new());
        for at in sample {
            out.clear();
            out = slice_of.encode(at, out);
            bytes += out.len() as u64 + 2;
            count += 1;
        }
        HEADERS + bytes * slices as u64 / count.max(1)
    };
    if sampled(FINEST) <= limit {
        return FINEST;
    }
    let (mut too_fine, mut fits) = (FINEST, COARSEST);
    while fits - too_fine > 1 {
        let between = (f64::from(too_fine) * f64::from(fits)).sqrt().round() as u32;
        let between = between.clamp(too_fine + 1, fits - 1);
        if sampled(between) <= limit { fits = between } else { too_fine = between }
    }
    fits
}

/// The most bytes of a packet.
fn limit(width: usize, height: usize) -> u64 {
    let macroblocks = width.div_ceil(SIDE) * height.div_ceil(SIDE);
    HEADERS + BITS_PER_MACROBLOCK * macroblocks.max(FEWEST_MACROBLOCKS) as u64 / 8
}

/// Bytes of the headers of frame and picture.
const HEADERS: u64 = 8 + 20 + 2 * 64 + 8;

/// Where the slices of a row of `wide` macroblocks begin, and how many each has: eight, and at the end as many as
/// remain in powers of two (RDD 36, 6.2.1).
fn slices_of(wide: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = wide - at;
        let n = if rest >= SLICE { SLICE } else { 1 << rest.checked_ilog2()? };
        at += n;
        Some((at - n, n))
    })
}

/// The packet with coefficients divided by the scale of `index`.
fn encode_at(picture: &Picture422, rate: Rate, level: Level, index: u32) -> Vec<u8> {
    let slices = slices_at(picture).count();
    let mut out = Vec::with_capacity(slices * 256);
    frame_header(picture, rate, &mut out);

    // Picture header (RDD 36, 5.2.1): 8 bytes, slices of at most 2^3 macroblocks.
    let picture_at = out.len();
    let [s1, s0] = (slices as u16).to_be_bytes();
    out.extend([8 << 3, 0, 0, 0, 0, s1, s0, 3 << 4]);
    let table_at = out.len();
    out.resize(table_at + 2 * slices, 0);

    let mut encoder = SliceEncoder::new(picture, level, index);
    for (i, at) in slices_at(picture).enumerate() {
        let before = out.len();
        out = encoder.encode(at, out);
        let size = (out.len() - before) as u16;
        out[table_at + 2 * i..][..2].copy_from_slice(&size.to_be_bytes());
    }
    let picture_size = (out.len() - picture_at) as u32;
    out[picture_at + 1..][..4].copy_from_slice(&picture_size.to_be_bytes());
    let frame_size = out.len() as u32;
    out[..4].copy_from_slice(&frame_size.to_be_bytes());
    out
}

/// Where a slice lies, in macroblocks: row, first column, how many.
type SliceAt = (usize, usize, usize);

/// All slices, row by row.
fn slices_at(picture: &Picture422) -> impl Iterator<Item = SliceAt> {
    let (wide, high) = (picture.width.div_ceil(SIDE), picture.height.div_ceil(SIDE));
    (0..high).flat_map(move |row| slices_of(wide).map(move |(first, n)| (row, first, n)))
}

/// Makes slices of a picture at one scale.
struct SliceEncoder<'a> {
    picture: &'a Picture422,
    level: Level,
    index: u32,
    luma: Scale,
    chroma: Scale,
    tile: Tile,
}

impl<'a> SliceEncoder<'a> {
    fn new(picture: &'a Picture422, level: Level, index: u32) -> Self {
        let (luma, chroma) = (Scale::new(&LUMA, index), Scale::new(&CHROMA, index));
        Self { picture, level, index, luma, chroma, tile: Tile::default() }
    }

    /// Adds the slice to `out`.
    fn encode(&mut self, (row, first, macroblocks): SliceAt, mut out: Vec<u8>) -> Vec<u8> {
        let (p, tile) = (self.picture, &mut self.tile);
        let at = out.len();
        // Slice header (RDD 36, 5.3.1): 6 bytes, the scale, the bytes of luma and of blue difference.
        out.extend([6 << 3, self.index as u8, 0, 0, 0, 0]);
        let mut writer = BitWriter::new(out);
        tile.luma(self.level, &p.y, p.width, (first * SIDE, row * SIDE), &self.luma);
        entropy::component(tile, macroblocks * LUMA_BLOCKS, &mut writer);
        let mut ends = [writer.align(), 0, 0];
        for (plane, end) in [&p.cb, &p.cr].into_iter().zip(&mut ends[1..]) {
            tile.chroma(self.level, plane, p.width / 2, (first * SIDE / 2, row * SIDE), &self.chroma);
            entropy::component(tile, macroblocks * CHROMA_BLOCKS, &mut writer);
            *end = writer.align();
        }
        let mut out = writer.finish();
        for (field, size) in [(2, ends[0] - at - 6), (4, ends[1] - ends[0])] {
            out[at + field..][..2].copy_from_slice(&(size as u16).to_be_bytes());
        }
        out
    }
}

/// Frame header (RDD 36, 5.1.1): 4:2:2, progressive, no alpha, both matrices.
fn frame_header(picture: &Picture422, rate: Rate, out: &mut Vec<u8>) {
    const SIZE: u16 = 20 + 2 * 64;
    // The frame's size comes at the end.
    out.extend([0; 4]);
    out.extend(*b"icpf");
    out.extend(SIZE.to_be_bytes());
    out.extend([0, 0]);
    out.extend(*b"rush");
    // `encode` has seen that the sides fit.
    out.extend((picture.width as u16).to_be_bytes());
    out.extend((picture.height as u16).to_be_bytes());
    let [primaries, transfer, matrix] = picture.coding.codes();
    out.extend([0x80, rate_code(rate), primaries, transfer, matrix, 0, 0, 3]);
    out.extend(LUMA);
    out.extend(CHROMA);
}

/// RDD 36, table 4; 0 where the rate is none of the listed.
fn rate_code(rate: Rate) -> u8 {
    const LISTED: [(u32, u32); 11] = [
        (24_000, 1001),
        (24, 1),
        (25, 1),
        (30_000, 1001),
        (30, 1),
        (50, 1),
        (60_000, 1001),
        (60, 1),
        (100, 1),
        (120_000, 1001),
        (120, 1),
    ];
    LISTED.iter().position(|&listed| listed == (rate.num(), rate.den())).map_or(0, |i| i as u8 + 1)
}

/// The quantisation matrices of 422 Proxy, as its files carry them; row by row.
#[rustfmt::skip]
const LUMA: [u8; 64] = [
     4,  7,  9, 11, 13, 14, 15, 63,
     7,  7, 11, 12, 14, 15, 63, 63,
     9, 11, 13, 14, 15, 63, 63, 63,
    11, 11, 13, 14, 63, 63, 63, 63,
    11, 13, 14, 63, 63, 63, 63, 63,
    13, 14, 63, 63, 63, 63, 63, 63,
    13, 63, 63, 63, 63, 63, 63, 63,
    63, 63, 63, 63, 63, 63, 63, 63,
];
#[rustfmt::skip]
const CHROMA: [u8; 64] = [
     4,  7,  9, 11, 13, 14, 63, 63,
     7,  7, 11, 12, 14, 63, 63, 63,
     9, 11, 13, 14, 63, 63, 63, 63,
    11, 11, 13, 14, 63, 63, 63, 63,
    11, 13, 14, 63, 63, 63, 63, 63,
    13, 14, 63, 63, 63, 63, 63, 63,
    13, 63, 63, 63, 63, 63, 63, 63,
    63, 63, 63, 63, 63, 63, 63, 63,
];

#[cfg(test)]
mod tests;
