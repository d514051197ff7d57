//! Waveform, parade and histogram of a finished picture.
//!
//! They measure the still's own 8-bit code values, that is the display's after the output
//! transform: 0 % is code 0 and 100 % is code 255, as in a full-range RGB picture.

mod draw;

pub(crate) use draw::{HEIGHT, WIDTH};

use crate::picture::Picture;

/// Rows of a trace; each takes two neighbouring code values.
const ROWS: usize = 128;
/// Bins of a histogram; each takes two neighbouring code values.
const BINS: usize = 128;

/// Luma of BT.709 code values, rounded: 0.2126 R' + 0.7152 G' + 0.0722 B' (ITU-R BT.709-6, item 3.2).
fn luma(r: u8, g: u8, b: u8) -> u8 {
    // The weights add up to 10,000: the result is at most 255.
    ((2126 * u32::from(r) + 7152 * u32::from(g) + 722 * u32::from(b) + 5000) / 10_000) as u8
}

/// How often each level occurs in each column of a picture: `columns` x [`ROWS`], column by
/// column, the darkest level first.
#[derive(Debug, PartialEq, Eq)]
struct Trace {
    columns: usize,
    counts: Vec<u32>,
    /// Pixels that fell into each column.
    pixels: Vec<u32>,
}

impl Trace {
    fn new(columns: usize) -> Self {
        Self { columns, counts: vec![0; columns * ROWS], pixels: vec![0; columns] }
    }

    fn add(&mut self, column: usize, code: u8) {
        self.counts[column * ROWS + usize::from(code / 2)] += 1;
        self.pixels[column] += 1;
    }

    /// How bright the trace is there, of 0 to `steps - 1`; never 0 where anything is.
    ///
    /// c / (c + n / 64) for c of a column's n pixels: a flat area is bright and a single pixel
    /// is still seen, in whole numbers.
    fn brightness(&self, column: usize, row: usize, steps: u64) -> u8 {
        let (c, n) = (u64::from(self.counts[column * ROWS + row]), u64::from(self.pixels[column]));
        if c == 0 {
            return 0;
        }
        ((64 * c * (steps - 1) / (64 * c + n)).max(1)) as u8
    }
}

/// What the scopes of one picture show.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Scopes {
    /// Luma over the whole width.
    luma: Trace,
    /// R, G and B, each over the whole width in a third of the columns.
    parade: [Trace; 3],
    /// R, G, B, luma: how many pixels in each bin.
    histogram: [[u64; BINS]; 4],
    pixels: u64,
    /// Pixels with a channel at code 0.
    at_black: u64,
    /// Pixels with a channel at code 255.
    at_white: u64,
}

impl Scopes {
    /// Measures a picture; every pixel counts.
    pub(crate) fn of(picture: &Picture) -> Self {
        Self::with_columns(picture, draw::COLUMNS)
    }

    fn with_columns(picture: &Picture, columns: usize) -> Self {
        let third = (columns / 3).max(1);
        let mut s = Self {
            luma: Trace::new(columns),
            parade: std::array::from_fn(|_| Trace::new(third)),
            histogram: [[0; BINS]; 4],
            pixels: (picture.width * picture.height) as u64,
            at_black: 0,
            at_white: 0,
        };
        for row in picture.rgb.chunks_exact(picture.width * 3) {
            for (x, pixel) in row.chunks_exact(3).enumerate() {
                let (wide, narrow) = (x * columns / picture.width, x * third / picture.width);
                let y = luma(pixel[0], pixel[1], pixel[2]);
                s.luma.add(wide, y);
                s.histogram[3][usize::from(y / 2)] += 1;
                for (i, &v) in pixel.iter().enumerate() {
                    s.parade[i].add(narrow, v);
                    s.histogram[i][usize::from(v / 2)] += 1;
                }
                s.at_black += u64::from(pixel.contains(&0));
                s.at_white += u64::from(pixel.contains(&255));
            }
        }
        s
    }

    /// The highest bin of all channels but for the two ends, which clipping would fill.
    fn tallest(&self) -> u64 {
        let all = || self.histogram.iter();
        let inner = all().flat_map(|h| &h[1..BINS - 1]).max().copied().unwrap_or(0);
        if inner > 0 { inner } else { all().flatten().max().copied().unwrap_or(0).max(1) }
    }

