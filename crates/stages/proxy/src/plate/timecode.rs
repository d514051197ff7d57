//! Timecode as EXR headers hold it.

use rushes_core::media::Timecode;

/// The attribute `timeCode`, first word, in the packing for 60-field video that EXR files use
/// (OpenEXR ImfTimeCode.h, `TV60_PACKING`; SMPTE ST 12-1): BCD digits and flags.
///
/// Labels count to 29 there. Above 30 frames a second ST 12-1 numbers **pairs** of frames and
/// marks the second of a pair by the field flag (bit 15): `01:02:03:47` at 48 frames/s is stored
/// as 01:02:03:23 with the flag set. The drop-frame flag is bit 6. `None` above 60 frames a
/// second, where a pair number would name more than two frames.
pub(crate) fn time_and_flags(tc: Timecode) -> Option<u32> {
    let (h, m, s, f) = tc.label();
    let (frame, second_of_pair) = match tc.rate().nominal() {
        0..=30 => (f, false),
        31..=60 => (f / 2, f % 2 == 1),
        _ => return None,
    };
    let bcd = |v: u32| (v % 10) | ((v / 10) << 4);
    Some(
        bcd(frame)
            | u32::from(tc.is_drop()) << 6
            | bcd(s) << 8
            | u32::from(second_of_pair) << 15
            | bcd(m) << 16
            | bcd(h) << 24,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use exr::meta::attribute::TimeCode;
    use rushes_core::media::Rate;

    #[test]
    fn labels_are_read_back_by_another_reader() {
        for (label, rate, frame, second) in [
            ("23:59:59:23", Rate::FPS_23_976, 23, false),
            ("01:02:03:24", Rate::FPS_25, 24, false),
            ("10:09:59;29", Rate::FPS_29_97, 29, false),
            ("01:02:03:47", Rate::FPS_48, 23, true),
            ("01:02:03:46", Rate::FPS_48, 23, false),
            ("00:01:00;04", Rate::FPS_59_94, 2, false),
            ("00:01:00;05", Rate::FPS_59_94, 2, true),
            ("12:34:56:59", Rate::FPS_60, 29, true),
        ] {
            let tc = Timecode::parse(label, rate).unwrap();
            let read = TimeCode::from_tv60_time(time_and_flags(tc).unwrap(), 0);
            let (h, m, s, _) = tc.label();
            assert_eq!((read.hours, read.minutes, read.seconds), (h as u8, m as u8, s as u8), "{label}");
            assert_eq!((read.frame, read.field_phase, read.drop_frame), (frame, second, tc.is_drop()), "{label}");
        }
    }

    #[test]
    fn rates_whose_pairs_are_ambiguous_have_no_label() {
        let tc = Timecode::parse("00:00:00:99", Rate::new(100, 1).unwrap()).unwrap();
        assert_eq!(time_and_flags(tc), None);
    }
}
