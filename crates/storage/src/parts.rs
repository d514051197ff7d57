//! Uploads in parts, whose last request makes one object of them.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use object_store::multipart::PartId;
use object_store::path::Path;
use object_store::{Error as Cause, ObjectStoreExt as _, PutPayload};
use rushes_core::storage::{Body, Put, Stat, When};
use rushes_core::{Error, ErrorKind, Result};

use crate::Limits;
use crate::cloud::Object;
use crate::error::{WAITS, conflicts, no_such_upload, repeated};
use crate::runtime::{heard, start, wait};
use crate::upload::piece;

/// Bytes of a part, at least; services want 5 MiB.
const PART: u64 = 8 << 20;
/// Parts of an object, at most; S3 takes 10,000.
const MOST_PARTS: u64 = 9_000;
/// Parts on their way at once.
const AT_ONCE: usize = 4;
/// How often an upload is begun, where others write the same name and the service asks for it.
const BEGINNINGS: u32 = 3;
/// How long is tried to remove what an upload leaves.
const TIDYING: Duration = Duration::from_secs(5);
/// Ends the name of an upload that waits for its own.
const ASIDE: &str = "rushes-part";

/// Makes the object of `body`.
pub(crate) fn put(object: &Arc<Object>, body: Body<'_>, when: When) -> Result<Put> {
    for _ in 0..BEGINNINGS {
        let before = {
            let object = Arc::clone(object);
            wait(async move { before(&object, when).await })?
        };
        // It would be told at the end too, after all of it went up.
        if when == When::Absent && matches!(before, Before::Was(_)) {
            return Ok(Put::Stands);
        }
        let upload = Arc::new(Upload::begin(object, before, body.len(), when)?);
        let end = upload.send(body).and_then(|parts| {
            let upload = Arc::clone(&upload);
            wait(async move { upload.complete(parts).await })
        });
        let end = wait({
            let upload = Arc::clone(&upload);
            async move {
                match end {
                    Ok(End::Put(Put::Done)) if upload.is_aside() => upload.name().await,
                    Ok(End::Put(Put::Done)) => end,
                    _ => {
                        upload.abort().await;
                        end
                    }
                }
            }
        })?;
        match end {
            End::Put(put) => return Ok(put),
            End::Again => tracing::info!(uri = object.uri, "others write it at the same time: sent again"),
        }
    }
    Err(Error::new(ErrorKind::Io, "others write this object at the same time")
        .path(&object.uri)
        .retryable()
        .advice("wait until they are done, and run again"))
}

/// What an upload came to.
enum End {
    Put(Put),
    /// The service wants all of it once more.
    Again,
}

/// What had the name before the upload began.
enum Before {
    Was(Stat),
    Nothing,
    /// Who may write need not be allowed to look.
    Unknown,
}

