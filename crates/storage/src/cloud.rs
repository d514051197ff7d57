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
use crate::bucket::{Bucket, is_read};
use crate::error::{about, answered, repeated};
use crate::runtime::wait;
use crate::upload;

/// Objects of the clouds. Buckets are opened once each.
pub struct Cloud {
    vars: Vec<(String, String)>,
    /// Azure's account where a URI names none.
    account: String,
    limits: Limits,
    buckets: Mutex<BTreeMap<String, Bucket>>,
}

/// Shows which variables it was told, and none of the secrets in them.
impl std::fmt::Debug for Cloud {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.vars.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Cloud").field("vars", &names).field("limits", &self.limits).finish_non_exhaustive()
    }
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
        let vars: Vec<_> = vars.into_iter().filter(|(name, _)| is_read(name)).collect();
        let account = vars.iter().find(|(name, _)| name == "AZURE_STORAGE_ACCOUNT_NAME");
        let account = account.map(|(_, account)| account.to_ascii_lowercase()).unwrap_or_default();
        Self { vars, account, limits: Limits::default(), buckets: Mutex::default() }
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
        if key.starts_with('/') {
            // Some tools make such keys, and none of them lies in the folder that is meant.
            let text = format!("the key begins with a slash: write `{root}/{}`", key.trim_start_matches('/'));
            return Err(Error::new(ErrorKind::Invalid, text).path(uri).advice("write one slash after the bucket"));
        }
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
                let answer = repeated(&uri, &limits, ask).await.map_err(|e| odd_key(&uri, e))?;
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

    fn one_form(&self, uri: &str) -> String {
        let (scheme, rest) = uri.split_once("://").unwrap_or_default();
        match scheme.to_ascii_lowercase().as_str() {
            "s3" | "s3a" => format!("s3://{rest}"),
            "gs" => format!("gs://{rest}"),
            _ => {
                let (container, key) = rest.split_once('/').unwrap_or((rest, ""));
                // Names of containers and accounts are lower case.
                let container = container.to_ascii_lowercase();
                let (container, account) = match container.split_once('@') {
                    Some((container, host)) => (container, account_of(host)),
                    // It is the environment's.
                    None => (&*container, self.account.as_str()),
                };
                format!("az://{container}@{account}/{key}")
            }
        }
    }
}

/// The account of Azure whose `host` this is; other hosts stand for themselves.
fn account_of(host: &str) -> &str {
    let account = |end| host.strip_suffix(end);
    account(".dfs.core.windows.net").or_else(|| account(".blob.core.windows.net")).unwrap_or(host)
}

impl Object {
    pub(crate) async fn stat(&self) -> Result<Stat> {
        self.stat_of(&self.key).await
    }

    /// Of another object of the bucket.
    pub(crate) async fn stat_of(&self, key: &Path) -> Result<Stat> {
        repeated(&self.uri, &self.limits, || self.bucket.objects.head(key)).await.map(|meta| stat(&meta))
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
            Err(e) if answered(&e) == Some(416) => (self.stat().await?, Vec::new()),
            Err(e) => return Err(e),
        };
        if version.is_some_and(|v| v != stat.version) {
            return Err(Error::new(ErrorKind::BadMedia, "the object changed while it was read").path(&self.uri));
        }
        Ok((stat, bytes))
    }
}

/// A page of a listing is given whole or not at all, and one key that is no path spoils it.
fn odd_key(folder: &str, e: Error) -> Error {
    match std::error::Error::source(&e).and_then(|s| s.downcast_ref()) {
        Some(object_store::Error::InvalidPath { source }) => {
            let text = format!("an object in it has a key that cannot be the path of a file: {source}");
            Error::new(ErrorKind::Invalid, text)
                .doing("listing a folder")
                .path(folder)
                .advice("find it with the cloud's own tool (`aws s3api list-objects-v2`), and rename or remove it")
                .source(e)
        }
        _ => e,
    }
}

/// Begins a version where the service gives no entity tag.
const TIME: &str = "changed ";

fn stat(meta: &ObjectMeta) -> Stat {
    let version = meta.e_tag.clone().unwrap_or_else(|| format!("{TIME}{}", meta.last_modified.to_rfc3339()));
    Stat { bytes: meta.size, version }
}
