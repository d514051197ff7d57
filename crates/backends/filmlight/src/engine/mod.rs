//! Rushes on a FilmLight server: the executor, what it needs at plan time, and inspection.

mod ask;
mod catalog;
mod compare;
mod executor;
mod failure;
mod inspect;
mod names;
mod opens;
mod order;
mod place;
mod probe;
mod progress;
mod recipe;
mod render;
mod settings;
mod source;
mod vendor;

pub use compare::compare;
pub use executor::FilmLight;
pub use inspect::{Inspect, Record, inspect};
pub use place::forget;
pub use settings::Settings;
pub use source::{SERVER_FORMATS, with_server_formats, with_server_formats_elsewhere};
