//! How long is waited.

use std::time::Duration;

/// How long is waited for a cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For an answer, with all that is repeated: three minutes if not said.
    pub total: Duration,
    /// For the next bytes of one answer: twenty seconds if not said. Requests that carry a body have all of `total` for
    /// it, for theirs is sent first.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { total: Duration::from_secs(180), idle: Duration::from_secs(20) }
    }
}
