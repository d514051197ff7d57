//! Dates as manifests write them.

use std::sync::Arc;
use std::time::SystemTime;

use time::{Duration, OffsetDateTime};

/// ISO 8601 in UTC, as the reference tool writes it: `2020-01-17T14:30:00+00:00`.
pub(super) fn iso(moment: SystemTime) -> String {
    let t = calendar(moment);
    let (month, (h, m, s)) = (u8::from(t.month()), t.to_hms());
    format!("{:04}-{month:02}-{:02}T{h:02}:{m:02}:{s:02}+00:00", t.year(), t.day())
}

/// Dates of many files, of which most were written in the second of the one before.
#[derive(Debug, Default)]
pub(super) struct Stamps {
    last: Option<(u64, Arc<str>)>,
}

impl Stamps {
    pub(super) fn iso(&mut self, moment: SystemTime) -> Arc<str> {
        let second = moment.duration_since(SystemTime::UNIX_EPOCH).ok().map(|d| d.as_secs());
        match (&self.last, second) {
            (Some((last, text)), Some(second)) if *last == second => text.clone(),
            _ => {
                let text: Arc<str> = iso(moment).into();
                self.last = second.map(|s| (s, text.clone()));
                text
            }
        }
    }
}

/// As it stands in the name of a manifest: `2020-01-17_143000Z`.
pub(super) fn in_name(moment: SystemTime) -> String {
    let t = calendar(moment);
    let (month, (h, m, s)) = (u8::from(t.month()), t.to_hms());
    format!("{:04}-{month:02}-{:02}_{h:02}{m:02}{s:02}Z", t.year(), t.day())
}

/// A moment that calendars do not reach is none.
fn calendar(moment: SystemTime) -> OffsetDateTime {
    let epoch = OffsetDateTime::UNIX_EPOCH;
    let (since, before) = match moment.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => (since, false),
        Err(e) => (e.duration(), true),
    };
    let since = Duration::try_from(since).unwrap_or_default();
    if before { epoch.checked_sub(since) } else { epoch.checked_add(since) }.unwrap_or(epoch)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn dates_are_those_of_the_reference_tool() {
        // `date -u -d @1579271400` (coreutils 9.1).
        let moment = SystemTime::UNIX_EPOCH + Duration::from_millis(1_579_271_400_900);
        assert_eq!(iso(moment), "2020-01-17T14:30:00+00:00");
        assert_eq!(in_name(moment), "2020-01-17_143000Z");
        let mut stamps = Stamps::default();
        for _ in 0..2 {
            assert_eq!(&*stamps.iso(moment), "2020-01-17T14:30:00+00:00");
        }
        assert_eq!(&*stamps.iso(moment + Duration::from_millis(100)), "2020-01-17T14:30:01+00:00");
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(86_400);
        assert_eq!(iso(before), "1969-12-31T00:00:00+00:00");
        if let Some(never) = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(1 << 50)) {
            assert_eq!(iso(never), "1970-01-01T00:00:00+00:00");
        }
    }
}
