//! Chain of custody: footage arrives complete and provably unchanged, and what happened to it is
//! written down in a form that other tools check.
//!
//! | what | where |
//! | --- | --- |
//! | digests, many from one read | [`hash`] |
//! | copying a card, verified | [`offload`] |
//! | histories beside the files, in a form other tools check | [`mhl`] |

pub mod hash;
pub mod mhl;
pub mod offload;
