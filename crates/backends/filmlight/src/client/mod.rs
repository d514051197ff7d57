//! The connection: who may connect, calls and their replies, handles, signals, and private servers.

mod connection;
mod error;
mod handle;
#[cfg(unix)]
mod launch;
mod link;
mod options;
#[cfg(unix)]
mod reap;
mod signal;
mod token;
mod unlogged;
mod wire;

pub use connection::{ApplicationInfo, Connection};
pub use error::{Error, Result};
pub use handle::Handle;
#[cfg(unix)]
pub use launch::{Flapid, Launch, find_flapid};
pub use options::{LARGEST_MESSAGE, Options, Timeouts, User};
#[cfg(unix)]
pub use reap::{Ended, Patience};
pub use signal::Signals;
pub use token::{create_token, token_file};
