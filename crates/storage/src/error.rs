//! What went wrong at a cloud, in our words.

use std::error::Error as _;
use std::future::Future;
use std::time::{Duration, Instant};

use object_store::Error as Cause;
use object_store::client::HttpError;
use rushes_core::{Error, ErrorKind, Result};

use crate::Limits;

/// The first and the longest wait before a request is repeated.
pub(crate) const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// The error of a request about `uri`.
pub(crate) fn about(uri: &str, cause: Cause) -> Error {
    let passing = passes(&cause);
    let (kind, advice) = match &cause {
        Cause::NotFound { .. } => (ErrorKind::NotFound, "check the bucket and the path"),
        Cause::AlreadyExists { .. } if passing => (ErrorKind::Io, "wait until the others are done, and run again"),
        Cause::AlreadyExists { .. } => (ErrorKind::AlreadyExists, "choose another name"),
        Cause::PermissionDenied { .. } => (ErrorKind::Io, "check what the credentials may do with this bucket"),
        Cause::Unauthenticated { .. } => (ErrorKind::Io, "check the credentials in the environment"),
        Cause::Precondition { .. } => (ErrorKind::BadMedia, "wait until whatever writes it is done, and run again"),
        Cause::InvalidPath { .. } => (ErrorKind::Invalid, "choose another name: no empty parts, no `.` or `..`"),
        Cause::NotSupported { .. } | Cause::NotImplemented { .. } => {
            (ErrorKind::Unsupported, "use a store that can do it")
        }
        _ if passing => (ErrorKind::Io, "check the network and the service, and run again"),
        _ => (ErrorKind::Io, "check the URI, and region, endpoint and credentials in the environment"),
    };
    let detail = match &cause {
        Cause::NotFound { .. } => "there is no such object".to_owned(),
        Cause::AlreadyExists { .. } if passing => "others write this object at the same time".to_owned(),
        Cause::Precondition { .. } => "the object changed while it was read".to_owned(),
        Cause::PermissionDenied { .. } => "the service refuses it".to_owned(),
        Cause::Unauthenticated { .. } => "the service does not know the credentials".to_owned(),
        _ => one_line(&cause.to_string()),
    };
    let e = Error::new(kind, detail).path(uri).advice(advice);
    let e = if passing { e.retryable() } else { e };
    e.source(cause)
}

/// Whether the same request may succeed later.
fn passes(cause: &Cause) -> bool {
    if conflicts(cause) {
        return true;
    }
    if !matches!(cause, Cause::Generic { .. } | Cause::JoinError { .. }) {
        return false;
    }
    let mut at: Option<&(dyn std::error::Error + 'static)> = cause.source();
    while let Some(e) = at {
        if e.is::<HttpError>() {
            return true;
        }
        at = e.source();
    }
    let text = cause.to_string();
    // S3 gives up a body that comes too slowly with 400.
    status(&text).is_some_and(|s| s >= 500 || s == 429 || s == 408 || s == 400 && text.contains("RequestTimeout<"))
}

/// Whether S3 says that a conditional write met another one under way. Who has the name is not decided then: the same
/// write may succeed later. The client takes this for an object that exists.
pub(crate) fn conflicts(cause: &Cause) -> bool {
    let Cause::AlreadyExists { source, .. } = cause else { return false };
    let text = source.to_string();
    status(&text) == Some(409) && (text.contains("ConditionalRequestConflict<") || text.contains("OperationAborted<"))
}

/// Whether the service says that there is no such upload: with 404, and Azure by blocks that it does not have.
pub(crate) fn no_such_upload(e: &Error) -> bool {
    let text = std::error::Error::source(e).map(ToString::to_string).unwrap_or_default();
    e.kind() == ErrorKind::NotFound || status(&text) == Some(404) || text.contains("InvalidBlockList")
}

/// The status that an error is about.
pub(crate) fn answered(e: &Error) -> Option<u16> {
    // What it says itself may have been shortened.
    status(&std::error::Error::source(e)?.to_string())
}

/// The status of the answer, which the client tells in words only.
fn status(text: &str) -> Option<u16> {
    let (_, after) = text.split_once("status code: ")?;
    after.get(..3)?.parse().ok()
}

/// Services answer with pages of XML.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 400;
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut line = words.join(" ");
    if line.len() > LONGEST {
        line.truncate(line.floor_char_boundary(LONGEST));
        line.push_str("...");
    }
    line
}

/// Asks until there is an answer, or an error that does not pass, or time is over.
pub(crate) async fn repeated<T, F: Future<Output = Result<T, Cause>>>(
    uri: &str,
    limits: &Limits,
    mut ask: impl FnMut() -> F,
) -> Result<T> {
    let begun = Instant::now();
    let mut wait = WAITS.0;
    loop {
        let left = limits.total.saturating_sub(begun.elapsed());
        let e = match tokio::time::timeout(left, ask()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(cause)) => about(uri, cause),
            Err(_) => {
                let text = format!("there was no answer within {} s", limits.total.as_secs_f32());
                return Err(Error::new(ErrorKind::Io, text)
                    .path(uri)
                    .retryable()
                    .advice("check the network and the service, and run again"));
            }
        };
        if !e.is_retryable() || begun.elapsed() + wait >= limits.total {
            return Err(e);
        }
        tracing::info!(uri, "asked again in {} ms: {e}", wait.as_millis());
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(WAITS.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_out_of_words() {
        assert_eq!(
            status("Error performing GET http://x in 1s - Server returned non-2xx status code: 503: <x/>"),
            Some(503)
        );
        assert_eq!(status("no status"), None);
        assert_eq!(status("status code: 5"), None);
    }

    #[test]
    fn an_upload_that_is_not_known_is_told_in_several_ways() {
        let told = |text: &str| about("gs://b/k", Cause::Generic { store: "GCS", source: text.to_owned().into() });
        let long = "x".repeat(900);
        assert!(no_such_upload(&told(&format!("POST http://{long} - status code: 404 Not Found: <x/>"))));
        assert!(no_such_upload(&told("status code: 400 Bad Request: <Code>InvalidBlockList</Code>")));
        assert!(!no_such_upload(&told("status code: 400 Bad Request: <Code>InvalidUri</Code>")));
    }

    #[test]
    fn a_page_of_xml_becomes_a_line() {
        assert_eq!(one_line("a\n  <b>\tc"), "a <b> c");
        assert!(one_line(&"é".repeat(900)).len() < 410);
    }
}
