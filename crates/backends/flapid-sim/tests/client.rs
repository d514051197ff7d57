//! Calls and handles.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use flapid_sim::{CallFault, Does, Faults, Settings, Sim};
use rushes_filmlight::types::{KeySet, NewSceneOptions, Wire as _};
use rushes_filmlight::{Connection, Error, Options, User, api};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::support::{deaf, kept, on, options, pair, sim, soon};

#[tokio::test]
async fn who_has_the_token_is_let_in_and_nobody_else() {
    let user = Some(("filmlight".to_owned(), "TESTTOKEN".to_owned()));
    let sim = Sim::start(Settings { user, ..Settings::default() }).await.unwrap();
    let as_user = |user| Options { user, ..Options::at("localhost", sim.port()) };
    let token = |token: &str| User::Token { name: "filmlight".into(), token: token.into() };
    let client = Connection::open(&as_user(token("TESTTOKEN"))).await.unwrap();
    assert_eq!(client.application().await.unwrap().build, "17711");
    let refused = Connection::open(&as_user(token("WRONG"))).await.unwrap_err();
    assert!(matches!(&refused, Error::Refused { message, .. } if message == "Authentication failed"), "{refused}");
    assert!(refused.to_string().contains("fl-setup-flapi-token"), "{refused}");
    // On another name of this machine nothing is shown that was not given.
    let other = Options { user: User::Found, ..Options::at("127.0.0.1", sim.port()) };
    assert!(matches!(Connection::open(&other).await, Err(Error::Refused { .. })));
    let last = sim.heard().into_iter().rfind(|h| h.contains(r#""connect""#)).unwrap();
    let last: Value = serde_json::from_str(&last).unwrap();
    assert_eq!((&last["username"], &last["token"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn nobody_at_the_port_is_told_with_its_address() {
    let (_held, port) = deaf();
    let e = Connection::open(&Options::at("localhost", port)).await.unwrap_err();
    assert!(e.is_disconnected() && e.to_string().contains(&format!("localhost:{port}")), "{e}");
}

#[tokio::test]
async fn a_peer_that_never_answers_the_handshake_is_given_up_on_any_stream() {
    let (stream, _silent) = tokio::io::duplex(4096);
    let mut options = Options::at("localhost", 1984);
    options.timeouts.connect = Duration::from_millis(20);
    let e = soon(Connection::over(stream, &options)).await.unwrap_err();
    assert!(e.is_disconnected() && e.to_string().contains("longer than 0.02 s"), "{e}");
}

#[tokio::test]
async fn replies_find_their_calls_in_whatever_order_they_come() {
    let mut faults = on("APITest.promise_test", Does::AfterNext);
    faults.calls.push(CallFault { method: "APITest.promise_test".into(), nth: 3, does: Does::Late(40) });
    faults.calls.push(CallFault { method: "APITest.promise_test".into(), nth: 4, does: Does::Twice });
    faults.calls.push(CallFault { method: "APITest.promise_test".into(), nth: 5, does: Does::Garbage });
    let (_sim, client) = pair(faults).await;
    let test = client.object("APITest.create", None, json!({})).await.unwrap();
    let calls = (0..20).map(|n| {
        let (client, test) = (client.clone(), test.clone());
        tokio::spawn(async move {
            let got: i64 = client.get("APITest.promise_test", Some(&test), json!({ "value": n })).await.unwrap();
            assert_eq!(got, n);
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
}

#[tokio::test]
async fn both_shapes_of_errors_are_read_and_licences_told_apart() {
    let (_sim, client) = pair(on("get_username", Does::OldError("no name".into()))).await;
    let e = client.call("get_username", None, json!({})).await.unwrap_err();
    assert_eq!(e, Error::Server { method: "get_username".into(), code: Some(1234), message: "no name".into() });

    let (_sim, client) = pair(on("RenderSetup.get_movie_types", Does::Error("No Licence for rendering".into()))).await;
    let e = api::RenderSetup::movie_types(&client).await.unwrap_err();
    assert!(matches!(e, Error::Licence { .. }), "{e}");
    assert_eq!(api::RenderSetup::movie_types(&client).await.unwrap().len(), 1, "the connection goes on");

    let (_sim, client) = pair(on("Application.get_application_info", Does::Nonsense)).await;
    assert!(client.application().await.unwrap().build.is_empty(), "a struct without its fields has their defaults");
    let (_sim, client) = pair(on("RenderProcessor.get", Does::Nonsense)).await;
    assert!(matches!(api::RenderProcessor::get(&client).await, Err(Error::Unexpected { .. })));
}

#[tokio::test]
async fn a_call_ends_in_time_and_its_late_reply_disturbs_nobody() {
    let (_sim, client) = pair(on("get_username", Does::Late(150))).await;
    let soon = Duration::from_millis(20);
    let e = client.call_within(soon, "get_username", None, json!({})).await.unwrap_err();
    assert_eq!(e, Error::Timeout { method: "get_username".into(), after: soon });
    assert!(e.may_pass());
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(client.call("get_username", None, json!({})).await.unwrap(), "simulated");

    let mut patient = options(&_sim);
    patient.timeouts.methods.insert("get_permissions".into(), soon);
    assert_eq!(patient.timeouts.of("get_permissions"), soon);
}

#[tokio::test]
async fn every_call_that_waits_is_told_when_the_connection_is_lost() {
    let mut faults = on("get_username", Does::Drop);
    faults.calls.push(CallFault { method: "get_permissions".into(), nth: 0, does: Does::Silence });
    let (_sim, client) = pair(faults).await;
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.call("get_permissions", None, json!({})).await })
        })
        .collect();
    let lost = client.call("get_username", None, json!({})).await.unwrap_err();
    assert!(matches!(lost, Error::Disconnected { .. }), "{lost}");
    for call in waiting {
        assert!(matches!(call.await.unwrap(), Err(Error::Disconnected { .. })));
    }
    client.until_ended().await;
    assert!(!client.is_open());
    assert!(matches!(client.call("get_username", None, json!({})).await, Err(Error::Disconnected { .. })));
}

#[tokio::test]
async fn dropped_handles_are_forgotten_and_shared_ones_with_the_last() {
    let (sim, client) = pair(Faults::default()).await;
    let setup = api::RenderSetup::create(&client).await.unwrap();
    assert_eq!(kept(&client).await, 1);
    let again = setup.clone();
    drop(setup);
    assert_eq!(kept(&client).await, 1, "it is still held");
    drop(again);
    assert_eq!(kept(&client).await, 0);

    // The server gives the same object twice.
    let first = api::RenderProcessor::get(&client).await.unwrap();
    let second = api::RenderProcessor::get(&client).await.unwrap();
    assert_eq!(first.handle().id(), second.handle().id());
    drop(first);
    second.log().await.unwrap();
    drop(second);
    assert_eq!(kept(&client).await, 0);
    let forgets = sim.heard().into_iter().filter(|h| h.contains(r#""forget""#));
    let forgets: Vec<Value> = forgets.map(|h| serde_json::from_str(&h).unwrap()).collect();
    assert_eq!(forgets.len(), 2);
    assert!(forgets.iter().all(|f| f.get("id").is_none()), "nobody would wait for the reply");
}

#[tokio::test]
async fn a_scene_is_edited_between_deltas() {
    let (_sim, client) = pair(Faults { extra_fields: true, ..Faults::default() }).await;
    let scene = api::Scene::temporary(&client, &NewSceneOptions::new("HD 1920x1080", "ACES_lin", 24.0)).await.unwrap();
    let settings = scene.settings().await.unwrap();
    assert!(settings.keys().await.unwrap().contains(&"WorkingColourSpace".to_owned()));
    settings.set(json!({ "DisplayRenderingTransform": "ACES 1.3" })).await.unwrap();
    assert_eq!(settings.get(&["DisplayRenderingTransform"]).await.unwrap()["DisplayRenderingTransform"], "ACES 1.3");
    assert!(settings.set(json!({ "NoSuchSetting": 1 })).await.is_err());
    scene.start_delta("nothing").await.unwrap();
    assert!(scene.start_delta("again").await.is_err());
    scene.cancel_delta().await.unwrap();
    assert!(scene.close().await.unwrap());
    assert!(scene.num_shots().await.is_err());
    let formats = api::FormatSet::factory(&client).await.unwrap();
    let info = formats.colour_space_info("ACES_lin").await.unwrap();
    assert_eq!((info.kind.as_str(), info.display_name.contains("AP0")), ("scene", true));
    // Sets are sent as sets.
    let keys: KeySet = ["clip"].into_iter().collect();
    assert_eq!(keys.to_wire(), json!({ "_type": "set", "clip": 1 }));
}

#[tokio::test]
async fn large_messages_pass() {
    let (_sim, client) = pair(Faults::default()).await;
    let test = client.object("APITest.create", None, json!({})).await.unwrap();
    // More than tungstenite takes in a frame unless it is told to.
    let large = "x".repeat(20 << 20);
    let got: String = client.get("APITest.promise_test", Some(&test), json!({ "value": large })).await.unwrap();
    assert_eq!(got.len(), large.len());
}

#[tokio::test]
async fn a_message_that_is_larger_than_allowed_ends_the_connection_and_says_what_to_set() {
    assert_eq!(Options::at("localhost", 1984).largest_message, 64 << 20);
    let sim = sim(Faults::default()).await;
    let client = Connection::open(&Options { largest_message: 1 << 20, ..options(&sim) }).await.unwrap();
    let test = client.object("APITest.create", None, json!({})).await.unwrap();
    let large = json!({ "value": "x".repeat(2 << 20) });
    let e = client.call("APITest.promise_test", Some(&test), large).await.unwrap_err();
    assert!(matches!(&e, Error::Disconnected { why } if why.contains("largest_message")), "{e}");
}

#[tokio::test]
async fn a_long_result_is_not_told_whole() {
    let (_sim, client) = pair(Faults::default()).await;
    let test = client.object("APITest.create", None, json!({})).await.unwrap();
    for value in [json!("x".repeat(1 << 20)), json!(vec!["x"; 1 << 18])] {
        let params = json!({ "value": value });
        let one = client.object("APITest.promise_test", Some(&test), params.clone()).await.unwrap_err();
        let many = client.objects("APITest.promise_test", Some(&test), params).await.unwrap_err();
        for e in [one, many] {
            assert!(
                matches!(e, Error::Unexpected { .. }) && e.to_string().len() < 400,
                "{} bytes",
                e.to_string().len()
            );
        }
    }
}

/// A stream that says when it is gone.
struct Watched(tokio::io::DuplexStream, std::sync::Arc<std::sync::atomic::AtomicBool>);

impl Drop for Watched {
    fn drop(&mut self) {
        self.1.store(true, std::sync::atomic::Ordering::SeqCst);
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn a_connection_that_is_dropped_lets_go_of_its_stream_though_the_peer_takes_nothing() {
    let gone = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (ours, theirs) = tokio::io::duplex(4096);
    let accepted = tokio::spawn(tokio_tungstenite::accept_async(theirs));
    let mut options = Options { user: User::Unsaid, ..Options::at("localhost", 1984) };
    options.timeouts.call = Duration::from_millis(20);
    let client = Connection::over(Watched(ours, gone.clone()), &options).await.unwrap();
    // The peer is there, and reads no more.
    let _server = accepted.await.unwrap().unwrap();
    let params = json!({ "value": "x".repeat(1 << 16) });
    let e = client.call("APITest.promise_test", None, params).await.unwrap_err();
    assert!(matches!(e, Error::Timeout { .. }), "{e}");
    let begun = std::time::Instant::now();
    drop(client);
    assert!(begun.elapsed() < Duration::from_secs(1), "it waits in its drop");
    soon(async {
        while !gone.load(std::sync::atomic::Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_closed_client_leaves_nothing_at_the_server() {
    let (sim, client) = pair(Faults::default()).await;
    let setup = api::RenderSetup::create(&client).await.unwrap();
    client.close().await;
    assert!(!client.is_open() && !setup.connection().is_open());
    let gone = async {
        while sim.connections() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.unwrap();
    // And so does one that is only dropped.
    let client = Connection::open(&options(&sim)).await.unwrap();
    client.application().await.unwrap();
    assert_eq!(sim.connections(), 1);
    drop(client);
    let gone = async {
        while sim.connections() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.unwrap();
}
