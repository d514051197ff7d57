//! A client for the FilmLight API (FLAPI) of Baselight and Daylight, and the executor of Rushes that renders through
//! it.
//!
//! - [`Connection`] talks to a server that runs; [`Launch`] starts a private one. Calls are async, may be made side by
//!   side, and end in time.
//! - [`api`] has the classes a camera pipeline needs, [`types`] the structs they take and give. Every other method
//!   can be called by its name: [`Connection::call`].
//! - [`Watchdog`] tells a render that goes on from one that hangs; [`Pool`] keeps a server for looking at media and
//!   starts one for each render.
//!
//! The client stands alone: without the feature `engine`, which is on by default, nothing of Rushes is built.
//!
//! What is known of the protocol comes from FilmLight's public documentation and from frames that its clients sent;
//! this crate was checked against the simulator `flapid-sim`, and against no flapid yet. Its README says more.
//!
//! # Errors
//!
//! The methods of [`api`] fail as [`Connection::call`] does: the server's own error, a licence that is missing, no
//! reply in time, the end of the connection, or a result that is something else than the method promises.

pub mod api;
mod client;
#[cfg(feature = "engine")]
mod engine;
mod pool;
pub mod types;
mod watch;

pub use client::token_file;
pub use client::{
    ApplicationInfo, Connection, Error, Handle, LARGEST_MESSAGE, Options, Result, Signals, Timeouts, User,
};
#[cfg(unix)]
pub use client::{Ended, Flapid, Launch, Patience, create_token, find_flapid};
#[cfg(feature = "engine")]
pub use engine::{
    FilmLight, Inspect, Record, SERVER_FORMATS, Settings, compare, forget, inspect, with_server_formats,
    with_server_formats_elsewhere,
};
pub use pool::{Lease, Pool, Server};
pub use watch::{Limits, Stuck, Watchdog};

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
