//! Rushes on a FilmLight server: the executor, what it needs at plan time, and inspection.

mod ask;
mod catalog;
mod compare;
mod executor;
mod inspect;
mod opens;
mod order;
mod place;
mod probe;
mod progress;
mod recipe;
mod render;
mod settings;
mod source;
mod vendor;

pub use compare::compare;
pub use executor::FilmLight;
pub use inspect::{Inspect, Record, inspect};
pub use settings::Settings;
pub use source::{SERVER_FORMATS, with_server_formats};

use rushes_core::{Error, ErrorKind};

/// A client's error as one of Rushes.
impl From<crate::Error> for Error {
    fn from(e: crate::Error) -> Self {
        use crate::Error as E;
        let kind = match &e {
            E::Licence { .. } => ErrorKind::InUse,
            E::Server { .. } | E::Unexpected { .. } => ErrorKind::Unsupported,
            E::Refused { .. } | E::Token { .. } => ErrorKind::Invalid,
            _ => ErrorKind::Io,
        };
        let core = Error::new(kind, e.to_string()).doing("talking to a FilmLight server");
        if e.may_pass() { core.retryable() } else { core }
    }
}