async fn before(object: &Object, when: When) -> Result<Before> {
    match object.stat().await {
        Ok(stat) => Ok(Before::Was(stat)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(Before::Nothing),
        Err(e) if when == When::Always && !e.is_retryable() => Ok(Before::Unknown),
        Err(e) => Err(e),
    }
}

struct Upload {
    object: Arc<Object>,
    /// Where it goes. Where the last request has no condition, that is aside, under a name that no other upload has,
    /// and the copy from there has one.
    key: Path,
    id: String,
    bytes: u64,
    when: When,
    before: Before,
}

impl Upload {
    fn begin(object: &Arc<Object>, before: Before, bytes: u64, when: When) -> Result<Self> {
        let aside = when == When::Absent && object.bucket.last.is_none();
        let key = if aside { aside_of(&object.key) } else { object.key.clone() };
        let id = wait({
            let (object, key) = (Arc::clone(object), key.clone());
            async move { repeated(&object.uri, &object.limits, || object.bucket.parts.create_multipart(&key)).await }
        })?;
        Ok(Self { object: Arc::clone(object), key, id, bytes, when, before })
    }

    fn is_aside(&self) -> bool {
        self.key != self.object.key
    }

    /// Sends the parts. After an error none is on its way any more.
    fn send(self: &Arc<Self>, body: Body<'_>) -> Result<Vec<PartId>> {
        let mut waiting = VecDeque::with_capacity(AT_ONCE);
        let sent = self.send_waiting(body, &mut waiting);
        for part in waiting {
            // The first error says it.
            let _ = heard(&part);
        }
        sent
    }

    fn send_waiting(
        self: &Arc<Self>,
        body: Body<'_>,
        waiting: &mut VecDeque<Receiver<Result<PartId>>>,
    ) -> Result<Vec<PartId>> {
        let size = PART.max(self.bytes.div_ceil(MOST_PARTS));
        let mut parts = Vec::new();
        for (index, at) in (0..self.bytes).step_by(usize::try_from(size).unwrap_or(usize::MAX)).enumerate() {
            if waiting.len() == AT_ONCE
                && let Some(first) = waiting.pop_front()
            {
                parts.push(heard(&first)?);
            }
            let payload = PutPayload::from(piece(&self.object, body, at, size.min(self.bytes - at))?);
            let upload = Arc::clone(self);
            waiting.push_back(start(async move {
                let object = &upload.object;
                let send = || object.bucket.parts.put_part(&upload.key, &upload.id, index, payload.clone());
                repeated(&object.uri, &object.limits, send).await
            })?);
        }
        while let Some(part) = waiting.pop_front() {
            parts.push(heard(&part)?);
        }
        Ok(parts)
    }

    /// The last request, which makes one object of the parts.
    async fn complete(&self, parts: Vec<PartId>) -> Result<End> {
        let object = &self.object;
        let condition = object.bucket.last.as_ref().filter(|_| self.when == When::Absent);
        let store = condition.unwrap_or(&object.bucket.parts);
        let ask = || async {
            match store.complete_multipart(&self.key, &self.id, parts.clone()).await {
                Ok(_) => Ok(End::Put(Put::Done)),
                // The parts are gone with it (S3 API, CompleteMultipartUpload).
                Err(e) if conflicts(&e) => Ok(End::Again),
                Err(Cause::Precondition { .. } | Cause::AlreadyExists { .. } | Cause::NotModified { .. })
                    if condition.is_some() =>
                {
                    Ok(End::Put(Put::Stands))
                }
                Err(e) => Err(e),
            }
        };
        match repeated(&object.uri, &object.limits, ask).await {
            Err(e) if !e.is_retryable() => self.look(e, condition.is_some()).await,
            end => end,
        }
    }

    /// What came of a last request that was refused. It may have been received before, and its answer lost: then there
    /// is no such upload any more.
    async fn look(&self, refused: Error, conditional: bool) -> Result<End> {
        let (uri, unknown) = (&self.object.uri, no_such_upload(&refused));
        let there = if conditional || unknown { self.object.stat_of(&self.key).await.ok() } else { None };
        let whole = there.as_ref().is_some_and(|s| s.bytes == self.bytes);
        let ours = match &self.before {
            // No other upload has this name.
            _ if self.is_aside() => whole,
            Before::Was(was) => whole && there.as_ref().is_some_and(|s| s.version != was.version),
            Before::Nothing => whole,
            Before::Unknown => false,
        };
        match there {
            // Who may not replace compares what stands.
            Some(_) if conditional => {
                tracing::info!(uri, "something stands where an upload did not end: {refused}");
                Ok(End::Put(Put::Stands))
            }
            _ if unknown && ours => Ok(End::Put(Put::Done)),
            _ if unknown => Err(Error::new(ErrorKind::Io, "the service does not know the upload any more")
                .path(uri)
                .retryable()
                .advice("run again")
                .source(refused)),
            _ => Err(refused),
        }
    }

    /// Gives an upload that lies aside its name, where nothing has it.
    async fn name(&self) -> Result<End> {
        let (object, asked) = (&self.object, AtomicU32::new(0));
        let ask = || async {
            asked.fetch_add(1, Ordering::Relaxed);
            match object.bucket.puts.copy_if_not_exists(&self.key, &object.key).await {
                Ok(()) => Ok(Put::Done),
                Err(Cause::AlreadyExists { .. } | Cause::Precondition { .. }) => Ok(Put::Stands),
                Err(e) => Err(e),
            }
        };
        let named = repeated(&object.uri, &object.limits, ask).await;
        match &named {
            // Without its source a copy would end here.
            Ok(Put::Done) => self.arrived(object.limits.total).await?,
            // It may be this one, which is under way since an answer that was lost.
            Ok(Put::Stands) if asked.load(Ordering::Relaxed) > 1 => drop(self.arrived(object.limits.idle).await),
            _ => {}
        }
        self.remove_aside().await;
        match named {
            Err(e) if e.kind() == ErrorKind::NotFound => {
                let text = format!("what was to be given its name is gone: `{}`", self.key);
                Err(Error::new(ErrorKind::Io, text).path(&object.uri).retryable().advice("run again").source(e))
            }
            named => named.map(End::Put),
        }
    }

    /// Waits until the copy has its bytes: Azure may answer before.
    async fn arrived(&self, within: Duration) -> Result<()> {
        let (object, begun) = (&self.object, Instant::now());
        let mut wait = WAITS.0;
        loop {
            match object.stat().await {
                Ok(stat) if stat.bytes == self.bytes => return Ok(()),
                Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
                _ if begun.elapsed() + wait >= within => break,
                _ => {}
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(WAITS.1);
        }
        let text = format!("the service has not copied all of it within {} s", within.as_secs_f32());
        let advice = format!("run again; its bytes are in `{}`. An object that stays shorter may be removed", self.key);
        Err(Error::new(ErrorKind::Io, text).path(&object.uri).retryable().advice(advice))
    }

    /// Removes what was sent.
    async fn abort(&self) {
        let object = &self.object;
        let abort = || object.bucket.parts.abort_multipart(&self.key, &self.id);
        match repeated(&object.uri, &self.tidying(), abort).await {
            Err(e) if !no_such_upload(&e) => {
                tracing::warn!(uri = object.uri, "the parts of an upload that did not end stay in the bucket: {e}");
            }
            _ => {}
        }
        if self.is_aside() {
            self.remove_aside().await;
        }
    }

    async fn remove_aside(&self) {
        let object = &self.object;
        match repeated(&object.uri, &self.tidying(), || object.bucket.objects.delete(&self.key)).await {
            Err(e) if e.kind() != ErrorKind::NotFound => {
                tracing::warn!(uri = object.uri, "`{}` stays in the bucket: {e}", self.key);
            }
            _ => {}
        }
    }

    /// What is left costs money and no more; that it cannot be removed is the lesser trouble.
    fn tidying(&self) -> Limits {
        Limits { total: self.object.limits.total.min(TIDYING), ..self.object.limits }
    }
}

/// A name beside `key` that no other upload has.
fn aside_of(key: &Path) -> Path {
    // Each state has keys of its own, from the system's source of randomness.
    let one = RandomState::new().hash_one((std::process::id(), std::time::SystemTime::now()));
    Path::from(format!("{key}.{one:016x}.{ASIDE}"))
}

#[cfg(test)]
mod tests;
