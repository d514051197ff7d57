//! Ingest: walks cards, groups clips, recognises and reads camera files.
//!
//! | Question | Answer |
//! | --- | --- |
//! | which clips are on this card | [`Ingest`], the stage |
//! | what is this file | [`recognise`], [`recognise_file`] |
//! | who decodes it, if nothing here does | [`needs`] |
//! | what does its container say | [`container`] |
//! | what does a DNG say, and what are its samples | [`dng`] |
//! | what does a Magic Lantern video say, and what are its samples | [`mlv`] |
//!
//! Camera originals are opened read-only. Headers are read with bounds, whatever sizes they claim.

pub mod container;
pub mod dng;
pub mod mlv;

mod card;
mod input;
mod needs;
mod recognise;
mod stage;

mod wire;

pub use needs::needs;
pub use recognise::{Recognised, recognise, recognise_file};
pub use stage::{Ingest, digest_file};
