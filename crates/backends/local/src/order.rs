//! Hands out frames in order, and takes them back in order.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rushes_core::Result;
use rushes_core::run::Reservation;
use rushes_core::stage::Encoded;

/// What a frame became for each sink of its unit; `None` for a sink that did not want it.
pub(crate) type InOrder = Vec<Option<Encoded>>;

/// Frames of a unit between the threads that make them.
///
/// Memory is reserved while the turn is held, so the oldest frame always has its memory before
/// a younger one asks: frames that wait to be committed can never starve the one they wait for.
pub(crate) struct Order {
    turn: Mutex<()>,
    state: Mutex<State>,
    moved: Condvar,
    frames: usize,
    ahead: usize,
}

#[derive(Default)]
struct State {
    next: usize,
    committed: usize,
    committing: bool,
    waiting: BTreeMap<usize, (InOrder, Reservation)>,
    stopped: bool,
}

impl Order {
    /// `frames` frames, at most `ahead` of them begun and not yet committed.
    pub(crate) fn new(frames: usize, ahead: usize) -> Self {
        Self { turn: Mutex::default(), state: Mutex::default(), moved: Condvar::new(), frames, ahead: ahead.max(1) }
    }

    /// The next frame to make (counted from 0), its memory reserved by `reserve`. `None` when
    /// there is none left, or the unit was stopped.
    pub(crate) fn begin(
        &self,
        reserve: impl FnOnce(usize) -> Result<Reservation>,
    ) -> Result<Option<(usize, Reservation)>> {
        // Turns are handed out one at a time, also while waiting for memory; commits go on meanwhile.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.lock();
        while !state.stopped && state.next < self.frames && state.next >= state.committed + self.ahead {
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stopped || state.next >= self.frames {
            return Ok(None);
        }
        let n = state.next;
        drop(state);
        // Nobody else counts on while this turn is held.
        let reservation = reserve(n)?;
        let mut state = self.lock();
        state.next += 1;
        Ok((!state.stopped).then_some((n, reservation)))
    }

    /// Gives back frame `n`, encoded for each sink; `commit` is called for every frame whose
    /// turn has come, in order, by one thread at a time.
    pub(crate) fn done(
        &self,
        n: usize,
        encoded: InOrder,
        reservation: Reservation,
        mut commit: impl FnMut(usize, InOrder) -> Result<()>,
    ) -> Result<()> {
        let mut state = self.lock();
        state.waiting.insert(n, (encoded, reservation));
        if state.committing {
            return Ok(());
        }
        state.committing = true;
        let mut result = Ok(());
        while result.is_ok() && !state.stopped {
            let turn = state.committed;
            let Some((encoded, reservation)) = state.waiting.remove(&turn) else { break };
            drop(state);
            result = commit(turn, encoded);
            drop(reservation);
            state = self.lock();
            state.committed += 1;
            self.moved.notify_all();
        }
        state.committing = false;
        if result.is_err() {
            state.stopped = true;
            self.moved.notify_all();
        }
        result
    }

    /// No further frame is begun or committed.
    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.moved.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
