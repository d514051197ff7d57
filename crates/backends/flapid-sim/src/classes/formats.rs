//! FormatSet and Format.

use serde_json::{Value, json};

use super::target;
use crate::object::Object;
use crate::rpc::{Answer, Call, fault};
use crate::session::Session;

/// Name, name for people, and type.
pub(super) const COLOUR_SPACES: [(&str, &str, &str); 4] = [
    ("ACES_lin", "ACES: Linear / AP0", "scene"),
    ("ACEScg", "ACEScg: Linear / AP1", "scene"),
    ("ACEScct", "ACEScct: ACEScct / AP1", "scene"),
    ("Video_Full", "Rec1886: 2.4 Gamma / Rec.709", "display"),
];

pub(super) fn call(session: &mut Session, class: &str, method: &str, call: &Call) -> Option<Answer> {
    match (class, method) {
        ("FormatSet", "factory_formats" | "global_formats") => return Some(Ok(session.hand_out(Object::Formats))),
        ("FormatSet", "get_drt_names") => return Some(Ok(json!(["ACES 1.3", "ACES 2.0", "Truelight CAM v2"]))),
        ("FormatSet", "get_drt_info") => {
            return Some(Ok(json!({
                "_type": "DRTInfo", "Name": call.params.get("name"), "InputSpace": "ACES_lin",
                "OutputSpace": "Video_Full", "ViewingConditions": []
            })));
        }
        _ => {}
    }
    let object = match target(session, call) {
        Ok(object) => object.clone(),
        Err(e) => return Some(Err(e)),
    };
    Some(match (object, method) {
        (Object::Formats, "get_scope") => Ok(json!("factory")),
        (Object::Formats, "get_format_names") => Ok(json!(["HD 1920x1080"])),
        (Object::Formats, "get_basic_format_name") => basic(call),
        (Object::Formats, "get_colour_space_names") => {
            Ok(COLOUR_SPACES.iter().map(|(name, ..)| Value::from(*name)).collect())
        }
        (Object::Formats, "get_colour_space_info") => space(call),
        (Object::Formats, "get_format") => Ok(session.hand_out(Object::Format(1920, 1080, 1.0))),
        (Object::Format(width, height, aspect), "get_resolution") => Ok(json!({
            "_type": "FormatInfo", "Width": width, "Height": height, "PixelAspectRatio": aspect
        })),
        _ => return None,
    })
}

fn basic(call: &Call) -> Answer {
    let (width, height) = (call.params.int("width")?, call.params.int("height")?);
    Ok(json!(format!("Basic {width}x{height}")))
}

fn space(call: &Call) -> Answer {
    let name = call.params.text("name")?;
    match COLOUR_SPACES.iter().find(|(n, ..)| *n == name) {
        Some((name, shown, kind)) => {
            Ok(json!({ "_type": "ColourSpaceInfo", "Name": name, "DisplayName": shown, "Type": kind }))
        }
        None => fault(format!("Unknown colour space {name}")),
    }
}
