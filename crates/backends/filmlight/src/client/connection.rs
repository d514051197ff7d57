//! A connection and the calls on it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpSocket;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::error::{Error, Result};
use super::handle::{self, Handle};
use super::link::Link;
use super::options::{Options, Timeouts};
use super::signal::Signals;
use super::{unlogged, wire};
use crate::types::{Short, Wire};

/// The number of the first call, which says who connects.
const FIRST: u64 = 1;

/// Characters of a result that an error quotes.
const QUOTED: usize = 200;

/// A connection to a FilmLight server. Clones share it; it ends when the last clone, and the last handle to an object
/// on it, are gone, or by [`Connection::close`].
///
/// Calls may be made side by side: each reply finds the call it belongs to, in whatever order they come.
///
/// ```no_run
/// use rushes_filmlight::{Connection, Options, api};
///
/// # async fn f() -> rushes_filmlight::Result<()> {
/// let flapi = Connection::open(&Options::default()).await?;
/// println!("{} {}", flapi.application().await?.product, flapi.application().await?.build);
///
/// // A class that has methods here:
/// let clip = api::SequenceDescriptor::get_for_file(&flapi, "/card/A001C001.mxf").await?;
/// println!("{}x{}", clip.width().await?, clip.height().await?);
///
/// // And any other method, by its name on the wire:
/// let hosts = flapi.call("JobManager.get_jobs", None, serde_json::json!({ "host": "localhost" })).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Connection {
    link: Link,
    about: Arc<About>,
}

#[derive(Debug)]
struct About {
    address: String,
    timeouts: Timeouts,
}

crate::types::value_types! {
    /// What a server says about itself.
    ApplicationInfo {
        /// The build number: the wire has no version, so this is what tells servers apart.
        build: String = "Build",
        /// The major version.
        major: String = "Major",
        /// The minor version.
        minor: String = "Minor",
        /// `flapi`, or the application.
        name: String = "Name",
        /// The program.
        path: String = "Path",
        /// `Baselight`, `Daylight`.
        product: String = "Product",
    }
}

impl Connection {
    /// Connects, and says who connects where [`Options::user`] wants it said.
    ///
    /// # Errors
    /// When nobody answers, the user is not let in, or it takes too long.
    pub async fn open(options: &Options) -> Result<Self> {
        let address = options.address();
        let unreachable = |why: String| Error::Unreachable { address: address.clone(), why };
        let opening = async {
            let targets = tokio::net::lookup_host(&address).await.map_err(|e| unreachable(e.to_string()))?;
            let mut last = "the name has no address".to_owned();
            for target in targets {
                let socket = if target.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
                // No peer pings; a dead one is found out by TCP.
                let connected = match socket.and_then(|s| s.set_keepalive(true).map(|()| s)) {
                    Ok(socket) => socket.connect(target).await,
                    Err(e) => Err(e),
                };
                match connected {
                    Ok(stream) => {
                        // Calls are small and waited for.
                        stream.set_nodelay(true).map_err(|e| unreachable(e.to_string()))?;
                        return Self::over(stream, options).await;
                    }
                    Err(e) => last = e.to_string(),
                }
            }
            Err(unreachable(last))
        };
        let after = options.timeouts.connect;
        tokio::time::timeout(after, opening)
            .await
            .unwrap_or_else(|_| Err(unreachable(format!("it took longer than {} s", after.as_secs_f64()))))
    }

