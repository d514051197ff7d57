//! Copying a card so that it is known to have arrived.
//!
//! An [`Offload`] copies the whole structure of a card: hidden and empty folders, files nobody
//! knows, files without a byte. Each file is read once; from that one read all digests are
//! computed and all destinations are written, each by a thread of its own behind a bounded queue.
//! A file is written under a temporary name, synced, closed, read back if that was asked, and only
//! then given its name; its folder is synced, and a journal beside the copy says that it stands.
//! So an offload may be killed at any moment: run again, it takes what the journal proves,
//! compares what stands without proof, and copies the rest.
//!
//! [`Evidence`] says what a copy is known by, file by file, as it was reached and not as it was
//! asked: where the system would not drop what it keeps in memory, a read-back is not called one.
//!
//! ```no_run
//! use rushes_core::run::CancellationToken;
//! use rushes_custody::hash::Algorithm;
//! use rushes_custody::offload::{Evidence, Offload, OffloadEvents};
//!
//! # fn main() -> rushes_core::Result<()> {
//! let copied = Offload::new("/media/A001R2EC")
//!     .to("/mnt/shuttle")
//!     .to("/mnt/raid")
//!     .algorithms(&[Algorithm::Xxh128, Algorithm::Md5])
//!     .evidence(Evidence::ReadBack)
//!     .run(&OffloadEvents::none(), &CancellationToken::new())?;
//! assert!(copied.is_complete());
//! # Ok(()) }
//! ```
//!
//! At each destination stand
//!
//! | what | name |
//! | --- | --- |
//! | the copy, with nothing in it that the card does not have | `A001R2EC/` |
//! | the [manifest](OffloadManifest) | `A001R2EC.rushes-offload.json` |
//! | the journal, locked while an offload runs | `.A001R2EC.rushes-offload.jsonl` |
//!
//! Modification times are kept; owners and permissions are not: cards have none worth keeping.
//!
//! | what | where |
//! | --- | --- |
//! | the request, and looking before the first byte | `request.rs`, `tree.rs`, `place.rs`, `names.rs`, `space.rs`, `plan.rs` |
//! | the copying | `copying.rs`, `reader.rs`, `writer.rs` |
//! | what is known afterwards | `copied.rs`, `manifest.rs`, `journal.rs` |
//! | files, and how tests make them fail | `storage.rs`, `disk.rs` |

mod copied;
mod copying;
mod disk;
mod event;
mod evidence;
mod finding;
mod journal;
mod manifest;
mod names;
mod path;
mod place;
mod plan;
mod reader;
mod request;
mod space;
mod storage;
mod temporary;
mod time;
mod tree;
mod writer;

pub use copied::{Copied, CopiedFile, Delivery, Destination, State};
pub use disk::Disk;
pub use event::{OffloadEvent, OffloadEvents};
pub use evidence::{Evidence, Portability};
pub use manifest::{ManifestDestination, ManifestFile, OffloadManifest, Tool};
pub use names::{Naming, Trait};
pub use path::CardPath;
pub use reader::CHUNK;
pub use request::{Offload, Preflight};
pub use storage::{Opened, Original, Space, Stat, Storage, Target};
pub use tree::{NotCopied, NotCopiedKind};
