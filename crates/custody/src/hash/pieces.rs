//! What is read from the card, on its way to the destinations: shared pieces in bounded queues.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often a waiting end looks whether the offload was cancelled.
const LOOK: Duration = Duration::from_millis(20);

/// Bytes of a file; the buffer goes back to its pool when the last destination has written them.
pub(crate) struct Piece {
    bytes: Vec<u8>,
    filled: usize,
    pool: Pool,
}

impl Piece {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.pool.give(std::mem::take(&mut self.bytes));
    }
}

/// Buffers that are used again.
#[derive(Clone)]
pub(crate) struct Pool {
    free: Arc<Mutex<Vec<Vec<u8>>>>,
    made: Arc<AtomicUsize>,
    size: usize,
}

impl Pool {
    /// Buffers of `size` bytes.
    pub(crate) fn new(size: usize) -> Self {
        Self { free: Arc::default(), made: Arc::default(), size }
    }

    pub(crate) fn take(&self) -> Vec<u8> {
        lock(&self.free).pop().unwrap_or_else(|| {
            self.made.fetch_add(1, Ordering::Relaxed);
            vec![0; self.size]
        })
    }

    fn give(&self, buffer: Vec<u8>) {
        lock(&self.free).push(buffer);
    }

    /// The first `filled` bytes of a buffer of this pool, to be shared.
    pub(crate) fn piece(&self, bytes: Vec<u8>, filled: usize) -> Arc<Piece> {
        let filled = filled.min(bytes.len());
        Arc::new(Piece { bytes, filled, pool: self.clone() })
    }

    /// Gives a buffer back that held nothing worth sharing.
    pub(crate) fn unused(&self, buffer: Vec<u8>) {
        self.give(buffer);
    }

    /// Most bytes that were held at once.
    pub(crate) fn most(&self) -> u64 {
        (self.made.load(Ordering::Relaxed) * self.size) as u64
    }
}

/// A queue that holds a number of things and no more.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    room: usize,
}

struct State<T> {
    waiting: VecDeque<T>,
    /// Nothing more will come.
    ended: bool,
    /// Nobody takes things any more.
    left: bool,
}

/// How an attempt to take something ended.
pub(crate) enum Taken<T> {
    One(T),
    /// Nothing came for a while.
    Nothing,
    /// Nothing will come.
    Ended,
}

impl<T> Queue<T> {
    pub(crate) fn new(room: usize) -> Self {
        let state = State { waiting: VecDeque::new(), ended: false, left: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), room: room.max(1) }
    }

    /// Waits for room; false when nobody takes things any more or the wait was cancelled.
    pub(crate) fn push(&self, thing: T, cancelled: impl Fn() -> bool) -> bool {
        let mut state = lock(&self.state);
        while state.waiting.len() >= self.room && !state.left {
            if cancelled() {
                return false;
            }
            state = self.wait(state, LOOK);
        }
        if state.left {
            return false;
        }
        state.waiting.push_back(thing);
        self.changed.notify_all();
        true
    }

    /// Waits for something, at most `patience`.
    pub(crate) fn take(&self, patience: Duration) -> Taken<T> {
        let mut state = lock(&self.state);
        if state.waiting.is_empty() && !state.ended {
            state = self.wait(state, patience);
        }
        match state.waiting.pop_front() {
            Some(thing) => {
                self.changed.notify_all();
                Taken::One(thing)
            }
            None if state.ended => Taken::Ended,
            None => Taken::Nothing,
        }
    }

    /// Nothing more will come.
    pub(crate) fn end(&self) {
        lock(&self.state).ended = true;
        self.changed.notify_all();
    }

    /// Nobody takes things any more.
    pub(crate) fn is_left(&self) -> bool {
        lock(&self.state).left
    }

    /// Nobody takes things any more; what waits is dropped.
    pub(crate) fn leave(&self) {
        let mut state = lock(&self.state);
        state.left = true;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        self.changed.notify_all();
        drop(waiting);
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<T>>, patience: Duration) -> MutexGuard<'a, State<T>> {
        self.changed.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner).0
    }
}

/// A panic while the lock was held leaves the data whole: every change is one step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Leaves a queue however its taker ends, so that the one who fills it never waits for nobody.
pub(crate) struct Leaving<'a, T>(pub(crate) &'a Queue<T>);

impl<T> Drop for Leaving<'_, T> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// Ends a queue however the one who fills it ends.
pub(crate) struct Ending<'a, T>(pub(crate) &'a Queue<T>);

impl<T> Drop for Ending<'_, T> {
    fn drop(&mut self) {
        self.0.end();
    }
}
