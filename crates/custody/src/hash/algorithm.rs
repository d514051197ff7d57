//! The algorithms of ASC MHL (specification 1.0, appendix D), and their values.

use std::fmt;

use rushes_core::media::Digest;
use rushes_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::c4;

/// A hash algorithm, in the order the ASC MHL schema lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// SHA-512 in the base-58 form of SMPTE ST 2114.
    C4,
    /// MD5.
    Md5,
    /// SHA-1.
    Sha1,
    /// XXH3, 128 bits, seed 0.
    Xxh128,
    /// XXH3, 64 bits, seed 0.
    Xxh3,
    /// xxHash, 64 bits, seed 0.
    Xxh64,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::C4, Self::Md5, Self::Sha1, Self::Xxh128, Self::Xxh3, Self::Xxh64];

    /// The name in manifests: `xxh64`.
    pub fn name(self) -> &'static str {
        match self {
            Self::C4 => "c4",
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Xxh128 => "xxh128",
            Self::Xxh3 => "xxh3",
            Self::Xxh64 => "xxh64",
        }
    }

    /// Bytes of a value.
    pub fn size(self) -> usize {
        match self {
            Self::C4 => 64,
            Self::Md5 | Self::Xxh128 => 16,
            Self::Sha1 => 20,
            Self::Xxh3 | Self::Xxh64 => 8,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Algorithm {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|a| a.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::new(ErrorKind::Invalid, format!("`{name}` is not a hash algorithm"))
                .advice(format!("choose among {names}"))
        })
    }
}

/// The value of one algorithm over some bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sum {
    algorithm: Algorithm,
    /// Those after the algorithm's size are 0. In place, because cards have tens of thousands of files.
    bytes: [u8; LONGEST],
}

/// Bytes of the longest value.
const LONGEST: usize = 64;

impl Sum {
    /// A value of `algorithm`; most significant byte first.
    ///
    /// # Errors
    /// When the number of bytes is not the algorithm's.
    pub fn new(algorithm: Algorithm, bytes: &[u8]) -> Result<Self> {
        if bytes.len() != algorithm.size() {
            let (want, got) = (algorithm.size(), bytes.len());
            return Err(Error::new(ErrorKind::Invalid, format!("{algorithm} has {want} bytes, not {got}")));
        }
        let mut all = [0; LONGEST];
        all[..bytes.len()].copy_from_slice(bytes);
        Ok(Self { algorithm, bytes: all })
    }

    /// Reads the form manifests use: hexadecimal, or base 58 with `c4` before it.
    ///
    /// # Errors
    /// When the text is not a value of the algorithm.
    pub fn parse(algorithm: Algorithm, text: &str) -> Result<Self> {
        let bad = || Error::new(ErrorKind::Invalid, format!("`{}` is not a value of {algorithm}", text.escape_debug()));
        let bytes = if algorithm == Algorithm::C4 { c4::decode(text) } else { unhex(text) };
        bytes.and_then(|b| Self::new(algorithm, &b).ok()).ok_or_else(bad)
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The bytes, most significant first.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.algorithm.size()]
    }

    /// As the manifests of runs write it: `xxh64:0123456789abcdef`.
    pub fn digest(&self) -> Digest {
        Digest::new(self.algorithm.name(), self.bytes())
    }
}

/// As ASC MHL writes it, without the algorithm's name.
impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.algorithm == Algorithm::C4 {
            return f.write_str(&c4::encode(self.bytes()));
        }
        // Manifests hold tens of thousands of these.
        let digit = |n: u8| if n < 10 { b'0' + n } else { b'a' + n - 10 };
        let mut text = [0; 2 * LONGEST];
        for (pair, b) in text.chunks_exact_mut(2).zip(self.bytes()) {
            pair.copy_from_slice(&[digit(b >> 4), digit(b & 15)]);
        }
        f.write_str(str::from_utf8(&text[..2 * self.bytes().len()]).unwrap_or_default())
    }
}

/// Values of several algorithms over the same bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums(Vec<Sum>);

impl Sums {
    /// The value of `algorithm`, if there is one.
    pub fn get(&self, algorithm: Algorithm) -> Option<&Sum> {
        self.0.iter().find(|s| s.algorithm == algorithm)
    }

    /// All values, in the schema's order.
    pub fn iter(&self) -> impl Iterator<Item = &Sum> {
        self.0.iter()
    }

    /// There is no value.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a value, or replaces that of the same algorithm.
    pub fn insert(&mut self, sum: Sum) {
        match self.0.binary_search_by_key(&sum.algorithm, |s| s.algorithm) {
            Ok(at) => self.0[at] = sum,
            Err(at) => {
                // Most have one, and room for four would be most of what a card's history takes.
                self.0.reserve_exact(1);
                self.0.insert(at, sum);
            }
        }
    }
}

impl FromIterator<Sum> for Sums {
    fn from_iter<T: IntoIterator<Item = Sum>>(sums: T) -> Self {
        let mut all = Self::default();
        sums.into_iter().for_each(|s| all.insert(s));
        all
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || text.len() > 256 {
        return None;
    }
    let digit = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
    text.as_bytes().chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}
