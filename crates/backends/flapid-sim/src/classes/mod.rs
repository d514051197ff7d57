//! The methods, class by class.

mod formats;
mod media;
mod queue;
mod render;
mod scene;
mod shot;

use serde_json::{Value, json};

use crate::object::Object;
use crate::rpc::{Answer, Call, Fault, fault};
use crate::session::Session;

/// Calls a method of a class.
pub(crate) async fn call(session: &mut Session, call: &Call) -> Answer {
    let Some((class, method)) = call.method.split_once('.') else {
        return fault(format!("Unknown method {}", call.method));
    };
    let answer = match class {
        "Application" | "Licence" | "Utilities" | "JobManager" | "ThumbnailManager" | "APITest" => {
            server(session, class, method, call)
        }
        "Image" | "SequenceDescriptor" | "ImageSearcher" => media::call(session, class, method, call).await,
        "Scene" | "SceneSettings" => scene::call(session, class, method, call),
        "Shot" => shot::call(session, method, call),
        "FormatSet" | "Format" => formats::call(session, class, method, call),
        "RenderSetup" | "RenderProcessor" => render::call(session, class, method, call),
        "QueueManager" => queue::call(session, method, call),
        _ => None,
    };
    answer.unwrap_or_else(|| fault(format!("Unknown method {}", call.method)))
}

/// The object a method is called on.
fn target<'a>(session: &'a Session, call: &Call) -> Result<&'a Object, Fault> {
    match call.target {
        Some(id) => session.object(id),
        None => fault(format!("Instance method {} called on object with no instance", call.method)),
    }
}

fn server(session: &mut Session, class: &str, method: &str, call: &Call) -> Option<Answer> {
    Some(match (class, method) {
        ("Application", "get_application_info") => Ok(json!({
            "Build": "17711", "Major": "5", "Minor": "3", "Name": "flapi", "Path": "/usr/fl/simulated",
            "Product": "Simulated"
        })),
        ("Application", "get_sdk_versions") => Ok(json!([
            { "_type": "SDKVersion", "Key": "rushes", "Name": "Rushes", "Description": "CinemaDNG and MLV",
              "Version": env!("CARGO_PKG_VERSION") }
        ])),
        ("Application", "get") => Ok(session.hand_out(Object::Application)),
        // How many objects the client has handles of: for tests that look for leaks.
        ("Application", "get_custom_data") => Ok(json!(session.objects())),
        ("Application", "log") => Ok(Value::Null),
        ("Licence", "get_system_id") => Ok(json!("0000-0000")),
        ("Licence", "get_licence_info") => Ok(json!([
            { "_type": "LicenceItem", "Product": "Simulated", "Version": "5.3", "Options": ["render"], "Permanent": 1,
              "Start": null, "Duration": 0, "DaysLeft": 0 }
        ])),
        ("JobManager", "get_jobs") => Ok(json!([])),
        ("Utilities", "get_allowed_enum_values") => Ok(json!([])),
        ("ThumbnailManager", "get_poster_uri") => poster(session, call),
        ("APITest", "create" | "get") => Ok(session.hand_out(Object::Test)),
        ("APITest", "promise_test") => Ok(call.params.get("value").clone()),
        ("APITest", "fail") => fault("Test failure"),
        ("APITest", "send_test_signal" | "defer_test_signal") => {
            let sync = method == "defer_test_signal";
            session.signal(call.target?, "TestSignal", &json!({ "n": 7 }), sync);
            Ok(Value::Null)
        }
        _ => return None,
    })
}

/// The address of a shot's picture, on the same port.
fn poster(session: &Session, call: &Call) -> Answer {
    let Object::Shot(scene, index) = session.object(call.params.handle("shot_if")?)? else {
        return fault("Parameter shot_if must be a Shot");
    };
    let scene = crate::object::lock(scene);
    let sequence = &scene.shots[*index].sequence;
    let frame = sequence.range.first;
    Ok(json!(format!("/thumbnail/{frame}{}", sequence.media.path(frame).display())))
}
