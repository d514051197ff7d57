//! A render under way.

use std::sync::{Arc, Mutex};

use rushes::core::run::CancellationToken;
use serde_json::{Value, json};

use crate::object::lock;

/// A render, and how it goes.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) cancel: CancellationToken,
    pub(crate) name: String,
    state: Mutex<State>,
}

#[derive(Debug, Clone)]
struct State {
    status: &'static str,
    error: Option<String>,
    total: u64,
    complete: u64,
    failed: u64,
    /// Frames are all made and the end does not come.
    log: Vec<Value>,
}

impl Job {
    pub(crate) fn new(name: &str, total: u64) -> Arc<Self> {
        let state = State { status: "Active", error: None, total, complete: 0, failed: 0, log: Vec::new() };
        Arc::new(Self { cancel: CancellationToken::new(), name: name.to_owned(), state: Mutex::new(state) })
    }

    pub(crate) fn frame_done(&self) {
        lock(&self.state).complete += 1;
    }

    pub(crate) fn log(&self, kind: &str, frame: i64, message: &str, detail: &str) {
        lock(&self.state).log.push(json!({
            "Time": "2026-01-01 00:00:00", "Type": kind, "Task": "Render", "Frame": frame, "Message": message,
            "Detail": detail
        }));
    }

    /// False when it has ended.
    pub(crate) fn is_active(&self) -> bool {
        lock(&self.state).status == "Active"
    }

    /// The first end counts.
    pub(crate) fn end(&self, status: &'static str, error: Option<String>, failed: u64) {
        let mut state = lock(&self.state);
        if state.status == "Active" {
            (state.status, state.error, state.failed) = (status, error, failed);
        }
    }

    /// As RenderProcessor tells it.
    pub(crate) fn render_status(&self) -> Value {
        let s = lock(&self.state).clone();
        json!({
            "_type": "RenderStatus", "Status": s.status, "Error": s.error, "Total": s.total, "Complete": s.complete,
            "Remaining": s.total - s.complete.min(s.total), "Failed": s.failed, "Progress": progress(&s),
            "ProgressMessage": ""
        })
    }

    /// As a queue tells it.
    pub(crate) fn queue_status(&self, id: i64) -> Value {
        let s = lock(&self.state).clone();
        let text = if s.status == "Done" && (s.error.is_some() || s.failed > 0) { "Render failure" } else { "" };
        let count = |kind: &str| s.log.iter().filter(|l| l["Type"] == kind).count();
        json!({
            "_type": "QueueOpStatus", "ID": id, "Status": s.status, "Progress": progress(&s), "ProgressText": text,
            "TimeElapsed": "1", "TimeRemaining": "0", "Warnings": count("warn"), "Errors": count("fail")
        })
    }

    /// The whole log, of items of type `kind`.
    pub(crate) fn whole_log(&self, kind: &str) -> Value {
        let typed = |mut item: Value| {
            item["_type"] = kind.into();
            item
        };
        lock(&self.state).log.iter().cloned().map(typed).collect()
    }
}

fn progress(s: &State) -> f64 {
    if s.total == 0 { 1.0 } else { s.complete as f64 / s.total as f64 }
}
