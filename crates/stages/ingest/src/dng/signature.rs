//! What stays the same in all frames of a clip.

use rushes_core::media::{CalibratedIlluminant, Cfa, Levels, Orientation, Rate, Rect};

use super::header::Header;

/// The facts of a header that must not change inside a clip. White, exposure, focus and timecode may.
#[derive(Debug, Clone, PartialEq)]
pub struct Signature {
    size: (usize, usize),
    samples: usize,
    bits: u32,
    compression: String,
    cfa: Option<Cfa>,
    cfa_pattern: String,
    levels: Levels,
    linearization: Option<Vec<u16>>,
    active_area: Option<Rect>,
    default_crop: Option<Rect>,
    orientation: Orientation,
    calibrations: Vec<CalibratedIlluminant>,
    analog_balance: Option<[f64; 3]>,
    baseline_exposure: Option<f64>,
    rate: Option<Rate>,
    reel: Option<String>,
    model: Option<String>,
    serial_number: Option<String>,
}

impl Header {
    /// The facts that must not change inside a clip.
    pub fn signature(&self) -> Signature {
        let (p, s, color) = (&self.picture, &self.shot, self.color.as_ref());
        Signature {
            size: (p.width, p.height),
            samples: p.samples,
            bits: p.bits,
            compression: p.compression_name(),
            cfa: p.cfa,
            cfa_pattern: p.cfa_pattern.clone(),
            levels: p.levels.clone(),
            linearization: p.linearization.clone(),
            active_area: p.active_area,
            default_crop: p.default_crop,
            orientation: p.orientation,
            calibrations: color.map(|c| c.calibrations.clone()).unwrap_or_default(),
            analog_balance: color.map(|c| c.analog_balance),
            baseline_exposure: color.map(|c| c.baseline_exposure),
            rate: s.rate.as_ref().map(|r| r.value),
            reel: s.reel.as_ref().map(|r| r.value.clone()),
            model: s.model.as_ref().map(|r| r.value.clone()),
            serial_number: s.serial_number.as_ref().map(|r| r.value.clone()),
        }
    }
}

impl Signature {
    /// What differs in `other`, in words, `size 4128x2176 became 2064x1088`; empty when nothing does.
    pub fn describe_difference(&self, other: &Signature) -> Vec<String> {
        let mut out = Vec::new();
        let mut say = |what: &str, from: String, to: String| {
            if from != to {
                out.push(format!("{what} {from} became {to}"));
            }
        };
        let some = |v: &Option<String>| v.clone().unwrap_or_else(|| "none".into());
        let rect = |r: &Option<Rect>| {
            r.map_or_else(|| "none".into(), |r| format!("{}x{} at {},{}", r.width, r.height, r.x, r.y))
        };
        let (a, b) = (self, other);
        say("size", format!("{}x{}", a.size.0, a.size.1), format!("{}x{}", b.size.0, b.size.1));
        say("samples per pixel", a.samples.to_string(), b.samples.to_string());
        say("bits per sample", a.bits.to_string(), b.bits.to_string());
        say("compression", a.compression.clone(), b.compression.clone());
        say("colour filter array", a.cfa_pattern.clone(), b.cfa_pattern.clone());
        say("black level", format!("{:?}", a.levels.black), format!("{:?}", b.levels.black));
        say("white level", a.levels.white.to_string(), b.levels.white.to_string());
        say("active area", rect(&a.active_area), rect(&b.active_area));
        say("default crop", rect(&a.default_crop), rect(&b.default_crop));
        say("orientation", format!("{:?}", a.orientation), format!("{:?}", b.orientation));
        let rate = |r: &Option<Rate>| r.map_or_else(|| "none".into(), |r| r.to_string());
        say("frame rate", rate(&a.rate), rate(&b.rate));
        say("reel", some(&a.reel), some(&b.reel));
        say("camera model", some(&a.model), some(&b.model));
        say("camera serial number", some(&a.serial_number), some(&b.serial_number));
        // Tables and matrices are too long to print.
        let black = |s: &Signature| (s.levels.repeat, s.levels.delta_h.clone(), s.levels.delta_v.clone());
        for (what, same) in [
            ("black level pattern", black(a) == black(b)),
            ("linearization table", a.linearization == b.linearization),
            ("colour calibration", a.calibrations == b.calibrations && a.analog_balance == b.analog_balance),
            ("baseline exposure", a.baseline_exposure == b.baseline_exposure),
        ] {
            if !same {
                out.push(format!("{what} changed"));
            }
        }
        out
    }
}
