//! Does the timecode count on.

use rushes_core::media::Timecode;

use crate::scan::{Label, Seen};

/// Something about the timecode of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Odd {
    pub(crate) frame: i64,
    /// The label is that of the frame before.
    pub(crate) same: bool,
    pub(crate) text: String,
}

/// Where the timecode stands still or jumps. Lost frames must leave their place in it.
pub(crate) fn odd(seen: &[Seen]) -> Vec<Odd> {
    let good: Vec<&Seen> = seen.iter().filter(|s| s.trouble.is_none()).collect();
    // Programs without timecode write zero into every header.
    if good.iter().all(|s| matches!(s.label, Some(Label::At(tc)) if tc.frames() == 0)) {
        return Vec::new();
    }
    good.windows(2).filter_map(|w| step(w[0], w[1])).collect()
}

fn step(a: &Seen, b: &Seen) -> Option<Odd> {
    let odd = |same, text| Some(Odd { frame: b.frame, same, text });
    let apart = b.frame - a.frame;
    match (a.label, b.label) {
        (Some(Label::At(x)), Some(Label::At(y))) => jump(x, y, apart).and_then(|(same, text)| odd(same, text)),
        (Some(Label::Digits(x)), Some(Label::Digits(y))) if x == y => odd(true, format!("has {x} as the frame before")),
        (Some(_), None) => odd(false, "has no timecode; the frame before has".to_owned()),
        (None, Some(_)) => odd(false, "has timecode; the frame before has none".to_owned()),
        _ => None,
    }
}

fn jump(x: Timecode, y: Timecode, apart: i64) -> Option<(bool, String)> {
    if x.rate() != y.rate() || x.is_drop() != y.is_drop() {
        return Some((false, format!("has {y} at {}/s after {x} at {}/s", y.rate(), x.rate())));
    }
    let due = x.offset(apart);
    if y == due {
        return None;
    }
    if y == x {
        return Some((true, format!("has {y} as the frame before")));
    }
    if apart > 1 && y == x.offset(1) {
        return Some((false, format!("has {y}, one after {x}: the numbers of the files skip, the timecode does not")));
    }
    Some((false, format!("has {y} where {due} was due")))
}

#[cfg(test)]
mod tests {
    use rushes_core::media::Rate;

    use super::*;

    #[test]
    fn midnight_and_gaps_are_no_jumps() {
        let tc = |s| Timecode::parse(s, Rate::FPS_24).unwrap();
        assert_eq!(jump(tc("23:59:59:23"), tc("00:00:00:00"), 1), None);
        assert_eq!(jump(tc("01:00:00:00"), tc("01:00:00:05"), 5), None);
        assert!(jump(tc("01:00:00:00"), tc("01:00:00:00"), 1).unwrap().0);
        assert!(jump(tc("01:00:00:00"), tc("01:00:00:01"), 5).unwrap().1.contains("numbers of the files skip"));
        assert!(jump(tc("01:00:00:00"), tc("01:00:00:03"), 1).unwrap().1.contains("01:00:00:01 was due"));
    }
}
