//! What cameras call things: from a maker's own fields to one vocabulary.

use std::path::Path;

use rushes_core::media::{CameraMetadata, Origin, Rate, Sourced};
use serde_json::Value;

use super::ask::plain;
use crate::types::Struct;

/// The last part of a key, without what tells where it stands: `IFD0:ReelName (51081)` is `reelname`.
fn last(key: &str) -> String {
    let without_number = key.split(" (").next().unwrap_or(key);
    let name = without_number.rsplit([':', '/', '.']).next().unwrap_or(without_number);
    plain(name)
}

/// The first of `names` among the fields, with the key it stands under.
fn field<'a>(fields: &'a Struct, names: &[&str]) -> Option<(&'a str, &'a Value)> {
    names.iter().find_map(|n| fields.iter().find(|(k, v)| !v.is_null() && last(k) == *n)).map(|(k, v)| (k.as_str(), v))
}

fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(s) => s.trim().to_owned(),
        Value::Number(n) => n.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// The number a text begins with: `5600 K` is 5600, and `1/2` is a half.
fn number(value: &Value) -> Option<f64> {
    let text = text(value)?;
    let digits = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | '/'))).unwrap_or(text.len());
    let (a, b) = text[..digits].split_once('/').unwrap_or((&text[..digits], "1"));
    let (a, b): (f64, f64) = (a.parse().ok()?, b.parse().ok()?);
    let n = a / b;
    n.is_finite().then_some(n)
}

/// A rate, as a fraction or as the trade's decimal.
pub(crate) fn rate(value: &Value) -> Option<Rate> {
    let text = text(value)?;
    let word = text.split_whitespace().next()?;
    word.parse().ok().or_else(|| {
        let n: f64 = word.parse().ok().filter(|n| *n > 0.0 && *n < 1000.0)?;
        Rate::from_camera((n * 1000.0).round() as u32, 1000)
    })
}

/// Fills what is still empty in `metadata` with what the camera wrote into `file`, as the server read it.
pub(crate) fn fill(metadata: &mut CameraMetadata, fields: &Struct, file: &Path) {
    let origin = |key: &str| Origin { file: file.to_owned(), tag: format!("FilmLight:{key}") };
    macro_rules! fill {
        ($($field:ident = $read:expr, $($name:literal)|+;)*) => {$(
            if metadata.$field.is_none()
                && let Some((key, value)) = field(fields, &[$($name),+])
                && let Some(value) = $read(value)
            {
                metadata.$field = Some(Sourced { value, origin: origin(key) });
            }
        )*};
    }
    fill! {
        make = text, "make" | "cameramake" | "cameramanufacturer" | "manufacturer";
        model = text, "model" | "cameramodel" | "cameratype" | "camera";
        serial_number = text, "cameraserialnumber" | "serialnumber" | "cameraserial" | "bodyserialnumber" | "camerapin";
        firmware_version = text, "firmwareversion" | "camerafirmwareversion" | "firmware" | "software";
        camera_label = text, "cameralabel" | "cameraid" | "cameraindex" | "cameraletter";
        reel = text, "reel" | "reelname" | "reelid" | "tape" | "tapename" | "roll";
        scene = text, "scene";
        take = text, "take";
        recorded_at = text, "datetimeoriginal" | "recordingdate" | "shootdate" | "datetime";
        capture_rate = rate, "sensorfps" | "sensorrate" | "capturerate" | "recordfps" | "recordingfps";
        rate = rate, "projectfps" | "projectrate" | "framerate" | "timebase" | "fps";
        white_balance_kelvin = number, "whitebalancekelvin" | "kelvin" | "colortemperature" | "colourtemperature" | "whitebalance";
        white_balance_tint = number, "whitebalancetint" | "tint" | "cc" | "whitebalancecc";
        iso = number, "iso" | "exposureindex" | "exposureindexasa" | "ei" | "asa" | "isospeedratings" | "photographicsensitivity";
        shutter_angle = number, "shutterangle";
        lens_make = text, "lensmake" | "lensmanufacturer";
        lens_model = text, "lensmodel" | "lens" | "lenstype" | "lensname";
        lens_serial_number = text, "lensserialnumber";
        focal_length = number, "focallength" | "lensfocallength";
        f_stop = number, "fnumber" | "fstop" | "aperture" | "iris";
        t_stop = number, "tstop";
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_of_many_makers_come_to_one_vocabulary() {
        let fields: Struct = [
            ("IFD0:Make (271)", json!("RED")),
            ("Camera/Model", json!("V-RAPTOR")),
            ("White Balance Kelvin", json!("5600 K")),
            ("IFD0/Exif:FNumber (33437)", json!("28/10")),
            ("Sensor FPS", json!("47.952")),
            ("Frame Rate", json!(23.976)),
            ("Lens", json!("  ")),
            ("EI", json!(800)),
        ]
        .map(|(k, v)| (k.to_owned(), v))
        .into_iter()
        .collect();
        let mut m = CameraMetadata {
            make: Some(Sourced { value: "known".into(), origin: Origin { file: "x".into(), tag: "y".into() } }),
            ..Default::default()
        };
        fill(&mut m, &fields, Path::new("A001.R3D"));
        assert_eq!(m.make.unwrap().value, "known", "what is known already stays");
        let model = m.model.unwrap();
        assert_eq!((model.value.as_str(), model.origin.tag.as_str()), ("V-RAPTOR", "FilmLight:Camera/Model"));
        assert_eq!(m.white_balance_kelvin.unwrap().value, 5600.0);
        assert_eq!(m.f_stop.unwrap().value, 2.8);
        assert_eq!(m.capture_rate.unwrap().value, Rate::FPS_47_952);
        assert_eq!(m.rate.unwrap().value, Rate::FPS_23_976);
        assert_eq!(m.iso.unwrap().value, 800.0);
        assert!(m.lens_model.is_none());
    }
}
