//! Executors around executors.
//!
//! Order matters: `Retry(Limit(x))` waits for a place before each attempt, `Limit(Retry(x))`
//! keeps its place while it waits to try again.

mod limit;
mod retry;
mod trace;

pub use limit::Limit;
pub use retry::Retry;
pub use trace::Trace;
