//! Things that happen to objects.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{broadcast, watch};

use super::connection::Connection;
use super::error::{Error, Result};
use super::handle::Handle;
use super::wire::Fault;

/// Signals that are kept for a listener who is slow; of more, the oldest are lost.
const KEPT: usize = 256;

/// Bytes of the largest message whose signal is kept: what is known of signals has a number or a few words.
const LARGEST: usize = 64 << 10;

/// Makes the answer to a signal that the server waits on.
pub(crate) type AnswerTo = Arc<dyn Fn(&Value) -> Value + Send + Sync>;

/// What the server says to a subscription; `None` until it says something.
pub(crate) type Word = Option<Result<(), Fault>>;

/// Who listens to what on a connection.
///
/// The server knows a signal of an object as listened to or not, whoever listens here. So there is one subscription of
/// each: the first listener begins it, those who come later wait for the same word of the server, and the last ends
/// it. All of it is decided, and told to the server, while the connection's state is locked: what the server hears is
/// in the order in which it was decided.
#[derive(Default)]
pub(crate) struct Listeners(HashMap<(u64, String), Subscription>);

/// One signal of one object, from the first listener to the last.
pub(crate) struct Subscription {
    /// The number of the call that began it, which tells it from earlier ones.
    begun: u64,
    listeners: usize,
    tell: broadcast::Sender<Value>,
    answer: Option<AnswerTo>,
    word: watch::Sender<Word>,
}

/// What a new listener has of its subscription.
pub(crate) struct Heard {
    begun: u64,
    signals: broadcast::Receiver<Value>,
    word: watch::Receiver<Word>,
}

impl Listeners {
    /// Tells those who listen of a signal that came in a message of so many bytes, and gives what makes the answer.
    pub(crate) fn hear(&self, target: Option<u64>, signal: &str, args: &Value, bytes: usize) -> Option<AnswerTo> {
        let subscription = self.0.get(&(target?, signal.to_owned()))?;
        if bytes > LARGEST {
            tracing::warn!(bytes, "a signal of the FilmLight server is too large to be kept for who listens");
        } else {
            // Fails where nobody listens any more.
            let _ = subscription.tell.send(args.clone());
        }
        subscription.answer.clone()
    }

    /// One more listener to `signal` of `target`. Where it is the first, `begin` tells the server, and gives the number
    /// of the call. `answer` is then what made the answers before, to be dropped where nothing is locked: it may hold
    /// the last clone of a handle.
    ///
    /// # Errors
    /// Those of `begin`.
    pub(crate) fn add<E>(
        &mut self,
        target: u64,
        signal: &str,
        answer: &mut Option<AnswerTo>,
        begin: impl FnOnce() -> Result<u64, E>,
    ) -> Result<Heard, E> {
        let subscription = match self.0.entry((target, signal.to_owned())) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => free.insert(Subscription {
                begun: begin()?,
                listeners: 0,
                tell: broadcast::channel(KEPT).0,
                answer: None,
                word: watch::Sender::new(None),
            }),
        };
        subscription.listeners += 1;
        if answer.is_some() {
            std::mem::swap(answer, &mut subscription.answer);
        }
        let (signals, word) = (subscription.tell.subscribe(), subscription.word.subscribe());
        Ok(Heard { begun: subscription.begun, signals, word })
    }

    /// The server's word to the subscription that the call `begun` began. One that is refused has never been: its
    /// listeners hear so, and the next listener begins another. Comes back to be dropped where nothing is locked.
    pub(crate) fn answered(&mut self, begun: u64, word: Result<(), Fault>) -> Option<Subscription> {
        let (key, subscription) = self.0.iter().find(|(_, s)| s.begun == begun)?;
        let (key, refused) = (key.clone(), word.is_err());
        subscription.word.send_replace(Some(word));
        if refused { self.0.remove(&key) } else { None }
    }

    /// One listener less of the subscription that the call `begun` began. The last one ends it: `end` tells the server.
    /// Comes back to be dropped where nothing is locked.
    pub(crate) fn remove(&mut self, target: u64, signal: &str, begun: u64, end: impl FnOnce()) -> Option<Subscription> {
        let Entry::Occupied(mut known) = self.0.entry((target, signal.to_owned())) else { return None };
        // Refused, and perhaps begun anew by others.
        if known.get().begun != begun {
            return None;
        }
        known.get_mut().listeners -= 1;
        if known.get().listeners > 0 {
            return None;
        }
        end();
        Some(known.remove())
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
    begun: u64,
    heard: broadcast::Receiver<Value>,
}

