//! Putting objects: small ones with one request, large ones in parts.

use std::sync::Arc;

use object_store::{PutMode, PutOptions, PutPayload};
use rushes_core::storage::{Body, Put, When};
use rushes_core::{Error, ErrorKind, Result};

use crate::cloud::Object;
use crate::error::repeated;
use crate::parts;
use crate::runtime::wait;

/// The largest object that is put with one request.
const ONE: u64 = 16 << 20;

/// Makes the object of `body`.
pub(crate) fn put(object: Object, body: Body<'_>, when: When) -> Result<Put> {
    if body.len() > ONE {
        return parts::put(&Arc::new(object), body, when);
    }
    let payload = PutPayload::from(piece(&object, body, 0, body.len())?);
    wait(async move { once(&object, payload, when).await })
}

async fn once(object: &Object, payload: PutPayload, when: When) -> Result<Put> {
    let send = |mode: PutMode| {
        let options = PutOptions { mode, ..PutOptions::default() };
        repeated(&object.uri, &object.limits, move || {
            object.bucket.puts.put_opts(&object.key, payload.clone(), options.clone())
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

/// Some bytes of what is put.
pub(crate) fn piece(object: &Object, body: Body<'_>, at: u64, len: u64) -> Result<Vec<u8>> {
    // Not more than a part, or what is put at once.
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
    body.read_exact_at(&mut bytes, at).map_err(|e| Error::io(&object.uri, e).doing("reading what is put"))?;
    Ok(bytes)
}
