//! Timecode, keycode, frame numbers, sets, rationals and ranges.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::value::{Wire, field, fields, value_types};

/// The rate a timecode counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimecodeFps {
    /// So many frames to the second.
    Whole(u32),
    /// 30 frames, with drop-frame labels: -30.
    Drop30,
    /// 59.94 frames under the labels of 29.97, drop-frame: -31.
    Paired59_94,
    /// 60 frames under the labels of 30: -32.
    Paired60,
    /// Not known: -33.
    Undefined,
    /// 50 frames under the labels of 25: -34.
    Paired50,
    /// 48 frames under the labels of 24: -35.
    Paired48,
}

impl TimecodeFps {
    const SPECIAL: [(Self, i64); 6] = [
        (Self::Drop30, -30),
        (Self::Paired59_94, -31),
        (Self::Paired60, -32),
        (Self::Undefined, -33),
        (Self::Paired50, -34),
        (Self::Paired48, -35),
    ];

    /// The labels that a second has: 30 for [`TimecodeFps::Drop30`] and for its pairs; `None` where it is not known.
    pub fn labels(self) -> Option<u32> {
        match self {
            Self::Whole(n) => Some(n),
            Self::Drop30 | Self::Paired59_94 | Self::Paired60 => Some(30),
            Self::Paired50 => Some(25),
            Self::Paired48 => Some(24),
            Self::Undefined => None,
        }
    }

    /// True where two frames share a label.
    pub fn is_paired(self) -> bool {
        matches!(self, Self::Paired59_94 | Self::Paired60 | Self::Paired50 | Self::Paired48)
    }
}

impl Wire for TimecodeFps {
    fn to_wire(&self) -> Value {
        match self {
            Self::Whole(n) => (*n).into(),
            special => Self::SPECIAL.iter().find(|(s, _)| s == special).map_or(Value::Null, |(_, code)| (*code).into()),
        }
    }

    fn from_wire(value: &Value) -> Result<Self, String> {
        let code = i64::from_wire(value)?;
        if let Some((special, _)) = Self::SPECIAL.iter().find(|(_, c)| *c == code) {
            return Ok(*special);
        }
        match u32::try_from(code) {
            Ok(0) => Ok(Self::Undefined),
            Ok(n) => Ok(Self::Whole(n)),
            Err(_) => Err(format!("{code} is no rate of a timecode")),
        }
    }
}

/// A label of the wire's type `timecode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimecodeValue {
    /// Hours.
    pub h: u32,
    /// Minutes.
    pub m: u32,
    /// Seconds.
    pub s: u32,
    /// Frames, or pairs of them.
    pub f: u32,
    /// True for the second frame of a pair.
    pub phase: bool,
    /// The rate.
    pub fps: TimecodeFps,
    /// The hour at which the count begins again.
    pub wrap: u32,
}

impl Wire for TimecodeValue {
    fn to_wire(&self) -> Value {
        let Self { h, m, s, f, phase, fps, wrap } = self;
        json!({
            "_type": "timecode", "h": h, "m": m, "s": s, "f": f, "phase": i64::from(*phase), "fps": fps.to_wire(),
            "wrap": wrap
        })
    }

    fn from_wire(value: &Value) -> Result<Self, String> {
        const NAME: &str = "timecode";
        let map = fields(NAME, value)?;
        let part = |key: &str| {
            let n: i64 = field(NAME, map, key)?;
            u32::try_from(n).map_err(|_| format!("{NAME}.{key}: {n} is out of range"))
        };
        let wrap = part("wrap")?;
        Ok(Self {
            h: part("h")?,
            m: part("m")?,
            s: part("s")?,
            f: part("f")?,
            phase: field(NAME, map, "phase")?,
            fps: field(NAME, map, "fps")?,
            wrap: if wrap == 0 { 24 } else { wrap },
        })
    }
}

impl std::fmt::Display for TimecodeValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let drop = matches!(self.fps, TimecodeFps::Drop30 | TimecodeFps::Paired59_94);
        let before_frames = if drop { ';' } else { ':' };
        write!(f, "{:02}:{:02}:{:02}{before_frames}{:02}", self.h, self.m, self.s, self.f)
    }
}

