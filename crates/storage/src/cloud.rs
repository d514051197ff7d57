//! The clouds as a storage.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use object_store::list::PaginatedListOptions;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStoreExt as _};
use rushes_core::storage::{Body, Entry, Put, Stat, Storage, When};
use rushes_core::{Error, ErrorKind, Result};

use crate::Limits;
use crate::bucket::Bucket;
use crate::error::{about, repeated, status};
use crate::runtime::wait;
use crate::upload;

/// Objects of the clouds. Buckets are opened once each.
#[derive(Debug)]
pub struct Cloud {
    vars: Vec<(String, String)>,
    limits: Limits,
    buckets: Mutex<BTreeMap<String, Bucket>>,
}

/// An object.
pub(crate) struct Object {
    pub(crate) uri: String,
    pub(crate) bucket: Bucket,
    pub(crate) key: Path,
    pub(crate) limits: Limits,
}

impl Cloud {
    /// With what the environment of this process says now.
    pub fn from_env() -> Self {
        let text = std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        Self::with(text)
    }

    /// With variables as the environment has them: `AWS_REGION`, `GOOGLE_APPLICATION_CREDENTIALS`.
    pub fn with(vars: impl IntoIterator<Item = (String, String)>) -> Self {
        let ours = |k: &str| ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|p| k.starts_with(p));
        let vars = vars.into_iter().filter(|(k, _)| ours(k)).collect();
        Self { vars, limits: Limits::default(), buckets: Mutex::default() }
    }

    /// How long is waited.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The bucket of `uri`, and the rest.
    fn open<'a>(&self, uri: &'a str) -> Result<(Bucket, &'a str)> {
        let (scheme, rest) = uri.split_once("://").unwrap_or_default();
        let (name, key) = rest.split_once('/').unwrap_or((rest, ""));
        if name.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "the URI names no bucket").path(uri));
        }
        let root = &uri[..uri.len() - rest.len() + name.len()];
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get(root) {
            return Ok((bucket.clone(), key));
        }
        let bucket = Bucket::open(root, &scheme.to_ascii_lowercase(), &self.vars, &self.limits)?;
        buckets.insert(root.to_owned(), bucket.clone());
        Ok((bucket, key))
    }

    fn object(&self, uri: &str) -> Result<Object> {
        let (bucket, key) = self.open(uri)?;
        let key = Path::parse(key).map_err(|e| about(uri, e.into()))?;
        if key.as_ref().is_empty() {
            return Err(Error::new(ErrorKind::NotFound, "a bucket is no object").path(uri).advice("name a file in it"));
        }
        Ok(Object { uri: uri.to_owned(), bucket, key, limits: self.limits })
    }
}

impl Storage for Cloud {
    fn stat(&self, uri: &str) -> Result<Stat> {
        let object = self.object(uri)?;
        wait(async move { object.stat().await })
    }

    fn list(&self, folder: &str, most: usize) -> Result<Vec<Entry>> {
        let (bucket, key) = self.open(folder)?;
        let key = key.trim_end_matches('/');
        let prefix = if key.is_empty() { String::new() } else { format!("{key}/") };
        let (uri, limits) = (folder.to_owned(), self.limits);
        wait(async move {
            let mut entries = Vec::new();
            let mut page = None;
            loop {
                let ask = || {
                    let options = PaginatedListOptions {
                        delimiter: Some("/".into()),
                        // One more, for the object that some tools put in place of a folder.
                        max_keys: Some((most - entries.len()).saturating_add(1).min(1000)),
                        page_token: page.clone(),
                        ..PaginatedListOptions::default()
                    };
                    bucket.pages.list_paginated(Some(&prefix).filter(|p| !p.is_empty()).map(String::as_str), options)
                };
                let answer = repeated(&uri, &limits, ask).await?;
                let name = |path: &Path| {
                    let name = path.as_ref().strip_prefix(&*prefix)?.trim_end_matches('/');
                    (!name.is_empty() && !name.contains('/')).then(|| name.to_owned())
                };
                let folders = answer.result.common_prefixes.iter().filter_map(name);
                entries.extend(folders.map(|name| Entry { name, folder: true, bytes: 0 }));
                let files = answer.result.objects.iter().filter_map(|o| Some((name(&o.location)?, o.size)));
                entries.extend(files.map(|(name, bytes)| Entry { name, folder: false, bytes }));
                page = answer.page_token;
                if page.is_none() || entries.len() >= most {
                    entries.truncate(most);
                    return Ok(entries);
                }
            }
        })
    }

    fn read(&self, uri: &str, range: Range<u64>, version: Option<&str>) -> Result<(Stat, Vec<u8>)> {
        let object = self.object(uri)?;
        let version = version.map(str::to_owned);
        wait(async move { object.read(range, version.as_deref()).await })
    }

    fn put(&self, uri: &str, body: Body<'_>, when: When) -> Result<Put> {
        upload::put(self.object(uri)?, body, when)
    }

    fn remove(&self, uri: &str) -> Result<()> {
        let object = self.object(uri)?;
        wait(async move {
            match repeated(&object.uri, &object.limits, || object.bucket.objects.delete(&object.key)).await {
                Err(e) if e.kind() != ErrorKind::NotFound => Err(e),
                _ => Ok(()),
            }
        })
    }
}

impl Object {
    pub(crate) async fn stat(&self) -> Result<Stat> {
        repeated(&self.uri, &self.limits, || self.bucket.objects.head(&self.key)).await.map(|meta| stat(&meta))
    }

    async fn read(&self, range: Range<u64>, version: Option<&str>) -> Result<(Stat, Vec<u8>)> {
        let ask = || async {
            let options = GetOptions {
                range: Some(GetRange::Bounded(range.clone())),
                // What is no entity tag is compared below.
                if_match: version.filter(|v| !v.starts_with(TIME)).map(str::to_owned),
                ..GetOptions::default()
            };
            let answer = self.bucket.objects.get_opts(&self.key, options).await?;
            let stat = stat(&answer.meta);
            Ok((stat, answer.bytes().await?.to_vec()))
        };
        let (stat, bytes) = match repeated(&self.uri, &self.limits, ask).await {
            Ok(answer) => answer,
            // Nothing of an object lies behind its end, and nothing of an empty one anywhere.
            Err(e) if status(e.detail()) == Some(416) => (self.stat().await?, Vec::new()),
            Err(e) => return Err(e),
        };
        if version.is_some_and(|v| v != stat.version) {
            return Err(Error::new(ErrorKind::BadMedia, "the object changed while it was read").path(&self.uri));
        }
        Ok((stat, bytes))
    }
}

/// Begins a version where the service gives no entity tag.
const TIME: &str = "changed ";

fn stat(meta: &ObjectMeta) -> Stat {
    let version = meta.e_tag.clone().unwrap_or_else(|| format!("{TIME}{}", meta.last_modified.to_rfc3339()));
    Stat { bytes: meta.size, version }
}
