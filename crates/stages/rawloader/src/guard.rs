//! Runs foreign code so that its panics are errors, and silent.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, Once, OnceLock, PoisonError};

use rushes_core::{Error, ErrorKind, Result};

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` on a thread of its own whose panics are not printed, and catches them.
///
/// The first call puts a hook before the process's panic hook; for every other thread it calls
/// the one it found.
pub(crate) fn guarded<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                before(info);
            }
        }));
    });
    // One pool for all: the decoders split frames over the pool they find themselves in.
    static POOL: OnceLock<Option<rayon::ThreadPool>> = OnceLock::new();
    static TURN: Mutex<()> = Mutex::new(());
    let pool = POOL
        .get_or_init(|| rayon::ThreadPoolBuilder::new().num_threads(2).start_handler(|_| QUIET.set(true)).build().ok());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(pool) = pool else {
        return Err(Error::new(ErrorKind::Io, "no threads could be started for the decoder").retryable());
    };
    panic::catch_unwind(AssertUnwindSafe(|| pool.install(work))).unwrap_or_else(|_| {
        Err(Error::new(
            ErrorKind::BadMedia,
            "the decoder gave up on the file: it is damaged or of a kind it does not know",
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        let e = guarded::<()>(|| panic!("on purpose")).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::BadMedia);
        assert_eq!(guarded(|| Ok(3)).unwrap(), 3);
    }
}
