//! What can go wrong, as far as a caller can tell it apart.

use std::path::PathBuf;
use std::time::Duration;

use crate::types::Short;

/// Characters of a server's own words that are kept.
const WORDS: usize = 2000;

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call or a connection failed. The protocol has one kind of error and a text; the rest is found out here.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nobody answered at the address.
    #[error("cannot reach a FilmLight server at {address}: {why}; check that flapid runs there, and its port")]
    Unreachable {
        /// `host:port`.
        address: String,
        /// The operating system's words, or those of the handshake.
        why: String,
    },
    /// The server does not let this user in.
    #[error(
        "the FilmLight server at {address} does not accept the connection: {message}; give the user and the token that \
         fl-setup-flapi-token made there"
    )]
    Refused {
        /// `host:port`.
        address: String,
        /// The server's words.
        message: String,
    },
    /// The server answered a call with an error.
    #[error("{method}: {message}")]
    Server {
        /// The method that was called.
        method: String,
        /// The server's code. There is no public list of them.
        code: Option<i64>,
        /// The server's words.
        message: String,
    },
    /// The server answered a call with an error that speaks of licences. FilmLight publishes no texts, so this is
    /// told by the word in them.
    #[error("{method}: the FilmLight server has no licence for this: {message}; free a seat, or add one")]
    Licence {
        /// The method that was called.
        method: String,
        /// The server's words.
        message: String,
    },
    /// No reply came in time. The call may still have its effect.
    #[error("{method}: no reply within {} s", after.as_secs_f64())]
    Timeout {
        /// The method that was called.
        method: String,
        /// How long was waited.
        after: Duration,
    },
    /// The connection ended before the reply came.
    #[error("the connection to the FilmLight server is lost: {why}")]
    Disconnected {
        /// How it ended.
        why: String,
    },
    /// What came is not what the protocol, or the method, promises.
    #[error("{method}: the FilmLight server answered something else than expected: {what}")]
    Unexpected {
        /// The method that was called.
        method: String,
        /// What came, and what was expected.
        what: String,
    },
    /// A private flapid could not be started.
    #[error("cannot start {}: {why}", program.display())]
    Launch {
        /// The program.
        program: PathBuf,
        /// What went wrong.
        why: String,
    },
    /// A file with a token could not be read, or written.
    #[error("{}: {why}", path.display())]
    Token {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        why: String,
    },
}

impl Error {
    /// The error that a server's answer to `method` means.
    pub(crate) fn answered(method: &str, code: Option<i64>, message: &str) -> Self {
        let (method, message) = (method.to_owned(), Short(message, WORDS).to_string());
        // Both spellings occur in FilmLight's own words.
        let lower = message.to_lowercase();
        if lower.contains("licence") || lower.contains("license") {
            Self::Licence { method, message }
        } else {
            Self::Server { method, code, message }
        }
    }

    pub(crate) fn unexpected(method: &str, what: impl Into<String>) -> Self {
        Self::Unexpected { method: method.to_owned(), what: what.into() }
    }

    /// The same failure to reach a server, with more to say of it.
    pub(crate) fn with(self, more: &str) -> Self {
        match self {
            Self::Unreachable { address, why } => Self::Unreachable { address, why: format!("{why} ({more})") },
            Self::Launch { program, why } => Self::Launch { program, why: format!("{why} ({more})") },
            other => other,
        }
    }

    /// True when the connection is of no more use.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, Self::Disconnected { .. } | Self::Unreachable { .. })
    }

    /// True when the same call may succeed later, on another connection.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Disconnected { .. } | Self::Timeout { .. } | Self::Unreachable { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_told_apart_by_the_word_in_either_spelling() {
        for message in ["No licence available", "Invalid License (expired)"] {
            let e = Error::answered("RenderSetup.get_movie_types", None, message);
            assert!(matches!(e, Error::Licence { .. }), "{e}");
            assert!(e.to_string().contains(message) && e.to_string().contains("seat"), "{e}");
        }
        let e = Error::answered("X.y", Some(3), "no such file");
        assert_eq!(e.to_string(), "X.y: no such file");
        let long = Error::answered("X.y", None, &"é".repeat(1 << 20)).to_string();
        assert!(long.chars().count() < 2100 && long.ends_with("é..."), "{} bytes are told", long.len());
    }
}
