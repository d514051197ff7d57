//! Exact timecode: an integer count of frames at a rational rate. There is no float here.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, ErrorKind};

/// Frames per second as a fraction in lowest terms, such as 24000/1001.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, JsonSchema)]
#[schemars(with = "String")]
pub struct Rate {
    num: u32,
    den: u32,
}

impl Rate {
    /// 24000/1001, called 23.976.
    pub const FPS_23_976: Rate = Rate { num: 24000, den: 1001 };
    /// 24/1.
    pub const FPS_24: Rate = Rate { num: 24, den: 1 };
    /// 25/1.
    pub const FPS_25: Rate = Rate { num: 25, den: 1 };
    /// 30000/1001, called 29.97.
    pub const FPS_29_97: Rate = Rate { num: 30000, den: 1001 };
    /// 30/1.
    pub const FPS_30: Rate = Rate { num: 30, den: 1 };
    /// 48000/1001, called 47.952.
    pub const FPS_47_952: Rate = Rate { num: 48000, den: 1001 };
    /// 48/1.
    pub const FPS_48: Rate = Rate { num: 48, den: 1 };
    /// 50/1.
    pub const FPS_50: Rate = Rate { num: 50, den: 1 };
    /// 60000/1001, called 59.94.
    pub const FPS_59_94: Rate = Rate { num: 60000, den: 1001 };
    /// 60/1.
    pub const FPS_60: Rate = Rate { num: 60, den: 1 };

    /// `num / den` in lowest terms; `None` when either is zero.
    pub const fn new(num: u32, den: u32) -> Option<Rate> {
        if num == 0 || den == 0 {
            return None;
        }
        let (mut a, mut b) = (num, den);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Some(Rate { num: num / a, den: den / a })
    }

    /// The rate a camera meant when it wrote a rounded fraction: 23976/1000, 2997/100 and their
    /// like become the exact n·1000/1001; everything else stays as it is.
    ///
    /// A fraction within one part in 50,000 of an NTSC rate of 24, 30, 48, 60 or 120 frames is
    /// taken for it: a thousandth apart from the integer rate, fifty times the tolerance.
    pub fn from_camera(num: u32, den: u32) -> Option<Rate> {
        let rate = Rate::new(num, den)?;
        for nominal in [24u32, 30, 48, 60, 120] {
            let ntsc = Rate { num: nominal * 1000, den: 1001 };
            let a = u128::from(rate.num) * u128::from(ntsc.den);
            let b = u128::from(ntsc.num) * u128::from(rate.den);
            if a.abs_diff(b) * 50_000 <= b {
                return Rate::new(ntsc.num, ntsc.den);
            }
        }
        Some(rate)
    }

    /// Frames.
    pub const fn num(self) -> u32 {
        self.num
    }

    /// Seconds.
    pub const fn den(self) -> u32 {
        self.den
    }

    /// The rate timecode labels count in: the next integer, 24 for 23.976.
    pub const fn nominal(self) -> u32 {
        self.num.div_ceil(self.den)
    }

