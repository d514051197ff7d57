//! Scene and SceneSettings.

use std::sync::Arc;

use serde_json::{Value, json};

use super::target;
use crate::media::timecode;
use crate::object::{Object, Scene, Shared, Shot, lock};
use crate::rpc::{Answer, Call, fault, text_of};
use crate::session::Session;

/// The settings there are, and what they are at first.
const SETTINGS: [(&str, &str); 7] = [
    ("WorkingFormat", "HD 1920x1080"),
    ("WorkingColourSpace", "ACES_lin"),
    ("InputColourSpace", "Auto"),
    ("DisplayRenderingTransform", "ACES 2.0"),
    ("WorkingFieldOrder", "None"),
    ("StartTimecode", "00:00:00:00"),
    ("SequenceResamplingMode", "SnapToFrame"),
];

pub(super) fn call(session: &mut Session, class: &str, method: &str, call: &Call) -> Option<Answer> {
    match (class, method) {
        ("Scene", "temporary_scene") => Some(temporary(session, call)),
        ("Scene", "create") => Some(Ok(session.hand_out(Object::Scene(Arc::default())))),
        ("Scene", "get_look_names" | "get_look_infos") => Some(Ok(json!([]))),
        ("Scene", "new_scene" | "open_scene") => Some(fault("The simulator has no job database")),
        ("Scene", _) => match target(session, call) {
            Ok(Object::Scene(s)) => {
                let scene = Arc::clone(s);
                of_scene(session, &scene, method, call)
            }
            Ok(_) => Some(fault("The object is no Scene")),
            Err(e) => Some(Err(e)),
        },
        (_, _) => match target(session, call) {
            Ok(Object::Settings(s)) => of_settings(s, method, call),
            Ok(_) => Some(fault("The object is no SceneSettings")),
            Err(e) => Some(Err(e)),
        },
    }
}

fn temporary(session: &mut Session, call: &Call) -> Answer {
    let options = call.params.object("options")?.clone();
    let space = text_of(&options, "colourspace").unwrap_or("ACES_lin");
    if !super::formats::COLOUR_SPACES.iter().any(|(name, ..)| *name == space) {
        return fault(format!("Unknown colour space {space}"));
    }
    let settings = SETTINGS.iter().map(|(k, v)| ((*k).to_owned(), json!(v)));
    let mut scene = Scene { settings: settings.collect(), options: options.clone(), ..Scene::default() };
    scene.settings.insert("WorkingColourSpace".into(), json!(space));
    Ok(session.hand_out(Object::Scene(Arc::new(std::sync::Mutex::new(scene)))))
}

fn of_scene(session: &mut Session, shared: &Shared<Scene>, method: &str, call: &Call) -> Option<Answer> {
    let mut scene = lock(shared);
    if scene.closed && method != "close_scene" {
        return Some(fault("The scene is closed"));
    }
    let opened = json!({ "_type": "OpenSceneStatus", "Done": 1, "Error": null, "Progress": 100.0, "Message": "" });
    Some(match method {
        "close_scene" => {
            let was_open = !scene.closed;
            scene.closed = true;
            Ok(json!(i32::from(was_open)))
        }
        "temporary_scene_nonblock" => {
            scene.options = call.params.object("options").cloned().unwrap_or_default();
            drop(scene);
            session.signal(call.target?, "TemporarySceneDone", &json!({ "Error": null }), false);
            Ok(Value::Null)
        }
        "get_open_status" | "wait_until_open" => Ok(opened),
        "start_delta" if scene.delta => fault("A delta is open already"),
        "start_delta" => {
            scene.delta = true;
            Ok(Value::Null)
        }
        "end_delta" | "cancel_delta" if !scene.delta => fault("No delta is open"),
        "end_delta" | "cancel_delta" => {
            scene.delta = false;
            Ok(Value::Null)
        }
        "insert_sequence" if !scene.delta => fault("insert_sequence needs an open delta"),
        "insert_sequence" => {
            drop(scene);
            insert(session, shared, call)
        }
        "get_scene_settings" => {
            drop(scene);
            Ok(session.hand_out(Object::Settings(Arc::clone(shared))))
        }
        "get_formats" => {
            drop(scene);
            Ok(session.hand_out(Object::Formats))
        }
        "get_start_frame" => Ok(json!(0)),
        "get_end_frame" => Ok(json!(scene.shots.last().map_or(0, Shot::end))),
        "get_num_shots" => Ok(json!(scene.shots.len())),
        "get_shot_id" => Ok(json!(call.params.int("index").unwrap_or(0))),
        "get_shot" => {
            let index = call.params.int("shot_id").ok().and_then(|i| usize::try_from(i).ok());
            match index.filter(|i| *i < scene.shots.len()) {
                Some(index) => {
                    drop(scene);
                    Ok(session.hand_out(Object::Shot(Arc::clone(shared), index)))
                }
                None => fault("There is no such shot"),
            }
        }
        "get_working_frame_rate" => Ok(scene.options.get("frame_rate").cloned().unwrap_or(json!(24.0))),
        "get_record_timecode_for_frame" => Ok(timecode(None)),
        "is_read_only" | "is_read_only_for_host" => Ok(json!(0)),
        "get_metadata_definitions" => Ok(json!([])),
        "set_scene_container" => Ok(Value::Null),
        "save_scene" => fault("A temporary scene cannot be saved"),
        _ => return None,
    })
}

fn insert(session: &mut Session, scene: &Shared<Scene>, call: &Call) -> Answer {
    let Object::Sequence(sequence) = session.object(call.params.handle("sequence")?)? else {
        return fault("Parameter sequence must be a SequenceDescriptor");
    };
    if !matches!(call.params.text("where")?, "end" | "start") {
        return fault("the simulator inserts at the end only");
    }
    let index = {
        let mut locked = lock(scene);
        let start = locked.shots.last().map_or(0, Shot::end);
        locked.shots.push(Shot {
            sequence: sequence.clone(),
            start,
            decode: serde_json::Map::new(),
            input_space: "Auto".into(),
            layers: Vec::new(),
        });
        locked.shots.len() - 1
    };
    Ok(session.hand_out(Object::Shot(Arc::clone(scene), index)))
}

fn of_settings(scene: &Shared<Scene>, method: &str, call: &Call) -> Option<Answer> {
    let mut scene = lock(scene);
    let unknown = |key: &str| fault(format!("Invalid setting {key}"));
    Some(match method {
        "get_setting_keys" => Ok(scene.settings.keys().cloned().collect()),
        "get_setting_definition" => match call.params.text("key") {
            Ok(key) if scene.settings.contains_key(key) => {
                Ok(json!({ "_type": "SceneSettingDefinition", "Type": "string", "Desc": key, "Values": [] }))
            }
            Ok(key) => unknown(key),
            Err(e) => Err(e),
        },
        "get" => Ok(Value::Object(scene.settings.iter().map(|(k, v)| (k.clone(), v.clone())).collect())),
        "get_single" => match call.params.text("key") {
            Ok(key) => scene.settings.get(key).cloned().map_or_else(|| unknown(key), Ok),
            Err(e) => Err(e),
        },
        "set" | "set_single" => {
            let values = match (method, call.params.text("key")) {
                ("set_single", Ok(key)) => [(key.to_owned(), call.params.get("value").clone())].into_iter().collect(),
                _ => call.params.object("values").cloned().unwrap_or_default(),
            };
            if let Some(key) = values.keys().find(|k| !scene.settings.contains_key(*k)) {
                return Some(unknown(key));
            }
            scene.settings.extend(values);
            Ok(Value::Null)
        }
        _ => return None,
    })
}
