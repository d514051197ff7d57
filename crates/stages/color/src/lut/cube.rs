//! Reading .cube files (Adobe, "Cube LUT Specification", version 1.0, 2013, and the Iridas and
//! Resolve dialects: `LUT_1D_INPUT_RANGE`, `LUT_3D_INPUT_RANGE`, a 1D table before a 3D one).

use std::path::Path;

use rushes_core::media::Digest;
use rushes_core::simd::Level;
use rushes_core::stage::DeviceWork;
use rushes_core::{Error, ErrorKind, Result, storage};

use super::Interpolation;
use super::table::{Table1d, Table3d};

/// The largest 1D table (Adobe: 65,536).
const MOST_1D: usize = 65_536;
/// The largest 3D table. Adobe allows 256, which nobody writes and is 200 MB.
const MOST_3D: usize = 129;
/// The largest file: a table of 129 x 129 x 129 rows of 60 characters.
const MOST_BYTES: u64 = 160 << 20;

/// A look-up table: 1D, 3D, or 1D followed by 3D.
#[derive(Debug, Clone, PartialEq)]
pub struct Cube {
    /// The file's title, if it has one.
    pub title: Option<String>,
    one: Option<Table1d>,
    three: Option<Table3d>,
}

impl Cube {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, with the line that makes no sense.
    pub fn read(path: &Path) -> Result<(Self, Digest)> {
        let read = || {
            if storage::stat(path)?.bytes > MOST_BYTES {
                return Err(bad(format!("it is larger than {} MiB", MOST_BYTES >> 20)));
            }
            let bytes = storage::read_whole(path, MOST_BYTES)?;
            // Titles are written in any encoding; the rest is ASCII.
            Ok((Self::parse(&String::from_utf8_lossy(&bytes))?, Digest::xxh64(&bytes)))
        };
        read().map_err(|e| e.doing("reading a LUT").path(path))
    }

    /// From the text of a file.
    ///
    /// # Errors
    /// With the line that makes no sense.
    pub fn parse(text: &str) -> Result<Self> {
        let mut p = Parsed::default();
        // Some editors put a byte order mark before the first keyword.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (i, line) in text.lines().enumerate() {
            p.line(line.trim()).map_err(|what| bad(format!("line {}: {what}", i + 1)))?;
        }
        p.finish().map_err(bad)
    }

    /// Rows of pixels in place, each as [`Cube::look_up`] has it.
    pub fn look_up_rows(&self, level: Level, [r, g, b]: [&mut [f32]; 3], how: Interpolation) {
        if let (None, Some(table), Interpolation::Tetrahedral) = (&self.one, &self.three, how) {
            return table.tetrahedral(level, [r, g, b]);
        }
        for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
            [*r, *g, *b] = self.look_up([*r, *g, *b], how);
        }
    }

    /// `work` with the tables. Words, for the 1D table and for the 3D one: points (a side), 0 where there is no such table;
    /// where red, green and blue begin; their steps per unit. Tables: the rows of the 1D table, three numbers each, with one
    /// of zeros after them (nothing where there is none); those of the 3D table, red running fastest, of four numbers each,
    /// with as many of zeros after them as the corners of the last point's cell need.
    pub(crate) fn on_device(&self, work: DeviceWork) -> DeviceWork {
        let one = self.one.as_ref().map_or(Default::default(), Table1d::parts);
        let three = self.three.as_ref().map_or(Default::default(), Table3d::parts);
        [one, three].into_iter().fold(work, |work, (size, low, per_unit, rows)| {
            work.word(size as u32).numbers(low).numbers(per_unit).table(rows)
        })
    }

    /// One pixel. Values outside the domain are taken for its nearest end.
    #[inline]
    pub fn look_up(&self, pixel: [f32; 3], how: Interpolation) -> [f32; 3] {
        let pixel = self.one.as_ref().map_or(pixel, |t| t.look_up(pixel));
        self.three.as_ref().map_or(pixel, |t| t.look_up(pixel, how))
    }
}

#[derive(Default)]
struct Parsed {
    title: Option<String>,
    size_1d: Option<usize>,
    size_3d: Option<usize>,
    min: Option<[f32; 3]>,
    max: Option<[f32; 3]>,
    range_1d: Option<[f32; 2]>,
    range_3d: Option<[f32; 2]>,
    rows: Vec<[f32; 3]>,
}