    /// True where drop-frame labels exist: 29.97 and 59.94 (SMPTE ST 12-1 and ST 12-3).
    pub const fn can_drop(self) -> bool {
        self.den == 1001 && (self.num == 30000 || self.num == 60000)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

impl FromStr for Rate {
    type Err = Error;

    /// Reads `24`, `24000/1001`, or one of the trade's decimals (`23.976`, `29.97`, `47.952`, `59.94`).
    fn from_str(s: &str) -> Result<Self, Error> {
        let bad = || {
            Error::new(ErrorKind::Invalid, format!("`{s}` is not a frame rate"))
                .advice("write 24, 25, 24000/1001 or 23.976")
        };
        match s.trim() {
            "23.976" | "23.98" => return Ok(Rate::FPS_23_976),
            "29.97" => return Ok(Rate::FPS_29_97),
            "47.952" | "47.95" => return Ok(Rate::FPS_47_952),
            "59.94" => return Ok(Rate::FPS_59_94),
            _ => {}
        }
        let (num, den) = s.trim().split_once('/').unwrap_or((s.trim(), "1"));
        let (num, den) = (num.parse().map_err(|_| bad())?, den.parse().map_err(|_| bad())?);
        Rate::new(num, den).ok_or_else(bad)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A SMPTE ST 12-1 label: a count of frames since the label 00:00:00:00, within one day.
///
/// Drop-frame is a property of the label, not of the count: a 29.97 clip has the same frames
/// either way. 23.976 fps non-drop labels run slower than the clock on the wall by one part in
/// a thousand; [`Timecode::seconds`] gives the real time.
///
/// ```
/// use rushes_core::media::{Rate, Timecode};
/// let tc = Timecode::parse("01:00:59;29", Rate::FPS_29_97)?;
/// assert_eq!(tc.offset(1).to_string(), "01:01:00;02");
/// # Ok::<(), rushes_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timecode {
    frames: u32,
    rate: Rate,
    drop: bool,
}

impl Timecode {
    /// From a count of frames since 00:00:00:00; counts past a day wrap, as tape does.
    ///
    /// # Errors
    /// When `drop` is asked for at a rate that has no drop-frame labels.
    pub fn from_frames(frames: i64, rate: Rate, drop: bool) -> Result<Self, Error> {
        if drop && !rate.can_drop() {
            return Err(Error::new(ErrorKind::Invalid, format!("there is no drop-frame timecode at {rate} frames/s"))
                .advice("drop-frame exists at 30000/1001 and 60000/1001"));
        }
        Self::refuse_rate(rate)?;
        let day = i64::from(Self::frames_per_day(rate, drop));
        let frames = frames.rem_euclid(day);
        // A day at 1000 frames/s is 86.4 million frames: it fits.
        Ok(Self { frames: frames as u32, rate, drop })
    }

    /// From the four fields of a label.
    ///
    /// # Errors
    /// When a field is out of range, or the label is one that drop-frame skips.
    pub fn from_label(h: u32, m: u32, s: u32, f: u32, rate: Rate, drop: bool) -> Result<Self, Error> {
        Self::refuse_rate(rate)?;
        let nominal = rate.nominal();
        let show = || format!("{h:02}:{m:02}:{s:02}{}{f:02}", if drop { ';' } else { ':' });
        if h > 23 || m > 59 || s > 59 || f >= nominal {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("{} is not a timecode at {nominal} frames to the second", show()),
            ));
        }
        let dropped = Self::dropped_per_minute(rate, drop);
        if dropped > 0 && s == 0 && f < dropped && !m.is_multiple_of(10) {
            return Err(Error::new(ErrorKind::Invalid, format!("drop-frame timecode skips {}", show()))
                .advice("use the next label that exists, or mark it non-drop"));
        }
        let minutes = h * 60 + m;
        let count = (minutes * 60 + s) * nominal + f - dropped * (minutes - minutes / 10);
        Self::from_frames(i64::from(count), rate, drop)
    }

    fn refuse_rate(rate: Rate) -> Result<(), Error> {
        // So a day's frames fit 32 bits, and no arithmetic on labels overflows.
        if rate.nominal() > 1000 {
            return Err(Error::new(ErrorKind::Invalid, format!("no timecode counts {rate} frames/s")));
        }
        Ok(())
    }

    /// Reads `hh:mm:ss:ff`; a `;` or `.` before the frames means drop-frame.
    ///
    /// # Errors
    /// As [`Timecode::from_label`], and when the text has another shape.
    pub fn parse(text: &str, rate: Rate) -> Result<Self, Error> {
        let bad = || {
            Error::new(ErrorKind::Invalid, format!("`{text}` is not a timecode"))
                .advice("write hh:mm:ss:ff, or hh:mm:ss;ff for drop-frame")
        };
        let b = text.as_bytes();
        let n = text.len();
        if !(11..=12).contains(&n)
            || !text.is_ascii()
            || b[2] != b':'
            || b[5] != b':'
            || !matches!(b[8], b':' | b';' | b'.')
        {
            return Err(bad());
        }
        let field = |r: std::ops::Range<usize>| -> Result<u32, Error> {
            if b[r.clone()].iter().all(u8::is_ascii_digit) { text[r].parse().map_err(|_| bad()) } else { Err(bad()) }
        };
        Self::from_label(field(0..2)?, field(3..5)?, field(6..8)?, field(9..n)?, rate, b[8] != b':')
    }

    /// Frames since 00:00:00:00.
    pub const fn frames(self) -> u32 {
        self.frames
    }

    /// Frames per second.
    pub const fn rate(self) -> Rate {
        self.rate
    }

    /// True when the label skips frame numbers to keep up with the clock.
    pub const fn is_drop(self) -> bool {
        self.drop
    }

    /// Hours, minutes, seconds and frames of the label.
    pub const fn label(self) -> (u32, u32, u32, u32) {
        let nominal = self.rate.nominal();
        let dropped = Self::dropped_per_minute(self.rate, self.drop);
        let mut n = self.frames;
        if dropped > 0 {
            let per_minute = nominal * 60 - dropped;
            let per_ten = nominal * 600 - dropped * 9;
            let (tens, rest) = (n / per_ten, n % per_ten);
            n += dropped * 9 * tens;
            // The first minute of each ten keeps all its labels.
            if rest >= nominal * 60 {
                n += dropped * ((rest - nominal * 60) / per_minute + 1);
            }
        }
        let (f, s) = (n % nominal, n / nominal);
        (s / 3600, s / 60 % 60, s % 60, f)
    }

    /// The label `frames` later (or earlier), wrapping at midnight.
    pub fn offset(self, frames: i64) -> Self {
        let day = i64::from(Self::frames_per_day(self.rate, self.drop));
        Self { frames: (i64::from(self.frames) + frames.rem_euclid(day)).rem_euclid(day) as u32, ..self }
    }

    /// Frames from `earlier` to `self`; `None` when rate or drop-frame differ.
    pub fn since(self, earlier: Timecode) -> Option<i64> {
        (self.rate == earlier.rate && self.drop == earlier.drop)
            .then(|| i64::from(self.frames) - i64::from(earlier.frames))
    }

    /// Real seconds since the label 00:00:00:00, as a fraction.
    pub const fn seconds(self) -> (u64, u64) {
        (self.frames as u64 * self.rate.den as u64, self.rate.num as u64)
    }

    /// Frames in a day of labels.
    pub const fn frames_per_day(rate: Rate, drop: bool) -> u32 {
        rate.nominal() * 86_400 - Self::dropped_per_minute(rate, drop) * (1440 - 144)
    }

    const fn dropped_per_minute(rate: Rate, drop: bool) -> u32 {
        // Two of thirty, four of sixty (SMPTE ST 12-1, 5.2.2; ST 12-3).
        if drop { rate.nominal() / 15 } else { 0 }
    }
}

impl fmt::Display for Timecode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (h, m, s, f) = self.label();
        write!(out, "{h:02}:{m:02}:{s:02}{}{f:02}", if self.drop { ';' } else { ':' })
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Timecode")]
struct Written {
    /// `hh:mm:ss:ff`, with `;` before the frames for drop-frame.
    label: String,
    rate: Rate,
}

impl Serialize for Timecode {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        Written { label: self.to_string(), rate: self.rate }.serialize(s)
    }
}

