//! One connection: its objects, and its calls one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::classes;
use crate::faults::Does;
use crate::object::Object;
use crate::rpc::{self, Answer, Call, fault};
use crate::server::Shared;

/// The largest message that is taken.
const LARGEST: usize = 1 << 30;

/// What a connection has.
pub(crate) struct Session {
    pub(crate) shared: Arc<Shared>,
    objects: BTreeMap<u64, Object>,
    /// Numbers are never used twice: clients keep what they know of one for ever.
    next: u64,
    listening: BTreeSet<(u64, String)>,
    /// Queues whose signals were asked for.
    pub(crate) updates: BTreeSet<u64>,
    let_in: bool,
    outgoing: mpsc::UnboundedSender<Out>,
    /// A reply that is sent after the next one.
    held: Option<Value>,
    next_sigid: u64,
}

enum Out {
    Text(String),
    Drop,
}

/// Serves `stream` until it ends.
pub(crate) async fn run(stream: TcpStream, shared: Arc<Shared>) {
    let config = WebSocketConfig::default().max_message_size(Some(LARGEST)).max_frame_size(Some(LARGEST));
    let Ok(socket) = accept_async_with_config(stream, Some(config)).await else { return };
    let (mut sink, mut incoming) = socket.split();
    let (outgoing, mut queue) = mpsc::unbounded_channel();
    let mut happened = shared.happened.subscribe();
    let mut session = Session {
        let_in: shared.settings.slave || shared.settings.user.is_none(),
        shared: Arc::clone(&shared),
        objects: BTreeMap::new(),
        next: 100,
        listening: BTreeSet::new(),
        updates: BTreeSet::new(),
        outgoing,
        held: None,
        next_sigid: 0,
    };
    loop {
        tokio::select! {
            message = incoming.next() => match message {
                Some(Ok(Message::Text(text))) => session.take(text.as_str()).await,
                Some(Ok(Message::Binary(bytes))) => session.take(&String::from_utf8_lossy(&bytes)).await,
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
            out = queue.recv() => match out {
                Some(Out::Text(text)) => {
                    if sink.send(Message::text(text)).await.is_err() {
                        break;
                    }
                }
                _ => return,
            },
            Ok((signal, args)) = happened.recv() => {
                for target in session.updates.clone() {
                    session.signal(target, signal, &args, false);
                }
            }
            () = shared.died.notified() => return,
        }
        if shared.dead.load(Ordering::SeqCst) {
            return;
        }
    }
    // The farewell; a peer that has gone does not hear it.
    let _ = sink.close().await;
}

impl Session {
    /// Takes a message, and answers it where it has an id.
    async fn take(&mut self, text: &str) {
        self.shared.note(text);
        let Some(call) = Call::read(text) else { return };
        let nth = self.shared.count(&call.method);
        let does = self.shared.settings.faults.of_call(&call.method, nth).cloned();
        let answer = match &does {
            Some(Does::Error(message)) => fault(message.clone()),
            _ if self.shared.settings.faults.lacks.contains(&call.method) => {
                fault(format!("Unknown method {}", call.method))
            }
            _ => self.answer(&call).await,
        };
        if let Some(id) = &call.id {
            self.reply(id, &answer, does);
        }
    }

    async fn answer(&mut self, call: &Call) -> Answer {
        if call.method == "connect" {
            return self.connect(call);
        }
        if !self.let_in {
            return fault("Not authenticated");
        }
        match call.method.as_str() {
            "forget" => {
                let id = call.target.unwrap_or(0);
                self.listening.retain(|(target, _)| *target != id);
                self.updates.remove(&id);
                match self.objects.remove(&id) {
                    Some(_) => Ok(Value::Null),
                    None => fault(format!("Object {id} does not exist")),
                }
            }
            "connect_signal" | "disconnect_signal" => {
                let target = call.target.unwrap_or(0);
                let key = (target, call.params.text("signal")?.to_owned());
                self.object(target)?;
                if call.method == "connect_signal" {
                    self.listening.insert(key);
                } else {
                    self.listening.remove(&key);
                }
                Ok(Value::Null)
            }
            "signal_result" | "register_script" => Ok(Value::Null),
            "get_permissions" => Ok(json!([])),
            "get_username" => Ok(json!("simulated")),
            "get_connection_id" => Ok(json!(1)),
            _ => classes::call(self, call).await,
        }
    }

    fn connect(&mut self, call: &Call) -> Answer {
        let said = |key| call.params.get(key).as_str().unwrap_or("").to_owned();
        let known = match &self.shared.settings.user {
            Some((name, token)) => said("username") == *name && said("token") == *token,
            None => true,
        };
        if !known {
            return fault("Authentication failed");
        }
        self.let_in = true;
        Ok(json!(1))
    }

    fn reply(&mut self, id: &Value, answer: &Answer, does: Option<Does>) {
        let mut reply = rpc::reply(answer, id);
        if self.shared.settings.faults.extra_fields {
            rpc::with_extra_fields(&mut reply);
        }
        match does {
            Some(Does::Silence) => return,
            Some(Does::Drop) => drop(self.outgoing.send(Out::Drop)),
            Some(Does::AfterNext) => {
                self.held = Some(reply);
                return;
            }
            Some(Does::Late(ms)) => {
                let outgoing = self.outgoing.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    let _ = outgoing.send(Out::Text(reply.to_string()));
                });
                return;
            }
            Some(Does::OldError(message)) => {
                self.send(&json!({ "jsonrpc": "2.0", "code": 1234, "error": message, "id": id }));
            }
            Some(Does::Nonsense) => self.send(&json!({ "jsonrpc": "2.0", "result": { "odd": [] }, "id": id })),
            Some(Does::Garbage) => {
                let _ = self.outgoing.send(Out::Text("}{ no JSON".into()));
                self.send(&reply);
            }
            Some(Does::Twice) => {
                self.send(&reply);
                self.send(&reply);
            }
            Some(Does::Error(_)) | None => self.send(&reply),
        }
        if let Some(held) = self.held.take() {
            self.send(&held);
        }
    }

    fn send(&self, message: &Value) {
        // Fails where the connection is at its end.
        let _ = self.outgoing.send(Out::Text(message.to_string()));
    }

    /// Sends a signal, if the client listens to it. Whether the client answers is never waited for.
    pub(crate) fn signal(&mut self, target: u64, signal: &str, args: &Value, sync: bool) {
        if self.listening.contains(&(target, signal.to_owned())) {
            self.next_sigid += 1;
            self.send(&rpc::signal(target, signal, args, sync.then_some(self.next_sigid)));
        }
    }

    /// The object of a handle.
    pub(crate) fn object(&self, id: u64) -> Result<&Object, rpc::Fault> {
        self.objects.get(&id).map_or_else(|| fault(format!("Object {id} does not exist")), Ok)
    }

    /// A new handle.
    pub(crate) fn hand_out(&mut self, object: Object) -> Value {
        let id = self.next;
        self.next += 1;
        let handle = json!({ "_handle": object.class(), "_id": id });
        self.objects.insert(id, object);
        handle
    }

    /// The handle of the render processor, of which a client has one.
    pub(crate) fn processor(&mut self) -> Value {
        let known = self.objects.iter().find(|(_, o)| matches!(o, Object::Processor)).map(|(id, _)| *id);
        match known {
            Some(id) => json!({ "_handle": "RenderProcessor", "_id": id }),
            None => self.hand_out(Object::Processor),
        }
    }

    /// Objects that the client has handles of.
    pub(crate) fn objects(&self) -> usize {
        self.objects.len()
    }
}