#[cfg(feature = "engine")]
impl TimecodeValue {
    /// As Rushes has it, at `rate`, or at the label's own rate where that is known without one.
    ///
    /// # Errors
    /// When it makes no sense as a label, or no rate is known.
    pub fn to_core(self, rate: Option<rushes_core::media::Rate>) -> rushes_core::Result<rushes_core::media::Timecode> {
        use rushes_core::media::{Rate, Timecode};
        use rushes_core::{Error, ErrorKind};

        let drop = matches!(self.fps, TimecodeFps::Drop30 | TimecodeFps::Paired59_94);
        let own = match self.fps {
            TimecodeFps::Whole(n) => Rate::new(n, 1),
            TimecodeFps::Drop30 => Some(Rate::FPS_29_97),
            TimecodeFps::Paired59_94 => Some(Rate::FPS_59_94),
            TimecodeFps::Paired60 => Some(Rate::FPS_60),
            TimecodeFps::Paired50 => Some(Rate::FPS_50),
            TimecodeFps::Paired48 => Some(Rate::FPS_48),
            TimecodeFps::Undefined => None,
        };
        // A rate that counts in the same labels knows more: 23.976 where the label says 24.
        let same = |r: &Rate| own.is_none_or(|o| o.nominal() == r.nominal());
        let rate = rate.filter(same).or(own).ok_or_else(|| {
            Error::new(ErrorKind::MissingFact, format!("the rate of the timecode {self} is not known"))
        })?;
        let per_label = if self.fps.is_paired() { 2 } else { 1 };
        let frame = self.f.saturating_mul(per_label).saturating_add(u32::from(self.phase && per_label == 2));
        Timecode::from_label(self.h, self.m, self.s, frame, rate, drop)
    }
}

value_types! {
    /// A fraction.
    Rational {
        /// Above the line.
        numerator: i64 = "Numerator",
        /// Below it.
        denominator: i64 = "Denominator",
    }

    /// Frames of a scene. See [`RangeEnd`] for what the end means.
    FrameRange {
        /// The first frame.
        start: i64 = "Start",
        /// The last frame, or the one after it.
        end: i64 = "End",
    }
}

/// What the end of a [`FrameRange`] means to a server. The documentation has it included, and code of FilmLight's own
/// passes one more; nobody has asked a server yet. Where it is wrong, a frame is missing at the end of a render, or
/// one too many is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RangeEnd {
    /// The last frame.
    #[default]
    Included,
    /// The frame after the last.
    Excluded,
}

impl RangeEnd {
    /// The frames from `first` to `last`, both included, as the server has them.
    pub fn range(self, first: i64, last: i64) -> FrameRange {
        FrameRange { start: first, end: last.saturating_add(i64::from(self == Self::Excluded)) }
    }
}

/// A frame, as a type of its own on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameNumber(pub i64);

impl Wire for FrameNumber {
    fn to_wire(&self) -> Value {
        json!({ "_type": "framenumber", "frame": self.0 })
    }
    fn from_wire(value: &Value) -> Result<Self, String> {
        // A bare number is what some getters give.
        match value {
            Value::Number(_) => i64::from_wire(value).map(Self),
            other => field("framenumber", fields("framenumber", other)?, "frame").map(Self),
        }
    }
}

/// A place on film stock.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyCode {
    /// Stock and roll.
    pub stock: String,
    /// Feet.
    pub feet: i64,
    /// Frames.
    pub frames: i64,
    /// Perforations.
    pub perfs: i64,
    /// The gauge: `FG_35MM_4PERF`.
    pub gearing: String,
}

impl Wire for KeyCode {
    fn to_wire(&self) -> Value {
        let Self { stock, feet, frames, perfs, gearing } = self;
        json!({
            "_type": "keycode", "stock": stock, "feet": feet, "frames": frames, "perfs": perfs, "gearing": gearing
        })
    }
    fn from_wire(value: &Value) -> Result<Self, String> {
        const NAME: &str = "keycode";
        let map = fields(NAME, value)?;
        Ok(Self {
            stock: field(NAME, map, "stock")?,
            feet: field(NAME, map, "feet")?,
            frames: field(NAME, map, "frames")?,
            perfs: field(NAME, map, "perfs")?,
            gearing: field(NAME, map, "gearing")?,
        })
    }
}

/// A set of keys: on the wire each member is a key with the value 1.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeySet(pub BTreeSet<String>);

