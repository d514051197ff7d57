//! Stills read and made small.

use std::io::{Cursor, Read as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use rushes_core::media::open_original;
use rushes_core::{Error, ErrorKind, Result};
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// The longest side of a still that is read, pixels: twice the widest cinema sensor.
const LONGEST_SIDE: usize = 1 << 15;
/// The most pixels of a still that is read.
const MOST_PIXELS: usize = 200_000_000;
/// The largest file that is taken for a still.
const MOST_BYTES: u64 = 1 << 30;
/// Of 1 to 100. Thumbnails are looked at, not graded.
const QUALITY: u8 = 80;

/// A picture of interleaved 8-bit R, G, B, rows from the top; neither side is zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) rgb: Vec<u8>,
}

impl Picture {
    /// Reads a JPEG or PNG file, known by its content.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let doing = "reading a still for the report";
        let io = |e| Error::io(path, e).doing(doing);
        let file = open_original(path).map_err(|e| e.doing(doing))?;
        let size = file.size().map_err(io)?;
        if size > MOST_BYTES {
            return Err(Error::new(ErrorKind::Unsupported, format!("{size} bytes are no still"))
                .doing(doing)
                .path(path));
        }
        let mut bytes = Vec::new();
        file.take(MOST_BYTES).read_to_end(&mut bytes).map_err(io)?;
        // A foreign decoder that panics on damage costs one picture, not the report.
        catch_unwind(AssertUnwindSafe(|| Self::decode(&bytes)))
            .unwrap_or_else(|_| Err(Error::new(ErrorKind::Panicked, "the decoder gave up")))
            .map_err(|e| e.doing(doing).path(path))
    }

    /// The picture in `bytes`.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        match bytes {
            [0xff, 0xd8, ..] => jpeg(bytes),
            [0x89, b'P', b'N', b'G', ..] => png(bytes),
            [] => Err(bad("the file is empty")),
            _ => Err(bad("neither JPEG nor PNG")),
        }
    }

    /// The picture no wider than `width` and no higher than `height`, averaged over area, in
    /// proportion. A smaller one stays as it is.
    ///
    /// Averages are taken of the display's code values, as thumbnails usually are, and in f32
    /// without library functions, so that all machines agree to the bit.
    pub(crate) fn fit(&self, width: usize, height: usize) -> Self {
        let (w, h) = (self.width, self.height);
        if w <= width && h <= height {
            return self.clone();
        }
        // The tighter of the two sides decides; rounded to the nearest pixel.
        let (to_w, to_h) = if w * height >= h * width {
            (width, ((h * width * 2 + w) / (w * 2)).max(1))
        } else {
            (((w * height * 2 + h) / (h * 2)).max(1), height)
        };
        let (across, down) = (weights(w, to_w), weights(h, to_h));
        let mut sums = vec![0f32; w * 3];
        let mut rgb = Vec::with_capacity(to_w * to_h * 3);
        for (top, column) in &down {
            sums.fill(0.0);
            for (y, weight) in column.iter().enumerate() {
                let row = &self.rgb[(top + y) * w * 3..][..w * 3];
                for (sum, v) in sums.iter_mut().zip(row) {
                    *sum += f32::from(*v) * weight;
                }
            }
            for (left, row) in &across {
                let mut mean = [0.5f32; 3];
                for (pixel, weight) in sums[left * 3..].chunks_exact(3).zip(row) {
                    for (mean, v) in mean.iter_mut().zip(pixel) {
                        *mean += v * weight;
                    }
                }
                rgb.extend(mean.map(|v| v as u8));
            }
        }
        Self { width: to_w, height: to_h, rgb }
    }

    /// As a baseline JPEG file; sides beyond 65,535 are refused.
    pub(crate) fn jpeg(&self) -> Result<Vec<u8>> {
        let too_large = || Error::new(ErrorKind::Unsupported, format!("{}x{} in a JPEG", self.width, self.height));
        let width = u16::try_from(self.width).map_err(|_| too_large())?;
        let height = u16::try_from(self.height).map_err(|_| too_large())?;
        let mut out = Vec::new();
        jpeg_encoder::Encoder::new(&mut out, QUALITY)
            .encode(&self.rgb, width, height, jpeg_encoder::ColorType::Rgb)
            .map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()).doing("making a thumbnail"))?;
        Ok(out)
    }
}

