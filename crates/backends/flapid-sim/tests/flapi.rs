//! The client and the executor of `rushes-filmlight`, against the simulator. Each module is a page of what holds:

/// The checklist of the protocol, with the frames that FilmLight's clients were seen to send.
mod checklist;
/// Calls and handles.
mod client;
/// Units on servers: what comes out, against what the local executor makes.
mod executor;
/// Renders that go wrong, each in its own way.
mod faults;
/// What a server says about clips, and clips that only a server decodes.
mod inspection;
/// Private servers: started, used, ended, whatever they do.
mod launch;
/// Cards with clips for this machine and clips for a server.
mod mixed;
/// Renders in a queue, by the client alone.
mod queue;
/// Signals, and the subscriptions to them.
mod signals;

mod support;