impl<S: Into<String>> FromIterator<S> for KeySet {
    fn from_iter<I: IntoIterator<Item = S>>(keys: I) -> Self {
        Self(keys.into_iter().map(Into::into).collect())
    }
}

impl Wire for KeySet {
    fn to_wire(&self) -> Value {
        let mut map = Map::new();
        map.insert("_type".to_owned(), "set".into());
        // `_type` is no possible member.
        map.extend(self.0.iter().filter(|k| *k != "_type").map(|k| (k.clone(), 1.into())));
        Value::Object(map)
    }
    fn from_wire(value: &Value) -> Result<Self, String> {
        match value {
            // What examples of FilmLight's pass for a set.
            Value::Array(_) => Ok(Vec::<String>::from_wire(value)?.into_iter().collect()),
            Value::Null => Ok(Self::default()),
            other => Ok(fields("set", other)?.keys().filter(|k| *k != "_type").cloned().collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_values_have_the_form_of_the_reference() {
        let tc = TimecodeValue { h: 10, m: 0, s: 0, f: 0, phase: false, fps: TimecodeFps::Whole(24), wrap: 24 };
        let wire = json!({ "_type": "timecode", "h": 10, "m": 0, "s": 0, "f": 0, "phase": 0, "fps": 24, "wrap": 24 });
        assert_eq!(tc.to_wire(), wire);
        assert_eq!(TimecodeValue::from_wire(&wire), Ok(tc));
        assert_eq!(TimecodeValue::from_wire(&json!({ "h": 10.0, "fps": "24" })), Ok(tc));
        assert_eq!(FrameNumber(1001).to_wire(), json!({ "_type": "framenumber", "frame": 1001 }));
        assert_eq!(FrameNumber::from_wire(&json!({ "frame": 7 })), Ok(FrameNumber(7)));
        let set: KeySet = ["readonly"].into_iter().collect();
        assert_eq!(set.to_wire(), json!({ "_type": "set", "readonly": 1 }));
        assert_eq!(KeySet::from_wire(&json!(["readonly"])), Ok(set.clone()));
        assert_eq!(KeySet::from_wire(&set.to_wire()), Ok(set));
        let rational = Rational { numerator: 1, denominator: 25 };
        assert_eq!(rational.to_wire(), json!({ "_type": "Rational", "Numerator": 1, "Denominator": 25 }));
        let range = FrameRange { start: 0, end: 23 };
        assert_eq!(range.to_wire(), json!({ "_type": "FrameRange", "Start": 0, "End": 23 }));
        let key = json!({ "_type": "keycode", "stock": "KJ 12", "feet": 3, "frames": 4, "perfs": 0, "gearing": "FG_35MM_4PERF" });
        assert_eq!(KeyCode::from_wire(&key).unwrap().to_wire(), key);
    }

    #[test]
    fn the_codes_of_special_rates_go_both_ways() {
        for (fps, code) in TimecodeFps::SPECIAL {
            assert_eq!(TimecodeFps::from_wire(&json!(code)), Ok(fps));
            assert_eq!(fps.to_wire(), json!(code));
        }
        assert!(TimecodeFps::from_wire(&json!(-99)).is_err());
    }

    #[cfg(feature = "engine")]
    #[test]
    fn labels_become_timecode_with_their_pairs_and_drops() {
        use rushes_core::media::Rate;
        let tc = |f, phase, fps| TimecodeValue { h: 1, m: 0, s: 59, f, phase, fps, wrap: 24 };
        let text = |tc: TimecodeValue, rate| tc.to_core(rate).unwrap().to_string();
        assert_eq!(text(tc(3, false, TimecodeFps::Whole(24)), None), "01:00:59:03");
        assert_eq!(text(tc(29, false, TimecodeFps::Drop30), None), "01:00:59;29");
        assert_eq!(text(tc(7, true, TimecodeFps::Paired50), None), "01:00:59:15");
        assert_eq!(
            tc(3, false, TimecodeFps::Whole(24)).to_core(Some(Rate::FPS_23_976)).unwrap().rate(),
            Rate::FPS_23_976
        );
        assert!(tc(3, false, TimecodeFps::Undefined).to_core(None).is_err());
        assert!(tc(30, false, TimecodeFps::Whole(24)).to_core(None).is_err());
    }
}
