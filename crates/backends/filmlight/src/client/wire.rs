//! Messages as they stand on the wire.

use serde_json::{Map, Value, json};

/// A message from the server.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Incoming {
    /// The reply to a call.
    Reply { id: u64, answer: Result<Value, Fault> },
    /// Something happened to an object.
    Signal { target: Option<u64>, signal: String, args: Value, wants_answer: Option<Value> },
}

/// An error as the server words it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault {
    pub(crate) code: Option<i64>,
    pub(crate) message: String,
}

/// A call of `method` on the object `target`. `target` and `params` are always there, as the Python client has it.
pub(crate) fn request(method: &str, target: Option<u64>, params: &Value, id: u64) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "target": target, "params": params, "id": id })
}

/// The first message of a connection to a daemon: its fields lie at the top.
pub(crate) fn connect(user: Option<&str>, password: Option<&str>, token: Option<&str>, id: u64) -> Value {
    json!({
        "jsonrpc": "2.0", "method": "connect", "username": user, "password": password, "token": token, "id": id
    })
}

/// That an object is not needed any more. Without an id, as Node sends it: nothing is answered, nobody waits.
pub(crate) fn forget(target: u64) -> Value {
    json!({ "jsonrpc": "2.0", "method": "forget", "target": target })
}

/// The answer to a signal that waits for one.
pub(crate) fn signal_result(target: Option<u64>, sigid: &Value, result: &Value) -> Value {
    let params = json!({ "sigid": sigid, "result": result });
    json!({ "jsonrpc": "2.0", "method": "signal_result", "target": target, "params": params })
}

/// Reads a message.
///
/// # Errors
/// What is wrong with it, when it is neither a reply nor a signal.
pub(crate) fn read(text: &str) -> Result<Incoming, String> {
    let value: Value = serde_json::from_str(text).map_err(|e| format!("it is no JSON: {e}"))?;
    let Value::Object(map) = value else { return Err("it is no object".into()) };
    if map.get("method").and_then(Value::as_str) == Some("signal") {
        return signal(&map);
    }
    let id = map.get("id").and_then(whole).ok_or("it has neither an id nor the method `signal`")?;
    Ok(Incoming::Reply { id, answer: answer(map) })
}

/// A whole number, which some peers write as `3.0`.
fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let float = value.as_f64()?;
        // Ids are counted up from 0 and stay far below 2^53, where floats have gaps.
        (float >= 0.0 && float.fract() == 0.0 && float < 9e15).then_some(float as u64)
    })
}

fn answer(mut map: Map<String, Value>) -> Result<Value, Fault> {
    match map.remove("error") {
        None | Some(Value::Null) => Ok(map.remove("result").unwrap_or_default()),
        // What all clients read.
        Some(Value::Object(error)) => {
            let message = error.get("message").and_then(Value::as_str).unwrap_or("the server gave no reason");
            Err(Fault { code: error.get("code").and_then(Value::as_i64), message: message.to_owned() })
        }
        // What an old page of the documentation prints: a code beside a text.
        Some(other) => {
            let message = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
            Err(Fault { code: map.get("code").and_then(Value::as_i64), message })
        }
    }
}

fn signal(map: &Map<String, Value>) -> Result<Incoming, String> {
    let params = map.get("params").and_then(Value::as_object).ok_or("it is a signal without params")?;
    let name = params.get("signal").and_then(Value::as_str).ok_or("it is a signal without a name")?;
    let sync = params.get("sync").is_some_and(|s| s.as_bool().unwrap_or_else(|| s.as_f64().is_some_and(|n| n != 0.0)));
    Ok(Incoming::Signal {
        target: map.get("target").and_then(whole),
        signal: name.to_owned(),
        args: params.get("args").cloned().unwrap_or_default(),
        wants_answer: if sync { params.get("sigid").cloned() } else { None },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read_in_every_shape_that_is_known() {
        let reply = |text| match read(text) {
            Ok(Incoming::Reply { id, answer }) => (id, answer),
            other => panic!("{other:?}"),
        };
        assert_eq!(reply(r#"{"jsonrpc":"2.0","result":[1],"id":3}"#), (3, Ok(json!([1]))));
        assert_eq!(reply(r#"{"result":null,"error":null,"id":3.0,"more":{}}"#), (3, Ok(Value::Null)));
        assert_eq!(reply(r#"{"id":0}"#), (0, Ok(Value::Null)));
        let fault = |code, message: &str| Err(Fault { code, message: message.into() });
        assert_eq!(reply(r#"{"error":{"code":-3,"message":"no"},"id":1}"#), (1, fault(Some(-3), "no")));
        assert_eq!(reply(r#"{"code":1234,"error":"text","id":1}"#), (1, fault(Some(1234), "text")));
        assert_eq!(reply(r#"{"error":{},"id":1}"#), (1, fault(None, "the server gave no reason")));
    }

    #[test]
    fn a_signal_wants_an_answer_only_where_it_says_so() {
        let text =
            r#"{"jsonrpc":"2.0","method":"signal","target":9,"params":{"signal":"X","args":7,"sync":1,"sigid":55}}"#;
        let want =
            Incoming::Signal { target: Some(9), signal: "X".into(), args: json!(7), wants_answer: Some(json!(55)) };
        assert_eq!(read(text), Ok(want));
        let text = r#"{"method":"signal","target":9,"params":{"signal":"X"}}"#;
        let want = Incoming::Signal { target: Some(9), signal: "X".into(), args: Value::Null, wants_answer: None };
        assert_eq!(read(text), Ok(want));
    }

    #[test]
    fn nonsense_is_said_to_be_nonsense() {
        for text in ["", "[]", "3", "{}", r#"{"id":-1}"#, r#"{"id":"x"}"#, r#"{"method":"signal"}"#] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