impl<'de> Deserialize<'de> for Timecode {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let w = Written::deserialize(d)?;
        Timecode::parse(&w.label, w.rate).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Timecode {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timecode".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Written::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(Rate, bool); 12] = [
        (Rate::FPS_23_976, false),
        (Rate::FPS_24, false),
        (Rate::FPS_25, false),
        (Rate::FPS_29_97, true),
        (Rate::FPS_29_97, false),
        (Rate::FPS_30, false),
        (Rate::FPS_47_952, false),
        (Rate::FPS_48, false),
        (Rate::FPS_50, false),
        (Rate::FPS_59_94, true),
        (Rate::FPS_59_94, false),
        (Rate::FPS_60, false),
    ];

    #[test]
    fn every_label_of_a_day_survives_print_and_parse_at_every_rate() {
        for (rate, drop) in ALL {
            let mut last = (0, 0, 0, 0);
            for n in 0..Timecode::frames_per_day(rate, drop) {
                let tc = Timecode::from_frames(i64::from(n), rate, drop).unwrap();
                let (h, m, s, f) = tc.label();
                assert!(n == 0 || (h, m, s, f) > last, "labels go up: {tc}");
                last = (h, m, s, f);
                assert_eq!(Timecode::from_label(h, m, s, f, rate, drop).unwrap(), tc);
                if n % 97 == 0 || s == 0 {
                    assert_eq!(Timecode::parse(&tc.to_string(), rate).unwrap(), tc);
                }
            }
            assert_eq!(last, (23, 59, 59, rate.nominal() - 1));
        }
    }

