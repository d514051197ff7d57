//! Buckets, each with a client of its own.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::list::PaginatedListStore;
use object_store::multipart::MultipartStore;
use object_store::{ClientOptions, HeaderMap, HeaderValue, ObjectStore, RetryConfig};
use rushes_core::{Error, ErrorKind, Result};

use crate::Limits;

/// A bucket and how it is spoken to.
#[derive(Clone)]
pub(crate) struct Bucket {
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) pages: Arc<dyn PaginatedListStore>,
    pub(crate) parts: Arc<dyn MultipartStore>,
    /// The same for the last request of an upload that may not replace, where the protocol has a condition for it.
    pub(crate) last: Option<Arc<dyn MultipartStore>>,
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.objects)
    }
}

impl Bucket {
    /// The bucket that `uri` names: a scheme and what stands before the first slash. `vars` are those of an
    /// environment.
    ///
    /// # Errors
    /// When it cannot be spoken to, whatever its answer.
    pub(crate) fn open(uri: &str, scheme: &str, vars: &[(String, String)], limits: &Limits) -> Result<Self> {
        let cannot = |e: object_store::Error| {
            Error::new(ErrorKind::Invalid, e.to_string())
                .doing("opening a bucket")
                .path(uri)
                .advice("check the URI, and region, endpoint and credentials in the environment")
                .source(e)
        };
        match scheme {
            "s3" | "s3a" => {
                let plain = Arc::new(s3(uri, vars, limits, HeaderMap::new()).map_err(cannot)?);
                // A condition on the last request of an upload (S3 API, CompleteMultipartUpload, If-None-Match) is
                // more than the client has a word for. A header that is not signed may be added to any request.
                let mut absent = HeaderMap::new();
                absent.insert("if-none-match", HeaderValue::from_static("*"));
                let last = Arc::new(s3(uri, vars, limits, absent).map_err(cannot)?);
                Ok(Self { objects: plain.clone(), pages: plain.clone(), parts: plain, last: Some(last) })
            }
            "gs" => {
                let mut builder = GoogleCloudStorageBuilder::new();
                for (key, value) in vars {
                    let key = key.to_ascii_lowercase();
                    if let Some(key) = key.starts_with("google_").then(|| key.parse::<GoogleConfigKey>().ok()).flatten()
                    {
                        builder = builder.with_config(key, value);
                    }
                }
                let builder = builder.with_url(uri).with_retry(retries(limits));
                let store = Arc::new(builder.with_client_options(options(limits)).build().map_err(cannot)?);
                Ok(Self { objects: store.clone(), pages: store.clone(), parts: store, last: None })
            }
            _ => {
                let mut builder = MicrosoftAzureBuilder::new();
                for (key, value) in vars {
                    let key = key.to_ascii_lowercase();
                    if let Some(key) = key.starts_with("azure_").then(|| key.parse::<AzureConfigKey>().ok()).flatten() {
                        builder = builder.with_config(key, value);
                    }
                }
                let builder = builder.with_url(uri).with_retry(retries(limits));
                let store = Arc::new(builder.with_client_options(options(limits)).build().map_err(cannot)?);
                Ok(Self { objects: store.clone(), pages: store.clone(), parts: store, last: None })
            }
        }
    }
}

fn s3(
    uri: &str,
    vars: &[(String, String)],
    limits: &Limits,
    headers: HeaderMap,
) -> Result<AmazonS3, object_store::Error> {
    let mut builder = AmazonS3Builder::new()
        .with_client_options(options(limits).with_default_headers(headers))
        .with_retry(retries(limits));
    for (key, value) in vars {
        let key = key.to_ascii_lowercase();
        if let Some(key) = key.starts_with("aws_").then(|| key.parse::<AmazonS3ConfigKey>().ok()).flatten() {
            builder = builder.with_config(key, value);
        }
    }
    // Who writes `http://` means it.
    let endpoint = builder.get_config_value(&AmazonS3ConfigKey::Endpoint);
    if endpoint.is_some_and(|e| e.starts_with("http://")) {
        builder = builder.with_allow_http(true);
    }
    builder.with_url(uri).build()
}

/// The client repeats what was never received and what was answered with a server's trouble, soon and not for long;
/// what lasts is repeated here (`error::repeated`).
fn retries(limits: &Limits) -> RetryConfig {
    RetryConfig { max_retries: 2, retry_timeout: limits.total.min(Duration::from_secs(30)), ..RetryConfig::default() }
}

fn options(limits: &Limits) -> ClientOptions {
    ClientOptions::new()
        .with_connect_timeout(limits.idle.min(Duration::from_secs(10)))
        .with_read_timeout(limits.idle)
        .with_timeout(limits.total)
}
