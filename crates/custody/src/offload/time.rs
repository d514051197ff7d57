//! Moments as numbers.

use std::time::{Duration, SystemTime};

/// Nanoseconds since 1970, held at the ends of what 64 bits can say (1677 to 2262).
pub(super) fn to_ns(moment: SystemTime) -> i64 {
    match moment.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |n| -n),
    }
}

/// Two moments that a file system may have made of one: FAT counts in steps of two seconds.
pub(super) fn same_moment(a: i64, b: i64) -> bool {
    a.abs_diff(b) <= Duration::from_secs(2).as_nanos() as u64
}
