//! Servers and clients for the tests.

use std::path::PathBuf;
use std::time::Duration;

use flapid_sim::{CallFault, Does, Faults, Settings, Sim};
use futures_util::{SinkExt as _, StreamExt as _};
use rushes_filmlight::{Connection, Launch, Options, Patience, User};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// A simulator with `faults` that lets everybody in.
pub(crate) async fn sim(faults: Faults) -> Sim {
    Sim::start(Settings { faults, ..Settings::default() }).await.unwrap()
}

/// How to reach it.
pub(crate) fn options(sim: &Sim) -> Options {
    Options { user: User::Unsaid, ..Options::at("localhost", sim.port()) }
}

/// A simulator with `faults`, and a client.
pub(crate) async fn pair(faults: Faults) -> (Sim, Connection) {
    let sim = sim(faults).await;
    let client = Connection::open(&options(&sim)).await.unwrap();
    (sim, client)
}

/// Something that befalls the first call of a method.
pub(crate) fn on(method: &str, does: Does) -> Faults {
    Faults { calls: vec![CallFault { method: method.into(), nth: 1, does }], ..Faults::default() }
}

/// The program, as a private server with `faults`. Its end is not waited for long.
pub(crate) fn launch(faults: &Faults) -> Launch {
    Launch {
        program: Some(PathBuf::from(env!("CARGO_BIN_EXE_flapid-sim"))),
        env: vec![("FLAPID_SIM_FAULTS".into(), serde_json::to_string(faults).unwrap().into())],
        starting: Duration::from_secs(60),
        patience: Patience { closed: Duration::from_secs(20), asked: Duration::from_secs(20) },
        ..Launch::default()
    }
}

/// A socket without a client: messages go out as they are written here.
pub(crate) struct Raw(WebSocketStream<TcpStream>);

impl Raw {
    pub(crate) async fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (socket, reply) = tokio_tungstenite::client_async(format!("ws://127.0.0.1:{port}/"), stream).await.unwrap();
        assert!(reply.headers().get("sec-websocket-extensions").is_none());
        assert!(reply.headers().get("sec-websocket-protocol").is_none());
        Self(socket)
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn send_binary(&mut self, text: &str) {
        self.0.send(Message::binary(text.as_bytes().to_vec())).await.unwrap();
    }

    /// The next message, word for word and read.
    pub(crate) async fn next(&mut self) -> (String, Value) {
        let message = self.0.next().await.unwrap().unwrap();
        let Message::Text(text) = message else { panic!("{message:?}") };
        (text.as_str().to_owned(), serde_json::from_str(text.as_str()).unwrap())
    }

    /// Sends a message and gives the result of its reply.
    pub(crate) async fn ask(&mut self, text: &str) -> Value {
        self.send(text).await;
        let (reply, value) = self.next().await;
        assert!(value.get("result").is_some(), "{reply}");
        value["result"].clone()
    }
}
