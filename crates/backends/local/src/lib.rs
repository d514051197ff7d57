//! The local executor: fused bands of rows on the CPUs of this machine.
//!
//! A unit's frames are decoded once each; the tree of stages is then walked band by band, so
//! that the rows in work stay in a core's cache ([`walk`]). Frames run side by side for
//! throughput ([`Mode::Frames`]), or one frame's bands do for latency ([`Mode::Bands`]). The
//! bytes of the outputs are the same either way, and whatever the number of threads. [`Preview`]
//! gives single frames in memory. A [`Coprocessor`] may compute some of the stages. [`Apart`] runs units in processes
//! of their own.

mod apart;
mod bad;
mod busy;
mod coprocessor;
mod executor;
mod first;
mod frame;
mod order;
mod preview;
mod refuse;
mod unit;
pub mod walk;

pub use apart::Apart;
pub use coprocessor::{Coprocessor, GivenRows, OpenCoprocessor};
pub use executor::{LocalExecutor, Mode};
pub use first::first_tree;
pub use preview::{Decoded, Preview};