/// For each pixel of a side that shrinks from `from` to `to`: the first source pixel and the
/// weights of it and those after it, which add up to one.
///
/// Pixel `i` covers `i * from / to .. (i + 1) * from / to`, counted in 1/to of a source pixel:
/// whole numbers, so that nothing is lost between neighbours.
fn weights(from: usize, to: usize) -> Vec<(usize, Vec<f32>)> {
    let covered = |i: usize| {
        let (start, end) = (i * from, (i + 1) * from);
        let first = start / to;
        let part = |p: usize| ((p + 1) * to).min(end) - (p * to).max(start);
        (first, (first..end.div_ceil(to)).map(|p| part(p) as f32 / from as f32).collect())
    };
    (0..to).map(covered).collect()
}

fn bad(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadMedia, detail)
}

fn checked_size(width: usize, height: usize) -> Result<usize> {
    if width == 0 || height == 0 {
        return Err(bad("a side of the picture is zero"));
    }
    let pixels = width.checked_mul(height).filter(|&n| n <= MOST_PIXELS);
    pixels
        .filter(|_| width.max(height) <= LONGEST_SIDE)
        .ok_or_else(|| Error::new(ErrorKind::Unsupported, format!("{width}x{height} pixels are more than a still has")))
}

fn jpeg(bytes: &[u8]) -> Result<Picture> {
    let options = DecoderOptions::default()
        .set_max_width(LONGEST_SIDE)
        .set_max_height(LONGEST_SIDE)
        .set_strict_mode(true)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let broken = |e: zune_jpeg::errors::DecodeErrors| bad(format!("the JPEG is damaged: {e}"));
    decoder.decode_headers().map_err(broken)?;
    let (width, height) = decoder.dimensions().ok_or_else(|| bad("the JPEG has no size"))?;
    let pixels = checked_size(width, height)?;
    let rgb = decoder.decode().map_err(broken)?;
    if rgb.len() != pixels * 3 {
        return Err(bad("the JPEG has another number of pixels than it says"));
    }
    Ok(Picture { width, height, rgb })
}

