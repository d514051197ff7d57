//! Objects that live on the server.

use std::sync::Arc;

use serde_json::{Value, json};

use super::link::Link;

/// An object on the server, as long as somebody here holds it: when the last clone is dropped, the server is told to
/// forget it. It is of no use on another connection than its own.
#[derive(Debug, Clone)]
pub struct Handle(Arc<Held>);

/// What the clones of a handle share.
#[derive(Debug)]
pub(crate) struct Held {
    id: u64,
    class: String,
    link: Link,
}

impl Held {
    pub(crate) fn new(id: u64, class: &str, link: Link) -> Self {
        Self { id, class: class.to_owned(), link }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.link.forget(self.id);
    }
}

impl Handle {
    pub(crate) fn new(held: Arc<Held>) -> Self {
        Self(held)
    }

    /// Its number, never used for another object of the connection.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// Its class: `Scene`.
    pub fn class(&self) -> &str {
        &self.0.class
    }

    /// As it stands in parameters.
    pub fn reference(&self) -> Value {
        json!({ "_handle": self.class(), "_id": self.id() })
    }
}

/// The class and number of a handle in what a server sent.
pub(crate) fn read(value: &Value) -> Option<(&str, u64)> {
    let id = value.get("_id")?;
    let id = id.as_u64().or_else(|| id.as_f64().filter(|f| *f >= 0.0 && f.fract() == 0.0).map(|f| f as u64))?;
    Some((value.get("_handle")?.as_str()?, id))
}
