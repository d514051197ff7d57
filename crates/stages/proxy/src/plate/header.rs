//! What a plate's header says about its picture, its clip and its camera.
//!
//! Names, types and units are those of OpenEXR's "Standard Optional Attributes".

use rushes_core::frame::{FrameFacts, FrameFormat};
use rushes_core::media::{CameraMetadata, ClipMedia, ColorSpace, Rect, Sourced, StandIn, Timecode};
use rushes_core::stage::ClipRef;

use super::container::Attributes;
use super::timecode::time_and_flags;

/// The attributes of one frame of `clip`, which is in `space`.
pub(super) fn attributes(clip: &ClipRef, format: &FrameFormat, space: ColorSpace, aces_container: bool) -> Attributes {
    let mut a = Attributes::default();
    let (facts, meta) = (&format.facts, &clip.metadata);
    picture(&mut a, format, meta, space, aces_container);
    time(&mut a, clip, facts);
    camera(&mut a, meta);
    a
}

/// The timecode of a frame: its own, else counted from the clip's start.
pub(super) fn timecode_of(clip: &ClipRef, facts: &FrameFacts) -> Option<Timecode> {
    facts.timecode.or_else(|| {
        let start = clip.metadata.start_timecode.as_ref()?.value;
        let first = match &clip.media {
            ClipMedia::Sequence(s) => s.range()?.first,
            ClipMedia::Files(_) => 0,
        };
        Some(start.offset(facts.frame.checked_sub(first)?))
    })
}

fn picture(a: &mut Attributes, format: &FrameFormat, meta: &CameraMetadata, space: ColorSpace, aces_container: bool) {
    if aces_container {
        a.int("acesImageContainerFlag", 1);
    }
    a.chromaticities(space.chromaticities());
    // Color Interop Forum, "An ID for Color Interop", texture asset spaces.
    match space {
        ColorSpace::Aces2065_1 => a.text("colorInteropID", "lin_ap0_scene"),
        ColorSpace::AcesCg => a.text("colorInteropID", "lin_ap1_scene"),
        _ => {}
    }
    let aspect = format.facts.pixel_aspect.or(meta.squeeze.as_ref().map(|s| s.value));
    if let Some((num, den)) = aspect.filter(|&(num, den)| num > 0 && den > 0) {
        a.float("pixelAspectRatio", f64::from(num) / f64::from(den));
    }
    if let Some(window) = original_window(format, meta) {
        a.window("originalDataWindow", window);
    }
}

/// The whole sensor picture seen from a plate that is an unscaled cut of it.
fn original_window(format: &FrameFormat, meta: &CameraMetadata) -> Option<[i32; 4]> {
    let crop = meta.default_crop.as_ref()?.value;
    let area = match (&meta.active_area, &meta.stored_size) {
        (Some(area), _) => area.value,
        (None, Some(size)) => Rect::whole(size.value.0, size.value.1),
        (None, None) => return None,
    };
    let cut = (crop.width, crop.height) == (format.width, format.height) && crop.fits(area.width, area.height);
    if !cut || (crop.width, crop.height) == (area.width, area.height) {
        return None;
    }
    let (x, y) = (i32::try_from(crop.x).ok()?, i32::try_from(crop.y).ok()?);
    let (w, h) = (i32::try_from(area.width).ok()?, i32::try_from(area.height).ok()?);
    Some([-x, -y, w - x - 1, h - y - 1])
}

fn time(a: &mut Attributes, clip: &ClipRef, facts: &FrameFacts) {
    let timecode = timecode_of(clip, facts);
    if let Some(word) = timecode.and_then(time_and_flags) {
        a.timecode("timeCode", word);
    }
    let meta = &clip.metadata;
    if let Some(rate) = meta.rate.as_ref().map(|r| r.value).or(timecode.map(Timecode::rate)) {
        a.rational("framesPerSecond", rate.num(), rate.den());
    }
    if let Some(rate) = &meta.capture_rate {
        a.rational("captureRate", rate.value.num(), rate.value.den());
    }
    if let Ok(frame) = i32::try_from(facts.frame) {
        a.int("imageCounter", frame);
    }
    if let Some((date, east)) = meta.recorded_at.as_ref().and_then(|d| cap_date(&d.value)) {
        a.text("capDate", &date);
        if let Some(seconds) = east {
            // The standard counts seconds from local time to UTC.
            a.float("utcOffset", -f64::from(seconds));
        }
    }
    if let Some(with) = facts.stand_in {
        let text = match with {
            StandIn::Black => format!("black stands in for frame {}", facts.frame),
            StandIn::Hold(from) => format!("frame {from} stands in for frame {}", facts.frame),
        };
        a.text("comments", &text);
    }
}

