//! The chain of a history: its manifests in order, each with its C4 digest.

use crate::hash::Sum;

/// The file `ascmhl_chain.xml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Chain {
    /// The manifests, in order.
    pub(super) links: Vec<Link>,
}

/// A manifest in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// Its number, from 1.
    pub(super) number: u64,
    /// Its file name.
    pub(super) name: String,
    /// Its C4 digest.
    pub(super) c4: Sum,
}
