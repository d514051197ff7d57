//! Buckets, each with clients of its own.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
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
    /// For what is read, looked at and removed.
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) pages: Arc<dyn PaginatedListStore>,
    /// For what is answered after a body is up, or bytes were copied.
    pub(crate) puts: Arc<dyn ObjectStore>,
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
        // All clients of a bucket have the credentials of the first, so that they are asked for once, and by nobody
        // with a header of its own.
        match scheme {
            "s3" | "s3a" => {
                let client = |options| s3(vars, options).with_url(uri).with_retry(retries(limits));
                let reads = Arc::new(client(short(limits)).build().map_err(cannot)?);
                let client = |options| client(options).with_credentials(Arc::clone(reads.credentials()));
                let puts = Arc::new(client(long(limits)).build().map_err(cannot)?);
                // A condition on the last request of an upload (S3 API, CompleteMultipartUpload, If-None-Match) is
                // more than the client has a word for. A header that is not signed may be added to any request.
                let mut absent = HeaderMap::new();
                absent.insert("if-none-match", HeaderValue::from_static("*"));
                let last = client(long(limits).with_default_headers(absent)).build().map_err(cannot)?;
                Ok(Self {
                    objects: reads.clone(),
                    pages: reads,
                    puts: puts.clone(),
                    parts: puts,
                    last: Some(Arc::new(last)),
                })
            }
            "gs" => {
                let client = |options| google(vars, options).with_url(uri).with_retry(retries(limits));
                let reads = Arc::new(client(short(limits)).build().map_err(cannot)?);
                let puts = client(long(limits)).with_credentials(Arc::clone(reads.credentials()));
                let puts = Arc::new(puts.build().map_err(cannot)?);
                Ok(Self { objects: reads.clone(), pages: reads, puts: puts.clone(), parts: puts, last: None })
            }
            _ => {
                let client = |options| azure(vars, options).with_url(uri).with_retry(retries(limits));
                let reads = Arc::new(client(short(limits)).build().map_err(cannot)?);
                let puts = client(long(limits)).with_credentials(Arc::clone(reads.credentials()));
                let puts = Arc::new(puts.build().map_err(cannot)?);
                Ok(Self { objects: reads.clone(), pages: reads, puts: puts.clone(), parts: puts, last: None })
            }
        }
    }
}

/// Whether the variable `name` is for the clients: those that `from_env` of their crate reads. Not `SERVICE_ACCOUNT`,
/// which Google's tools do not know, and which in pods is the name of an account where a path is expected.
pub(crate) fn is_read(name: &str) -> bool {
    ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|p| name.starts_with(p)) || name == IDENTITY_ENDPOINT
}

/// Where App Service, Functions and Container Apps of Azure give tokens. The client reads `IDENTITY_HEADER`, which
/// belongs to it, itself.
const IDENTITY_ENDPOINT: &str = "IDENTITY_ENDPOINT";

fn s3(vars: &[(String, String)], options: ClientOptions) -> AmazonS3Builder {
    let mut builder = AmazonS3Builder::new().with_client_options(options);
    for (key, value) in keys::<AmazonS3ConfigKey>(vars, "aws_") {
        builder = builder.with_config(key, value);
    }
    // Who writes `http://` means it.
    let endpoint = [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint];
    let endpoint = endpoint.iter().find_map(|key| builder.get_config_value(key));
    let plain = endpoint.is_some_and(|e| e.starts_with("http://"));
    if plain { builder.with_allow_http(true) } else { builder }
}

fn google(vars: &[(String, String)], options: ClientOptions) -> GoogleCloudStorageBuilder {
    // As the builder has it: an endpoint is https unless it is said otherwise.
    let mut builder = GoogleCloudStorageBuilder::new().with_client_options(options.with_allow_http(true));
    for (key, value) in keys::<GoogleConfigKey>(vars, "google_") {
        builder = builder.with_config(key, value);
    }
    builder
}

