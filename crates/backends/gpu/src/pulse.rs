//! Whether a device still answers.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::device::lock;

/// How much the device has to do, and when it last did some of it. Of all frames together: one of several waits for
/// those before it, and a frame that was given up may still be computed.
#[derive(Debug, Default)]
pub(crate) struct Pulse(Mutex<Beat>);

#[derive(Debug, Default)]
struct Beat {
    pending: usize,
    since: Option<Instant>,
}

/// Work that the device has; done with when dropped.
#[derive(Debug)]
pub(crate) struct Pending(Arc<Pulse>);

impl Pulse {
    /// Some work is given to the device.
    pub(crate) fn sent(self: &Arc<Self>) -> Pending {
        let mut beat = lock(&self.0);
        if beat.pending == 0 {
            beat.since = Some(Instant::now());
        }
        beat.pending += 1;
        Pending(Arc::clone(self))
    }

    /// How long the device has had work without getting any of it done. Answers come in while it is polled: it says
    /// something only after that.
    pub(crate) fn silent_for(&self) -> Duration {
        let beat = lock(&self.0);
        beat.since.filter(|_| beat.pending > 0).map_or(Duration::ZERO, |since| since.elapsed())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let mut beat = lock(&self.0.0);
        beat.pending = beat.pending.saturating_sub(1);
        beat.since = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_silent_while_it_has_work_and_answers_nothing() {
        let pulse = Arc::new(Pulse::default());
        let pause = Duration::from_millis(20);
        assert_eq!(pulse.silent_for(), Duration::ZERO);
        let (first, second) = (pulse.sent(), pulse.sent());
        std::thread::sleep(pause);
        assert!(pulse.silent_for() >= pause);
        // Any answer will do, and more work is none.
        drop(first);
        let short = pulse.silent_for();
        assert!(short < pause, "{short:?}");
        std::thread::sleep(pause);
        let third = pulse.sent();
        assert!(pulse.silent_for() >= pause);
        drop((second, third));
        assert_eq!(pulse.silent_for(), Duration::ZERO);
    }
}
