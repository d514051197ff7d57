//! A stand-in for FilmLight's `flapid`: it speaks the same protocol, really opens media and really renders (with
//! Rushes' own stages, DNG and MLV), and fails on demand.
//!
//! As a program it takes flapid's own arguments, so that FilmLight's clients launch it where `FLAPI_PATH` names it:
//!
//! ```text
//! flapid-sim --slave [--flmon] --fifo PATH      a private server: writes its port to PATH, ends with its connection
//! flapid-sim [--port N] [--token USER:TOKEN]    a daemon, on 1984 if not said
//! ```
//!
//! `FLAPID_SIM_FAULTS` has [`Faults`] as JSON. As a library it runs inside a test:
//!
//! ```
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let sim = flapid_sim::Sim::start(flapid_sim::Settings::default()).await?;
//! assert_ne!(sim.port(), 0);
//! sim.stop().await;
//! # Ok::<(), std::io::Error>(()) })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Cameras that Rushes does not decode are played by DNG frames: a file `A001.R3D` with a file `A001.R3D.flapid-sim`
//! beside it, `{"codec": "R3D", "frames": "FOLDER"}`, opens as the clip in that folder.
//!
//! Everything it sends is reconstructed from what FilmLight's clients parse; it is no authority on what flapid does.

mod classes;
mod faults;
mod http;
mod job;
mod media;
mod object;
mod render;
mod rpc;
mod server;
mod session;

pub use faults::{CallFault, Does, Faults, RenderDoes, RenderFault};
pub use server::{Settings, Sim};
