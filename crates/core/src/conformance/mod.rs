//! The suite that every executor must pass, ours and yours.
//!
//! It needs no camera files: [`stages`] has a source, two frame stages and two sinks made for
//! testing. Give [`check`] a way to build your executor from a registry, and an empty folder.
//!
//! An executor that only runs a vendor's own stages cannot run these: let it refuse them in
//! `accepts`, and test it against its own media.

mod control;
pub mod stages;
mod suite;

pub use suite::{Failed, check};
