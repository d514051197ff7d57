//! What is to go wrong.

use serde::{Deserialize, Serialize};

/// What a simulator does wrong, and when.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Of calls.
    pub calls: Vec<CallFault>,
    /// Of renders, in the order they are started; those after the list go well.
    pub renders: Vec<Option<RenderFault>>,
    /// Milliseconds each frame of a render takes besides its work.
    pub slow_ms: u64,
    /// Structs and messages have fields that no client knows.
    pub extra_fields: bool,
    /// Ends of frame ranges are not part of them.
    pub exclusive_ends: bool,
    /// It neither ends with its connection, nor when it is asked to.
    pub hangs: bool,
    /// It ends before it has said its port, with this on its standard error.
    pub ends_at_start: Option<String>,
    /// It never says its port.
    pub never_starts: bool,
    /// What it does not have, as older builds: methods by name.
    pub lacks: Vec<String>,
}

/// What goes wrong with a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallFault {
    /// The method, `*` for all.
    pub method: String,
    /// Which of its calls, from 1; 0 for every one.
    #[serde(default)]
    pub nth: u64,
    /// What happens.
    pub does: Does,
}

/// What happens instead of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Does {
    /// An error with this text.
    Error(String),
    /// An error in the form of an old page of the documentation.
    OldError(String),
    /// The answer, so many milliseconds late. Others overtake it.
    Late(u64),
    /// The answer, after that to the next call.
    AfterNext,
    /// The answer, twice.
    Twice,
    /// No answer.
    Silence,
    /// Something that is no JSON, and then the answer.
    Garbage,
    /// A result of another type.
    Nonsense,
    /// The socket is closed without a word.
    Drop,
}

/// What goes wrong with a render.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenderFault {
    /// Frames made before.
    #[serde(default)]
    pub after: u64,
    /// What happens then.
    pub does: RenderDoes,
}

/// What a render does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RenderDoes {
    /// Nothing more.
    Stall,
    /// All frames, and then never ends.
    Stick,
    /// It is said to have crashed.
    Crash,
    /// It is said to have been stopped.
    Stop,
    /// It is done, with an error.
    Error(String),
    /// It is done, and so many frames failed.
    Failed(u64),
    /// It is done, and a frame failed, of which so many lines of the log speak, each of another frame.
    Babble(u64),
    /// It is done and well, and the last file is not there.
    LoseFile,
    /// It is done and well, and the last file is empty.
    EmptyFile,
    /// It is done and well, and the last file is cut in half.
    CutFile,
    /// The process ends (a program), or the socket is closed (in a test).
    Die,
}

impl Faults {
    /// What befalls the `nth` call of `method`.
    pub(crate) fn of_call(&self, method: &str, nth: u64) -> Option<&Does> {
        let meant = |f: &&CallFault| (f.method == method || f.method == "*") && (f.nth == 0 || f.nth == nth);
        self.calls.iter().find(meant).map(|f| &f.does)
    }
}