    /// As [`Connection::open`] over a stream of the caller's: TLS, a tunnel.
    ///
    /// # Errors
    /// When it is no FilmLight server at the other end, the user is not let in, or it takes too long.
    pub async fn over<S>(stream: S, options: &Options) -> Result<Self>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let after = options.timeouts.connect;
        let why = || format!("it took longer than {} s", after.as_secs_f64());
        tokio::time::timeout(after, Self::shake_hands(stream, options))
            .await
            .unwrap_or_else(|_| Err(Error::Unreachable { address: options.address(), why: why() }))
    }

    async fn shake_hands<S>(stream: S, options: &Options) -> Result<Self>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let address = options.address();
        let config = WebSocketConfig::default()
            .max_message_size(Some(options.largest_message))
            .max_frame_size(Some(options.largest_message));
        let lost = |why: String| Error::Unreachable { address: address.clone(), why };
        let (mut socket, _) = client_async_with_config(format!("ws://{address}/"), stream, Some(config))
            .await
            .map_err(|e| lost(e.to_string()))?;
        let about = Arc::new(About { address: address.clone(), timeouts: options.timeouts.clone() });
        let Some(who) = options.credentials()? else { return Ok(Self { link: Link::over(socket), about }) };
        let hello = wire::connect(who.name.as_deref(), who.password.as_deref(), who.token.as_deref(), FIRST);
        unlogged::send(socket.get_mut(), &hello.to_string()).await.map_err(|e| lost(e.to_string()))?;
        let (link, awaited) = Link::asked(socket, FIRST);
        let this = Self { link, about };
        let refused = |message: &str| {
            let e = Error::answered("connect", None, message);
            let (Error::Server { message, .. } | Error::Licence { message, .. }) = e else { return e };
            Error::Refused { address: address.clone(), message }
        };
        // The time for all of this is looked after outside.
        match awaited.answer().await {
            Some(Ok(let_in)) if bool::from_wire(&let_in).unwrap_or(false) => Ok(this),
            Some(Ok(_)) => Err(refused("it gave no reason")),
            Some(Err(fault)) => Err(refused(&fault.message)),
            None => Err(Error::Disconnected { why: this.link.ended().unwrap_or_else(|| "it was closed".into()) }),
        }
    }

    /// Calls `method` (`Class.name`), on the object `target` or on none, with `params` by name, and gives what comes
    /// back as it is. Waits as long as the connection's [`Timeouts`] say for the method.
    ///
    /// # Errors
    /// What the server answers, no answer in time, or the end of the connection.
    pub async fn call(&self, method: &str, target: Option<&Handle>, params: Value) -> Result<Value> {
        self.call_within(self.patience(method), method, target, params).await
    }

    /// As [`Connection::call`], waiting as long as `patience`.
    ///
    /// # Errors
    /// As [`Connection::call`].
    pub async fn call_within(
        &self,
        patience: Duration,
        method: &str,
        target: Option<&Handle>,
        params: Value,
    ) -> Result<Value> {
        self.wait(method, patience, |id| wire::request(method, target.map(Handle::id), &params, id)).await
    }

    /// As [`Connection::call`], for a result of one of the types in [`crate::types`].
    ///
    /// # Errors
    /// As [`Connection::call`], and when the result is something else.
    pub async fn get<T: Wire>(&self, method: &str, target: Option<&Handle>, params: Value) -> Result<T> {
        let value = self.call(method, target, params).await?;
        T::from_wire(&value).map_err(|what| Error::unexpected(method, what))
    }

    /// As [`Connection::call`], for a result that is an object on the server.
    ///
    /// # Errors
    /// As [`Connection::call`], and when the result is something else.
    pub async fn object(&self, method: &str, target: Option<&Handle>, params: Value) -> Result<Handle> {
        let value = self.call(method, target, params).await?;
        self.adopt(&value)
            .ok_or_else(|| Error::unexpected(method, format!("{} is no object of the server", Short(&value, QUOTED))))
    }

    /// As [`Connection::object`], for a list of them.
    ///
    /// # Errors
    /// As [`Connection::object`].
    pub async fn objects(&self, method: &str, target: Option<&Handle>, params: Value) -> Result<Vec<Handle>> {
        let value = self.call(method, target, params).await?;
        let list = value
            .as_array()
            .ok_or_else(|| Error::unexpected(method, format!("{} is no list", Short(&value, QUOTED))))?;
        // All are adopted before any is judged, so that all are forgotten.
        let adopted: Vec<Option<Handle>> = list.iter().map(|v| self.adopt(v)).collect();
        adopted.into_iter().collect::<Option<_>>().ok_or_else(|| {
            Error::unexpected(method, format!("{} holds something that is no object", Short(&value, QUOTED)))
        })
    }

    /// The handle in `value`, for what lies deeper in a result or in the arguments of a signal.
    pub fn adopt(&self, value: &Value) -> Option<Handle> {
        let (class, id) = handle::read(value)?;
        Some(Handle::new(self.link.held(id, class)))
    }

    /// Listens to `signal` of `object`. QueueManager sends its signals only after `enable_updates`.
    ///
    /// # Errors
    /// As [`Connection::call`].
    pub async fn listen(&self, object: &Handle, signal: &str) -> Result<Signals> {
        Signals::listen(self, object, signal, None).await
    }

    /// As [`Connection::listen`], with what is to be answered when the server waits on the signal; without it, that is
    /// null.
    ///
    /// # Errors
    /// As [`Connection::call`].
    pub async fn listen_answering(
        &self,
        object: &Handle,
        signal: &str,
        answer: impl Fn(&Value) -> Value + Send + Sync + 'static,
    ) -> Result<Signals> {
        Signals::listen(self, object, signal, Some(Arc::new(answer))).await
    }

    /// What the server says about itself.
    ///
    /// # Errors
    /// As [`Connection::call`].
    pub async fn application(&self) -> Result<ApplicationInfo> {
        self.get("Application.get_application_info", None, json!({})).await
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        &self.about.address
    }

    /// False when the connection has ended.
    pub fn is_open(&self) -> bool {
        self.link.ended().is_none()
    }

    /// Ends the connection, for all its clones; every call that waits fails. Gives the server two seconds to say
    /// goodbye.
    pub async fn close(&self) {
        self.link.close().await;
    }

    /// Waits until the connection has ended, and says how.
    pub async fn until_ended(&self) -> String {
        self.link.until_ended().await
    }

    pub(crate) fn link(&self) -> &Link {
        &self.link
    }

    /// The time `method` has.
    pub(crate) fn patience(&self, method: &str) -> Duration {
        self.about.timeouts.of(method)
    }

    async fn wait(&self, method: &str, patience: Duration, make: impl FnOnce(u64) -> Value) -> Result<Value> {
        let ended = |why| Error::Disconnected { why };
        let awaited = self.link.ask(make).map_err(ended)?;
        match tokio::time::timeout(patience, awaited.answer()).await {
            Ok(Some(Ok(value))) => Ok(value),
            Ok(Some(Err(fault))) => Err(Error::answered(method, fault.code, &fault.message)),
            Ok(None) => Err(ended(self.link.ended().unwrap_or_else(|| "it was closed".into()))),
            Err(_) => {
                self.link.waited_in_vain(method);
                Err(Error::Timeout { method: method.to_owned(), after: patience })
            }
        }
    }

    /// A call that got no reply in its time, where the server has said nothing at all since.
    pub(crate) fn silent_since(&self) -> Option<String> {
        self.link.silent_since()
    }

    /// True for clones of one another.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.link.is_same(&other.link)
    }
}
