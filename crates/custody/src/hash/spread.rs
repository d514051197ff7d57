//! Digests of what is read, while it is read: the quick ones at once, each slow one on a thread.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Scope;
use std::time::Duration;

use super::pieces::{Ending, Leaving, Piece, Queue, Taken};

pub(crate) use super::pieces::Pool;
use super::{Algorithm, Hashing, Sums};

/// Pieces that wait for a slow algorithm.
const ROOM: usize = 8;

enum Step {
    Bytes(Arc<Piece>),
    End(SyncSender<Sums>),
}

/// The digests asked for, of one file after the other.
pub(crate) struct Spread {
    all: Vec<Algorithm>,
    quick: Vec<Algorithm>,
    slow: Vec<Arc<Queue<Step>>>,
}

/// The digests of one file under way.
pub(crate) struct OneFile<'a> {
    threads: &'a [Arc<Queue<Step>>],
    here: Hashing,
}

impl Spread {
    /// Starts a thread for each slow algorithm; they end when this is dropped.
    pub(crate) fn start<'scope>(scope: &'scope Scope<'scope, '_>, algorithms: &[Algorithm]) -> Self {
        let (slow, quick): (Vec<_>, Vec<_>) = algorithms.iter().copied().partition(|a| is_slow(*a));
        let slow = slow
            .into_iter()
            .map(|algorithm| {
                let queue = Arc::new(Queue::new(ROOM));
                let steps = Arc::clone(&queue);
                scope.spawn(move || digest(algorithm, &steps));
                queue
            })
            .collect();
        Self { all: algorithms.to_vec(), quick, slow }
    }

    /// Begins a file; a small one is not worth a thread.
    pub(crate) fn begin(&self, small: bool) -> OneFile<'_> {
        let (threads, here) = if small { (&[][..], &self.all) } else { (&self.slow[..], &self.quick) };
        OneFile { threads, here: Hashing::new(here) }
    }
}

impl Drop for Spread {
    fn drop(&mut self) {
        for queue in &self.slow {
            drop(Ending(queue));
        }
    }
}

impl OneFile<'_> {
    pub(crate) fn update(&mut self, piece: &Arc<Piece>) {
        for queue in self.threads {
            queue.push(Step::Bytes(Arc::clone(piece)), || false);
        }
        self.here.update(piece.bytes());
    }

    /// `None` when a thread is gone, which takes a panic in an algorithm.
    pub(crate) fn finish(self) -> Option<Sums> {
        let answers: Vec<Receiver<Sums>> = self
            .threads
            .iter()
            .map(|queue| {
                let (answer, sums) = sync_channel(1);
                queue.push(Step::End(answer), || false);
                sums
            })
            .collect();
        let mut sums = self.here.finish();
        for answer in answers {
            answer.recv().ok()?.iter().for_each(|s| sums.insert(s.clone()));
        }
        Some(sums)
    }
}

/// Slower than memory by far: about 1 to 2 GB/s where xxHash makes 20.
fn is_slow(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::C4 | Algorithm::Md5 | Algorithm::Sha1)
}

fn digest(algorithm: Algorithm, steps: &Queue<Step>) {
    let _leaving = Leaving(steps);
    let mut hashing = Hashing::new(&[algorithm]);
    loop {
        match steps.take(Duration::from_secs(60)) {
            Taken::One(Step::Bytes(piece)) => hashing.update(piece.bytes()),
            Taken::One(Step::End(answer)) => {
                let done = std::mem::replace(&mut hashing, Hashing::new(&[algorithm]));
                let _ = answer.send(done.finish());
            }
            Taken::Nothing => {}
            Taken::Ended => return,
        }
    }
}
