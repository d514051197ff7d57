//! Several digests of one stream of bytes.

use std::hash::Hasher as _;
use std::io::Read as _;
use std::path::Path;

use rushes_core::{Error, Result};
use sha1::Digest as _;
use twox_hash::{XxHash3_64, XxHash3_128, XxHash64};

use super::blocks::{Md5, Sha512, Stream};
use super::{Algorithm, Sum, Sums};

/// Bytes read at once.
const PIECE: usize = 1 << 20;

/// Digests under way.
pub struct Hashing {
    states: Vec<State>,
}

enum State {
    C4(Stream<Sha512>),
    Md5(Stream<Md5>),
    Sha1(sha1::Sha1),
    Xxh128(Box<XxHash3_128>),
    Xxh3(Box<XxHash3_64>),
    Xxh64(XxHash64),
}

impl Hashing {
    /// Digests of nothing yet; algorithms named twice count once.
    pub fn new(algorithms: &[Algorithm]) -> Self {
        let mut wanted = algorithms.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        Self { states: wanted.into_iter().map(State::new).collect() }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        for state in &mut self.states {
            state.update(bytes);
        }
    }

    /// As [`Hashing::update`] for several that have the same algorithms, each with its bytes; all bytes
    /// have one length, a multiple of 128. Algorithms that cannot use the width of the machine on
    /// one stream use it on all of them.
    pub(super) fn update_several(all: &mut [&mut Self], bytes: &[&[u8]]) {
        let states = all.first().map_or(0, |h| h.states.len());
        for k in 0..states {
            let mut c4: Vec<&mut Stream<Sha512>> = Vec::new();
            let mut md5: Vec<&mut Stream<Md5>> = Vec::new();
            for (hashing, bytes) in all.iter_mut().zip(bytes) {
                match &mut hashing.states[k] {
                    State::C4(stream) => c4.push(stream),
                    State::Md5(stream) => md5.push(stream),
                    other => other.update(bytes),
                }
            }
            if !c4.is_empty() {
                Stream::update_several(&mut c4, bytes);
            }
            if !md5.is_empty() {
                Stream::update_several(&mut md5, bytes);
            }
        }
    }

    /// The values over all bytes taken.
    pub fn finish(self) -> Sums {
        self.states.into_iter().filter_map(State::finish).collect()
    }
}

impl State {
    fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::C4 => Self::C4(Stream::new()),
            Algorithm::Md5 => Self::Md5(Stream::new()),
            Algorithm::Sha1 => Self::Sha1(sha1::Sha1::new()),
            Algorithm::Xxh128 => Self::Xxh128(Box::new(XxHash3_128::with_seed(0))),
            Algorithm::Xxh3 => Self::Xxh3(Box::new(XxHash3_64::with_seed(0))),
            Algorithm::Xxh64 => Self::Xxh64(XxHash64::with_seed(0)),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::C4(h) => h.update(bytes),
            Self::Md5(h) => h.update(bytes),
            Self::Sha1(h) => h.update(bytes),
            Self::Xxh128(h) => h.write(bytes),
            Self::Xxh3(h) => h.write(bytes),
            Self::Xxh64(h) => h.write(bytes),
        }
    }

    fn finish(self) -> Option<Sum> {
        match self {
            Self::C4(h) => Sum::new(Algorithm::C4, &h.finish()),
            Self::Md5(h) => Sum::new(Algorithm::Md5, &h.finish()),
            Self::Sha1(h) => Sum::new(Algorithm::Sha1, &h.finalize()),
            Self::Xxh128(h) => Sum::new(Algorithm::Xxh128, &h.finish_128().to_be_bytes()),
            Self::Xxh3(h) => Sum::new(Algorithm::Xxh3, &h.finish().to_be_bytes()),
            Self::Xxh64(h) => Sum::new(Algorithm::Xxh64, &h.finish().to_be_bytes()),
        }
        // Each gives the bytes of its algorithm.
        .ok()
    }
}

/// Values over a file, and its size in bytes; the file is read once, in pieces.
///
/// # Errors
/// When it cannot be read to its end.
pub fn hash_file(path: &Path, algorithms: &[Algorithm]) -> Result<(Sums, u64)> {
    let io = |e| Error::io(path, e).doing("computing digests");
    let mut file = std::fs::File::open(path).map_err(io)?;
    let mut hashing = Hashing::new(algorithms);
    let mut piece = vec![0; PIECE];
    let mut bytes = 0;
    loop {
        let n = file.read(&mut piece).map_err(io)?;
        if n == 0 {
            return Ok((hashing.finish(), bytes));
        }
        hashing.update(&piece[..n]);
        bytes += n as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_values_of_abc_and_of_nothing() {
        // RFC 1321 A.5, FIPS 180-4 examples, the xxHash 0.8.2 command line, ST 2114 via ascmhl 1.2.
        let sums = |bytes: &[u8]| {
            let mut h = Hashing::new(&Algorithm::ALL);
            h.update(bytes);
            h.finish()
        };
        let of = |s: &Sums, a| s.get(a).map(ToString::to_string).unwrap_or_default();
        let nothing = sums(b"");
        assert_eq!(of(&nothing, Algorithm::Xxh64), "ef46db3751d8e999");
        assert_eq!(of(&nothing, Algorithm::Xxh3), "2d06800538d394c2");
        assert_eq!(of(&nothing, Algorithm::Xxh128), "99aa06d3014798d86001c324468d497f");
        assert_eq!(of(&nothing, Algorithm::Md5), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(
            of(&nothing, Algorithm::C4),
            "c459dsjfscH38cYeXXYogktxf4Cd9ibshE3BHUo6a58hBXmRQdZrAkZzsWcbWtDg5oQstpDuni4Hirj75GEmTc1sFT"
        );
        let abc = sums(b"abc");
        assert_eq!(of(&abc, Algorithm::Md5), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(of(&abc, Algorithm::Sha1), "a9993e364706816aba3e25717850c26c9cd0d89d");
    }
}
