//! Several files side by side on one thread, for algorithms that cannot use the width of the machine
//! on one.

use std::fs::{File, Metadata};
use std::time::Instant;

use rushes_core::Result;

use super::files::{Digested, Pace, Wanted, Work, more, open};
use super::{Algorithm, Hashing, simd};

pub(super) use super::simd::FEWEST;

/// A multiple of every algorithm's block; the pieces of all files stay in the core's own cache.
const PIECE: usize = 64 << 10;
/// What all blocks divide.
const BLOCK: usize = 128;

/// Files that are worth taking side by side for these algorithms.
pub(super) fn most(algorithms: &[Algorithm]) -> usize {
    if !simd::worthwhile() {
        1
    } else if algorithms.contains(&Algorithm::C4) {
        simd::SHA512_LANES
    } else if algorithms.contains(&Algorithm::Md5) {
        simd::MD5_LANES
    } else {
        1
    }
}

/// Takes files, up to `lanes` at once, until there are none left, one with other algorithms comes, or
/// reading them turns out to take longer than digesting.
pub(super) fn side_by_side(work: &Work<'_>, lanes: usize, pace: &mut Pace) {
    let mut all: Vec<Lane<'_>> = Vec::new();
    let mut taking = true;
    *pace = Pace { reading: pace.reading / 2, digesting: pace.digesting / 2 };
    loop {
        let at = Instant::now();
        while taking && all.len() < lanes {
            match work.take() {
                Some((number, wanted)) => match Lane::open(number, wanted) {
                    Ok(lane) => {
                        // Digests are side by side where they are the same ones.
                        taking = all.first().is_none_or(|l| l.wanted.algorithms == wanted.algorithms);
                        if taking {
                            all.push(lane);
                        } else {
                            let result = alone(work, lane);
                            work.finish(number, result);
                        }
                    }
                    Err(e) => work.finish(number, Err(e)),
                },
                None => taking = false,
            }
        }
        for lane in &mut all {
            lane.fill(work);
        }
        pace.reading += at.elapsed();
        all.retain_mut(|lane| match lane.ended.take() {
            Some(result) => {
                let hashing = std::mem::replace(&mut lane.hashing, Hashing::new(&[]));
                let modified = lane.facts.modified().ok();
                let digested = |()| Digested { sums: hashing.finish(), bytes: lane.bytes, modified };
                work.finish(lane.number, result.map(digested));
                false
            }
            None => true,
        });
        if all.is_empty() {
            if taking {
                continue;
            }
            return;
        }
        let at = Instant::now();
        let common = all.iter().map(|l| l.filled - l.from).min().unwrap_or(0) / BLOCK * BLOCK;
        if common > 0 {
            let mut hashings = Vec::with_capacity(all.len());
            let mut pieces = Vec::with_capacity(all.len());
            for lane in &mut all {
                pieces.push(&lane.piece[lane.from..lane.from + common]);
                hashings.push(&mut lane.hashing);
                lane.from += common;
            }
            Hashing::update_several(&mut hashings, &pieces);
        }
        // What is less than a block is the end of a file.
        for lane in all.iter_mut().filter(|l| l.filled - l.from < BLOCK) {
            lane.hashing.update(&lane.piece[lane.from..lane.filled]);
            lane.from = lane.filled;
        }
        pace.digesting += at.elapsed();
        // Whoever waits for a disk had better read one file after the other.
        taking &= pace.digesting * 2 > pace.reading;
    }
}

struct Lane<'a> {
    number: usize,
    wanted: &'a Wanted,
    file: File,
    facts: Metadata,
    hashing: Hashing,
    piece: Vec<u8>,
    /// What of the piece is not digested yet.
    from: usize,
    filled: usize,
    bytes: u64,
    /// There is nothing more to read.
    ended: Option<Result<()>>,
}

impl<'a> Lane<'a> {
    fn open(number: usize, wanted: &'a Wanted) -> Result<Self> {
        let (file, facts) = open(&wanted.path)?;
        let hashing = Hashing::new(&wanted.algorithms);
        let piece = vec![0; PIECE];
        Ok(Self { number, wanted, file, facts, hashing, piece, from: 0, filled: 0, bytes: 0, ended: None })
    }

    /// Reads the next piece when the last one is digested. It is full, or the last of its file.
    fn fill(&mut self, work: &Work<'_>) {
        if self.from < self.filled || self.ended.is_some() {
            return;
        }
        (self.from, self.filled) = (0, 0);
        while self.filled < PIECE {
            match more(&mut self.file, &mut self.piece[self.filled..], self.wanted, work.cancel) {
                Ok(Some(n)) => self.filled += n,
                Ok(None) => break,
                Err(e) => {
                    self.filled = 0;
                    self.ended = Some(Err(e));
                    return;
                }
            }
        }
        self.bytes += self.filled as u64;
        if self.filled == 0 {
            self.ended = Some(Ok(()));
        } else {
            (work.read)(self.filled as u64);
        }
    }
}

/// A file that fits with no other.
fn alone(work: &Work<'_>, mut lane: Lane<'_>) -> Result<Digested> {
    loop {
        lane.fill(work);
        if let Some(ended) = lane.ended.take() {
            ended?;
            let modified = lane.facts.modified().ok();
            return Ok(Digested { sums: lane.hashing.finish(), bytes: lane.bytes, modified });
        }
        lane.hashing.update(&lane.piece[..lane.filled]);
        lane.from = lane.filled;
    }
}
