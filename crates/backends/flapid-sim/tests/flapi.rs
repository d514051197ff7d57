//! The client and the executor of `rushes-filmlight`, against the simulator. Each module is a page of what holds:

/// The checklist of the protocol, with the frames that FilmLight's clients were seen to send.
mod checklist;
/// Calls, handles and signals.
mod client;
/// Private servers: started, used, ended, whatever they do.
mod launch;

mod support;
