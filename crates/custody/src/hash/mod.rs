//! Digests of files: every algorithm of ASC MHL, any number of them from one read.

mod algorithm;
mod c4;
mod stream;

pub use algorithm::{Algorithm, Sum, Sums};
pub use stream::{Hashing, hash_file};