impl Parsed {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let mut words = line.split_whitespace();
        let Some(first) = words.next().filter(|w| !w.starts_with('#')) else { return Ok(()) };
        let rest: Vec<&str> = words.collect();
        match first {
            "TITLE" => self.title = Some(line[5..].trim().trim_matches('"').to_owned()),
            "LUT_1D_SIZE" => self.size_1d = Some(size(&rest, MOST_1D)?),
            "LUT_3D_SIZE" => self.size_3d = Some(size(&rest, MOST_3D)?),
            "DOMAIN_MIN" => self.min = Some(numbers(&rest)?),
            "DOMAIN_MAX" => self.max = Some(numbers(&rest)?),
            "LUT_1D_INPUT_RANGE" => self.range_1d = Some(numbers(&rest)?),
            "LUT_3D_INPUT_RANGE" => self.range_3d = Some(numbers(&rest)?),
            // Resolve writes it into files for monitors; it says nothing about the numbers here.
            "LUT_IN_VIDEO_RANGE" | "LUT_OUT_VIDEO_RANGE" => return Err(format!("{first} is not handled")),
            _ if first.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                return Err(format!("`{first}` is not a keyword of .cube files"));
            }
            _ => {
                let most = self.size_1d.unwrap_or(0) + self.size_3d.map_or(0, |n| n * n * n);
                if self.rows.len() >= most {
                    return Err(if most == 0 {
                        "numbers before the size".into()
                    } else {
                        format!("more than {most} rows")
                    });
                }
                let all: Vec<&str> = std::iter::once(first).chain(rest).collect();
                self.rows.push(numbers(&all)?);
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Cube, String> {
        let (n1, n3) = (self.size_1d.unwrap_or(0), self.size_3d.map_or(0, |n| n * n * n));
        if n1 + n3 == 0 {
            return Err("there is neither LUT_1D_SIZE nor LUT_3D_SIZE in it".into());
        }
        if self.rows.len() != n1 + n3 {
            return Err(format!("it has {} rows, its size says {}", self.rows.len(), n1 + n3));
        }
        let domain = |range: Option<[f32; 2]>| {
            let [low, high] = range.unwrap_or([0.0, 1.0]);
            [self.min.unwrap_or([low; 3]), self.max.unwrap_or([high; 3])]
        };
        let (d1, d3) = (domain(self.range_1d), domain(self.range_3d));
        if [d1, d3].iter().any(|[low, high]| low.iter().zip(high).any(|(l, h)| l >= h)) {
            return Err("its domain is empty".into());
        }
        let mut rows = self.rows;
        let three = rows.split_off(n1);
        Ok(Cube {
            title: self.title,
            one: (n1 > 0).then(|| Table1d::new(rows, d1)),
            three: self.size_3d.map(|size| Table3d::new(size, three.into_iter(), d3)),
        })
    }
}

fn size(words: &[&str], most: usize) -> Result<usize, String> {
    let n = match words {
        [n] => n.parse::<usize>().ok(),
        _ => None,
    };
    n.filter(|n| (2..=most).contains(n))
        .ok_or_else(|| format!("a size from 2 to {most} is expected, not `{}`", words.join(" ")))
}

fn numbers<const N: usize>(words: &[&str]) -> Result<[f32; N], String> {
    let wrong = || format!("{N} numbers are expected, not `{}`", words.join(" ").chars().take(60).collect::<String>());
    let all: Vec<f32> = words.iter().map(|w| w.parse::<f32>()).collect::<Result<_, _>>().map_err(|_| wrong())?;
    all.try_into().ok().filter(|a: &[f32; N]| a.iter().all(|v| v.is_finite())).ok_or_else(wrong)
}

fn bad(what: String) -> Error {
    Error::new(ErrorKind::Invalid, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CUBE: &str = "\u{feff}# made by hand\nTITLE \"warm \"\nLUT_3D_SIZE 2\nDOMAIN_MIN 0 0 0\nDOMAIN_MAX 2 2 2\n\
        0 0 0\n1 0 0.25\n0 1 0\n1 1 0\n0 0 1\n1 0.5 1\n0 1 1\n1 1 1\n";

    #[test]
    fn red_runs_fastest_and_the_domain_counts() {
        let cube = Cube::parse(CUBE).unwrap();
        assert_eq!(cube.title.as_deref(), Some("warm "));
        for how in [Interpolation::Tetrahedral, Interpolation::Trilinear] {
            assert_eq!(cube.look_up([2.0, 0.0, 0.0], how), [1.0, 0.0, 0.25]);
            assert_eq!(cube.look_up([2.0, 0.0, 2.0], how), [1.0, 0.5, 1.0]);
            assert_eq!(cube.look_up([-9.0, 99.0, 0.0], how), [0.0, 1.0, 0.0]);
            assert_eq!(cube.look_up([1.0, 0.0, 0.0], how), [0.5, 0.0, 0.125]);
        }
    }

    #[test]
    fn the_two_interpolations_agree_with_opencolorio() {
        // OpenColorIO 2.6.0: a Lut3DTransform of size 3 whose nodes are r*r, 0.5*g + 0.25*r*b, 1 - b*b*g.
        let mut text = String::from("LUT_3D_SIZE 3\n");
        for b in [0.0f32, 0.5, 1.0] {
            for g in [0.0f32, 0.5, 1.0] {
                for r in [0.0f32, 0.5, 1.0] {
                    text += &format!("{} {} {}\n", r * r, 0.5 * g + 0.25 * r * b, 1.0 - b * b * g);
                }
            }
        }
        let cube = Cube::parse(&text).unwrap();
        for (pixel, tetrahedral, trilinear) in super::super::golden::GOLDEN {
            for (how, want) in [(Interpolation::Tetrahedral, tetrahedral), (Interpolation::Trilinear, trilinear)] {
                for (v, w) in cube.look_up(pixel, how).iter().zip(want) {
                    assert!((v - w).abs() < 1e-6, "{pixel:?} {how:?}: {v}, not {w}");
                }
            }
        }
    }

    #[test]
    fn a_1d_table_is_looked_up_by_channel() {
        let cube = Cube::parse("LUT_1D_SIZE 3\nLUT_1D_INPUT_RANGE -1 1\n0 0 0\n0.5 0.25 1\n1 1 1\n").unwrap();
        assert_eq!(cube.look_up([0.0, 0.0, 0.0], Interpolation::default()), [0.5, 0.25, 1.0]);
        assert_eq!(cube.look_up([0.5, -0.5, -7.0], Interpolation::default()), [0.75, 0.125, 0.0]);
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let error = |text: &str| Cube::parse(text).unwrap_err().to_string();
        assert_eq!(error("LUT_3D_SIZE 2\n0 0\n"), "line 2: 3 numbers are expected, not `0 0`");
        assert_eq!(error("LUT_3D_SIZE 2\n0 0 x\n"), "line 2: 3 numbers are expected, not `0 0 x`");
        assert_eq!(error("LUT_3D_SIZE 999\n"), "line 1: a size from 2 to 129 is expected, not `999`");
        assert_eq!(error("0 0 0\n"), "line 1: numbers before the size");
        assert_eq!(error("LUT_4D_SIZE 2\n"), "line 1: `LUT_4D_SIZE` is not a keyword of .cube files");
        assert_eq!(error("LUT_1D_SIZE 2\n0 0 0\n"), "it has 1 rows, its size says 2");
        assert_eq!(error("LUT_1D_SIZE 2\nDOMAIN_MAX 0 1 1\n0 0 0\n1 1 1\n"), "its domain is empty");
        assert_eq!(error(""), "there is neither LUT_1D_SIZE nor LUT_3D_SIZE in it");
    }

    proptest! {
        #[test]
        fn any_text_is_an_answer(text in "(LUT_[13]D_SIZE [0-9]{1,3}\n)?([0-9. -]{0,12}\n){0,12}") {
            let _ = Cube::parse(&text);
        }

        #[test]
        fn any_value_is_an_answer(pixel in proptest::array::uniform3(proptest::num::f32::ANY)) {
            let cube = Cube::parse(CUBE).unwrap();
            for how in [Interpolation::Tetrahedral, Interpolation::Trilinear] {
                prop_assert!(cube.look_up(pixel, how).iter().all(|v| (0.0..=1.0).contains(v)));
            }
        }
    }
}
