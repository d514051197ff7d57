//! Errors on their way through the engine.

use std::time::Duration;

use rushes_core::{Error, ErrorKind};
use temporalio_common::error::ApplicationFailure;
use temporalio_common::protos::temporal::api::failure::v1::Failure;
use temporalio_sdk::activities::ActivityError;

/// Longest message that is handed to the engine.
const LONGEST: usize = 4096;

/// The failure of an activity; it is tried again where that may help. Its type is the error's kind, as in reports.
pub(crate) fn failure(e: &Error) -> ActivityError {
    failed(e.kind(), &e.to_string(), e.is_retryable())
}

/// The same of a unit's report.
pub(crate) fn failed(kind: ErrorKind, message: &str, retryable: bool) -> ActivityError {
    application(name(kind), message, retryable, None)
}

/// The same of a unit that left no report.
pub(crate) fn unreported(message: &str, retryable: bool) -> ActivityError {
    application(UNREPORTED.to_owned(), message, retryable, None)
}

/// What is in work goes to another worker at once: this one is about to end.
pub(crate) fn ending() -> ActivityError {
    application(name(ErrorKind::Cancelled), "the worker is about to end", true, Some(Duration::from_secs(1)))
}

fn application(kind: String, message: &str, retryable: bool, again_in: Option<Duration>) -> ActivityError {
    let mut text = message.to_owned();
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
        text.truncate(end);
        text.push_str(" ...");
    }
    let failure = ApplicationFailure::builder(text).type_name(kind).non_retryable(!retryable);
    ActivityError::Application(Box::new(failure.maybe_next_retry_delay(again_in).build()))
}

/// What is wrong, below all that went wrong because of it.
pub(crate) fn innermost(failure: &Failure) -> String {
    let mut at = failure;
    while let Some(cause) = at.cause.as_deref() {
        at = cause;
    }
    at.message.clone()
}

/// The type of failures that left no report.
pub(crate) const UNREPORTED: &str = "unreported";

/// The name of a kind in reports: `bad-media`.
pub(crate) fn name(kind: ErrorKind) -> String {
    // Debug names are the variants': BadMedia.
    let mut name = String::new();
    for c in format!("{kind:?}").chars() {
        if c.is_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.extend(c.to_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_the_names_that_reports_give_them() {
        for kind in [ErrorKind::BadMedia, ErrorKind::Io, ErrorKind::AlreadyExists, ErrorKind::MissingFact] {
            assert_eq!(serde_json::to_value(kind).unwrap(), name(kind));
        }
    }

    #[test]
    fn long_messages_are_cut_where_a_character_ends() {
        let e = failed(ErrorKind::Io, &"ü".repeat(5000), true);
        let ActivityError::Application(e) = e else { panic!("{e:?}") };
        let text = e.source_error().to_string();
        assert!(text.len() < 4200 && text.ends_with("ü ..."));
    }
}
