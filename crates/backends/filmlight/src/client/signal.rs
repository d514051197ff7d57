//! Things that happen to objects.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::broadcast;

use super::connection::Connection;
use super::error::Result;
use super::handle::Handle;

/// Signals that are kept for a listener who is slow; of more, the oldest are lost.
const KEPT: usize = 256;

/// Bytes of the largest message whose signal is kept: what is known of signals has a number or a few words.
const LARGEST: usize = 64 << 10;

/// Makes the answer to a signal that the server waits on.
pub(crate) type AnswerTo = Arc<dyn Fn(&Value) -> Value + Send + Sync>;

/// Who listens to what on a connection.
#[derive(Default)]
pub(crate) struct Listeners(HashMap<(u64, String), Listener>);

pub(crate) struct Listener {
    tell: broadcast::Sender<Value>,
    answer: Option<AnswerTo>,
}

impl Listeners {
    /// Tells those who listen of a signal that came in a message of so many bytes, and gives what makes the answer.
    pub(crate) fn hear(&self, target: Option<u64>, signal: &str, args: &Value, bytes: usize) -> Option<AnswerTo> {
        let listener = self.0.get(&(target?, signal.to_owned()))?;
        if bytes > LARGEST {
            tracing::warn!(bytes, "a signal of the FilmLight server is too large to be kept for who listens");
            return listener.answer.clone();
        }
        // Fails where nobody listens any more.
        let _ = listener.tell.send(args.clone());
        listener.answer.clone()
    }

    /// Listens to `signal` of `target`; true for the first who does. What made the answers before comes back, to be
    /// dropped where nothing is locked: it may hold the last clone of a handle.
    fn add(
        &mut self,
        target: u64,
        signal: &str,
        answer: Option<AnswerTo>,
    ) -> (broadcast::Receiver<Value>, bool, Option<AnswerTo>) {
        let mut first = false;
        let listener = self.0.entry((target, signal.to_owned())).or_insert_with(|| {
            first = true;
            Listener { tell: broadcast::channel(KEPT).0, answer: None }
        });
        let before = answer.and_then(|answer| listener.answer.replace(answer));
        (listener.tell.subscribe(), first, before)
    }

    /// Ends one subscription; what made the answers, for the last.
    fn remove(&mut self, target: u64, signal: &str) -> Option<Listener> {
        let key = (target, signal.to_owned());
        self.0.get(&key).filter(|l| l.tell.receiver_count() <= 1)?;
        self.0.remove(&key)
    }
}

impl std::fmt::Debug for Listeners {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A subscription to one signal of one object. Dropped, it ends.
///
/// A signal that the server waits on is answered by the connection at once, whether anybody calls
/// [`Signals::next`] or not: a slow listener never holds up the server.
#[derive(Debug)]
pub struct Signals {
    of: Handle,
    connection: Connection,
    signal: String,
    heard: broadcast::Receiver<Value>,
}

impl Signals {
    pub(crate) async fn listen(
        connection: &Connection,
        of: &Handle,
        signal: &str,
        answer: Option<AnswerTo>,
    ) -> Result<Self> {
        let (heard, first, before) = connection.link().with_listeners(|l| l.add(of.id(), signal, answer));
        drop(before);
        let this = Self { of: of.clone(), connection: connection.clone(), signal: signal.to_owned(), heard };
        if first {
            connection.bare("connect_signal", Some(of.id()), json!({ "signal": signal })).await?;
        }
        Ok(this)
    }

    /// The arguments of the next signal; `None` when the connection has ended. Of a listener who is 256 signals
    /// behind, the oldest are lost, and a signal of more than 64 KiB always is.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            match self.heard.recv().await {
                Ok(args) => return Some(args),
                Err(broadcast::error::RecvError::Lagged(lost)) => {
                    tracing::warn!(signal = self.signal, lost, "a listener is too slow for the server's signals");
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        let link = self.connection.link();
        if link.with_listeners(|l| l.remove(self.of.id(), &self.signal)).is_some() {
            // Nobody waits for the reply; on a connection that has ended there is nothing to end.
            let params = json!({ "signal": self.signal });
            let _ = link.ask(|id| super::wire::request("disconnect_signal", Some(self.of.id()), &params, id));
        }
    }
}
