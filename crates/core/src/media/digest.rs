//! Digests of files, named by their algorithm.

use std::hash::Hasher as _;
use std::io::Read;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A digest as lower-case hexadecimal with the algorithm's name, `xxh64:0123456789abcdef`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// From the algorithm's name and the digest's bytes, most significant first.
    pub fn new(algorithm: &str, bytes: &[u8]) -> Self {
        let mut s = String::with_capacity(algorithm.len() + 1 + bytes.len() * 2);
        s.push_str(algorithm);
        s.push(':');
        for b in bytes {
            s.push(char::from_digit(u32::from(b >> 4), 16).unwrap_or('0'));
            s.push(char::from_digit(u32::from(b & 15), 16).unwrap_or('0'));
        }
        Self(s)
    }

    /// xxh64 (seed 0, canonical byte order) of `bytes`.
    pub fn xxh64(bytes: &[u8]) -> Self {
        Self::new("xxh64", &twox_hash::XxHash64::oneshot(0, bytes).to_be_bytes())
    }

    /// xxh64 of a file, and its size in bytes. The file is read in pieces.
    ///
    /// # Errors
    /// When it cannot be read to its end.
    pub fn xxh64_of_file(path: &Path) -> Result<(Self, u64)> {
        let io = |e| Error::io(path, e).doing("computing a digest");
        let file = super::open_original(path).map_err(|e| e.doing("computing a digest"))?;
        // Clearing a megabyte would take longer than reading a small file.
        let len = file.size().unwrap_or(0);
        Self::xxh64_in_pieces(file, len.clamp(4096, 1 << 20) as usize).map_err(io)
    }

    /// xxh64 of all that `bytes` gives, and how many that were. It is read in pieces of a megabyte at most, so that a
    /// reader who does not want to go on can fail soon.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn xxh64_of(bytes: impl Read) -> std::io::Result<(Self, u64)> {
        Self::xxh64_in_pieces(bytes, 1 << 20)
    }

    fn xxh64_in_pieces(mut bytes: impl Read, piece: usize) -> std::io::Result<(Self, u64)> {
        let mut hasher = twox_hash::XxHash64::with_seed(0);
        let mut piece = vec![0; piece];
        let mut count = 0;
        loop {
            let n = bytes.read(&mut piece)?;
            if n == 0 {
                return Ok((Self::new("xxh64", &hasher.finish().to_be_bytes()), count));
            }
            hasher.write(&piece[..n]);
            count += n as u64;
        }
    }

    /// The algorithm's name.
    pub fn algorithm(&self) -> &str {
        self.0.split(':').next().unwrap_or("")
    }

    /// The digest in hexadecimal.
    pub fn hex(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, hex)| hex)
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xxh64_is_the_published_one() {
        // xxHash specification, test vectors: the empty input with seed 0.
        assert_eq!(Digest::xxh64(b"").hex(), "ef46db3751d8e999");
    }

    #[test]
    fn a_digest_prints_its_algorithm_and_hex() {
        let d = Digest::new("xxh64", &[0x01, 0xab]);
        assert_eq!(d.to_string(), "xxh64:01ab");
        assert_eq!((d.algorithm(), d.hex()), ("xxh64", "01ab"));
    }
}
