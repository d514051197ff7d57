//! Work that finishes no frame.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rushes_core::run::{Busy, Event, Events};

/// How often it is told that a sink is still finishing.
const EVERY: Duration = if cfg!(test) { Duration::from_millis(1) } else { Duration::from_secs(10) };

/// Finishes a sink by `work`, and tells meanwhile that this goes on: a long movie is written out and synced.
pub(crate) fn finishing<T>(events: &Events, unit: &str, stage: &str, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let (working, ends) = channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while ends.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                let with = Busy::Finishing { stage: stage.to_owned(), seconds: began.elapsed().as_secs() };
                events.send(Event::UnitBusy { unit: unit.to_owned(), with });
            }
        });
        // Gone when it is done, however it ends.
        let _working = working;
        work()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_that_a_sink_finishes_for_as_long_as_it_does() {
        let (tell, hear) = channel();
        let events = Events::to(move |event| {
            let _ = tell.send(event);
        });
        let heard = finishing(&events, "A.0-9", "movie", || [hear.recv().unwrap(), hear.recv().unwrap()]);
        for event in heard {
            let Event::UnitBusy { unit, with: Busy::Finishing { stage, .. } } = event else { panic!("{event:?}") };
            assert_eq!((unit.as_str(), stage.as_str()), ("A.0-9", "movie"));
        }
    }
}
