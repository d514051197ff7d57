//! Putting objects: small ones with one request, large ones in parts.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{Error as Cause, ObjectStoreExt as _, PutMode, PutOptions, PutPayload};
use rushes_core::storage::{Body, Put, When};
use rushes_core::{Error, ErrorKind, Result};

use crate::cloud::Object;
use crate::error::repeated;
use crate::runtime::{heard, start, wait};

/// The largest object that is put with one request.
const ONE: u64 = 16 << 20;
/// Bytes of a part, at least; services want 5 MiB.
const PART: u64 = 8 << 20;
/// Parts of an object, at most; S3 takes 10,000.
const MOST_PARTS: u64 = 9_000;
/// Parts on their way at once.
const AT_ONCE: usize = 4;

/// Makes the object of `body`.
pub(crate) fn put(object: Object, body: Body<'_>, when: When) -> Result<Put> {
    if body.len() > ONE {
        return in_parts(&Arc::new(object), body, when);
    }
    let payload = PutPayload::from(piece(&object, body, 0, body.len())?);
    wait(async move { once(&object, payload, when).await })
}

async fn once(object: &Object, payload: PutPayload, when: When) -> Result<Put> {
    let send = |mode: PutMode| {
        let options = PutOptions { mode, ..PutOptions::default() };
        repeated(&object.uri, &object.limits, move || {
            object.bucket.objects.put_opts(&object.key, payload.clone(), options.clone())
        })
    };
    match when {
        When::Always => send(PutMode::Overwrite).await.map(|_| Put::Done),
        When::Absent => match send(PutMode::Create).await {
            Ok(_) => Ok(Put::Done),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(Put::Stands),
            Err(e) => Err(e),
        },
    }
}

fn in_parts(object: &Arc<Object>, body: Body<'_>, when: When) -> Result<Put> {
    // Where an upload has no condition, it goes under another name, and the copy has one.
    let aside = when == When::Absent && object.bucket.last.is_none();
    let key = if aside { Path::from(format!("{}.{}", object.key, ASIDE)) } else { object.key.clone() };
    // It would be told at the end too, after all of it went up.
    if when == When::Absent && stands(object)? {
        return Ok(Put::Stands);
    }
    let id = wait({
        let (object, key) = (Arc::clone(object), key.clone());
        async move { repeated(&object.uri, &object.limits, || object.bucket.parts.create_multipart(&key)).await }
    })?;
    let done = send_parts(object, &key, &id, body).and_then(|parts| finish(object, &key, &id, parts, when));
    if !matches!(done, Ok(Put::Done)) {
        // What is left costs money and no more; that it cannot be removed is the lesser trouble.
        let (object, key, id) = (Arc::clone(object), key.clone(), id);
        let _ = start(async move { object.bucket.parts.abort_multipart(&key, &id).await });
    }
    match done {
        Ok(Put::Done) if aside => copy(object, key),
        done => done,
    }
}

/// Ends the name of an upload that waits for its own.
const ASIDE: &str = "rushes-part";

fn send_parts(object: &Arc<Object>, key: &Path, id: &str, body: Body<'_>) -> Result<Vec<PartId>> {
    let size = PART.max(body.len().div_ceil(MOST_PARTS));
    let mut waiting: VecDeque<Receiver<Result<PartId>>> = VecDeque::with_capacity(AT_ONCE);
    let mut parts = Vec::new();
    for (index, at) in (0..body.len()).step_by(usize::try_from(size).unwrap_or(usize::MAX)).enumerate() {
        if waiting.len() == AT_ONCE
            && let Some(first) = waiting.pop_front()
        {
            parts.push(heard(&first)?);
        }
        let payload = PutPayload::from(piece(object, body, at, size.min(body.len() - at))?);
        let (object, key, id) = (Arc::clone(object), key.clone(), id.to_owned());
        waiting.push_back(start(async move {
            let send = || object.bucket.parts.put_part(&key, &id, index, payload.clone());
            repeated(&object.uri, &object.limits, send).await
        })?);
    }
    for part in waiting {
        parts.push(heard(&part)?);
    }
    Ok(parts)
}

/// The last request, which makes one object of the parts.
fn finish(object: &Arc<Object>, key: &Path, id: &str, parts: Vec<PartId>, when: When) -> Result<Put> {
    let store: Arc<dyn MultipartStore> = match (when, &object.bucket.last) {
        (When::Absent, Some(last)) => Arc::clone(last),
        _ => Arc::clone(&object.bucket.parts),
    };
    let (object, key, id) = (Arc::clone(object), key.clone(), id.to_owned());
    wait(async move {
        let complete = || async {
            match store.complete_multipart(&key, &id, parts.clone()).await {
                Ok(_) => Ok(Put::Done),
                Err(Cause::Precondition { .. } | Cause::AlreadyExists { .. } | Cause::NotModified { .. }) => {
                    Ok(Put::Stands)
                }
                Err(e) => Err(e),
            }
        };
        match repeated(&object.uri, &object.limits, complete).await {
            // It may have been received before, and its answer lost: there is no such upload any more, which services
            // tell in several ways. Who may not replace compares what stands.
            Err(e) if when == When::Absent && !e.is_retryable() && object.stat().await.is_ok() => {
                tracing::info!(uri = object.uri, "something stands where an upload did not end: {e}");
                Ok(Put::Stands)
            }
            Err(e) if e.kind() == ErrorKind::NotFound => {
                let text = "the service does not know the upload any more";
                Err(Error::new(ErrorKind::Io, text).path(&object.uri).retryable().source(e))
            }
            answer => answer,
        }
    })
}

/// Gives an upload its name, where nothing has it.
fn copy(object: &Arc<Object>, from: Path) -> Result<Put> {
    let object = Arc::clone(object);
    wait(async move {
        let named = repeated(&object.uri, &object.limits, || async {
            match object.bucket.objects.copy_if_not_exists(&from, &object.key).await {
                Ok(()) => Ok(Put::Done),
                Err(Cause::AlreadyExists { .. } | Cause::Precondition { .. }) => Ok(Put::Stands),
                Err(e) => Err(e),
            }
        })
        .await;
        // The name is what counts.
        let _ = repeated(&object.uri, &object.limits, || object.bucket.objects.delete(&from)).await;
        named
    })
}

fn stands(object: &Arc<Object>) -> Result<bool> {
    let object = Arc::clone(object);
    wait(async move {
        match object.stat().await {
            Ok(_) => Ok(true),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e),
        }
    })
}

fn piece(object: &Object, body: Body<'_>, at: u64, len: u64) -> Result<Vec<u8>> {
    // Not more than a part, or what is put at once.
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
    body.read_exact_at(&mut bytes, at).map_err(|e| Error::io(&object.uri, e).doing("reading what is put"))?;
    Ok(bytes)
}