    /// The three scopes side by side as one SVG file of [`WIDTH`] x [`HEIGHT`]; `frame`
    /// is the one they measure.
    pub(crate) fn svg(&self, frame: i64) -> rushes_core::Result<String> {
        draw::svg(self, frame)
    }
}

/// Tenths of a percent, rounded, so that a single pixel of many still shows as `<0.1 %`.
fn share(part: u64, of: u64) -> String {
    if part == 0 || of == 0 {
        return "0 %".into();
    }
    let tenths = (u128::from(part) * 2000 / u128::from(of)).div_ceil(2);
    if u128::from(part) * 1000 < u128::from(of) {
        "<0.1 %".into()
    } else {
        format!("{}.{} %", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luma_is_bt709s() {
        // 0.2126 * 255 = 54.2, 0.7152 * 255 = 182.4, 0.0722 * 255 = 18.4.
        assert_eq!([luma(255, 0, 0), luma(0, 255, 0), luma(0, 0, 255)], [54, 182, 18]);
        assert_eq!([luma(0, 0, 0), luma(128, 128, 128), luma(255, 255, 255)], [0, 128, 255]);
    }

    #[test]
    fn scopes_of_six_pixels_by_hand() {
        // Left: red, black. Middle: mid grey twice. Right: white, blue.
        let rgb = [[255, 0, 0], [128, 128, 128], [255, 255, 255], [0, 0, 0], [128, 128, 128], [0, 0, 255]];
        let picture = Picture { width: 3, height: 2, rgb: rgb.concat() };
        let s = Scopes::with_columns(&picture, 3);

        let mut luma = Trace::new(3);
        luma.pixels = vec![2, 2, 2];
        for (column, code, n) in [(0, 54, 1), (0, 0, 1), (1, 128, 2), (2, 255, 1), (2, 18, 1)] {
            luma.counts[column * ROWS + code / 2] += n;
        }
        assert_eq!(s.luma, luma);

        // One column each: all six pixels in it.
        assert_eq!(s.parade[0].pixels, [6]);
        let red: Vec<_> =
            s.parade[0].counts.iter().enumerate().filter(|(_, n)| **n > 0).map(|(i, n)| (i, *n)).collect();
        assert_eq!(red, [(0, 2), (64, 2), (127, 2)]);
        let blue: Vec<_> = s.histogram[2].iter().enumerate().filter(|(_, n)| **n > 0).map(|(i, n)| (i, *n)).collect();
        assert_eq!(blue, [(0, 2), (64, 2), (127, 2)]);

        assert_eq!(s.histogram[3].iter().sum::<u64>(), 6);
        // Red, black and blue have a channel at 0; red, white and blue one at 255.
        assert_eq!((s.at_black, s.at_white, s.pixels), (3, 3, 6));
        // The ends are not the measure: the two grey pixels are.
        assert_eq!(s.tallest(), 2);
    }

    #[test]
    fn brightness_grows_with_the_count_and_never_hides_a_pixel() {
        let mut t = Trace::new(1);
        for _ in 0..1079 {
            t.add(0, 100);
        }
        t.add(0, 200);
        assert_eq!(t.brightness(0, 100, 16), 1, "one pixel of 1080");
        assert_eq!(t.brightness(0, 50, 16), 14, "64 * 1079 * 15 / (64 * 1079 + 1080) = 14.8");
        assert_eq!(t.brightness(0, 0, 16), 0);
    }

    #[test]
    fn shares_are_rounded_but_never_to_nothing() {
        let shares = [(0, 10), (1, 10_000), (1, 1000), (1, 3), (10, 10), (1, 0)].map(|(a, b)| share(a, b));
        assert_eq!(shares, ["0 %", "<0.1 %", "0.1 %", "33.3 %", "100.0 %", "0 %"]);
    }

    #[test]
    fn a_picture_narrower_than_the_scope_is_measured_whole() {
        let s = Scopes::of(&Picture { width: 2, height: 1, rgb: vec![10; 6] });
        assert_eq!(s.luma.pixels.iter().sum::<u32>(), 2);
        assert!(s.svg(7).unwrap().starts_with("<svg"));
    }
}
