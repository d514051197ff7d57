//! The listening end: connections, and what all of them share.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, broadcast, watch};

use crate::faults::{Faults, RenderFault};
use crate::job::Job;
use crate::media::Library;
use crate::object::lock;
use crate::render::Order;
use crate::{http, session};

/// How a simulator is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// The port, 0 for any that is free.
    pub port: u16,
    /// The user and the token that are let in; everybody is, without it.
    pub user: Option<(String, String)>,
    /// A private server: nobody has to say who they are, and it ends with its first connection.
    pub slave: bool,
    /// Whether the process may be ended by a fault.
    pub process: bool,
    /// What goes wrong.
    pub faults: Faults,
}

/// A simulator that listens.
#[derive(Debug)]
pub struct Sim {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    accepting: tokio::task::JoinHandle<()>,
}

/// What all connections share: there is one render processor, and one queue.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) library: Library,
    pub(crate) processor: Mutex<Option<Arc<Job>>>,
    pub(crate) queue: Mutex<BTreeMap<i64, Arc<Job>>>,
    /// What happened, for those connections that want to know: signal and arguments of the queue.
    pub(crate) happened: broadcast::Sender<(&'static str, Value)>,
    pub(crate) first_gone: Notify,
    pub(crate) connections: AtomicI64,
    /// How often each method was called.
    counts: Mutex<BTreeMap<String, u64>>,
    /// Every message that came, as it came.
    heard: Mutex<Vec<String>>,
    renders: AtomicU64,
    operations: AtomicI64,
    /// A fault wants every socket closed.
    pub(crate) dead: AtomicBool,
    pub(crate) died: Notify,
}

impl Sim {
    /// Listens on this machine, and serves until it is stopped or dropped.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start(settings: Settings) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            settings,
            library: Library::default(),
            processor: Mutex::default(),
            queue: Mutex::default(),
            happened: broadcast::channel(256).0,
            first_gone: Notify::new(),
            connections: AtomicI64::new(0),
            counts: Mutex::default(),
            heard: Mutex::default(),
            renders: AtomicU64::new(0),
            operations: AtomicI64::new(0),
            dead: AtomicBool::new(false),
            died: Notify::new(),
        });
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared), stopped));
        Ok(Self { address, shared, stop, accepting })
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Every message that came so far, word for word.
    pub fn heard(&self) -> Vec<String> {
        lock(&self.shared.heard).clone()
    }

    /// How often `method` was called.
    pub fn calls(&self, method: &str) -> u64 {
        lock(&self.shared.counts).get(method).copied().unwrap_or(0)
    }

    /// Objects that clients have handles of, over all connections.
    pub fn connections(&self) -> i64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Waits until the first connection has come and gone.
    pub async fn until_left(&self) {
        self.shared.first_gone.notified().await;
    }

    /// Closes every connection and stops listening.
    pub async fn stop(mut self) {
        // Fails where accepting has ended already.
        let _ = self.stop.send(true);
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let mut sessions = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            came = listener.accept() => {
                if let Ok((stream, _)) = came {
                    sessions.spawn(serve(stream, Arc::clone(&shared)));
                }
            }
            // Those that have ended are let go.
            Some(_) = sessions.join_next() => {}
            _ = stopped.wait_for(|s| *s) => break,
        }
    }
    sessions.shutdown().await;
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    if http::wants_socket(&stream).await {
        shared.connections.fetch_add(1, Ordering::SeqCst);
        session::run(stream, Arc::clone(&shared)).await;
        shared.connections.fetch_sub(1, Ordering::SeqCst);
        shared.first_gone.notify_one();
    } else {
        http::answer(stream, &shared).await;
    }
}

impl Shared {
    /// Counts a call, and gives its number among those of the method.
    pub(crate) fn count(&self, method: &str) -> u64 {
        let mut counts = lock(&self.counts);
        let n = counts.entry(method.to_owned()).or_default();
        *n += 1;
        *n
    }

    pub(crate) fn note(&self, message: &str) {
        lock(&self.heard).push(message.to_owned());
    }

    /// Begins a render.
    pub(crate) fn begin(self: &Arc<Self>, order: Order, job: &Arc<Job>, told: impl Fn() + Send + 'static) {
        let n = self.renders.fetch_add(1, Ordering::SeqCst) as usize;
        let fault: Option<RenderFault> = self.settings.faults.renders.get(n).cloned().flatten();
        let slow = Duration::from_millis(self.settings.faults.slow_ms);
        let (job, shared) = (Arc::clone(job), Arc::clone(self));
        tokio::spawn(async move {
            order.run(job, fault, slow, || shared.die()).await;
            told();
        });
    }

    pub(crate) fn next_operation(&self) -> i64 {
        self.operations.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn die(&self) {
        if self.settings.process {
            std::process::exit(86);
        }
        self.dead.store(true, Ordering::SeqCst);
        self.died.notify_waiters();
    }
}
