//! One socket: what goes out, what comes in, and who waits for it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error as WebSocketError, Message};

use super::handle::Held;
use super::signal::{AnswerTo, Heard, Listeners};
use super::wire::{self, Fault, Incoming};

/// How long the server has to answer the end of a connection.
const FAREWELL: Duration = Duration::from_secs(2);

/// Answers to signals that are being made, or wait until the server takes them. While there are so many, nothing more
/// is read: a server that asks and does not take the answers waits for itself.
const ANSWERS: usize = 256;

type Answer = Result<Value, Fault>;

/// The sending end of a connection, and what its receiving end fills in.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    outgoing: mpsc::UnboundedSender<Out>,
    shared: Arc<Shared>,
    /// Its other end hears when the last clone is gone.
    _held: Arc<oneshot::Sender<()>>,
}

/// A message on its way out, and the room it takes among the answers until it has gone.
#[derive(Debug)]
struct Out {
    message: Message,
    _room: Option<OwnedSemaphorePermit>,
}

impl From<Message> for Out {
    fn from(message: Message) -> Self {
        Self { message, _room: None }
    }
}

/// What both directions of a connection know.
#[derive(Debug)]
struct Shared {
    next: AtomicU64,
    state: Mutex<State>,
    ended: watch::Sender<Option<String>>,
    /// The last call whose time was over before its reply came, where nothing at all has come since.
    silent: Mutex<Option<String>>,
}

/// Who wants the reply to a call.
#[derive(Debug)]
enum Wants {
    Caller(oneshot::Sender<Answer>),
    /// A subscription to a signal, whose listeners hear it.
    Subscription,
}

#[derive(Debug, Default)]
struct State {
    pending: HashMap<u64, Wants>,
    objects: HashMap<u64, Weak<Held>>,
    listeners: Listeners,
}

/// A reply that is waited for. Dropped, it is not waited for any more.
pub(crate) struct Awaited {
    id: u64,
    answer: oneshot::Receiver<Answer>,
    shared: Arc<Shared>,
}

impl Link {
    /// Takes over an open socket. Its work is done on the caller's runtime until the last link to it is gone.
    pub(crate) fn over<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(socket: WebSocketStream<S>) -> Self {
        Self::run(socket, Shared::new(0))
    }

