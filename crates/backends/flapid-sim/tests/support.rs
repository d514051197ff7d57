//! Servers and clients for the tests.

use std::path::PathBuf;
use std::time::Duration;

use flapid_sim::{CallFault, Does, Faults, Sim};
use futures_util::{SinkExt as _, StreamExt as _};
use rushes::core::plan::Unit;
use rushes::recipes::Dailies;
use rushes_filmlight::{Connection, Launch, Limits, Options, Patience, Pool, Server, Settings, User};
use rushes_testcard::{Card, CardSpec, ClipTruth};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// A simulator with `faults` that lets everybody in.
pub(crate) async fn sim(faults: Faults) -> Sim {
    Sim::start(flapid_sim::Settings { faults, ..flapid_sim::Settings::default() }).await.unwrap()
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

/// The objects that the server keeps for this connection.
pub(crate) async fn kept(client: &Connection) -> i64 {
    client.get("Application.get_custom_data", None, json!({ "data_key": "objects" })).await.unwrap()
}

/// A pool of connections to a simulator in this process.
pub(crate) fn pool(sim: &Sim) -> Pool {
    Pool::new(Server::Running(Box::new(options(sim))), 2)
}

/// Decisions for tests: renders are looked at often.
pub(crate) fn settings() -> Settings {
    Settings { poll: Duration::from_millis(5), ..Settings::default() }
}

/// As [`settings`], for renders that do not end: one that stands still is given up after `stalled`, one that has made
/// all frames after a second.
pub(crate) fn impatient(stalled: Duration) -> Settings {
    let limits = Limits { stalled, finishing: Duration::from_secs(1), ..Limits::default() };
    Settings { limits, ..settings() }
}

/// A port of this machine at which nobody listens, and which nobody else is given as long as the socket is held.
pub(crate) fn deaf() -> (tokio::net::TcpSocket, u16) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind((std::net::Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

/// What `work` gives, in a time that is enough on any machine: a test fails and does not hang.
pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), work).await.expect("it takes too long")
}

/// A card with one small clip.
pub(crate) struct Shoot {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) clip: ClipTruth,
}

impl Shoot {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clip = Card::write_clean(&dir.path().join("card"), CardSpec::tiny()).unwrap();
        Self { dir, clip }
    }

    pub(crate) fn out(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `recipe` on the card, into the folder `out`.
    pub(crate) fn job(&self, recipe: &Dailies, out: &str) -> rushes::Job {
        rushes::Job::new(recipe.workflow(), self.dir.path().join("card"), self.out(out)).page(false).attempts(1)
    }

    /// The units that `recipe` is planned into.
    pub(crate) async fn units(&self, recipe: &Dailies, out: &str) -> Vec<Unit> {
        let (_, plan) = self.job(recipe, out).plan().await.unwrap();
        assert!(plan.findings.is_empty(), "{:?}", plan.findings);
        plan.units().cloned().collect()
    }

    /// The single unit of plates alone, into the folder `out`.
    pub(crate) async fn plates(&self, out: &str) -> Unit {
        let mut units = self.units(&plates(), out).await;
        assert_eq!(units.len(), 1);
        units.remove(0)
    }
}

/// Plates that a server can be asked for.
pub(crate) fn plates() -> Dailies {
    Dailies { exr: "piz".into(), ..Dailies::default() }.plates_only()
}

/// All files below a folder, with their contents.
pub(crate) fn tree(folder: &std::path::Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut all = std::collections::BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(&next).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                waiting.push(entry.path());
            } else {
                let name = entry.path().strip_prefix(folder).unwrap().to_string_lossy().into_owned();
                all.insert(name, std::fs::read(entry.path()).unwrap());
            }
        }
    }
    all
}
