//! Signals, and the subscriptions to them.

use std::time::Duration;

use flapid_sim::{CallFault, Does, Faults};
use futures_util::{SinkExt as _, StreamExt as _};
use rushes_filmlight::{Connection, Error, Options, User};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{kept, on, pair, soon};

#[tokio::test]
async fn signals_are_heard_and_those_that_wait_are_answered_though_nobody_reads() {
    let (sim, client) = pair(Faults::default()).await;
    let test = client.object("APITest.create", None, json!({})).await.unwrap();
    let mut signals = client.listen(&test, "TestSignal").await.unwrap();
    let mut more = client.listen_answering(&test, "TestSignal", |args| json!({ "got": args["n"] })).await.unwrap();
    assert_eq!(sim.calls("connect_signal"), 1, "one subscription serves all listeners");
    // Far more than are kept; the replies come all the same.
    for _ in 0..300 {
        client.call("APITest.defer_test_signal", Some(&test), json!({})).await.unwrap();
    }
    assert_eq!(signals.next().await.unwrap(), json!({ "n": 7 }));
    assert_eq!(more.next().await.unwrap(), json!({ "n": 7 }));
    let answered = async {
        while sim.calls("signal_result") < 300 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), answered).await.unwrap();
    let answer = sim.heard().into_iter().find(|h| h.contains("signal_result")).unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["params"]["result"], json!({ "got": 7 }));
    assert!(answer.get("id").is_none());
    drop((signals, more));
    client.call("get_username", None, json!({})).await.unwrap();
    assert_eq!(sim.calls("disconnect_signal"), 1);
}

#[tokio::test]
async fn a_second_listener_hears_what_the_server_says_to_the_first() {
    let mut faults = on("connect_signal", Does::Error("no such signal".into()));
    faults.calls.push(CallFault { method: "connect_signal".into(), nth: 2, does: Does::Late(100) });
    faults.calls.push(CallFault { method: "connect_signal".into(), nth: 3, does: Does::Silence });
    let (sim, client) = pair(faults).await;
    let test = client.object("APITest.create", None, json!({})).await.unwrap();
    let (one, two) = tokio::join!(client.listen(&test, "TestSignal"), client.listen(&test, "TestSignal"));
    for refused in [one, two] {
        let e = refused.unwrap_err();
        assert!(matches!(&e, Error::Server { message, .. } if message == "no such signal"), "{e}");
    }
    assert_eq!(sim.calls("connect_signal"), 1);
    // Begun anew: the first is given up before the server says a word, and the second hears it all the same.
    let mut first = Box::pin(client.listen(&test, "TestSignal"));
    assert!(tokio::time::timeout(Duration::from_millis(10), &mut first).await.is_err());
    let second = client.listen(&test, "TestSignal");
    tokio::pin!(second);
    assert!(tokio::time::timeout(Duration::from_millis(10), &mut second).await.is_err());
    drop(first);
    let mut second = soon(second).await.unwrap();
    assert_eq!((sim.calls("connect_signal"), sim.calls("disconnect_signal")), (2, 0));
    client.call("APITest.send_test_signal", Some(&test), json!({})).await.unwrap();
    assert_eq!(soon(second.next()).await, Some(json!({ "n": 7 })));
    drop(second);
    // One that is given up without any word leaves none behind.
    assert!(tokio::time::timeout(Duration::from_millis(50), client.listen(&test, "TestSignal")).await.is_err());
    client.call("get_username", None, json!({})).await.unwrap();
    assert_eq!((sim.calls("connect_signal"), sim.calls("disconnect_signal")), (3, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn subscriptions_that_begin_and_end_side_by_side_reach_the_server_in_order() {
    let (sim, client) = pair(Faults::default()).await;
    let test = client.object("APITest.create", None, json!({})).await.unwrap();
    let listeners = (0..8).map(|_| {
        let (client, test) = (client.clone(), test.clone());
        tokio::spawn(async move {
            for _ in 0..100 {
                drop(client.listen(&test, "TestSignal").await.unwrap());
                tokio::task::yield_now().await;
            }
        })
    });
    for listener in listeners.collect::<Vec<_>>() {
        soon(listener).await.unwrap();
    }
    client.call("get_username", None, json!({})).await.unwrap();
    let heard = sim.heard();
    let told: Vec<_> = heard.iter().filter(|h| h.contains("connect_signal")).map(|h| !h.contains("dis")).collect();
    assert!(told.iter().enumerate().all(|(n, begins)| *begins == (n % 2 == 0)), "out of order");
    assert!(told.len() >= 2 && told.len().is_multiple_of(2), "a subscription is left");
}

#[test]
fn an_answer_that_holds_the_last_handle_of_an_object_can_be_replaced() {
    let (tell, told) = std::sync::mpsc::channel();
    // A thread of its own: a connection that locks itself out holds up everything on its runtime.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_sim, client) = pair(Faults::default()).await;
            let test = client.object("APITest.create", None, json!({})).await.unwrap();
            let held = client.object("APITest.create", None, json!({})).await.unwrap();
            let first = client.listen_answering(&test, "TestSignal", move |_| held.reference()).await.unwrap();
            assert_eq!(kept(&client).await, 2);
            let second = client.listen_answering(&test, "TestSignal", |_| json!(2)).await.unwrap();
            assert_eq!(kept(&client).await, 1, "the replaced answer is gone, and what it held");
            drop((first, second));
        });
        tell.send(()).unwrap();
    });
    told.recv_timeout(Duration::from_secs(60)).expect("the connection has locked itself out");
}

#[tokio::test]
async fn listeners_learn_of_the_end() {
    let (sim, client) = pair(Faults::default()).await;
    let test = client.object("APITest.create", None, json!({})).await.unwrap();
    let mut signals = client.listen(&test, "TestSignal").await.unwrap();
    sim.stop().await;
    assert_eq!(signals.next().await, None);
    assert!(matches!(client.listen(&test, "TestSignal").await, Err(Error::Disconnected { .. })));
}

#[tokio::test]
async fn a_server_that_takes_no_answers_to_its_signals_is_not_listened_to_until_it_does() {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let accepted = tokio::spawn(tokio_tungstenite::accept_async(theirs));
    let options = Options { user: User::Unsaid, ..Options::at("localhost", 1984) };
    let client = Connection::over(ours, &options).await.unwrap();
    let mut server = accepted.await.unwrap().unwrap();
    let signal = |n: u64| {
        let params = json!({ "signal": "X", "sync": 1, "sigid": n });
        Message::text(json!({ "method": "signal", "target": 9, "params": params }).to_string())
    };
    let mut sent = 0;
    // A send that is given up has been taken all the same: it goes with the next flush.
    while tokio::time::timeout(Duration::from_secs(1), server.send(signal(sent))).await.is_ok() {
        sent += 1;
        assert!(sent < 20_000, "its answers pile up without end");
    }
    // Nothing is lost of what it sent.
    for n in 0..sent {
        let answer: Value =
            serde_json::from_str(soon(server.next()).await.unwrap().unwrap().to_text().unwrap()).unwrap();
        assert_eq!(answer["method"], "signal_result");
        assert!(answer["params"]["sigid"].as_u64().unwrap() <= sent, "{n}");
    }
    assert!(client.is_open());
}
