//! Shot, and what can be asked of its decoder.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::target;
use crate::media::timecode;
use crate::object::{Layer, Object, Scene, Shared, Shot, lock};
use crate::rpc::{Answer, Call, fault};
use crate::session::Session;

/// The type of the decode parameters of every codec here.
const DECODE_TYPE: &str = "SIMRAW";

pub(super) fn call(session: &mut Session, method: &str, call: &Call) -> Option<Answer> {
    match method {
        "get_decode_parameter_types" => return Some(Ok(json!([DECODE_TYPE]))),
        "get_decode_parameter_type_for_codec" => return Some(Ok(json!(DECODE_TYPE))),
        "get_decode_parameter_definitions" => {
            return Some(match call.params.text("decode_type") {
                Ok(DECODE_TYPE) => Ok(definitions()),
                Ok(other) => fault(format!("Unknown decode parameter type {other}")),
                Err(e) => Err(e),
            });
        }
        _ => {}
    }
    match target(session, call) {
        Ok(Object::Shot(scene, index)) => {
            let (scene, index) = (Arc::clone(scene), *index);
            match method {
                "get_scene" => Some(Ok(session.hand_out(Object::Scene(scene)))),
                "get_sequence_descriptor" => {
                    let sequence = lock(&scene).shots[index].sequence.clone();
                    Some(Ok(session.hand_out(Object::Sequence(sequence))))
                }
                _ => of_shot(&scene, index, method, call),
            }
        }
        Ok(_) => Some(fault("The object is no Shot")),
        Err(e) => Some(Err(e)),
    }
}

/// Rushes' own parameters under names that are nobody's: a client has to look.
fn definitions() -> Value {
    let number = |key: &str, label: &str, default: f64, min: f64, max: f64| {
        json!({
            "_type": "DecodeParameterDefinition", "Parameter": key, "Type": "Float", "Default": default,
            "Label": label, "Min": min, "Max": max, "Choices": []
        })
    };
    let choice = |value: &str, label: &str| json!({ "_type": "DecodeParameterChoice", "Value": value, "Label": label });
    json!([
        number("Exposure", "Exposure (stops)", 0.0, -8.0, 8.0),
        number("ColourTemperature", "Colour Temperature", 0.0, 0.0, 50_000.0),
        number("Tint", "Tint", 0.0, -150.0, 150.0),
        {
            "_type": "DecodeParameterDefinition", "Parameter": "DebayerMethod", "Type": "Choice", "Default": "gbtf",
            "Label": "Debayer", "Min": null, "Max": null,
            "Choices": [choice("gbtf", "Best"), choice("rcd", "RCD"), choice("superpixel", "Half size")]
        }
    ])
}

fn of_shot(scene: &Shared<Scene>, index: usize, method: &str, call: &Call) -> Option<Answer> {
    let mut scene = lock(scene);
    let edits = method.starts_with("set_") || method.starts_with("insert_") || method.starts_with("delete_");
    if edits && !scene.delta {
        return Some(fault(format!("{method} needs an open delta")));
    }
    let shot = &mut scene.shots[index];
    let range = shot.sequence.range;
    Some(match method {
        "is_valid" => Ok(json!(1)),
        "get_id" => Ok(json!(index)),
        "get_start_frame" | "get_poster_frame" => Ok(json!(shot.start as f64)),
        "get_end_frame" => Ok(json!(shot.end() as f64)),
        "get_src_start_frame" => Ok(json!(range.first)),
        "get_src_end_frame" => Ok(json!(range.last)),
        "get_src_start_timecode" => Ok(timecode(shot.sequence.media.timecode(range.first))),
        "get_src_end_timecode" => Ok(timecode(shot.sequence.media.timecode(range.last))),
        "get_codec" => Ok(json!(shot.sequence.media.codec)),
        "get_decode_parameters" => Ok(Value::Object(shot.decode.clone())),
        "set_decode_parameters" => set_decode(shot, call),
        "get_input_colour_space" => Ok(json!(shot.input_space)),
        "get_actual_input_colour_space" => {
            Ok(json!(if shot.input_space == "Auto" { "ACES_lin" } else { shot.input_space.as_str() }))
        }
        "set_input_colour_space" => match call.params.text("name") {
            Ok(name @ ("Auto" | "ACES_lin")) => {
                shot.input_space = name.to_owned();
                Ok(Value::Null)
            }
            Ok(other) => fault(format!("the simulator decodes to ACES_lin, not to {other}")),
            Err(e) => Err(e),
        },
        "get_metadata" | "get_metadata_strings" => Ok(metadata(shot, &call.params.get("md_keys").clone())),
        "insert_cdl_layer" | "insert_cdl_layer_above" => cdl(shot, call),
        "insert_lut_layer" => lut(shot, call),
        "insert_blg_stack" => fault("the simulator has no BLG grades"),
        "delete_all_layers" => {
            shot.layers.clear();
            Ok(Value::Null)
        }
        _ => return None,
    })
}

fn set_decode(shot: &mut Shot, call: &Call) -> Answer {
    let asked = call.params.object("decode_params")?;
    let known = definitions();
    let known: Vec<&str> = known.as_array().into_iter().flatten().filter_map(|d| d["Parameter"].as_str()).collect();
    for (key, value) in asked.iter().filter(|(k, _)| *k != "_type") {
        if !known.contains(&key.as_str()) {
            return fault(format!("Unknown decode parameter {key}"));
        }
        shot.decode.insert(key.clone(), value.clone());
    }
    Ok(Value::Null)
}

/// Keys as a set, or as the list that some examples pass.
fn metadata(shot: &Shot, keys: &Value) -> Value {
    let wanted = |key: &str| match keys {
        Value::Array(list) => list.iter().any(|k| k == key),
        other => other.get(key).is_some(),
    };
    let media = &shot.sequence.media;
    let mut map = Map::new();
    let all = [
        ("clip", json!(media.clip.name)),
        ("filename", json!(media.path(shot.sequence.range.first))),
        ("tape", json!(media.clip.metadata.reel.as_ref().map(|r| r.value.clone()))),
    ];
    map.extend(all.into_iter().filter(|(k, _)| wanted(k)).map(|(k, v)| (k.to_owned(), v)));
    Value::Object(map)
}

fn cdl(shot: &mut Shot, call: &Call) -> Answer {
    let list = call.params.get("cdl_values").as_array().map(Vec::as_slice).unwrap_or_default();
    let numbers: Option<Vec<f64>> = list.iter().map(Value::as_f64).collect();
    match numbers.and_then(|n| <[f64; 10]>::try_from(n).ok()) {
        Some(values) => {
            shot.layers.push(Layer::Cdl(values));
            Ok(Value::Null)
        }
        None => fault("cdl_values must be 10 numbers"),
    }
}

fn lut(shot: &mut Shot, call: &Call) -> Answer {
    let (from, to) = (call.params.text("inputColourSpace")?, call.params.text("outputColourSpace")?);
    if call.params.text("location")? != "file" || from != to {
        return fault("the simulator takes LUTs from files, and within one space");
    }
    shot.layers.push(Layer::Lut(call.params.text("file")?.to_owned(), from.to_owned()));
    Ok(Value::Null)
}
