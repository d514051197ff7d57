//! Timecode: what parses prints as it was, frames and labels round trip, offsets add up.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rushes::core::media::{Rate, Timecode};

fuzz_target!(|input: (u32, u32, i64, bool, i64, &str)| {
    let (num, den, frames, drop, offset, text) = input;
    let Some(rate) = Rate::new(num, den) else { return };
    if let Ok(tc) = Timecode::from_frames(frames, rate, drop) {
        let said = tc.to_string();
        let read = Timecode::parse(&said, rate).expect("what is printed can be read");
        assert_eq!(read, tc, "{said}");
        let (h, m, s, f) = tc.label();
        assert_eq!(Timecode::from_label(h, m, s, f, rate, drop).expect("its label is legal"), tc);
        let there = tc.offset(offset % 10_000_000);
        assert_eq!(there.offset(-(offset % 10_000_000)), tc);
    }
    if let Ok(tc) = Timecode::parse(text, rate) {
        assert_eq!(Timecode::parse(&tc.to_string(), rate).expect("what is printed can be read"), tc);
    }
});