fn png(bytes: &[u8]) -> Result<Picture> {
    let broken = |e: png::DecodingError| bad(format!("the PNG is damaged: {e}"));
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(broken)?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    let pixels = checked_size(width, height)?;
    let size = reader.output_buffer_size().ok_or_else(|| bad("the PNG is too large"))?;
    let mut data = vec![0; size];
    let info = reader.next_frame(&mut data).map_err(broken)?;
    data.truncate(info.buffer_size());
    let channels = info.color_type.samples();
    if data.len() != pixels * channels {
        return Err(bad("the PNG has another number of pixels than it says"));
    }
    let rgb = match channels {
        3 => data,
        1 | 2 => data.chunks_exact(channels).flat_map(|p| [p[0]; 3]).collect(),
        _ => data.chunks_exact(channels).flat_map(|p| [p[0], p[1], p[2]]).collect(),
    };
    Ok(Picture { width, height, rgb })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: usize, height: usize, pixel: impl Fn(usize, usize) -> [u8; 3]) -> Picture {
        let rgb = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y)).collect();
        Picture { width, height, rgb }
    }

    fn as_png(p: &Picture, depth: png::BitDepth) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, p.width as u32, p.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(depth);
        let data: Vec<u8> = match depth {
            png::BitDepth::Sixteen => p.rgb.iter().flat_map(|&v| [v, 0x7f]).collect(),
            _ => p.rgb.clone(),
        };
        encoder.write_header().unwrap().write_image_data(&data).unwrap();
        out
    }

    #[test]
    fn area_averages_are_those_of_pen_and_paper() {
        // 4x2 to 2x1: means of 2x2 blocks. 10+20+30+40 = 100/4 = 25; 0+0+255+255 = 127.5, rounded to 128.
        let values = [[10u8, 20, 0, 0], [30, 40, 255, 255]];
        let small = picture(4, 2, |x, y| [values[y][x]; 3]).fit(2, 9);
        assert_eq!((small.width, small.height), (2, 1));
        assert_eq!(small.rgb, [25, 25, 25, 128, 128, 128]);
        // 3x1 to 2x1: each output covers one and a half pixels: (30 + 60/2) / 1.5 = 40, (60/2 + 90) / 1.5 = 80.
        let small = picture(3, 1, |x, _| [30 * (x as u8 + 1); 3]).fit(2, 2);
        assert_eq!(small.rgb, [40, 40, 40, 80, 80, 80]);
    }

    #[test]
    fn proportions_stay_and_nothing_grows() {
        let wide = picture(1920, 804, |_, _| [7, 8, 9]).fit(384, 384);
        // 804 * 384 / 1920 = 160.8
        assert_eq!((wide.width, wide.height), (384, 161));
        assert!(wide.rgb.chunks_exact(3).all(|p| p == [7, 8, 9]), "a flat picture stays flat");
        let tall = picture(10, 400, |_, _| [0; 3]).fit(384, 100);
        assert_eq!((tall.width, tall.height), (3, 100));
        let sliver = picture(5000, 1, |_, _| [9; 3]).fit(384, 384);
        assert_eq!((sliver.width, sliver.height), (384, 1));
        let small = picture(8, 8, |x, y| [x as u8, y as u8, 0]);
        assert_eq!(small.fit(384, 384), small);
    }

    #[test]
    fn png_of_both_depths_and_jpeg_are_read() {
        let p = picture(64, 32, |x, y| [x as u8 * 4, y as u8 * 8, 128]);
        for depth in [png::BitDepth::Eight, png::BitDepth::Sixteen] {
            assert_eq!(Picture::decode(&as_png(&p, depth)).unwrap(), p, "{depth:?}");
        }
        let read = Picture::decode(&p.jpeg().unwrap()).unwrap();
        assert_eq!((read.width, read.height), (64, 32));
        let far = read.rgb.iter().zip(&p.rgb).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(far <= 24, "{far} codes away after a JPEG of quality {QUALITY} with halved colour");
    }

    #[test]
    fn damage_and_size_are_told() {
        let p = picture(64, 64, |x, y| [(x * y) as u8; 3]);
        let png = as_png(&p, png::BitDepth::Eight);
        let told = |bytes: &[u8]| Picture::decode(bytes).unwrap_err().to_string();
        assert_eq!(told(b""), "the file is empty");
        assert_eq!(told(b"GIF89a"), "neither JPEG nor PNG");
        assert!(told(&png[..png.len() / 2]).starts_with("the PNG is damaged"), "{}", told(&png[..png.len() / 2]));
        assert!(told(&p.jpeg().unwrap()[..40]).starts_with("the JPEG is damaged"));
        // A PNG of 60,000 x 60,000: refused for its size, not tried.
        let mut huge = png.clone();
        huge[16..20].copy_from_slice(&60_000u32.to_be_bytes());
        huge[20..24].copy_from_slice(&60_000u32.to_be_bytes());
        assert!(Picture::decode(&huge).is_err());
        assert!(checked_size(60_000, 60_000).unwrap_err().to_string().contains("more than a still has"));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(head in 0usize..3, tail in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let mut bytes = [&[0xff, 0xd8, 0xff][..], &[0x89, b'P', b'N', b'G', 13, 10, 26, 10][..], &[][..]][head].to_vec();
            bytes.extend(tail);
            let _ = Picture::decode(&bytes);
        }

        #[test]
        fn averages_stay_within_what_they_average(w in 1usize..40, h in 1usize..40, to in 1usize..20, seed in 0u8..255) {
            let p = picture(w, h, |x, y| [((x * 31 + y * 17) as u8).wrapping_add(seed).clamp(10, 200); 3]);
            let small = p.fit(to, to);
            proptest::prop_assert!(small.width <= to.max(1) && small.height <= to.max(1));
            proptest::prop_assert!(small.rgb.iter().all(|v| (10..=200).contains(v)));
        }
    }
}
