//! Rushes: an embeddable workflow engine for camera-original media.
//!
//! It takes camera cards and turns them, checked and colour-managed, into ACES plates for VFX
//! and proxies for editorial: ingest → validate → normalize → debayer → color → proxy, as a
//! typed DAG of stages that you extend with your own and run on executors of your choice.
//!
//! - [`Job`] runs a workflow on a card: the whole of it in one call.
//! - [`recipes`] are the ready-made workflows, [`registry`] knows the stages that ship with the
//!   engine; [`core`] holds the graph, the plan and the runner, for workflows of your own.
//! - [`custody`] copies cards so that they are known to have arrived, and keeps their ASC MHL
//!   histories; [`mod@verify`] compares files with whatever list of digests there is of them.
//! - [`stages`] and [`backends`] are the crates they are made of.

mod bad_frames;
mod contact;
mod ending;
mod executors;
pub mod frame_at;
pub mod job;
pub mod manifest;
pub mod order;
mod originals;
pub mod recipes;
mod report;
mod stock;
pub mod verify;

pub use job::{Done, Job, Understood};
pub use stock::{Decode, registry};

pub use rushes_core as core;
pub use rushes_core::{Error, ErrorKind, Result};
pub use rushes_custody as custody;
pub use rushes_ledger as ledger;
#[cfg(feature = "cloud")]
pub use rushes_storage as storage;

/// The stage crates.
pub mod stages {
    pub use rushes_color as color;
    pub use rushes_debayer as debayer;
    pub use rushes_ingest as ingest;
    pub use rushes_normalize as normalize;
    pub use rushes_proxy as proxy;
    #[cfg(feature = "rawloader")]
    pub use rushes_rawloader as rawloader;
    pub use rushes_validate as validate;
}

/// The executors.
pub mod backends {
    #[cfg(feature = "filmlight")]
    pub use rushes_filmlight as filmlight;
    #[cfg(feature = "gpu")]
    pub use rushes_gpu as gpu;
    pub use rushes_local as local;
}
