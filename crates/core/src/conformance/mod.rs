//! The suite that every executor must pass, ours and yours.
//!
//! It needs no camera files: [`stages`] has a source, two frame stages and two sinks made for
//! testing. Give [`check`] a way to build your executor from a registry, and an empty folder.
//!
//! An engine, which has whole plans run, must keep the promises of [`check_engine`]: the in-process runner and a distributed
//! engine are then the same to whoever submits a plan.
//!
//! An executor that only runs a vendor's own stages cannot run these: let it refuse them in
//! `accepts`, and give [`check_own`] a unit of its own media.

mod control;
mod engine;
mod own;
pub mod stages;
mod suite;

pub use engine::{Engine, check_engine};
pub use own::check_own;
pub use suite::{Failed, check};
