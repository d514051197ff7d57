//! Validate: is the clip complete, whole and consistent.
//!
//! [`Validate`] reads the header of every frame before anything is decoded. It finds gaps, empty,
//! truncated and unreadable frames, frames that are there twice, headers that change inside a
//! clip and timecode that does not count on. For each class a [`Policy`] says what becomes of the
//! frames: the clip is refused, another frame is held, black stands in, or nothing is done.
//!
//! | Step | File |
//! | --- | --- |
//! | the stage and its parameters | `stage.rs`, `params.rs` |
//! | read the headers | `scan.rs` |
//! | find what is wrong | `checks.rs`, `labels.rs` |
//! | decide what becomes of it | `judge.rs` |

mod checks;
mod judge;
mod labels;
mod params;
mod scan;
mod stage;

#[cfg(test)]
mod tests;

mod wire;

pub use params::{Policy, Validate, Verdict};
