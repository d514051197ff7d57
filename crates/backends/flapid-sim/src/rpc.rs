//! Messages, read as leniently as the peers of flapid write them.

use serde_json::{Map, Value, json};

/// A call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) target: Option<u64>,
    pub(crate) params: Params,
    /// Echoed as it came; without one, nothing is answered.
    pub(crate) id: Option<Value>,
}

/// Why a call fails.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault {
    pub(crate) code: i64,
    pub(crate) message: String,
}

pub(crate) type Answer = Result<Value, Fault>;

/// A fault with a text.
pub(crate) fn fault<T>(message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { code: -32000, message: message.into() })
}

impl From<rushes::Error> for Fault {
    fn from(e: rushes::Error) -> Self {
        Self { code: -32000, message: e.to_string() }
    }
}

/// Parameters by name. Those that are null, or not there, are the same.
#[derive(Debug, Default)]
pub(crate) struct Params(Map<String, Value>);

impl Call {
    /// Reads a message; `None` when it is none.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let Value::Object(mut map) = serde_json::from_str(text).ok()? else { return None };
        let method = map.get("method")?.as_str()?.to_owned();
        let target = map.get("target").and_then(int).and_then(|n| u64::try_from(n).ok());
        let id = map.remove("id").filter(|id| !id.is_null());
        let params = match map.remove("params") {
            Some(Value::Object(params)) => params,
            // `connect` has its fields at the top.
            _ => map,
        };
        Some(Self { method, target, params: Params(params), id })
    }
}

impl Params {
    pub(crate) fn get(&self, key: &str) -> &Value {
        self.0.get(key).unwrap_or(&Value::Null)
    }

    pub(crate) fn text(&self, key: &str) -> Result<&str, Fault> {
        match self.get(key) {
            Value::String(s) => Ok(s),
            _ => fault(format!("Parameter {key} must be a string")),
        }
    }

    pub(crate) fn int(&self, key: &str) -> Result<i64, Fault> {
        int(self.get(key)).map_or_else(|| fault(format!("Parameter {key} must be an int")), Ok)
    }

    pub(crate) fn object(&self, key: &str) -> Result<&Map<String, Value>, Fault> {
        match self.get(key) {
            Value::Object(map) => Ok(map),
            _ => fault(format!("Parameter {key} must be a struct")),
        }
    }

    /// The number of the object that is handed over.
    pub(crate) fn handle(&self, key: &str) -> Result<u64, Fault> {
        let id = int(&self.get(key)["_id"]).and_then(|n| u64::try_from(n).ok());
        id.map_or_else(|| fault(format!("Parameter {key} must be an object")), Ok)
    }
}

/// A whole number, however it is written: 1, 1.0, true.
pub(crate) fn int(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(b) => Some((*b).into()),
        Value::Number(n) => n.as_i64().or_else(|| n.as_f64().filter(|f| f.fract() == 0.0).map(|f| f as i64)),
        _ => None,
    }
}

/// The field of a struct that may lack it.
pub(crate) fn text_of<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    map.get(key).and_then(Value::as_str)
}

/// The reply to a call. The key `result` is always there, and the message of an error always a text.
pub(crate) fn reply(answer: &Answer, id: &Value) -> Value {
    match answer {
        Ok(result) => json!({ "jsonrpc": "2.0", "result": result, "id": id }),
        Err(e) => json!({ "jsonrpc": "2.0", "error": { "code": e.code, "message": e.message }, "id": id }),
    }
}

/// Something that happened to an object.
pub(crate) fn signal(target: u64, signal: &str, args: &Value, sigid: Option<u64>) -> Value {
    let mut params = json!({ "signal": signal, "args": args });
    if let Some(sigid) = sigid {
        params["sync"] = 1.into();
        params["sigid"] = sigid.into();
    }
    json!({ "jsonrpc": "2.0", "method": "signal", "target": target, "params": params })
}

/// Puts fields that nobody knows into every struct.
pub(crate) fn with_extra_fields(value: &mut Value) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(with_extra_fields),
        Value::Object(map) => {
            map.values_mut().for_each(with_extra_fields);
            // Members of a set are keys; a handle is compared by clients.
            if map.get("_type").is_none_or(|t| t != "set") && !map.contains_key("_handle") {
                map.insert("NewInVersion9".into(), json!({ "x": [1, null] }));
            }
        }
        _ => {}
    }
}