impl Signals {
    pub(crate) async fn listen(
        connection: &Connection,
        of: &Handle,
        signal: &str,
        answer: Option<AnswerTo>,
    ) -> Result<Self> {
        const METHOD: &str = "connect_signal";
        let ended = |why| Error::Disconnected { why };
        let heard = connection.link().subscribe(of.id(), signal, answer).map_err(ended)?;
        let Heard { begun, signals, mut word } = heard;
        // From here on it is unsubscribed from, whatever comes.
        let (of, connection, signal) = (of.clone(), connection.clone(), signal.to_owned());
        let this = Self { of, connection, signal, begun, heard: signals };
        let patience = this.connection.patience(METHOD);
        let said = match tokio::time::timeout(patience, word.wait_for(Option::is_some)).await {
            Ok(Ok(said)) => said.clone(),
            Ok(Err(_)) => return Err(ended(this.connection.link().ended().unwrap_or_else(|| "it was closed".into()))),
            Err(_) => {
                this.connection.link().waited_in_vain(METHOD);
                return Err(Error::Timeout { method: METHOD.into(), after: patience });
            }
        };
        match said {
            Some(Err(fault)) => Err(Error::answered(METHOD, fault.code, &fault.message)),
            _ => Ok(this),
        }
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
        self.connection.link().unsubscribe(self.of.id(), &self.signal, self.begun);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn a_subscription_goes_from_the_first_listener_to_the_last_whatever_comes_between() {
        let (mut all, told) = (Listeners::default(), RefCell::new(Vec::new()));
        let add = |all: &mut Listeners, call: u64| {
            let begin = || {
                told.borrow_mut().push(format!("+{call}"));
                Ok::<_, ()>(call)
            };
            all.add(9, "X", &mut None, begin).unwrap()
        };
        let remove = |all: &mut Listeners, heard: &Heard| {
            drop(all.remove(9, "X", heard.begun, || told.borrow_mut().push(format!("-{}", heard.begun))));
        };
        // Both are still listening when they go: it is counted who has gone, not who is there.
        let (one, two) = (add(&mut all, 1), add(&mut all, 2));
        remove(&mut all, &one);
        remove(&mut all, &two);
        assert_eq!(*told.borrow(), ["+1", "-1"]);
        // Refused: all hear so, none ends what never was, and the next begins another.
        let (one, two) = (add(&mut all, 3), add(&mut all, 4));
        drop(all.answered(3, Err(Fault { code: None, message: "no".into() })));
        assert!([&one, &two].iter().all(|h| matches!(&*h.word.borrow(), Some(Err(_)))));
        let three = add(&mut all, 5);
        remove(&mut all, &one);
        remove(&mut all, &two);
        assert_eq!(*told.borrow(), ["+1", "-1", "+3", "+5"]);
        // A word that comes late, to one that is no more, is not taken for that of another.
        drop(all.answered(3, Ok(())));
        assert!(three.word.borrow().is_none());
        drop(all.answered(5, Ok(())));
        assert!(matches!(&*three.word.borrow(), Some(Ok(()))));
        remove(&mut all, &three);
        assert_eq!(told.borrow().last().unwrap(), "-5");
        // Where the server cannot be told, nobody listens.
        assert!(all.add(9, "X", &mut None, || Err("ended")).is_err());
        assert!(all.0.is_empty());
    }
}
