//! Digests of files: every algorithm of ASC MHL, any number of them from one read, any number of
//! files on all cores.

mod algorithm;
mod blocks;
mod c4;
mod files;
mod lanes;
pub(crate) mod pieces;
mod simd;
pub(crate) mod spread;
mod stream;

pub use algorithm::{Algorithm, Sum, Sums};
pub use files::{Digested, Wanted, hash_files};
pub use stream::{Hashing, hash_file};
