//! A production on paper: how long clips take, what it costs, and where it jams.
//!
//! A [`Scenario`] says who asks for what and when, and who makes it; a [`Profile`] what work costs, as `rushes bench` has
//! measured it; [`simulate`] lets virtual time go by and gives an [`Outcome`].
//!
//! - Units are those of the real planner, cut from clips that exist on paper alone, and a job is spread as
//!   [`Fanout`](rushes_core::run::Fanout) says.
//! - [`policy`] has the order in which units are handed out: the engine's queue and that of a run in one process.
//! - Workers of one host share its cores, all hosts share the storage, and the engine's server hands out units no faster
//!   than it can.
//! - Workers are lost, units are tried again, and some can never be made ([`fleet::Failures`]).
//!
//! The same scenario, seed and profile give the same outcome.
//!
//! ```
//! use rushes_simulate::{Profile, Scenario, simulate};
//!
//! let profile = Profile::from_json(r#"{
//!     "measured": "by hand", "core_seconds_per_unit": 0.05, "parallel": 1.0,
//!     "chains": { "plates": { "outputs": ["frames"], "core_seconds_per_megapixel": 0.012,
//!                             "read_bytes_per_pixel": 1.5, "written_bytes_per_pixel": 6.0 } }
//! }"#)?;
//! let scenario = Scenario::from_toml(r#"
//!     name = "a turnover"
//!     shows = [{ name = "feature" }]
//!     [[arrivals]]
//!     name = "shots"
//!     show = "feature"
//!     priority = 3
//!     chain = "plates"
//!     at_hours = [0.0]
//!     clips = 100
//!     frames = 120
//!     pixels = [4096, 2304]
//!     [[workers]]
//!     class = "cpu"
//!     count = 4
//!     slots = 8
//!     host_cores = 8
//! "#)?;
//! let outcome = simulate(&scenario, &profile)?;
//! assert_eq!(outcome.units_done, 100);
//! // 100 units of 120 frames and 0.113 s each, on 32 cores: four rounds.
//! assert!((50.0..60.0).contains(&outcome.by_arrivals[0].max));
//! # Ok::<(), rushes_core::Error>(())
//! ```

pub mod chart;
pub mod draw;
pub mod fleet;
mod host;
pub mod outcome;
mod paper;
pub mod policy;
pub mod profile;
pub mod reality;
pub mod scenario;
mod tell;
mod work;
mod world;

pub use outcome::Outcome;
pub use profile::Profile;
pub use scenario::Scenario;
pub use world::{Step, What, simulate, watch};