fn camera(a: &mut Attributes, m: &CameraMetadata) {
    for (name, value) in [
        ("cameraMake", &m.make),
        ("cameraModel", &m.model),
        ("cameraSerialNumber", &m.serial_number),
        ("cameraFirmwareVersion", &m.firmware_version),
        ("cameraLabel", &m.camera_label),
        ("reelName", &m.reel),
        ("lensMake", &m.lens_make),
        ("lensModel", &m.lens_model),
        ("lensSerialNumber", &m.lens_serial_number),
    ] {
        if let Some(Sourced { value, .. }) = value {
            a.text(name, value);
        }
    }
    for (name, value) in [
        ("cameraCCTSetting", &m.white_balance_kelvin),
        ("cameraTintSetting", &m.white_balance_tint),
        ("isoSpeed", &m.iso),
        ("shutterAngle", &m.shutter_angle),
        ("nominalFocalLength", &m.focal_length),
        ("aperture", &m.f_stop),
        ("tStop", &m.t_stop),
        ("focus", &m.focus_distance),
    ] {
        if let Some(Sourced { value, .. }) = value {
            a.float(name, *value);
        }
    }
    if let Some(Sourced { value: (num, den @ 1..), .. }) = m.exposure_time {
        a.float("expTime", f64::from(num) / f64::from(den));
    }
}

/// A camera's date and time as `YYYY:MM:DD hh:mm:ss`, the form of capDate, and the seconds its zone
/// lies east of Greenwich where it says; `None` for any other shape.
fn cap_date(text: &str) -> Option<(String, Option<i32>)> {
    let pattern = b"dddd:dd:dd dd:dd:dd";
    let (date, rest) = text.trim().split_at_checked(pattern.len())?;
    let b = date.as_bytes();
    let matches = b.iter().zip(pattern).enumerate().all(|(i, (c, p))| match p {
        b'd' => c.is_ascii_digit(),
        b' ' => matches!(c, b' ' | b'T'),
        _ => *c == b':' || (i < 10 && matches!(c, b'-' | b'/')),
    });
    // After the seconds: a fraction, then a zone.
    let zone = rest.strip_prefix('.').map_or(rest, |r| r.trim_start_matches(|c: char| c.is_ascii_digit())).trim();
    let east = match (zone, zone.get(1..).and_then(|z| z.split_once(':'))) {
        ("", _) => None,
        ("Z", _) => Some(0),
        (z, Some((h, m))) if z.starts_with(['+', '-']) && h.len() == 2 && m.len() == 2 => {
            let seconds = h.parse::<i32>().ok()? * 3600 + m.parse::<i32>().ok()? * 60;
            Some(if z.starts_with('-') { -seconds } else { seconds })
        }
        _ => return None,
    };
    matches.then(|| {
        let form = |(c, p): (&u8, &u8)| char::from(if *p == b'd' { *c } else { *p });
        (b.iter().zip(pattern).map(form).collect(), east)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_take_the_form_of_exr_or_stay_out() {
        for written in ["2024:05:06 07:08:09", "2024-05-06T07:08:09", " 2024/05/06 07:08:09 "] {
            assert_eq!(cap_date(written), Some(("2024:05:06 07:08:09".into(), None)), "{written}");
        }
        for (written, east) in [
            ("2024:05:06 07:08:09.00", None),
            ("2024-05-06T07:08:09Z", Some(0)),
            ("2024:05:06 07:08:09.123+02:00", Some(7200)),
            ("2024:05:06 07:08:09-05:30", Some(-19800)),
        ] {
            assert_eq!(cap_date(written), Some(("2024:05:06 07:08:09".into(), east)), "{written}");
        }
        for other in ["", "2024-05-06", "2024-05-06T07:08:09 CET", "2024:05:06 07-08-09", "6 May 2024, 07:08!!"] {
            assert_eq!(cap_date(other), None, "{other}");
        }
    }
}
