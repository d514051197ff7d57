//! ASC MHL: the history of a folder, written beside its files in a form other tools check.
//!
//! A history is a folder `ascmhl` with one manifest for each time that somebody recorded the files
//! (a *generation*), and a chain that names the manifests with their digests. A manifest is never
//! changed. [`Create`] writes the first generation or appends the next; [`Verify`] compares files
//! with what is recorded and writes nothing; [`Flatten`] puts all generations into one packing
//! list. A folder in the folder may have a history of its own; then it records what is in it, and
//! the history above refers to it.
//!
//! Written after ASC MHL 1.0 (2022-03-15, format 2.0). Lists of MHL 1.0 and 1.1 are read.
//!
//! ```
//! use rushes_custody::hash::Algorithm;
//! use rushes_custody::mhl::{Create, Verify};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let card = tempfile::tempdir()?;
//! # let card = card.path();
//! std::fs::write(card.join("A001C001.mov"), b"frames")?;
//! let create = Create { algorithms: vec![Algorithm::Xxh128, Algorithm::C4], ..Create::default() };
//! create.run(card)?;
//! assert!(Verify::default().folder(card)?.agrees());
//!
//! std::fs::write(card.join("A001C001.mov"), b"frame5")?;
//! let verdict = Verify::default().folder(card)?;
//! assert_eq!(verdict.words(), "1 changed");
//! # Ok(()) }
//! ```
//!
//! | what | where |
//! | --- | --- |
//! | a manifest as data, read and written | `manifest.rs`, `list.rs`, `read.rs`, `write.rs`, `legacy.rs`, `chain.rs` |
//! | what a folder's histories know | `history.rs`, `ignore.rs` |
//! | what is there, and how it compares | `tree.rs`, `examine.rs`, `folders.rs`, `verdict.rs` |
//! | the operations | `create.rs`, `verify.rs`, `flatten.rs` |

mod chain;
mod create;
mod examine;
mod flatten;
mod folders;
mod history;
mod ignore;
mod legacy;
mod list;
mod listing;
mod manifest;
mod read;
mod stamp;
mod tree;
mod verdict;
mod verify;
mod write;

pub use create::{Create, Created};
pub use flatten::Flatten;
pub use history::{Generation, Histories, History};
pub use ignore::DEFAULT_IGNORE;
pub use legacy::{LegacyFile, LegacyList};
pub use list::HashList;
pub use manifest::{
    Action, Author, Creator, Entry, FileEntry, FolderEntry, FolderSums, Hash, Manifest, Process, Reference,
};
pub use verdict::{Is, Judged, Verdict};
pub use verify::Verify;

/// The folder of a history.
pub const FOLDER: &str = "ascmhl";
/// The chain in it.
const CHAIN: &str = "ascmhl_chain.xml";
/// The chain beside packing lists.
const COLLECTION: &str = "ascmhl_collection.xml";
