//! Several executors for one plan: which of them runs a unit, and what it costs.

mod executors;
mod pace;
#[cfg(test)]
mod tests;

pub use executors::{Able, Choice, Executors};
