//! How to connect.

use std::collections::BTreeMap;
use std::time::Duration;

use super::error::Result;
use super::token;

/// How long is waited for what. A method may have a time of its own in [`Timeouts::methods`].
#[derive(Debug, Clone, PartialEq)]
pub struct Timeouts {
    /// For the connection, the handshake and the server's word that the user may come in.
    pub connect: Duration,
    /// For a reply.
    pub call: Duration,
    /// For the reply to single methods, by their names on the wire.
    pub methods: BTreeMap<String, Duration>,
}

impl Default for Timeouts {
    /// 15 s to connect; 60 s for a call; more for what opens media and scenes, or starts a render.
    fn default() -> Self {
        let long = [
            ("Scene.temporary_scene", 300),
            ("Scene.new_scene", 300),
            ("Scene.open_scene", 600),
            ("Scene.wait_until_open", 600),
            ("Scene.save_scene", 300),
            ("Scene.close_scene", 120),
            ("Scene.insert_sequence", 300),
            ("SequenceDescriptor.get_for_file", 120),
            ("SequenceDescriptor.get_for_template", 120),
            ("Image.get_raw_metadata", 120),
            ("RenderProcessor.start", 300),
            ("RenderSetup.submit_to_queue", 300),
        ];
        let methods = long.into_iter().map(|(m, s)| (m.to_owned(), Duration::from_secs(s))).collect();
        Self { connect: Duration::from_secs(15), call: Duration::from_secs(60), methods }
    }
}

impl Timeouts {
    /// The time `method` has.
    pub fn of(&self, method: &str) -> Duration {
        self.methods.get(method).copied().unwrap_or(self.call)
    }
}

/// Who wants to connect.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum User {
    /// `$USER`, with the token in `$FLAPI_TOKEN` or in the token's file, if the host is this one; nobody elsewhere.
    #[default]
    Found,
    /// A user with the token that `fl-setup-flapi-token` made on the server.
    Token {
        /// The user's name.
        name: String,
        /// The token.
        token: String,
    },
    /// A user with a password.
    Password {
        /// The user's name.
        name: String,
        /// The password.
        password: String,
    },
    /// No word about the user: the server of an application's own scripts, or a private one.
    Unsaid,
}

impl std::fmt::Debug for User {
    /// Without what must not come into logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Found => f.write_str("Found"),
            Self::Token { name, .. } => f.debug_struct("Token").field("name", name).finish_non_exhaustive(),
            Self::Password { name, .. } => f.debug_struct("Password").field("name", name).finish_non_exhaustive(),
            Self::Unsaid => f.write_str("Unsaid"),
        }
    }
}

/// Where to connect, as whom, and how long to wait.
///
/// ```
/// use rushes_filmlight::{Options, User};
/// let here = Options::default();
/// assert_eq!((here.host.as_str(), here.port), ("localhost", 1984));
/// let farm = Options {
///     user: User::Token { name: "filmlight".into(), token: "0123456789abcdef0123456789abcdef".into() },
///     ..Options::at("grade7", 1984)
/// };
/// assert!(!format!("{farm:?}").contains("0123456789abcdef"), "tokens stay out of logs");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The server's name.
    pub host: String,
    /// Its port. 1984 is the daemon's, which Baselight and Daylight share; applications have others.
    pub port: u16,
    /// Who connects.
    pub user: User,
    /// How long is waited for what.
    pub timeouts: Timeouts,
    /// The largest message that is taken, in bytes; a larger one ends the connection. [`LARGEST_MESSAGE`] if nothing
    /// else is said. Servers know no limit, and what is read of a message takes several times its size in memory.
    pub largest_message: usize,
}

/// 64 MiB: far more than any reply that is known, BLG resources and long logs included.
pub const LARGEST_MESSAGE: usize = 64 << 20;

impl Default for Options {
    /// The daemon on this machine, or what `$FLAPI_PORT` names: the application that started this program.
    fn default() -> Self {
        let port = std::env::var("FLAPI_PORT").ok().and_then(|p| p.trim().parse().ok());
        Self::at("localhost", port.unwrap_or(1984))
    }
}

impl Options {
    /// The server at `host` and `port`.
    pub fn at(host: impl Into<String>, port: u16) -> Self {
        let (user, timeouts) = (User::default(), Timeouts::default());
        Self { host: host.into(), port, user, timeouts, largest_message: LARGEST_MESSAGE }
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Name, password and token for the first message; `None` for no such message.
    pub(crate) fn credentials(&self) -> Result<Option<Credentials>> {
        Ok(match &self.user {
            User::Unsaid => None,
            User::Token { name, token } => {
                Some(Credentials { name: Some(name.clone()), token: Some(token.clone()), password: None })
            }
            User::Password { name, password } => {
                Some(Credentials { name: Some(name.clone()), token: None, password: Some(password.clone()) })
            }
            // As FilmLight's own client: a token of this machine is shown to this machine only.
            User::Found if self.host != "localhost" => Some(Credentials::default()),
            User::Found => {
                let name = std::env::var("USER").ok().filter(|u| !u.is_empty());
                Some(Credentials { name, token: token::find()?, password: None })
            }
        })
    }
}

#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Credentials {
    pub(crate) name: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) password: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_found_here_is_shown_to_this_machine_only() {
        for host in ["127.0.0.1", "grade7"] {
            assert!(Options::at(host, 1984).credentials().unwrap() == Some(Credentials::default()), "{host}");
        }
        let unsaid = Options { user: User::Unsaid, ..Options::default() };
        assert!(unsaid.credentials().unwrap().is_none());
    }

    #[test]
    fn methods_have_times_of_their_own() {
        let timeouts = Timeouts::default();
        assert!(timeouts.of("Scene.open_scene") > timeouts.of("Scene.get_num_shots"));
        assert_eq!(Options::at("::1", 5).address(), "[::1]:5");
    }
}
