//! The movie box: everything but the samples.

use rushes_core::media::{Orientation, Timecode};

use super::super::facts::MovieFacts;
use super::boxes::{boxed, fixed, full, text, u16be, u32be, u64be};
use super::sample_entry;

/// Where the samples lie.
#[derive(Debug, Default)]
pub(super) struct SampleTables {
    /// Bytes of each video sample.
    pub(super) sizes: Vec<u32>,
    /// File positions of the video chunks; all hold `per_chunk` samples but the last.
    pub(super) chunks: Vec<u64>,
    /// Samples in a chunk.
    pub(super) per_chunk: u32,
    /// File position of the timecode sample.
    pub(super) timecode: u64,
}

/// The whole `moov` box.
///
/// Movie and media count in units of one `rate.num()`th of a second and a frame lasts
/// `rate.den()` of them, so that 24000/1001 is exact.
pub(super) fn moov(movie: &MovieFacts, tables: &SampleTables) -> Vec<u8> {
    let mut out = Vec::with_capacity(tables.sizes.len() * 4 + tables.chunks.len() * 8 + 4096);
    boxed(&mut out, b"moov", |b| {
        mvhd(b, movie);
        boxed(b, b"trak", |b| video(b, movie, tables));
        if let Some(start) = movie.timecode {
            boxed(b, b"trak", |b| timecode(b, movie, start, tables));
        }
        udta(b, movie);
        meta(b, movie);
    });
    out
}

const VIDEO: u32 = 1;
const TIMECODE: u32 = 2;

/// Enabled, in the movie, in its preview and in its poster (Track Header Atoms, flags).
const IN_ALL: u32 = 0xF;

/// Length of all frames, in units of the time scale.
fn duration(movie: &MovieFacts) -> u64 {
    u64::from(movie.frames) * u64::from(movie.rate.den())
}

/// A header whose times are 32-bit in version 0 and 64-bit in version 1.
fn timed(
    out: &mut Vec<u8>,
    kind: &[u8; 4],
    flags: u32,
    duration: u64,
    before: &[u32],
    after: impl FnOnce(&mut Vec<u8>),
) {
    let long = u32::try_from(duration).is_err();
    let time = |b: &mut Vec<u8>, t: u64| if long { u64be(b, t) } else { b.extend((t as u32).to_be_bytes()) };
    full(out, kind, u8::from(long), flags, |b| {
        time(b, 0); // creation
        time(b, 0); // modification
        before.iter().for_each(|v| u32be(b, *v));
        time(b, duration);
        after(b);
    });
}

fn mvhd(out: &mut Vec<u8>, movie: &MovieFacts) {
    timed(out, b"mvhd", 0, duration(movie), &[movie.rate.num()], |b| {
        fixed(b, 1); // rate
        u16be(b, 0x0100); // volume
        b.extend([0; 10]);
        matrix(b, Orientation::Normal, 0, 0);
        b.extend([0; 24]); // preview, poster, selection and current time
        u32be(b, TIMECODE + 1); // next track
    });
}

fn tkhd(out: &mut Vec<u8>, movie: &MovieFacts, track: u32, size: (u32, u32), orientation: Orientation) {
    timed(out, b"tkhd", IN_ALL, duration(movie), &[track, 0], |b| {
        b.extend([0; 8]);
        u16be(b, 0); // layer
        u16be(b, 0); // alternate group
        u16be(b, 0); // volume
        u16be(b, 0);
        matrix(b, orientation, size.0, size.1);
        fixed(b, size.0);
        fixed(b, size.1);
    });
}

/// The 3x3 matrix that turns a track upright (Track Header Atoms, "matrix"): (x, y, 1) times it.
fn matrix(out: &mut Vec<u8>, orientation: Orientation, width: u32, height: u32) {
    let (w, h) = (width as i32, height as i32);
    let [a, b, c, d, x, y] = match orientation {
        Orientation::Normal => [1, 0, 0, 1, 0, 0],
        Orientation::MirrorX => [-1, 0, 0, 1, w, 0],
        Orientation::Rotate180 => [-1, 0, 0, -1, w, h],
        Orientation::MirrorY => [1, 0, 0, -1, 0, h],
        Orientation::Transpose => [0, 1, 1, 0, 0, 0],
        Orientation::Rotate90 => [0, 1, -1, 0, h, 0],
        Orientation::Transverse => [0, -1, -1, 0, h, w],
        Orientation::Rotate270 => [0, -1, 1, 0, 0, w],
    };
    for v in [a << 16, b << 16, 0, c << 16, d << 16, 0, x << 16, y << 16, 1 << 30] {
        out.extend(v.to_be_bytes());
    }
}

