//! Digests of files, named by their algorithm.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    fn a_digest_prints_its_algorithm_and_hex() {
        let d = Digest::new("xxh64", &[0x01, 0xab]);
        assert_eq!(d.to_string(), "xxh64:01ab");
        assert_eq!((d.algorithm(), d.hex()), ("xxh64", "01ab"));
    }
}
