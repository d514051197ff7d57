//! The frames here have the shapes that FilmLight's own clients were recorded to send (5.3: Python, Node and Java).

use std::io::{Read as _, Write as _};

use flapid_sim::{Does, Faults, Settings, Sim};
use rushes_testcard::{Card, CardSpec};
use serde_json::{Value, json};

use crate::support::{Raw, on, sim};

#[tokio::test]
async fn connect_is_taken_as_python_and_node_send_it() {
    let user = Some(("filmlight".to_owned(), "TESTTOKEN".to_owned()));
    let sim = Sim::start(Settings { user, ..Settings::default() }).await.unwrap();
    for (frame, id) in [
        (
            r#"{"method": "connect", "username": "filmlight", "password": null, "token": "TESTTOKEN", "id": 1}"#,
            json!(1),
        ),
        (
            r#"{"jsonrpc":"2.0","id":0,"method":"connect","username":"filmlight","password":null,"token":"TESTTOKEN"}"#,
            json!(0),
        ),
    ] {
        let mut raw = Raw::open(sim.port()).await;
        raw.send(frame).await;
        assert_eq!(raw.next().await.1, json!({ "jsonrpc": "2.0", "result": 1, "id": id }));
        raw.ask(r#"{"jsonrpc":"2.0","method":"get_username","target":null,"params":null,"id":2}"#).await;
    }
    let mut raw = Raw::open(sim.port()).await;
    raw.send(r#"{"method": "connect", "username": "filmlight", "password": null, "token": "WRONG", "id": 1}"#).await;
    let refused = raw.next().await.1;
    assert!(refused["error"]["message"].is_string() && refused["error"]["code"].is_i64(), "{refused}");
    raw.send(r#"{"method":"Application.get_application_info","id":8,"jsonrpc":"2.0"}"#).await;
    assert!(raw.next().await.1["error"]["message"].is_string(), "it let somebody in who was refused");
}

#[tokio::test]
async fn requests_are_taken_in_every_shape_and_ids_are_echoed() {
    let sim = sim(Faults::default()).await;
    let mut raw = Raw::open(sim.port()).await;
    for (frame, id) in [
        (
            r#"{"jsonrpc": "2.0", "method": "JobManager.get_jobs", "target": null, "params": {"host": "localhost"}, "id": 3}"#,
            json!(3),
        ),
        (r#"{"method":"RenderSetup.create","id":8,"jsonrpc":"2.0"}"#, json!(8)),
        (r#"{"method":"RenderSetup.create","id":9.0}"#, json!(9.0)),
        (r#"{"jsonrpc":"2.0","method":"get_permissions","target":null,"params":null,"id":4}"#, json!(4)),
        (r#"{"jsonrpc":"2.0","method":"get_connection_id","target":null,"params":null,"id":0}"#, json!(0)),
    ] {
        raw.send(frame).await;
        let (text, reply) = raw.next().await;
        assert_eq!(reply["id"], id, "{frame}");
        assert!(text.contains(r#""result":"#), "{text}");
    }
    raw.send_binary(r#"{"method":"get_username","id":5}"#).await;
    assert_eq!(raw.next().await.1["id"], 5);
    // Whole numbers as floats, null parameters left out, a struct without its type.
    let scene = raw.ask(r#"{"method":"Scene.temporary_scene","params":{"options":{"frame_rate":24}},"id":6}"#).await;
    assert_eq!(scene["_handle"], "Scene");
    let start =
        format!(r#"{{"method":"Scene.start_delta","target":{}.0,"params":{{"name":"Insert"}},"id":7}}"#, scene["_id"]);
    assert_eq!(raw.ask(&start).await, Value::Null);
}

#[tokio::test]
async fn no_result_is_null_with_its_key_and_errors_are_objects_with_a_text() {
    let sim = sim(Faults::default()).await;
    let mut raw = Raw::open(sim.port()).await;
    raw.send(r#"{"method":"Application.log","params":{"category":"x"},"id":1}"#).await;
    assert!(raw.next().await.0.contains(r#""result":null"#));
    for frame in [
        r#"{"method":"Nothing.at_all","id":2}"#,
        r#"{"method":"nothing","id":2}"#,
        r#"{"method":"Scene.close_scene","target":99999,"id":2}"#,
        r#"{"method":"Scene.close_scene","id":2}"#,
        r#"{"method":"SequenceDescriptor.get_for_file","params":{"filepath":"/nowhere/x.ari"},"id":2}"#,
        r#"{"method":"SequenceDescriptor.get_for_file","params":{},"id":2}"#,
    ] {
        raw.send(frame).await;
        let (text, reply) = raw.next().await;
        let error = &reply["error"];
        assert!(error["message"].as_str().is_some_and(|m| !m.is_empty()) && error["code"].is_i64(), "{frame}: {text}");
        assert!(reply.get("result").is_none(), "{text}");
    }
}

#[tokio::test]
async fn handles_are_never_used_twice_and_forget_is_answered_only_with_an_id() {
    let sim = sim(Faults::default()).await;
    let mut raw = Raw::open(sim.port()).await;
    let mut seen = Vec::new();
    for n in 0..5 {
        let handle = raw.ask(&format!(r#"{{"method":"RenderSetup.create","id":{n}}}"#)).await;
        let id = handle["_id"].as_u64().unwrap();
        assert!(seen.iter().all(|s| *s < id) && id < 1 << 31, "{id} after {seen:?}");
        seen.push(id);
        // Python and Java wait for this one.
        assert_eq!(
            raw.ask(&format!(r#"{{"jsonrpc": "2.0", "method": "forget", "target": {id}, "id": 65}}"#)).await,
            Value::Null
        );
    }
    let handle = raw.ask(r#"{"method":"RenderSetup.create","id":7}"#).await;
    let id = &handle["_id"];
    // Node waits for nothing: what comes next is the reply to the next call.
    raw.send(&format!(r#"{{"jsonrpc":"2.0","method":"forget","target":{id}}}"#)).await;
    raw.send(r#"{"method":"Application.get_custom_data","id":8}"#).await;
    let reply = raw.next().await.1;
    assert_eq!((&reply["id"], &reply["result"]), (&json!(8), &json!(0)), "one object was kept");
    raw.send(&format!(r#"{{"method":"RenderSetup.get_num_deliverables","target":{id},"id":9}}"#)).await;
    assert!(raw.next().await.1["error"]["message"].as_str().unwrap().contains("does not exist"));
    // Another connection has objects of its own.
    let mut other = Raw::open(sim.port()).await;
    assert_eq!(other.ask(r#"{"method":"Application.get_custom_data","id":1}"#).await, json!(0));
}

#[tokio::test]
async fn signals_flow_only_to_those_who_asked_and_their_answers_are_not_waited_for() {
    let sim = sim(Faults::default()).await;
    let mut raw = Raw::open(sim.port()).await;
    let test = raw.ask(r#"{"method":"APITest.create","id":1}"#).await["_id"].clone();
    let send = |method: &str, id: u64| format!(r#"{{"method":"APITest.{method}","target":{test},"id":{id}}}"#);
    // Nobody listens: the next message is the reply.
    raw.ask(&send("send_test_signal", 2)).await;
    raw.ask(&format!(r#"{{"jsonrpc": "2.0", "method": "connect_signal", "target": {test}, "params": {{"signal": "TestSignal"}}, "id": 52}}"#)).await;
    raw.send(&send("send_test_signal", 3)).await;
    let (text, signal) = raw.next().await;
    assert_eq!(signal["method"], "signal");
    assert_eq!(signal["params"], json!({ "signal": "TestSignal", "args": { "n": 7 } }), "{text}");
    assert!(signal.get("id").is_none());
    assert_eq!(raw.next().await.1["id"], 3);
    raw.send(&send("defer_test_signal", 4)).await;
    let signal = raw.next().await.1;
    assert_eq!(signal["params"]["sync"], 1);
    assert!(signal["params"]["sigid"].is_u64());
    assert_eq!(raw.next().await.1["id"], 4, "it waits for an answer to the signal");
    // Which comes, and is not answered itself.
    let sigid = &signal["params"]["sigid"];
    raw.send(&format!(r#"{{"jsonrpc": "2.0", "method": "signal_result", "target": {test}, "params": {{"sigid": {sigid}, "result": {{"ok": 1}}}}}}"#)).await;
    raw.ask(&format!(r#"{{"method":"disconnect_signal","target":{test},"params":{{"signal":"TestSignal"}},"id":53}}"#))
        .await;
    raw.ask(&send("send_test_signal", 5)).await;
}

#[tokio::test]
async fn faults_are_as_they_were_ordered() {
    let info = r#"{"method":"get_username","id":1}"#;
    let second = r#"{"method":"get_permissions","id":2}"#;
    for (does, want) in [
        (Does::Error("broken".into()), vec![json!(1), json!(2)]),
        (Does::AfterNext, vec![json!(2), json!(1)]),
        (Does::Twice, vec![json!(1), json!(1), json!(2)]),
        (Does::Silence, vec![json!(2)]),
        (Does::Late(50), vec![json!(2), json!(1)]),
    ] {
        let sim = sim(on("get_username", does.clone())).await;
        let mut raw = Raw::open(sim.port()).await;
        raw.send(info).await;
        raw.send(second).await;
        for id in want {
            assert_eq!(raw.next().await.1["id"], id, "{does:?}");
        }
    }
    let sim = sim(Faults { extra_fields: true, ..Faults::default() }).await;
    let mut raw = Raw::open(sim.port()).await;
    raw.send(r#"{"method":"Licence.get_licence_info","id":1}"#).await;
    let reply = raw.next().await.1;
    assert!(reply.get("NewInVersion9").is_some() && reply["result"][0].get("NewInVersion9").is_some(), "{reply}");
}

/// One HTTP request, and all that comes back.
fn get(port: u16, path: &str) -> Vec<u8> {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn the_port_speaks_http_as_well_and_has_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let clip = Card::write_clean(&dir.path().join("card"), CardSpec::tiny()).unwrap();
    let sim = sim(Faults::default()).await;
    let port = sim.port();
    assert!(get(port, "/reload-scripts").starts_with(b"HTTP/1.1 200"));
    assert!(get(port, "/nothing").starts_with(b"HTTP/1.1 404"));
    let mut raw = Raw::open(port).await;
    let call = |method: &str, target: &Value, params: Value| {
        json!({ "jsonrpc": "2.0", "method": method, "target": target, "params": params, "id": 1 }).to_string()
    };
    let sequence =
        raw.ask(&call("SequenceDescriptor.get_for_file", &Value::Null, json!({ "filepath": clip.path(3) }))).await;
    let scene = raw.ask(&call("Scene.temporary_scene", &Value::Null, json!({ "options": {} }))).await;
    raw.ask(&call("Scene.start_delta", &scene["_id"], json!({ "name": "Insert" }))).await;
    let shot =
        raw.ask(&call("Scene.insert_sequence", &scene["_id"], json!({ "sequence": sequence, "where": "end" }))).await;
    let params = json!({ "shot_if": shot, "options": {} });
    let uri = raw.ask(&call("ThumbnailManager.get_poster_uri", &Value::Null, params)).await;
    let answer = tokio::task::spawn_blocking(move || get(port, uri.as_str().unwrap())).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200") && answer.windows(8).any(|w| w == b"\x89PNG\r\n\x1a\n"));
}
