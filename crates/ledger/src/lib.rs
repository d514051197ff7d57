//! What was made of what.
//!
//! Beside its outputs a run keeps a [`Ledger`]: for every file that was made its digest, the
//! digests of the camera files it was made of, and the whole recipe: stages, versions,
//! parameters, facts. Out of it come
//!
//! - [`Cache`], an executor around another one: what stands, as it would be made again, is not
//!   made again; a frame that is missing or altered is made alone; a killed run goes on;
//! - [`Judgement`], which says why something is made again;
//! - [`Lineage`], the same as a file for everybody (`lineage.json`), from which [`trace`] walks
//!   back from an output to the card and checks both ends.
//!
//! | what | where |
//! | --- | --- |
//! | records and recipes | `record.rs` |
//! | the store, and camera files in it | `store.rs`, `inputs.rs` |
//! | what stands and why not | `judge.rs`, `reason.rs` |
//! | the executor | `cache.rs`, `scribe.rs` |
//! | the file for everybody | `lineage.rs` |

mod cache;
mod inputs;
mod judge;
mod lineage;
mod marks;
mod reason;
mod record;
mod scribe;
mod store;

pub use cache::Cache;
pub use inputs::Input;
pub use judge::{Expected, Judgement};
pub use lineage::{Checked, Lineage, Trace, Traced, trace};
pub use reason::Reason;
pub use record::{CameraFile, Recipe, Record, StageUse};
pub use store::Ledger;
