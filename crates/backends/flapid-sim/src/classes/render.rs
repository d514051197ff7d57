//! RenderSetup and RenderProcessor.

use std::sync::Arc;

use serde_json::{Value, json};

use super::target;
use crate::job::Job;
use crate::object::{Object, Setup, Shared, lock};
use crate::render::{Order, filename};
use crate::rpc::{Answer, Call, Fault, fault, int};
use crate::session::Session;

pub(super) fn call(session: &mut Session, class: &str, method: &str, call: &Call) -> Option<Answer> {
    match (class, method) {
        ("RenderProcessor", "get") => Some(Ok(session.processor())),
        ("RenderProcessor", _) => match target(session, call) {
            Ok(Object::Processor) => processor(session, method, call),
            Ok(_) => Some(fault("The object is no RenderProcessor")),
            Err(e) => Some(Err(e)),
        },
        (_, "create") => Some(Ok(session.hand_out(Object::Setup(Arc::default())))),
        (_, "create_from_scene") => {
            let setup = Object::Setup(Arc::default());
            Some(set_scene(session, &setup, call).map(|_| session.hand_out(setup)))
        }
        (_, "get_image_types") => Some(Ok(image_types())),
        (_, "get_movie_types") => Some(Ok(json!([
            { "_type": "RenderFileTypeInfo", "Key": "lqtmov", "Text": "QuickTime Movie", "Extensions": [".mov"], "Params": [] }
        ]))),
        (_, "get_movie_codecs") => Some(match call.params.text("movieType") {
            Ok("lqtmov") => Ok(movie_codecs()),
            Ok(other) => fault(format!("Unknown movie type {other}")),
            Err(e) => Err(e),
        }),
        (_, "get_movie_audio_codecs") => Some(Ok(json!([]))),
        _ => {
            let object = match target(session, call) {
                Ok(object) => object.clone(),
                Err(e) => return Some(Err(e)),
            };
            match (&object, method) {
                (Object::Setup(_), "set_scene") => Some(set_scene(session, &object, call)),
                (Object::Setup(_), "submit_to_queue") => Some(super::queue::submit(session, &object, call)),
                (Object::Setup(setup), _) => of_setup(setup, method, call),
                _ => Some(fault("The object is no RenderSetup")),
            }
        }
    }
}

fn movie_codecs() -> Value {
    let codec = |key: &str, text: &str| json!({ "_type": "RenderCodecInfo", "Key": key, "Text": text, "Params": [] });
    let mut codecs = vec![codec("h264hw", "H.264 (Hardware)"), codec("prores_422_proxy", "Apple ProRes 422 (Proxy)")];
    if crate::render::makes_dnxhr() {
        codecs.push(codec("dnxhr_lb", "Avid DNxHR LB"));
    }
    Value::Array(codecs)
}

fn image_types() -> Value {
    let value = |key: &str| json!({ "_type": "RenderCodecParameterValue", "Key": key, "Text": key });
    let compressions = ["NONE", "RLE", "ZIPS", "ZIP", "PIZ", "DWAA", "DWAB"].map(value);
    json!([
        {
            "_type": "RenderFileTypeInfo", "Key": "EXR", "Text": "OpenEXR", "Extensions": [".exr"],
            "Params": [{
                "_type": "RenderCodecParameterInfo", "Key": "compression", "Text": "Compression", "Type": "Choice",
                "Choices": compressions
            }]
        },
        { "_type": "RenderFileTypeInfo", "Key": "JPEG", "Text": "JPEG", "Extensions": [".jpg"], "Params": [] },
        { "_type": "RenderFileTypeInfo", "Key": "PNG", "Text": "PNG", "Extensions": [".png"], "Params": [] }
    ])
}

fn set_scene(session: &Session, setup: &Object, call: &Call) -> Answer {
    let (Object::Setup(setup), Object::Scene(scene)) = (setup, session.object(call.params.handle("scene")?)?) else {
        return fault("Parameter scene must be a Scene");
    };
    lock(setup).scene = Some(Arc::clone(scene));
    Ok(Value::Null)
}

