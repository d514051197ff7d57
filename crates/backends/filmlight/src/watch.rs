//! Telling a render that goes on from one that hangs.

use std::time::{Duration, Instant};

/// How long a render may take for what. The defaults are those of FilmLight's own people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Without any progress.
    pub stalled: Duration,
    /// From 99.9 per cent to the end.
    pub finishing: Duration,
    /// In all, besides what the length of the media adds.
    pub whole: Duration,
    /// In all, for each second of media.
    pub per_second_of_media: Duration,
}

impl Default for Limits {
    /// 75 s, 150 s, and 300 s with 20 s for each second of media.
    fn default() -> Self {
        Self {
            stalled: Duration::from_secs(75),
            finishing: Duration::from_secs(150),
            whole: Duration::from_secs(300),
            per_second_of_media: Duration::from_secs(20),
        }
    }
}

/// Why a render is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stuck {
    /// Nothing changes any more.
    #[error("the render has made no progress for {} s", .0.as_secs_f64())]
    Stalled(Duration),
    /// All frames are made, and it does not end.
    #[error("the render has not ended {} s after its last frame", .0.as_secs_f64())]
    Finishing(Duration),
    /// It takes too long, though it goes on.
    #[error("the render has taken longer than {} s", .0.as_secs_f64())]
    TooLong(Duration),
}

/// Watches the progress of one render. It knows no clock: each look says when it is.
///
/// ```
/// use std::time::{Duration, Instant};
/// use rushes_filmlight::{Limits, Stuck, Watchdog};
///
/// let begun = Instant::now();
/// let mut dog = Watchdog::new(Limits::default(), Duration::from_secs(10), begun);
/// assert_eq!(dog.see(0.2, 5, begun + Duration::from_secs(60)), None);
/// assert_eq!(dog.see(0.2, 5, begun + Duration::from_secs(140)), Some(Stuck::Stalled(Duration::from_secs(75))));
/// ```
#[derive(Debug, Clone)]
pub struct Watchdog {
    limits: Limits,
    begun: Instant,
    cap: Duration,
    seen: (f64, i64),
    changed: Instant,
    /// When all frames were first said to be made.
    finishing: Option<Instant>,
}

impl Watchdog {
    /// A render of so much `media` that begins `now`.
    pub fn new(limits: Limits, media: Duration, now: Instant) -> Self {
        let more = limits.per_second_of_media.as_secs_f64() * media.as_secs_f64();
        let cap = limits.whole.saturating_add(Duration::try_from_secs_f64(more).unwrap_or(Duration::MAX));
        Self { limits, begun: now, cap, seen: (0.0, 0), changed: now, finishing: None }
    }

    /// What is to be said of a render that has made this progress (0 to 1) and so many frames.
    pub fn see(&mut self, progress: f64, frames: i64, now: Instant) -> Option<Stuck> {
        if (progress, frames) != self.seen {
            self.seen = (progress, frames);
            self.changed = now;
        }
        self.finishing = if progress >= 0.999 { self.finishing.or(Some(now)) } else { None };
        let since = |then: Instant| now.saturating_duration_since(then);
        if since(self.begun) >= self.cap {
            return Some(Stuck::TooLong(self.cap));
        }
        match self.finishing {
            Some(then) => (since(then) >= self.limits.finishing).then_some(Stuck::Finishing(self.limits.finishing)),
            None => (since(self.changed) >= self.limits.stalled).then_some(Stuck::Stalled(self.limits.stalled)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(looks: &[(u64, f64)], media: u64) -> Option<(u64, Stuck)> {
        let begun = Instant::now();
        let mut dog = Watchdog::new(Limits::default(), Duration::from_secs(media), begun);
        looks
            .iter()
            .find_map(|&(s, p)| dog.see(p, (p * 100.0) as i64, begun + Duration::from_secs(s)).map(|stuck| (s, stuck)))
    }

    #[test]
    fn each_limit_has_its_case() {
        let s = Duration::from_secs;
        assert_eq!(at(&[(1, 0.1), (70, 0.1), (75, 0.1), (76, 0.1)], 1), Some((76, Stuck::Stalled(s(75)))));
        assert_eq!(at(&[(1, 0.1), (75, 0.2), (149, 0.3)], 1), None, "slow, but it goes on");
        assert_eq!(at(&[(1, 1.0), (100, 1.0), (150, 1.0), (151, 1.0)], 1), Some((151, Stuck::Finishing(s(150)))));
        let slow: Vec<_> = (0..40).map(|i| (i * 10, i as f64 / 100.0)).collect();
        assert_eq!(at(&slow, 2), Some((340, Stuck::TooLong(s(340)))));
        let without_end = Limits { whole: Duration::MAX, per_second_of_media: Duration::MAX, ..Limits::default() };
        let now = Instant::now();
        assert_eq!(Watchdog::new(without_end, Duration::MAX, now).see(0.5, 1, now), None);
        assert_eq!(at(&slow, 60), None, "long media may take longer");
    }
}
