//! What a task of a render farm prints: the lines of Open Job Description.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use rushes::core::error::Plain;
use rushes::core::run::{Event, Events};

/// Tells how many of `frames` are done, each time it is a percent more.
pub(super) fn events(frames: u64) -> Events {
    let told = Mutex::new((HashMap::<String, u64>::new(), 0));
    Events::to(move |event| match event {
        Event::FrameDone { unit, done, .. } => {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            let (units, last) = &mut *told;
            let known = units.entry(unit).or_default();
            *known = done.max(*known);
            let percent = percent(units.values().sum(), frames);
            if percent > *last {
                *last = percent;
                progress(percent);
            }
        }
        Event::UnitRetrying { unit, attempt, why, after_ms } => {
            status(format_args!("{unit}: attempt {attempt} failed ({why}); again in {after_ms} ms"));
        }
        _ => {}
    })
}

pub(super) fn progress(percent: u64) {
    println!("openjd_progress: {percent}");
}

pub(super) fn status(text: impl std::fmt::Display) {
    println!("openjd_status: {}", line(text));
}

/// Says why the task fails.
pub(super) fn fail(text: impl std::fmt::Display) {
    println!("openjd_fail: {}", line(text));
}

/// One line: a second one would be read as something else.
fn line(text: impl std::fmt::Display) -> String {
    Plain(&text.to_string()).to_string()
}

fn percent(done: u64, of: u64) -> u64 {
    (u128::from(done) * 100 / u128::from(of.max(1))).min(100) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percent_is_a_percent() {
        assert_eq!([percent(0, 3), percent(1, 3), percent(3, 3), percent(9, 3), percent(1, 0)], [0, 33, 100, 100, 100]);
        assert_eq!(percent(u64::MAX, u64::MAX), 100);
    }

    #[test]
    fn what_is_told_is_one_line() {
        assert_eq!(line("no\nopenjd_env: A=b"), "no\\nopenjd_env: A=b");
        assert!(!line("a\r\nb\u{1b}[2J").contains(['\n', '\r', '\u{1b}']));
    }
}
