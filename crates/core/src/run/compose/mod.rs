//! Several executors for one plan: which of them runs a unit, and what it costs.

mod able;
mod executors;
mod measured;
mod pace;
#[cfg(test)]
mod tests;

pub use able::Able;
pub(crate) use executors::Choice;
pub use executors::Executors;
pub(crate) use pace::Given;
