//! Stills cameras through the rawloader crate, behind a guard.
//!
//! rawloader is LGPL-2.1, so it stands apart: whoever does not want it leaves this crate out.
//! It knows some hundred cameras by model. It also panics on damaged files, allocates what a
//! header asks for, and gives pictures of files that end early; [`RawloaderSource`] checks sizes
//! first, runs it where panics are caught and not printed, and refuses files whose picture is
//! not all there. DNG never goes to it: the ingest stage's own reader is right where this one is not.

mod declared;
mod extent;
mod guard;
mod source;

pub use source::RawloaderSource;