    /// As [`Link::over`], of a socket on which the call `id` has been sent already; and what to wait on for its reply.
    pub(crate) fn asked<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
        socket: WebSocketStream<S>,
        id: u64,
    ) -> (Self, Awaited) {
        let shared = Shared::new(id);
        let awaited = shared.awaited(id);
        (Self::run(socket, shared), awaited)
    }

    fn run<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
        socket: WebSocketStream<S>,
        shared: Arc<Shared>,
    ) -> Self {
        let (outgoing, queue) = mpsc::unbounded_channel();
        let (sink, stream) = socket.split();
        let (held, let_go) = oneshot::channel();
        let reader = tokio::spawn(read(stream, Arc::clone(&shared), outgoing.downgrade()));
        tokio::spawn(write(sink, queue, Arc::clone(&shared), reader, let_go));
        Self { outgoing, shared, _held: Arc::new(held) }
    }

    /// Sends the message that `make` makes of a fresh id, and gives what to wait on.
    ///
    /// # Errors
    /// How the connection ended, when it has.
    pub(crate) fn ask(&self, make: impl FnOnce(u64) -> Value) -> Result<Awaited, String> {
        let id = self.shared.next.fetch_add(1, Ordering::Relaxed);
        let awaited = self.shared.awaited(id);
        self.tell(&make(id))?;
        Ok(awaited)
    }

    /// Sends a message that has no reply.
    ///
    /// # Errors
    /// How the connection ended, when it has.
    pub(crate) fn tell(&self, message: &Value) -> Result<(), String> {
        if let Some(why) = self.ended() {
            return Err(why);
        }
        let text = message.to_string();
        tracing::trace!(target: "rushes_filmlight::frames", "> {text}");
        self.outgoing
            .send(Message::text(text).into())
            .map_err(|_| self.ended().unwrap_or_else(|| "it was closed".into()))
    }

    /// How the connection ended; `None` while it has not.
    pub(crate) fn ended(&self) -> Option<String> {
        self.shared.ended.borrow().clone()
    }

    /// The time of a call of `method` is over.
    pub(crate) fn waited_in_vain(&self, method: &str) {
        *self.shared.silent() = Some(method.to_owned());
    }

    /// A call that got no reply in its time, where the server has said nothing at all since.
    pub(crate) fn silent_since(&self) -> Option<String> {
        self.shared.silent().clone()
    }

    /// True for clones of one another.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Ends the connection and waits, not for long, until it has.
    pub(crate) async fn close(&self) {
        // Fails where it has ended already.
        let _ = self.outgoing.send(Message::Close(None).into());
        let mut ended = self.shared.ended.subscribe();
        if tokio::time::timeout(2 * FAREWELL, ended.wait_for(Option::is_some)).await.is_err() {
            // A peer that takes nothing keeps the farewell from being sent; this lets go of the socket.
            self.shared.end("it was closed");
        }
    }

    /// Waits for the end, however it comes, and says how it came.
    pub(crate) async fn until_ended(&self) -> String {
        let mut ended = self.shared.ended.subscribe();
        ended.wait_for(Option::is_some).await.ok().and_then(|why| why.clone()).unwrap_or_default()
    }

    /// The object `id`, shared with whoever holds it already: it is forgotten when the last of them lets go.
    pub(crate) fn held(&self, id: u64, class: &str) -> Arc<Held> {
        let mut state = self.shared.lock();
        if let Some(held) = state.objects.get(&id).and_then(Weak::upgrade) {
            return held;
        }
        let held = Arc::new(Held::new(id, class, self.clone()));
        state.objects.insert(id, Arc::downgrade(&held));
        held
    }

    /// Tells the server that nobody needs the object `id` any more.
    pub(crate) fn forget(&self, id: u64) {
        let mut state = self.shared.lock();
        // Somebody may have been given it anew meanwhile.
        if state.objects.get(&id).is_some_and(|held| held.strong_count() > 0) {
            return;
        }
        state.objects.remove(&id);
        drop(state);
        // On a connection that has ended, all its objects are gone.
        let _ = self.tell(&wire::forget(id));
    }

    /// One more listener to `signal` of the object `target`. The server is told where it is the first.
    ///
    /// # Errors
    /// How the connection ended, when it has.
    pub(crate) fn subscribe(&self, target: u64, signal: &str, mut answer: Option<AnswerTo>) -> Result<Heard, String> {
        let mut state = self.shared.lock();
        let State { pending, listeners, .. } = &mut *state;
        let begin = || {
            let id = self.shared.next.fetch_add(1, Ordering::Relaxed);
            self.tell(&wire::request("connect_signal", Some(target), &json!({ "signal": signal }), id))?;
            pending.insert(id, Wants::Subscription);
            Ok(id)
        };
        let added = listeners.add(target, signal, &mut answer, begin);
        drop(state);
        // What made the answers before goes where nothing is locked.
        drop(answer);
        added
    }

    /// One listener less. The server is told where it was the last.
    pub(crate) fn unsubscribe(&self, target: u64, signal: &str, begun: u64) {
        let mut state = self.shared.lock();
        let State { pending, listeners, .. } = &mut *state;
        let over = listeners.remove(target, signal, begun, || {
            pending.remove(&begun);
            // Nobody waits for the reply; on a connection that has ended there is nothing to end.
            let id = self.shared.next.fetch_add(1, Ordering::Relaxed);
            let _ = self.tell(&wire::request("disconnect_signal", Some(target), &json!({ "signal": signal }), id));
        });
        drop(state);
        drop(over);
    }
}

impl Awaited {
    /// The reply; `None` when the connection ended first.
    pub(crate) async fn answer(mut self) -> Option<Answer> {
        (&mut self.answer).await.ok()
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        self.shared.lock().pending.remove(&self.id);
    }
}

impl Shared {
    /// Of a connection whose calls are numbered from the one after `last`.
    fn new(last: u64) -> Arc<Self> {
        let (next, ended) = (AtomicU64::new(last + 1), watch::Sender::new(None));
        Arc::new(Self { next, state: Mutex::default(), ended, silent: Mutex::default() })
    }

