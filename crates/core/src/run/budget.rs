//! The memory budget: bytes are reserved before they are allocated.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::error::{Error, ErrorKind, Result};

/// A ceiling shared by everything that runs at the same time.
#[derive(Debug, Clone)]
pub struct Budget(Arc<State>);

#[derive(Debug)]
struct State {
    total: u64,
    free: Mutex<u64>,
    freed: Condvar,
}

/// Bytes set aside; given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    state: Arc<State>,
    bytes: u64,
}

impl Budget {
    /// A budget of `bytes`.
    pub fn new(bytes: u64) -> Self {
        Self(Arc::new(State { total: bytes, free: Mutex::new(bytes), freed: Condvar::new() }))
    }

    /// No ceiling.
    pub fn unlimited() -> Self {
        Self::new(u64::MAX)
    }

    /// The ceiling in bytes.
    pub fn total(&self) -> u64 {
        self.0.total
    }

    /// Bytes not reserved now.
    pub fn free(&self) -> u64 {
        *self.lock()
    }

    /// Waits until `bytes` are free and reserves them. Blocks the thread: for worker threads,
    /// never for async tasks.
    ///
    /// # Errors
    /// `Budget` when they can never be free, `Cancelled` when `cancel` fires first.
    pub fn reserve(&self, bytes: u64, cancel: &CancellationToken) -> Result<Reservation> {
        if bytes > self.0.total {
            return Err(Error::new(
                ErrorKind::Budget,
                format!("{bytes} bytes are needed at once and the memory budget is {}", self.0.total),
            )
            .advice("allow more memory"));
        }
        let mut free = self.lock();
        while *free < bytes {
            if cancel.is_cancelled() {
                return Err(Error::new(ErrorKind::Cancelled, "cancelled while waiting for memory"));
            }
            // Woken by every reservation given back; the time-out is for the cancellation.
            let (guard, _) =
                self.0.freed.wait_timeout(free, Duration::from_millis(20)).unwrap_or_else(PoisonError::into_inner);
            free = guard;
        }
        *free -= bytes;
        Ok(Reservation { state: Arc::clone(&self.0), bytes })
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.0.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        *self.state.free.lock().unwrap_or_else(PoisonError::into_inner) += self.bytes;
        self.state.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_when_the_reservation_is_dropped() {
        let (budget, cancel) = (Budget::new(100), CancellationToken::new());
        let a = budget.reserve(60, &cancel).unwrap();
        assert_eq!(budget.free(), 40);
        let waiting = {
            let (budget, cancel) = (budget.clone(), cancel.clone());
            std::thread::spawn(move || budget.reserve(50, &cancel).map(|r| r.bytes))
        };
        drop(a);
        assert_eq!(waiting.join().unwrap().unwrap(), 50);
        assert_eq!(budget.free(), 100);
    }

    #[test]
    fn more_than_the_ceiling_is_refused_and_a_wait_can_be_cancelled() {
        let (budget, cancel) = (Budget::new(100), CancellationToken::new());
        assert_eq!(budget.reserve(101, &cancel).unwrap_err().kind(), ErrorKind::Budget);
        let _all = budget.reserve(100, &cancel).unwrap();
        cancel.cancel();
        assert_eq!(budget.reserve(1, &cancel).unwrap_err().kind(), ErrorKind::Cancelled);
    }
}