fn of_setup(setup: &Shared<Setup>, method: &str, call: &Call) -> Option<Answer> {
    let mut setup = lock(setup);
    let index = || call.params.int("index").ok().and_then(|i| usize::try_from(i).ok()).unwrap_or(usize::MAX);
    Some(match method {
        "get_num_deliverables" => Ok(json!(setup.deliverables.len())),
        "get_deliverable_names" => {
            Ok(setup.deliverables.iter().map(|d| d.get("Name").cloned().unwrap_or_default()).collect())
        }
        "get_deliverable" => match setup.deliverables.get(index()) {
            Some(d) => Ok(Value::Object(d.clone())),
            None => fault("There is no such deliverable"),
        },
        "add_deliverable" => call.params.object("deliverable").map(|d| {
            setup.deliverables.push(d.clone());
            Value::Null
        }),
        "delete_all_deliverables" => {
            setup.deliverables.clear();
            Ok(Value::Null)
        }
        "set_deliverable_enabled" => match setup.deliverables.get_mut(index()) {
            Some(d) => {
                let enabled = int(call.params.get("enabled")).unwrap_or(1) != 0;
                d.insert("Disabled".into(), json!(i32::from(!enabled)));
                Ok(Value::Null)
            }
            None => fault("There is no such deliverable"),
        },
        "get_output_filename_for_deliverable" => {
            let frame = call.params.int("frame").unwrap_or(-1);
            filename(&setup, index(), frame).map(|p| json!(p))
        }
        "set_container" => call.params.text("container").map(str::to_owned).map(|c| {
            setup.container = Some(c);
            Value::Null
        }),
        "get_frames" => Ok(setup
            .frames
            .iter()
            .flatten()
            .map(|(a, b)| json!({ "_type": "FrameRange", "Start": a, "End": b }))
            .collect()),
        "set_frames" => frames(call).map(|frames| {
            setup.frames = Some(frames);
            Value::Null
        }),
        "select_all" => {
            setup.frames = None;
            Ok(Value::Null)
        }
        _ => return None,
    })
}

fn frames(call: &Call) -> Result<Vec<(i64, i64)>, Fault> {
    let Some(list) = call.params.get("frames").as_array() else { return fault("Parameter frames must be a list") };
    let range = |r: &Value| match (int(&r["Start"]), int(&r["End"])) {
        (Some(a), Some(b)) => Ok((a, b)),
        _ => fault("A FrameRange needs Start and End"),
    };
    list.iter().map(range).collect()
}

fn processor(session: &mut Session, method: &str, call: &Call) -> Option<Answer> {
    let shared = Arc::clone(&session.shared);
    let current = lock(&shared.processor).clone();
    Some(match (method, current) {
        ("start", _) => start(session, call),
        ("get_progress", Some(job)) => Ok(job.render_status()),
        ("get_log", Some(job)) => Ok(job.whole_log("RenderProcessorLogItem")),
        ("get_log", None) => Ok(json!([])),
        ("get_progress", None) => fault("No render has been started"),
        ("shutdown", job) => {
            if let Some(job) = job {
                job.cancel.cancel();
            }
            Ok(Value::Null)
        }
        _ => return None,
    })
}

fn start(session: &Session, call: &Call) -> Answer {
    let Object::Setup(setup) = session.object(call.params.handle("renderSetup")?)? else {
        return fault("Parameter renderSetup must be a RenderSetup");
    };
    let order = Order::of(&lock(setup), session.shared.settings.faults.exclusive_ends)?;
    let mut current = lock(&session.shared.processor);
    if current.as_ref().is_some_and(|job| job.is_active()) {
        return fault("A render is under way");
    }
    let job = Job::new("Render", order.frames());
    *current = Some(Arc::clone(&job));
    drop(current);
    session.shared.begin(order, &job, || {});
    Ok(Value::Null)
}