fn video(out: &mut Vec<u8>, movie: &MovieFacts, tables: &SampleTables) {
    tkhd(out, movie, VIDEO, shown_size(movie), movie.orientation);
    elst(out, movie);
    if movie.timecode.is_some() {
        boxed(out, b"tref", |b| boxed(b, b"tmcd", |b| u32be(b, TIMECODE)));
    }
    boxed(out, b"mdia", |b| {
        mdhd(b, movie);
        hdlr(b, b"mhlr", b"vide");
        boxed(b, b"minf", |b| {
            full(b, b"vmhd", 0, 1, |b| {
                u16be(b, 0x40); // dither copy
                [0x8000, 0x8000, 0x8000].into_iter().for_each(|c| u16be(b, c));
            });
            hdlr(b, b"dhlr", b"url ");
            dinf(b);
            boxed(b, b"stbl", |b| {
                full(b, b"stsd", 0, 0, |b| {
                    u32be(b, 1);
                    sample_entry::apco(b, movie);
                });
                stts(b, movie.frames, movie.rate.den());
                stsc(b, tables, movie.frames);
                full(b, b"stsz", 0, 0, |b| {
                    u32be(b, 0); // sizes differ
                    u32be(b, movie.frames);
                    tables.sizes.iter().for_each(|s| u32be(b, *s));
                });
                chunk_offsets(b, &tables.chunks);
            });
        });
    });
}

/// Columns and rows of the picture when its pixels are square.
fn shown_size(movie: &MovieFacts) -> (u32, u32) {
    let (n, d) = movie.pixel_aspect.unwrap_or((1, 1));
    let width = (u64::from(movie.width) * u64::from(n) + u64::from(d) / 2) / u64::from(d);
    // The field has 16 bits before its point, and the matrix is signed.
    (width.clamp(1, 0x7FFF) as u32, u32::from(movie.height))
}

fn timecode(out: &mut Vec<u8>, movie: &MovieFacts, start: Timecode, tables: &SampleTables) {
    tkhd(out, movie, TIMECODE, (0, 0), Orientation::Normal);
    elst(out, movie);
    boxed(out, b"mdia", |b| {
        mdhd(b, movie);
        hdlr(b, b"mhlr", b"tmcd");
        boxed(b, b"minf", |b| {
            boxed(b, b"gmhd", |b| {
                full(b, b"gmin", 0, 0, |b| {
                    u16be(b, 0x40);
                    [0x8000, 0x8000, 0x8000].into_iter().for_each(|c| u16be(b, c));
                    u32be(b, 0); // balance
                });
                boxed(b, b"tmcd", |b| full(b, b"tcmi", 0, 0, counter_look));
            });
            hdlr(b, b"dhlr", b"url ");
            dinf(b);
            boxed(b, b"stbl", |b| {
                full(b, b"stsd", 0, 0, |b| {
                    u32be(b, 1);
                    sample_entry::tmcd(b, start, movie.reel.as_deref());
                });
                // One sample as long as the movie.
                stts(b, 1, u32::try_from(duration(movie)).unwrap_or(u32::MAX));
                full(b, b"stsc", 0, 0, |b| [1, 1, 1, 1].into_iter().for_each(|v| u32be(b, v)));
                full(b, b"stsz", 0, 0, |b| [4, 1].into_iter().for_each(|v| u32be(b, v)));
                chunk_offsets(b, &[tables.timecode]);
            });
        });
    });
}

/// How a player would draw the label (Timecode Media, "Timecode Media Information Atom").
fn counter_look(out: &mut Vec<u8>) {
    u16be(out, 0); // system font
    u16be(out, 0); // plain
    u16be(out, 12); // points
    u16be(out, 0);
    [0, 0, 0, 0xFFFF, 0xFFFF, 0xFFFF].into_iter().for_each(|c| u16be(out, c));
    out.push(0); // no font name
}

/// One edit: all of the media from its start at normal speed.
fn elst(out: &mut Vec<u8>, movie: &MovieFacts) {
    let length = duration(movie);
    boxed(out, b"edts", |b| {
        let short = u32::try_from(length);
        full(b, b"elst", u8::from(short.is_err()), 0, |b| {
            u32be(b, 1);
            match short {
                Ok(length) => [length, 0].into_iter().for_each(|v| u32be(b, v)),
                Err(_) => [length, 0].into_iter().for_each(|v| u64be(b, v)),
            }
            fixed(b, 1);
        });
    });
}

