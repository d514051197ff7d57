//! The client's errors as those of Rushes.

use rushes_core::{Error, ErrorKind};

/// What may fail here in two ways, told in Rushes' way.
///
/// `?` makes it of the client's error and of Rushes' own; [`as_core`] takes it out again. There is no `impl From` into
/// [`Error`] on purpose: with one more of them, `?` has more than one meaning in every crate that is built together with
/// this one, and closures there that compiled without this one do not any more.
#[derive(Debug)]
pub(crate) struct Failure(Error);

/// The error that is in it, or that it becomes.
pub(crate) fn as_core(e: impl Into<Failure>) -> Error {
    e.into().0
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        Self(e)
    }
}

impl From<crate::Error> for Failure {
    fn from(e: crate::Error) -> Self {
        use crate::Error as E;
        let kind = match &e {
            E::Licence { .. } => ErrorKind::InUse,
            E::Server { .. } | E::Unexpected { .. } => ErrorKind::Unsupported,
            E::Refused { .. } | E::Token { .. } => ErrorKind::Invalid,
            _ => ErrorKind::Io,
        };
        let core = Error::new(kind, e.to_string()).doing("talking to a FilmLight server");
        Self(if e.may_pass() { core.retryable() } else { core })
    }
}