fn azure(vars: &[(String, String)], options: ClientOptions) -> MicrosoftAzureBuilder {
    let mut builder = MicrosoftAzureBuilder::new().with_client_options(options);
    for (key, value) in keys::<AzureConfigKey>(vars, "azure_") {
        builder = builder.with_config(key, value);
    }
    if let Some((_, endpoint)) = vars.iter().find(|(k, _)| k == IDENTITY_ENDPOINT) {
        builder = builder.with_msi_endpoint(endpoint);
    }
    let endpoint = builder.get_config_value(&AzureConfigKey::Endpoint);
    let plain = endpoint.is_some_and(|e| e.starts_with("http://"));
    if plain { builder.with_allow_http(true) } else { builder }
}

/// What `vars` say of a client whose variables begin with `prefix`.
fn keys<'a, K: std::str::FromStr>(
    vars: &'a [(String, String)],
    prefix: &'a str,
) -> impl Iterator<Item = (K, &'a str)> + 'a {
    vars.iter().filter_map(move |(key, value)| {
        let key = key.to_ascii_lowercase();
        let key = key.starts_with(prefix).then(|| key.parse().ok()).flatten()?;
        Some((key, value.as_str()))
    })
}

/// The client repeats what was never received and what was answered with a server's trouble, soon and not for long;
/// what lasts is repeated here (`error::repeated`).
fn retries(limits: &Limits) -> RetryConfig {
    RetryConfig { max_retries: 2, retry_timeout: limits.total.min(Duration::from_secs(30)), ..RetryConfig::default() }
}

/// For requests that are answered at once.
fn short(limits: &Limits) -> ClientOptions {
    long(limits).with_read_timeout(limits.idle)
}

/// For requests with a body: time for the answer runs from their first byte, and they are answered after the last.
fn long(limits: &Limits) -> ClientOptions {
    ClientOptions::new()
        .with_connect_timeout(limits.idle.min(Duration::from_secs(10)))
        .with_read_timeout(limits.total)
        .with_timeout(limits.total)
}

#[cfg(test)]
mod tests {
    use object_store::ClientConfigKey;

    use super::*;

    fn vars(vars: &[(&str, &str)]) -> Vec<(String, String)> {
        vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn the_endpoint_of_a_managed_identity_reaches_the_client() {
        assert!(is_read("IDENTITY_ENDPOINT") && !is_read("HOME"));
        let vars = vars(&[("IDENTITY_ENDPOINT", "http://127.0.0.1:41/token"), ("AZURE_MSI_ENDPOINT", "http://other")]);
        let builder = azure(&vars, short(&Limits::default()));
        let endpoint = builder.get_config_value(&AzureConfigKey::MsiEndpoint);
        assert_eq!(endpoint.as_deref(), Some("http://127.0.0.1:41/token"), "it counts more, as in `from_env`");
    }

    #[test]
    fn what_the_environment_says_of_clients_holds_for_all_clouds() {
        let proxied = vars(&[
            ("AWS_PROXY_URL", "http://p"),
            ("GOOGLE_PROXY_URL", "http://p"),
            ("AZURE_PROXY_URL", "http://p"),
            ("AZURE_ENDPOINT", "http://127.0.0.1:10000/a"),
            ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000"),
        ]);
        let (limits, proxy, http) = (Limits::default(), ClientConfigKey::ProxyUrl, ClientConfigKey::AllowHttp);
        for options in [short(&limits), long(&limits)] {
            let s3 = s3(&proxied, options.clone());
            let google = google(&proxied, options.clone());
            let azure = azure(&proxied, options);
            assert_eq!(s3.get_config_value(&AmazonS3ConfigKey::Client(proxy)).as_deref(), Some("http://p"));
            assert_eq!(google.get_config_value(&GoogleConfigKey::Client(proxy)).as_deref(), Some("http://p"));
            assert_eq!(azure.get_config_value(&AzureConfigKey::Client(proxy)).as_deref(), Some("http://p"));
            assert_eq!(s3.get_config_value(&AmazonS3ConfigKey::Client(http)).as_deref(), Some("true"));
            assert_eq!(azure.get_config_value(&AzureConfigKey::Client(http)).as_deref(), Some("true"));
        }
    }
}
