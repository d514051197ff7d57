//! Servers for looking at media and for rendering.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use crate::client::{Connection, Error, Options, Result};
#[cfg(unix)]
use crate::client::{Flapid, Launch};

/// Where servers come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Server {
    /// A private flapid each, which is started and ended: for renders without a person.
    #[cfg(unix)]
    Private(Box<Launch>),
    /// A server that runs already. It has one render processor, so there is one render at a time.
    Running(Box<Options>),
}

/// One server that stays, for looking at media, and one for each render: a flapid that has rendered a few times is
/// known to hang, and starting one costs tens of seconds and a seat of the licence.
///
/// ```no_run
/// use rushes_filmlight::{Launch, Pool, Server, api};
/// # async fn f() -> rushes_filmlight::Result<()> {
/// let pool = Pool::new(Server::Private(Box::new(Launch::default())), 2);
/// let facts = pool.inspect(async |flapi| api::raw_metadata(&flapi, "/card/A001C001.R3D").await).await?;
/// let lease = pool.render().await?;
/// // ... one render on lease.connection() ...
/// lease.close().await;
/// pool.close().await;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Pool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    server: Server,
    inspector: Mutex<Option<Live>>,
    seats: Arc<Semaphore>,
    /// Private servers are started one after the other.
    starting: Mutex<()>,
}

#[derive(Debug)]
enum Live {
    #[cfg(unix)]
    Private(Box<Flapid>),
    Running(Connection),
}

impl Live {
    fn connection(&self) -> &Connection {
        match self {
            #[cfg(unix)]
            Self::Private(flapid) => flapid.connection(),
            Self::Running(connection) => connection,
        }
    }

    async fn close(self) {
        match self {
            #[cfg(unix)]
            Self::Private(flapid) => drop(flapid.close().await),
            Self::Running(connection) => connection.close().await,
        }
    }
}

/// A server for one render. Dropped, it is ended.
#[derive(Debug)]
pub struct Lease {
    live: Live,
    _seat: OwnedSemaphorePermit,
}

impl Lease {
    /// The connection to it.
    pub fn connection(&self) -> &Connection {
        self.live.connection()
    }

    /// Ends it, and gives the seat to the next.
    pub async fn close(self) {
        self.live.close().await;
    }
}

impl Pool {
    /// At most so many renders at a time, at least one: one for each GPU, no more than the licence has seats beside
    /// that of the server for looking at media. On a server that runs already it is one, whatever is said here.
    pub fn new(server: Server, renders: usize) -> Self {
        let renders = if let Server::Running(_) = server { 1 } else { renders.max(1) };
        Self(Arc::new(Shared {
            server,
            inspector: Mutex::default(),
            seats: Arc::new(Semaphore::new(renders)),
            starting: Mutex::default(),
        }))
    }

    /// A connection to the server that stays. It is started with the first call, and again when it is lost.
    ///
    /// # Errors
    /// When there can be none.
    pub async fn inspector(&self) -> Result<Connection> {
        let mut inspector = self.0.inspector.lock().await;
        if let Some(live) = inspector.as_ref().filter(|l| l.connection().is_open()) {
            return Ok(live.connection().clone());
        }
        // What is left of a lost one is ended in the background.
        drop(inspector.take());
        let live = self.start().await?;
        let connection = live.connection().clone();
        *inspector = Some(live);
        Ok(connection)
    }

    /// Does `work` on the server that stays; once more on a new one, when the connection is lost over it.
    ///
    /// # Errors
    /// Those of `work`.
    pub async fn inspect<T, F: Future<Output = Result<T>>>(&self, work: impl Fn(Connection) -> F) -> Result<T> {
        match work(self.inspector().await?).await {
            Err(Error::Disconnected { why }) => {
                tracing::warn!(why, "the FilmLight server for looking at media is lost, and another one begun");
                work(self.inspector().await?).await
            }
            done => done,
        }
    }

    /// A server for one render, when a seat is free.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn render(&self) -> Result<Lease> {
        // Nobody closes the semaphore.
        let seat = Arc::clone(&self.0.seats).acquire_owned().await;
        let seat = seat.map_err(|e| Error::Disconnected { why: e.to_string() })?;
        Ok(Lease { live: self.start().await?, _seat: seat })
    }

    /// True where renders go on when their connection ends.
    #[cfg(feature = "engine")]
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.0.server, Server::Running(_))
    }

    /// Ends the server that stays, if there is one.
    pub async fn close(&self) {
        if let Some(live) = self.0.inspector.lock().await.take() {
            live.close().await;
        }
    }

    async fn start(&self) -> Result<Live> {
        match &self.0.server {
            #[cfg(unix)]
            Server::Private(launch) => {
                let _alone = self.0.starting.lock().await;
                Ok(Live::Private(Box::new(launch.start().await?)))
            }
            Server::Running(options) => Ok(Live::Running(Connection::open(options).await?)),
        }
    }
}