fn mdhd(out: &mut Vec<u8>, movie: &MovieFacts) {
    timed(out, b"mdhd", 0, duration(movie), &[movie.rate.num()], |b| {
        u16be(b, 0x7FFF); // no language
        u16be(b, 0);
    });
}

fn hdlr(out: &mut Vec<u8>, component: &[u8; 4], subtype: &[u8; 4]) {
    full(out, b"hdlr", 0, 0, |b| {
        b.extend(component);
        b.extend(subtype);
        b.extend([0; 12]);
        b.push(0); // empty Pascal string
    });
}

/// The samples are in this file.
fn dinf(out: &mut Vec<u8>) {
    boxed(out, b"dinf", |b| {
        full(b, b"dref", 0, 0, |b| {
            u32be(b, 1);
            full(b, b"url ", 0, 1, |_| {});
        });
    });
}

fn stts(out: &mut Vec<u8>, samples: u32, each: u32) {
    full(out, b"stts", 0, 0, |b| [1, samples, each].into_iter().for_each(|v| u32be(b, v)));
}

fn stsc(out: &mut Vec<u8>, tables: &SampleTables, frames: u32) {
    let per_chunk = tables.per_chunk.max(1);
    let (whole, rest) = (frames / per_chunk, frames % per_chunk);
    let mut runs = Vec::new();
    if whole > 0 {
        runs.push([1, per_chunk, 1]);
    }
    if rest > 0 {
        runs.push([whole + 1, rest, 1]);
    }
    full(out, b"stsc", 0, 0, |b| {
        u32be(b, runs.len() as u32);
        runs.concat().into_iter().for_each(|v| u32be(b, v));
    });
}

/// `stco`, or `co64` once a chunk lies beyond 4 GiB.
fn chunk_offsets(out: &mut Vec<u8>, chunks: &[u64]) {
    // Positions only grow, so that the last tells for all.
    let short = chunks.last().is_none_or(|last| u32::try_from(*last).is_ok());
    full(out, if short { b"stco" } else { b"co64" }, 0, 0, |b| {
        u32be(b, u32::try_from(chunks.len()).unwrap_or(u32::MAX));
        for at in chunks {
            if short { u32be(b, *at as u32) } else { u64be(b, *at) }
        }
    });
}

/// What older readers look for (User Data Atoms).
fn udta(out: &mut Vec<u8>, movie: &MovieFacts) {
    boxed(out, b"udta", |b| {
        let mut entry = |kind: &[u8; 4], value: Option<&str>| {
            if let Some(value) = value {
                boxed(b, kind, |b| text(b, value));
            }
        };
        entry(b"\xa9nam", Some(&movie.clip));
        entry(b"\xa9mak", movie.make.as_deref());
        entry(b"\xa9mod", movie.model.as_deref());
        u32be(b, 0); // the list ends
    });
}

/// QuickTime metadata (Metadata Atoms): keys of Apple's, UTF-8 values.
fn meta(out: &mut Vec<u8>, movie: &MovieFacts) {
    let entries: Vec<(&str, &str)> = [
        ("com.apple.quicktime.displayname", Some(&movie.clip)),
        ("com.apple.quicktime.make", movie.make.as_ref()),
        ("com.apple.quicktime.model", movie.model.as_ref()),
        ("com.apple.proapps.clipID", Some(&movie.clip)),
        ("com.apple.proapps.reel", movie.reel.as_ref()),
        ("com.apple.proapps.scene", movie.scene.as_ref()),
        ("com.apple.proapps.shot", movie.take.as_ref()),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key, value?.as_str())))
    .collect();
    boxed(out, b"meta", |b| {
        full(b, b"hdlr", 0, 0, |b| {
            u32be(b, 0);
            b.extend(b"mdta");
            b.extend([0; 13]);
        });
        full(b, b"keys", 0, 0, |b| {
            u32be(b, entries.len() as u32);
            for (key, _) in &entries {
                boxed(b, b"mdta", |b| b.extend(key.as_bytes()));
            }
        });
        boxed(b, b"ilst", |b| {
            for (index, (_, value)) in (1u32..).zip(&entries) {
                boxed(b, &index.to_be_bytes(), |b| {
                    boxed(b, b"data", |b| {
                        u32be(b, 1); // UTF-8
                        u32be(b, 0); // any locale
                        b.extend(value.as_bytes());
                    });
                });
            }
        });
    });
}
