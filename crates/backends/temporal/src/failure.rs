//! Errors on their way through the engine.

use rushes_core::{Error, ErrorKind};
use temporalio_common::error::ApplicationFailure;
use temporalio_sdk::activities::ActivityError;

/// Longest message that is handed to the engine.
const LONGEST: usize = 4096;

/// The failure of an activity; it is tried again where that may help. Its type is the error's kind, as in reports.
pub(crate) fn failure(e: &Error) -> ActivityError {
    failed(e.kind(), &e.to_string(), e.is_retryable())
}

/// The same of a unit's report.
pub(crate) fn failed(kind: ErrorKind, message: &str, retryable: bool) -> ActivityError {
    let mut text = message.to_owned();
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
        text.truncate(end);
        text.push_str(" ...");
    }
    let failure = ApplicationFailure::builder(text).type_name(name(kind)).non_retryable(!retryable).build();
    ActivityError::Application(Box::new(failure))
}

/// The same of a unit that left no report.
pub(crate) fn unreported(kind: ErrorKind, message: &str, retryable: bool) -> ActivityError {
    match failed(kind, message, retryable) {
        ActivityError::Application(failure) => {
            let text = failure.source_error().to_string();
            let failure =
                ApplicationFailure::builder(text).type_name(UNREPORTED.to_owned()).non_retryable(!retryable).build();
            ActivityError::Application(Box::new(failure))
        }
        other => other,
    }
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
