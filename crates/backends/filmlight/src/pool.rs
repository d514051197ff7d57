//! Servers for looking at media and for rendering.

use std::future::Future;
use std::sync::{Arc, Mutex as Lock, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

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
/// A server that let a whole timeout pass without an answer is not asked again for 30 seconds: until then calls fail at
/// once, and say so. One that refuses at once is asked each time, which costs nothing.
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

/// A failure to reach a server that runs already has waited for one that says nothing, where it took longer than this;
/// that a private one does not start, where all of its time was over.
const SLOW: Duration = Duration::from_secs(1);

/// How long a server that says nothing is left alone.
const ALONE: Duration = Duration::from_secs(30);

/// How long a server for looking at media has to go, once it should have been killed, before another begins.
const GOING: Duration = Duration::from_secs(30);

/// How long a server has to say what it is, where it may be beyond saying anything.
const ANSWER: Duration = Duration::from_secs(10);

#[derive(Debug)]
struct Shared {
    server: Server,
    inspector: Mutex<Option<Live>>,
    /// Of the server that stays: another is started when it has gone.
    inspecting: Arc<Semaphore>,
    seats: Arc<Semaphore>,
    renders: usize,
    /// Private servers are started one after the other.
    starting: Mutex<()>,
    /// When a server was last found to say nothing, and how that was told.
    silence: Lock<Option<(Instant, Error)>>,
}

/// A server, and the seat it takes until it has gone.
#[derive(Debug)]
enum Live {
    /// The process keeps the seat: it may outlive this by seconds.
    #[cfg(unix)]
    Private(Box<Flapid>),
    Running(Connection, OwnedSemaphorePermit),
}

impl Live {
    fn connection(&self) -> &Connection {
        match self {
            #[cfg(unix)]
            Self::Private(flapid) => flapid.connection(),
            Self::Running(connection, _) => connection,
        }
    }

    async fn close(self) {
        match self {
            #[cfg(unix)]
            Self::Private(flapid) => drop(flapid.close().await),
            Self::Running(connection, _seat) => connection.close().await,
        }
    }
}

/// A server for one render. Dropped, it is ended. Its seat is the next one's when it has gone.
#[derive(Debug)]
pub struct Lease(Live);

impl Lease {
    /// The connection to it.
    pub fn connection(&self) -> &Connection {
        self.0.connection()
    }

    /// Ends it, and gives the seat to the next.
    pub async fn close(self) {
        self.0.close().await;
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
            inspecting: Arc::new(Semaphore::new(1)),
            seats: Arc::new(Semaphore::new(renders)),
            renders,
            starting: Mutex::default(),
            silence: Lock::default(),
        }))
    }

    /// The most renders at a time.
    pub fn renders(&self) -> usize {
        self.0.renders
    }

    /// Does `work` on the server that stays, which is started with the first call. Once more on a new one, when the
    /// connection is lost over it. A server that lets a call wait until its time is over, and says nothing at all
    /// since, is given up: the next work is done on another. Its other calls fail as on a lost connection.
    ///
    /// # Errors
    /// Those of `work`, and when there can be no server.
    pub async fn inspect<T, E, F>(&self, work: impl Fn(Connection) -> F) -> Result<T, E>
    where
        E: From<Error>,
        F: Future<Output = Result<T, E>>,
    {
        let flapi = self.inspector().await?;
        let done = work(flapi.clone()).await;
        if done.is_err() && !flapi.is_open() {
            tracing::warn!("the FilmLight server for looking at media is lost, and another one begun");
            let flapi = self.inspector().await?;
            let done = work(flapi.clone()).await;
            self.judge(&flapi).await;
            return done;
        }
        self.judge(&flapi).await;
        done
    }

    /// A connection to the server that stays.
    async fn inspector(&self) -> Result<Connection> {
        let mut inspector = self.0.inspector.lock().await;
        if let Some(live) = inspector.as_ref().filter(|l| l.connection().is_open()) {
            return Ok(live.connection().clone());
        }
        // What is left of a lost one is ended in the background.
        drop(inspector.take());
        let seat = Arc::clone(&self.0.inspecting).acquire_owned();
        let asked = match &self.0.server {
            #[cfg(unix)]
            Server::Private(launch) => launch.patience.asked,
            Server::Running(_) => Duration::ZERO,
        };
        let seat = match tokio::time::timeout(asked.saturating_add(GOING), seat).await {
            Ok(seat) => seat.map_err(|e| Error::Disconnected { why: e.to_string() })?,
            Err(_) => {
                let why = "the server before it was killed and has not gone".into();
                return Err(Error::Disconnected { why });
            }
        };
        let live = self.start(seat).await?;
        let connection = live.connection().clone();
        *inspector = Some(live);
        Ok(connection)
    }

    /// Gives up the server that stays, if it is the one of `flapi` and says nothing any more.
    async fn judge(&self, flapi: &Connection) {
        let Some(method) = flapi.silent_since() else { return };
        tracing::warn!(method, "the FilmLight server for looking at media does not answer, and is given up");
        let mut inspector = self.0.inspector.lock().await;
        if !inspector.as_ref().is_some_and(|live| live.connection().is_same(flapi)) {
            return;
        }
        match inspector.take() {
            Some(Live::Running(connection, seat)) => {
                tokio::spawn(async move {
                    connection.close().await;
                    drop(seat);
                });
                // The clip may be to blame, or the server.
                if !self.answers().await {
                    let why = format!("{method} had no reply, and a question put on another connection has none");
                    self.note(Error::Unreachable { address: flapi.address().to_owned(), why });
                }
            }
            // A private one is asked to end, and killed, by what it leaves behind.
            other => drop(other),
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
        Ok(Lease(self.start(seat).await?))
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

    async fn start(&self, seat: OwnedSemaphorePermit) -> Result<Live> {
        let _alone = match self.0.server {
            #[cfg(unix)]
            Server::Private(_) => Some(self.0.starting.lock().await),
            Server::Running(_) => None,
        };
        // Those who waited for their turn hear what came of the one before.
        self.not_left_alone()?;
        let begun = Instant::now();
        let (started, slow) = match &self.0.server {
            #[cfg(unix)]
            Server::Private(launch) => {
                let started = launch.start_keeping(Some(Box::new(seat))).await;
                (started.map(|flapid| Live::Private(Box::new(flapid))), launch.starting)
            }
            Server::Running(options) => {
                (Connection::open(options).await.map(|connection| Live::Running(connection, seat)), SLOW)
            }
        };
        match &started {
            Ok(_) => *self.silence() = None,
            Err(e) if begun.elapsed() >= slow => self.note(e.clone()),
            Err(_) => {}
        }
        started
    }

    /// Whether a server that runs already answers the simplest question.
    async fn answers(&self) -> bool {
        #[cfg_attr(not(unix), allow(irrefutable_let_patterns))]
        let Server::Running(options) = &self.0.server else { return true };
        let asking = async { Connection::open(options).await?.application().await };
        tokio::time::timeout(ANSWER, asking).await.is_ok_and(|answer| answer.is_ok())
    }

    fn note(&self, told: Error) {
        *self.silence() = Some((Instant::now(), told));
    }

    /// # Errors
    /// What was told of the server, while it is left alone.
    fn not_left_alone(&self) -> Result<()> {
        let silence = self.silence();
        let Some((since, told)) = silence.as_ref() else { return Ok(()) };
        let ago = since.elapsed();
        match ALONE.checked_sub(ago) {
            None => Ok(()),
            Some(left) => {
                let (ago, left) = (ago.as_secs(), left.as_millis().div_ceil(1000));
                let more = format!("that was {ago} s ago, and it is asked again in {left} s");
                Err(told.clone().with(&more))
            }
        }
    }

    fn silence(&self) -> MutexGuard<'_, Option<(Instant, Error)>> {
        // Nothing that holds it leaves it half-changed.
        self.0.silence.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::User;

    /// Asks a server, and gives what is told instead of an answer.
    async fn told(pool: &Pool) -> String {
        pool.inspect(async |flapi| flapi.application().await).await.unwrap_err().to_string()
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_says_nothing_is_left_alone_for_a_while_and_then_asked_again() {
        // Connections are made, and nobody takes them.
        let mute = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).unwrap();
        let options = Options { user: User::Unsaid, ..Options::at("127.0.0.1", mute.local_addr().unwrap().port()) };
        let pool = Pool::new(Server::Running(Box::new(options)), 1);
        let begun = Instant::now();
        let first = told(&pool).await;
        assert!(first.contains("longer than 15 s") && !first.contains("asked again"), "{first}");
        assert!(begun.elapsed() >= Duration::from_secs(15));
        tokio::time::advance(Duration::from_secs(10)).await;
        let begun = Instant::now();
        for _ in 0..100 {
            let again = told(&pool).await;
            assert!(again.contains("that was 10 s ago, and it is asked again in 20 s"), "{again}");
        }
        assert!(pool.render().await.unwrap_err().to_string().contains("asked again"));
        assert_eq!(begun.elapsed(), Duration::ZERO, "it was asked");
        tokio::time::advance(Duration::from_secs(21)).await;
        assert_eq!(told(&pool).await, first);
        assert!(begun.elapsed() >= Duration::from_secs(15 + 21), "it was not asked");
    }
}