    fn silent(&self) -> MutexGuard<'_, Option<String>> {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn awaited(self: &Arc<Self>, id: u64) -> Awaited {
        let (tell, answer) = oneshot::channel();
        self.lock().pending.insert(id, Wants::Caller(tell));
        Awaited { id, answer, shared: Arc::clone(self) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that holds it leaves it half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answered(&self, id: u64, answer: Answer) {
        let mut state = self.lock();
        match state.pending.remove(&id) {
            Some(Wants::Caller(waits)) => {
                drop(state);
                // Who waited may have stopped to in this moment.
                drop(waits.send(answer));
            }
            Some(Wants::Subscription) => {
                let refused = state.listeners.answered(id, answer.map(drop));
                drop(state);
                drop(refused);
            }
            None => tracing::debug!(id, "a reply came that nobody waits for, late perhaps"),
        }
    }

    /// The first reason counts.
    fn end(&self, why: &str) {
        self.ended.send_if_modified(|ended| ended.is_none().then(|| *ended = Some(why.to_owned())).is_some());
        let mut state = self.lock();
        let (pending, listeners) = (std::mem::take(&mut state.pending), std::mem::take(&mut state.listeners));
        drop(state);
        // What makes answers to signals may hold handles, which look into the state when they go.
        drop((pending, listeners));
    }
}

async fn write<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    mut sink: SplitSink<WebSocketStream<S>, Message>,
    mut queue: mpsc::UnboundedReceiver<Out>,
    shared: Arc<Shared>,
    mut reader: tokio::task::JoinHandle<()>,
    let_go: oneshot::Receiver<()>,
) {
    let mut ended = shared.ended.subscribe();
    // Nobody is left who wants anything of a connection: what has not been said yet has as long as a farewell. A peer
    // that takes nothing holds up nobody here.
    let deserted = async {
        // Nothing is sent here: it hears the end alone.
        let _ = let_go.await;
        tokio::time::sleep(FAREWELL).await;
    };
    tokio::pin!(deserted);
    loop {
        let out = tokio::select! {
            out = queue.recv() => out,
            _ = &mut reader => return shared.end("it was closed"),
        };
        let Out { message, _room } = out.unwrap_or_else(|| Message::Close(None).into());
        let closing = matches!(message, Message::Close(_));
        let sent = tokio::select! {
            sent = sink.send(message) => sent,
            _ = ended.wait_for(Option::is_some) => return reader.abort(),
            () = &mut deserted => {
                reader.abort();
                return shared.end("it was let go");
            }
        };
        if let Err(e) = &sent {
            shared.end(&e.to_string());
        }
        if closing || sent.is_err() {
            break;
        }
    }
    // The server answers the farewell, and the reader ends; or it does not.
    if tokio::time::timeout(FAREWELL, &mut reader).await.is_err() {
        reader.abort();
    }
    shared.end("it was closed");
}

async fn read<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    mut stream: SplitStream<WebSocketStream<S>>,
    shared: Arc<Shared>,
    outgoing: mpsc::WeakUnboundedSender<Out>,
) {
    let room = Arc::new(Semaphore::new(ANSWERS));
    let why = loop {
        let text = match stream.next().await {
            None => break "it was closed".to_owned(),
            Some(Err(WebSocketError::Capacity(e))) => break format!("{e}; see `largest_message` in the options"),
            Some(Err(e)) => break e.to_string(),
            Some(Ok(Message::Close(frame))) => {
                break match frame {
                    Some(f) if !f.reason.is_empty() => format!("the server closed it: {} ({})", f.reason, f.code),
                    _ => "the server closed it".to_owned(),
                };
            }
            Some(Ok(Message::Text(text))) => text.as_str().to_owned(),
            // Some peers send JSON in binary frames.
            Some(Ok(Message::Binary(bytes))) => String::from_utf8_lossy(&bytes).into_owned(),
            // Pings are answered underneath.
            Some(Ok(_)) => continue,
        };
        tracing::trace!(target: "rushes_filmlight::frames", "< {text}");
        *shared.silent() = None;
        match wire::read(&text) {
            Ok(Incoming::Reply { id, answer }) => shared.answered(id, answer),
            Ok(Incoming::Signal { target, signal, args, wants_answer }) => {
                let answer = shared.lock().listeners.hear(target, &signal, &args, text.len());
                let Some(sigid) = wants_answer else { continue };
                // Nobody closes the semaphore.
                let taken = Arc::clone(&room).acquire_owned().await.ok();
                let Some(outgoing) = outgoing.upgrade() else { continue };
                // Whoever makes the answer must not hold up the replies.
                tokio::spawn(async move {
                    let result = answer.map_or(Value::Null, |answer| answer(&args));
                    let message = wire::signal_result(target, &sigid, &result);
                    let _ = outgoing.send(Out { message: Message::text(message.to_string()), _room: taken });
                });
            }
            Err(what) => tracing::warn!("a message of the FilmLight server makes no sense: {what}"),
        }
    };
    shared.end(&why);
}
