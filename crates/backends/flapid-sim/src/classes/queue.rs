//! QueueManager.

use std::sync::Arc;

use serde_json::{Value, json};

use super::target;
use crate::job::Job;
use crate::object::{Object, lock};
use crate::render::Order;
use crate::rpc::{Answer, Call, fault};
use crate::session::Session;

pub(super) fn call(session: &mut Session, method: &str, call: &Call) -> Option<Answer> {
    match method {
        "create" | "create_local" | "create_no_database" => return Some(Ok(session.hand_out(Object::Queue))),
        "get_queue_zones" => return Some(Ok(json!(["localhost"]))),
        _ => {}
    }
    match target(session, call) {
        Ok(Object::Queue) => {}
        Ok(_) => return Some(fault("The object is no QueueManager")),
        Err(e) => return Some(Err(e)),
    }
    let target = call.target?;
    let job = || -> Result<(i64, Arc<Job>), crate::rpc::Fault> {
        let id = call.params.int("id")?;
        lock(&session.shared.queue)
            .get(&id)
            .cloned()
            .map_or_else(|| fault("There is no such operation"), |j| Ok((id, j)))
    };
    Some(match method {
        "get_operation_ids" => Ok(lock(&session.shared.queue).keys().copied().map(Value::from).collect()),
        "get_operation" => job().map(|(id, job)| {
            json!({
                "_type": "QueueOp", "ID": id, "Description": job.name, "SubmitUser": "simulated",
                "SubmitHost": "localhost"
            })
        }),
        "get_operation_status" => job().map(|(id, job)| job.queue_status(id)),
        "get_operation_log" => job().map(|(_, job)| job.whole_log("QueueLogItem")),
        "pause_operation" => job().map(|(_, job)| {
            job.cancel.cancel();
            job.end("Stopped", None, 0);
            Value::Null
        }),
        "resume_operation" | "restart_operation" => fault("the simulator does not go on with what was stopped"),
        "delete_operation" | "archive_operation" => job().map(|(id, job)| {
            job.cancel.cancel();
            lock(&session.shared.queue).remove(&id);
            Value::Null
        }),
        "enable_updates" => {
            session.updates.insert(target);
            Ok(Value::Null)
        }
        "disable_updates" => {
            session.updates.remove(&target);
            Ok(Value::Null)
        }
        _ => return None,
    })
}

/// Gives a render to the queue, where it begins at once.
pub(super) fn submit(session: &Session, setup: &Object, call: &Call) -> Answer {
    let Object::Queue = session.object(call.params.handle("queue")?)? else {
        return fault("Parameter queue must be a QueueManager");
    };
    let Object::Setup(setup) = setup else { return fault("The object is no RenderSetup") };
    let shared = &session.shared;
    let order = Order::of(&lock(setup), shared.settings.faults.exclusive_ends)?;
    let job = Job::new(call.params.text("opname").unwrap_or("Render"), order.frames());
    let id = shared.next_operation();
    lock(&shared.queue).insert(id, Arc::clone(&job));
    let happened = shared.happened.clone();
    // Fails where nobody wants to know.
    let _ = happened.send(("QueueOpsChanged", Value::Null));
    shared.begin(order, &job, move || {
        let _ = happened.send(("QueueOpStatusChanged", json!(id)));
        let _ = happened.send(("QueueOpLogChanged", json!(id)));
    });
    Ok(json!({ "_type": "RenderOpInfo", "ID": id, "Warning": null }))
}