    #[test]
    fn drop_frame_labels_follow_the_standard() {
        let tc = |s| Timecode::parse(s, Rate::FPS_29_97).unwrap();
        assert_eq!(tc("00:01:00;02").frames(), 1800);
        assert_eq!(tc("00:10:00;00").frames(), 17982);
        assert_eq!(tc("01:00:00;00").frames(), 107_892);
        assert_eq!(Timecode::parse("00:01:00;04", Rate::FPS_59_94).unwrap().frames(), 3600);
        assert_eq!(Timecode::frames_per_day(Rate::FPS_29_97, true), 2_589_408);
    }

    #[test]
    fn labels_that_do_not_exist_are_refused() {
        for s in ["00:01:00;00", "00:01:00;01", "00:59:00;01", "24:00:00:00", "00:60:00:00", "00:00:00:30"] {
            assert!(Timecode::parse(s, Rate::FPS_29_97).is_err(), "{s}");
        }
        for s in ["", "1:0:0:0", "0a:00:00:00", "00:00:00-00", "é0:00:00:0"] {
            assert!(Timecode::parse(s, Rate::FPS_24).is_err(), "{s}");
        }
        assert!(Timecode::parse("00:00:00;00", Rate::FPS_25).is_err());
    }

    #[test]
    fn midnight_wraps_both_ways() {
        let zero = Timecode::from_frames(0, Rate::FPS_24, false).unwrap();
        assert_eq!(zero.offset(-1).to_string(), "23:59:59:23");
        assert_eq!(zero.offset(-1).offset(1), zero);
    }

    #[test]
    fn camera_fractions_become_the_rate_that_was_meant() {
        assert_eq!(Rate::from_camera(23976, 1000), Some(Rate::FPS_23_976));
        assert_eq!(Rate::from_camera(2997, 100), Some(Rate::FPS_29_97));
        assert_eq!(Rate::from_camera(24000, 1000), Some(Rate::FPS_24));
        assert_eq!(Rate::from_camera(25, 1), Some(Rate::FPS_25));
        assert_eq!(Rate::from_camera(0, 1), None);
    }

    #[test]
    fn serde_keeps_rate_and_drop() {
        let tc = Timecode::parse("10:00:00;02", Rate::FPS_59_94).unwrap();
        let json = serde_json::to_string(&tc).unwrap();
        assert_eq!(json, r#"{"label":"10:00:00;02","rate":"60000/1001"}"#);
        assert_eq!(serde_json::from_str::<Timecode>(&json).unwrap(), tc);
    }

    /// Found by a fuzzer: a unit's file may say anything.
    #[test]
    fn rates_and_offsets_beyond_all_measure_are_refused_or_wrap() {
        let e = Timecode::parse("10:11:59:18", "2400031001".parse().unwrap()).unwrap_err();
        assert!(e.to_string().contains("no timecode counts"), "{e}");
        let tc = Timecode::parse("23:59:59:23", Rate::FPS_24).unwrap();
        let day = 24 * 86_400;
        assert_eq!(tc.offset(i64::MAX).frames(), ((i64::from(tc.frames()) + i64::MAX % day) % day) as u32);
        assert_eq!(tc.offset(i64::MIN).offset(i64::MAX).offset(1), tc);
    }
}
